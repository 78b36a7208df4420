"""Register blocks of the emulated boards: each a small class, only what the firmware's ports touch.

firmware/port/README.md lists those registers; the manuals are the vendors' reference manuals it names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgekit.emulate.line import Line


class Follow(NamedTuple):
    """A status flag that follows a control bit: (control & mask) << shift shows in the status register."""

    status: int
    control: int
    mask: int
    shift: int


class UartShape(NamedTuple):
    """A UART by its registers' offsets: ``status`` reads ``ready`` while a byte waits and ``idle`` otherwise.

    ``done`` always reads 1: the transmitter is never full.
    """

    status: int
    idle: int
    ready: int
    receive: int
    send: int
    done: int | None = None

    def moved(self, by: int) -> UartShape:
        """The same shape with offsets from a place ``by`` bytes before the block."""
        status, receive, send = self.status + by, self.receive + by, self.send + by
        return UartShape(status, self.idle, self.ready, receive, send, None if self.done is None else self.done + by)


class Block:
    """Registers that keep what is written to them; subclasses make some of them act.

    ``fixed`` bits always read as one, ``reset`` values hold before the first write.
    """

    def __init__(
        self,
        base: int,
        size: int = 0x400,
        follow: tuple[Follow, ...] = (),
        fixed: dict[int, int] | None = None,
        reset: dict[int, int] | None = None,
    ) -> None:
        self.base = base
        self.size = size
        self._values = dict(reset or {})
        self._follow = follow
        self._fixed = fixed or {}

    def read(self, offset: int) -> int:
        """Value of the register at a byte offset from the block's base."""
        value = self._values.get(offset, 0) | self._fixed.get(offset, 0)
        for flag in self._follow:
            if flag.status == offset:
                bits = self._values.get(flag.control, 0) & flag.mask
                value |= bits << flag.shift if flag.shift >= 0 else bits >> -flag.shift
        return value

    def write(self, offset: int, value: int) -> None:
        """Write the register at a byte offset from the block's base."""
        self._values[offset] = value


class Pins(Block):
    """GPIO of which one pin, the trigger, is watched.

    ``rises`` and ``falls`` are (offset, mask): writing any bit of the mask there sets or clears the pin. A register
    that holds the levels themselves has the same offset for both, and the mask of the pin.
    """

    def __init__(
        self,
        base: int,
        rises: tuple[int, int],
        falls: tuple[int, int],
        on_level: Callable[[int], None],
        size: int = 0x400,
    ) -> None:
        super().__init__(base, size)
        self._rises = rises
        self._falls = falls
        self._on_level = on_level
        self._level = -1

    def write(self, offset: int, value: int) -> None:
        """Keep the value; tell of the pin if its level changes."""
        super().write(offset, value)
        level = self._level
        if self._rises == self._falls:
            level = int(value & self._rises[1] != 0) if offset == self._rises[0] else level
        elif offset == self._falls[0] and value & self._falls[1]:
            level = 0
        if self._rises != self._falls and offset == self._rises[0] and value & self._rises[1]:
            level = 1
        if level != self._level:
            self._level = level
            self._on_level(level)


class Uart(Block):
    """A UART, polled; its byte order, parity and speed settings are kept but mean nothing."""

    def __init__(self, base: int, size: int, line: Line, shape: UartShape) -> None:
        super().__init__(base, size)
        self._line = line
        self.shape = shape

    def read(self, offset: int) -> int:
        """Status, a received byte, or what was written."""
        if offset == self.shape.status:
            return self.shape.ready if self._line.ready() else self.shape.idle
        if offset == self.shape.receive:
            return self._line.take()
        return 1 if offset == self.shape.done else super().read(offset)

    def write(self, offset: int, value: int) -> None:
        """The data register sends a byte."""
        if offset == self.shape.send:
            self._line.put(value)
        else:
            super().write(offset, value)


def cmsdk_uart(base: int, line: Line) -> Uart:
    """UART of Arm's Cortex-M System Design Kit (DDI0479): STATE bit 1 a byte has come, bit 0 transmitter full."""
    return Uart(base, 0x400, line, UartShape(status=0x04, idle=0, ready=2, receive=0x00, send=0x00))


