"""Which register blocks each firmware port needs: the table of firmware/port/README.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.emulate.registers import (
    AtomicBlock,
    Block,
    Clocks,
    CycleCounter,
    Follow,
    NordicClock,
    Pins,
    Pll,
    Resets,
    SystemControl,
    Timer,
    Watchdog,
    cmsdk_uart,
    nordic_uart,
    pl011,
    stm32_old_usart,
    stm32_usart,
)
from edgekit.errors import BoardError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgekit.emulate.line import Line

_MEGAHERTZ = 1_000_000


@dataclass(frozen=True)
class System:
    """What the blocks act on.

    ``on_reset`` is called when the firmware resets the board, ``on_fpu`` when it turns the FPU on or off,
    ``on_trigger`` when the trigger pin's level changes.
    """

    line: Line
    clock: Callable[[], int]
    clock_hz: int
    on_reset: Callable[[], None]
    on_fpu: Callable[[bool], None]
    on_trigger: Callable[[int], None]


def blocks(port: str, core: str, system: System) -> tuple[Block, ...]:
    """All register blocks of a board.

    Raises:
        BoardError: the emulator does not know the port.

    """
    if port not in _PORTS:
        known = ", ".join(sorted(_PORTS))
        raise BoardError(Problem("unicorn cannot emulate this port", found=port, allowed=known))
    common: tuple[Block, ...] = (SystemControl(system.clock, system.on_reset, system.on_fpu),)
    if core != "cortex-m0plus":
        common += (CycleCounter(system.clock),)
    return (*common, *_PORTS[port](system))


def _mps2(system: System) -> tuple[Block, ...]:
    return _cmsdk(system, 0x4000_4000, 0x4000_0000, 0x4002_8000)


def _mps2_tz(system: System) -> tuple[Block, ...]:
    return _cmsdk(system, 0x5020_0000, 0x5000_0000, 0x5030_2000)


def _cmsdk(system: System, uart: int, timer: int, leds: int) -> tuple[Block, ...]:
    return (
        cmsdk_uart(uart, system.line),
        Timer(timer, 0x400, 4, system.clock, down=True),
        Pins(leds, (0, 1), (0, 1), system.on_trigger),
    )


def _stm32_gpio(system: System, base: int, pin: int) -> Pins:
    """GPIO of the STM32 families: BSRR sets with its low half and clears with its high half."""
    return Pins(base, (0x18, 1 << pin), (0x18, 1 << (pin + 16)), system.on_trigger)


def _stm32l4(system: System) -> tuple[Block, ...]:
    clock_flags = (Follow(0, 0, 1 << 0, 1), Follow(0, 0, 1 << 24, 1), Follow(8, 8, 3, 2))
    return (
        Block(0x4000_7000),
        Block(0x4002_1000, follow=clock_flags, reset={0: 0x61}),
        Block(0x4002_2000),
        _stm32_gpio(system, 0x4800_1400, 13),
        Block(0x4800_1800),
        stm32_usart(0x4000_8000, system.line),
    )


def _stm32f4(system: System) -> tuple[Block, ...]:
    return (*_f4_clocks(), _stm32_gpio(system, 0x4002_0000, 8), stm32_old_usart(0x4000_4400, system.line))


def _stm32f7(system: System) -> tuple[Block, ...]:
    gpio = (Block(0x4002_0C00), _stm32_gpio(system, 0x4002_1400, 13))
    return (*_f4_clocks(), *gpio, stm32_usart(0x4000_4800, system.line))


def _f4_clocks() -> tuple[Block, ...]:
    clock_flags = (Follow(0, 0, 1 << 0, 1), Follow(0, 0, 1 << 24, 1), Follow(8, 8, 3, 2))
    return (
        Block(0x4000_7000, follow=(Follow(4, 0, 3 << 16, 0),)),
        Block(0x4002_3800, follow=clock_flags, reset={0: 0x81}),
        Block(0x4002_3C00),
    )


def _stm32h7(system: System) -> tuple[Block, ...]:
    clock_flags = (Follow(0, 0, 1 << 0, 2), Follow(0, 0, 1 << 24, 1), Follow(0x10, 0x10, 7, 3))
    return (
        Block(0x5802_4800, fixed={0x18: 1 << 13, 0x04: 1 << 13}),
        Block(0x5800_0400),
        Block(0x5802_4400, follow=clock_flags, reset={0: 0x21}),
        Block(0x5200_2000),
        Block(0x5802_0C00),
        _stm32_gpio(system, 0x5802_1800, 12),
        stm32_usart(0x4000_4800, system.line),
    )


def _stm32u5(system: System) -> tuple[Block, ...]:
    ready = (Follow(0xC, 0xC, 1 << 18, -4), Follow(0xC, 0xC, 1 << 16, -1), Follow(0xC, 0xC, 1 << 17, -2))
    clock_flags = (Follow(0, 0, 1 << 0, 2), Follow(0, 0, 1 << 24, 1), Follow(0x1C, 0x1C, 3, 2))
    return (
        Block(0x4602_0800, follow=ready),
        Block(0x4602_0C00, follow=clock_flags, reset={0: 0x31}),
        Block(0x4002_2000),
        Block(0x4003_0400),
        Block(0x4202_0000),
        _stm32_gpio(system, 0x4202_1400, 13),
        stm32_usart(0x4001_3800, system.line),
    )


def _nrf52840(system: System) -> tuple[Block, ...]:
    return (
        NordicClock(0x4000_0000, 0x1000),
        nordic_uart(0x4000_2000, system.line),
        Block(0x4001_E000, 0x1000),
        Pins(0x5000_0000, (0x808, 1 << 8), (0x80C, 1 << 8), system.on_trigger, 0x1000),
    )


_CRYSTAL_STABLE = (Follow(0x04, 0x00, 1 << 21, 10),)
"""STATUS of XOSC, by a bit that only the code for "on" has: FABh, not D1Eh, in bits 23:12 of CTRL."""


def _rp2040(system: System) -> tuple[Block, ...]:
    def microseconds() -> int:
        return system.clock() * _MEGAHERTZ // system.clock_hz

    return (
        Resets(0x4000_C000, 0x1FF_FFFF),
        AtomicBlock(0x4002_4000, _CRYSTAL_STABLE),
        Pll(0x4002_8000),
        Clocks(0x4000_8000),
        AtomicBlock(0x4005_8000),
        Timer(0x4005_4000, 0x4000, 0x28, microseconds, down=False),
        AtomicBlock(0x4001_4000),
        Pins(0xD000_0000, (0x14, 1 << 2), (0x18, 1 << 2), system.on_trigger, 0x1000),
        Block(0x1800_0000, 0x1000),
        pl011(0x4003_4000, system.line),
    )


def _rp2350(system: System) -> tuple[Block, ...]:
    isolated = dict.fromkeys(range(0x04, 0xC4, 4), 0x116)  # GPIO0 to GPIO47
    return (
        Resets(0x4002_0000, 0x1FFF_FFFF),
        AtomicBlock(0x4004_8000, _CRYSTAL_STABLE),
        Pll(0x4005_0000),
        Clocks(0x4001_0000),
        AtomicBlock(0x4001_8000),
        Watchdog(0x400D_8000, system.on_reset),
        AtomicBlock(0x4002_8000),
        AtomicBlock(0x4003_8000, reset=isolated),
        Pins(0xD000_0000, (0x18, 1 << 2), (0x20, 1 << 2), system.on_trigger, 0x1000),
        pl011(0x4007_0000, system.line),
    )


_PORTS: dict[str, Callable[[System], tuple[Block, ...]]] = {
    "mps2": _mps2,
    "mps2_tz": _mps2_tz,
    "stm32l4": _stm32l4,
    "stm32f4": _stm32f4,
    "stm32f7": _stm32f7,
    "stm32h7": _stm32h7,
    "stm32u5": _stm32u5,
    "nrf52840": _nrf52840,
    "rp2040": _rp2040,
    "rp2350": _rp2350,
}