def stm32_old_usart(base: int, line: Line) -> Uart:
    """USART of the STM32F1, F2 and F4: SR with TXE, TC and RXNE, DR."""
    return Uart(base, 0x400, line, UartShape(status=0x00, idle=0xC0, ready=0xE0, receive=0x04, send=0x04))


def stm32_usart(base: int, line: Line) -> Uart:
    """USART and LPUART of the STM32F7, H7, L4 and U5: ISR with TXE, TC and RXNE, RDR, TDR."""
    return Uart(base, 0x400, line, UartShape(status=0x1C, idle=0xC0, ready=0xE0, receive=0x24, send=0x28))


def pl011(base: int, line: Line) -> Uart:
    """Arm PrimeCell UART (DDI0183): FR bit 4 the receive buffer is empty, DR."""
    return Uart(base, 0x1000, line, UartShape(status=0x18, idle=0x10, ready=0, receive=0x00, send=0x00))


def nordic_uart(base: int, line: Line) -> Uart:
    """UART of the nRF52: EVENTS_RXDRDY, EVENTS_TXDRDY, RXD, TXD."""
    shape = UartShape(status=0x108, idle=0, ready=1, receive=0x518, send=0x51C, done=0x11C)
    return Uart(base, 0x1000, line, shape)


class NordicClock(Block):
    """CLOCK of the nRF52: a task's event comes at once."""

    def write(self, offset: int, value: int) -> None:
        """TASKS_HFCLKSTART sets EVENTS_HFCLKSTARTED."""
        super().write(offset, value)
        if offset == 0:
            super().write(0x100, value)


class AtomicBlock(Block):
    """A block of the RP2040 or RP2350, with its aliases at +0x1000 xor, +0x2000 set, +0x3000 clear."""

    def __init__(self, base: int, follow: tuple[Follow, ...] = (), reset: dict[int, int] | None = None) -> None:
        super().__init__(base, 0x4000, follow, reset=reset)

    def read(self, offset: int) -> int:
        """The register, whichever alias."""
        return super().read(offset & 0xFFF)

    def write(self, offset: int, value: int) -> None:
        """Write, or set, clear or toggle bits."""
        alias, register = offset >> 12, offset & 0xFFF
        old = self._values.get(register, 0)
        super().write(register, (value, old ^ value, old | value, old & ~value)[alias])


class Resets(AtomicBlock):
    """RESETS of the RP2040 or RP2350: ``blocks`` are held in reset, and ready as soon as it is released."""

    _RESET_DONE = 8

    def __init__(self, base: int, blocks: int) -> None:
        super().__init__(base, reset={0: blocks})
        self._blocks = blocks

    def read(self, offset: int) -> int:
        """RESET_DONE is the complement of RESET."""
        return ~super().read(0) & self._blocks if offset == self._RESET_DONE else super().read(offset)


class Pll(AtomicBlock):
    """PLL_SYS of the RP2040 or RP2350: it locks once it and its oscillator are on and the multiplier is set."""

    _CS, _PWR, _FBDIV, _PRIM = 0x00, 0x04, 0x08, 0x0C
    _OFF, _LOCK = 0x21, 1 << 31

    def __init__(self, base: int) -> None:
        super().__init__(base, reset={self._CS: 1, self._PWR: 0x2D, self._PRIM: 0x7_7000})

    def read(self, offset: int) -> int:
        """CS shows the lock."""
        runs = not super().read(self._PWR) & self._OFF and super().read(self._FBDIV)
        return super().read(offset) | (self._LOCK if runs and offset == self._CS else 0)


class Clocks(AtomicBlock):
    """CLOCKS of the RP2040 or RP2350: SELECTED shows the source chosen as one bit."""

    def __init__(self, base: int) -> None:
        super().__init__(base, (Follow(0x38, 0x30, 3, 0), Follow(0x44, 0x3C, 1, 0)))

    def read(self, offset: int) -> int:
        """REF_SELECTED 0x38 and SYS_SELECTED 0x44 are one-hot."""
        return 1 << super().read(offset) if offset in (0x38, 0x44) else super().read(offset)


class Watchdog(AtomicBlock):
    """WATCHDOG of the RP2040 or RP2350: it can be told to reset the chip at once."""

    _CTRL, _TRIGGER = 0x00, 1 << 31

    def __init__(self, base: int, on_reset: Callable[[], None]) -> None:
        super().__init__(base)
        self._on_reset = on_reset

    def write(self, offset: int, value: int) -> None:
        """TRIGGER of CTRL resets."""
        super().write(offset, value)
        if self.read(self._CTRL) & self._TRIGGER:
            self._on_reset()


class Timer(Block):
    """A free-running counter that reads a clock: up, or down as the CMSDK timer does."""

    def __init__(self, base: int, size: int, register: int, clock: Callable[[], int], *, down: bool) -> None:
        super().__init__(base, size)
        self._register = register
        self._clock = clock
        self._down = down

    def read(self, offset: int) -> int:
        """The counter, modulo 2^32."""
        if offset != self._register:
            return super().read(offset)
        ticks = self._clock()
        return (-1 - ticks if self._down else ticks) & 0xFFFF_FFFF


class CycleCounter(Block):
    """DWT of Armv7-M and Armv8-M: CYCCNT counts the model's cycles."""

    _CYCCNT = 4

    def __init__(self, clock: Callable[[], int]) -> None:
        super().__init__(0xE000_1000, 0x1000)
        self._clock = clock
        self._zero = 0

    def read(self, offset: int) -> int:
        """CYCCNT, if it was enabled."""
        if offset == self._CYCCNT:
            return (self._clock() - self._zero) & 0xFFFF_FFFF if self._values.get(0, 0) & 1 else 0
        return super().read(offset)

    def write(self, offset: int, value: int) -> None:
        """CYCCNT can be set."""
        if offset == self._CYCCNT:
            self._zero = self._clock() - value
        else:
            super().write(offset, value)


class SystemControl(Block):
    """System control space of every Cortex-M (DDI0403, DDI0553): SysTick, reset, FPU and debug enable."""

    _SYST_CSR, _SYST_RVR, _SYST_CVR = 0x010, 0x014, 0x018
    _AIRCR, _CCSIDR, _CPACR = 0xD0C, 0xD80, 0xD88
    _RESET_KEY, _RESET_MASK = 0x05FA_0004, 0xFFFF_0004
    _FULL_ACCESS = 0xF0_0000

    def __init__(
        self,
        clock: Callable[[], int],
        on_reset: Callable[[], None],
        on_fpu: Callable[[bool], None],
    ) -> None:
        # the cache of the Cortex-M7: 4 ways and 128 sets of 32 bytes
        super().__init__(0xE000_E000, 0x1000, reset={self._CCSIDR: (127 << 13) | (3 << 3) | 1})
        self._clock = clock
        self._on_reset = on_reset
        self._on_fpu = on_fpu
        self._started = 0
        self._last_wrap = 0

    def read(self, offset: int) -> int:
        """SysTick counts the model's cycles down; the rest reads back."""
        reload = (self._values.get(self._SYST_RVR, 0) & 0xFF_FFFF) + 1
        ticks = self._clock() - self._started
        if offset == self._SYST_CVR:
            return reload - 1 - ticks % reload
        if offset == self._SYST_CSR:
            wrapped = ticks // reload != self._last_wrap
            self._last_wrap = ticks // reload
            return super().read(offset) & 0xFFFF | (0x1_0000 if wrapped else 0)
        return super().read(offset)

    def write(self, offset: int, value: int) -> None:
        """AIRCR can ask for a reset; CPACR turns the FPU on; CVR restarts SysTick."""
        super().write(offset, value)
        if offset == self._SYST_CVR:
            self._started, self._last_wrap = self._clock(), 0
        elif offset == self._AIRCR and value & self._RESET_MASK == self._RESET_KEY:
            self._on_reset()
        elif offset == self._CPACR:
            self._on_fpu(value & self._FULL_ACCESS == self._FULL_ACCESS)
