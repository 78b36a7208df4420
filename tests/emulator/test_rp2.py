"""What the ports of the Picos leave in the registers, against what the datasheets of RP2040 and RP2350 want there.

The emulated blocks keep what is written; here the firmware runs until it first looks at the serial line.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import unicorn

from edgekit import board as boards
from edgekit.emulate import bootrom, engine, peripherals, symbols

CRYSTAL_HZ = 12_000_000
FLASH, RAM = 0x1000_0000, 0x2000_0000
PICO_2 = "raspberry-pi-pico-2"
IO_FUNCTION = {"uart": 2, "sio": 5}


@dataclass(frozen=True)
class Places:
    """Bases of a chip's blocks, its bits in RESETS of what the port uses, and the offset of GPIO_OE_SET."""

    resets: int
    used: int
    xosc: int
    pll: int
    clocks: int
    io: int
    uart: int
    sio: int
    oe_set: int
    pads: int | None = None


PLACES = {
    "raspberry-pi-pico": Places(
        resets=0x4000_C000, used=1 << 5 | 1 << 8 | 1 << 12 | 1 << 21 | 1 << 22, xosc=0x4002_4000, pll=0x4002_8000,
        clocks=0x4000_8000, io=0x4001_4000, uart=0x4003_4000, sio=0xD000_0000, oe_set=0x24,
    ),
    PICO_2: Places(
        resets=0x4002_0000, used=1 << 6 | 1 << 9 | 1 << 14 | 1 << 26, xosc=0x4004_8000, pll=0x4005_0000,
        clocks=0x4001_0000, io=0x4002_8000, uart=0x4007_0000, sio=0xD000_0000, oe_set=0x38, pads=0x4003_8000,
    ),
}  # fmt: skip


class Line:
    """A serial line on which nothing comes; ``asked`` is called when the firmware looks."""

    def __init__(self, asked):
        self.asked = asked

    def ready(self):
        self.asked()
        return False

    def put(self, value):
        """What the firmware says."""


class Chip:
    """A board's blocks in unicorn with its image in flash; ``order`` has every write as (address, value)."""

    def __init__(self, name, built):
        self.board, self.elf = boards.load(name), built.elf
        self.ticks = 0
        self.resets = 0
        self.order = []
        self.looked = 0
        line = Line(self._on_look)
        system = peripherals.System(line, self._clock, 1, self._on_reset, lambda _on: None, lambda _level: None)
        found = peripherals.blocks(self.board.port, self.board.target.core, system)
        self.blocks = {block.base: block for block in found}
        self.uc = engine.cortex_m(self.board.target.core)
        self.uc.mem_map(FLASH, 0x10_0000)
        self.uc.mem_map(RAM, 0x8_2000)
        self.uc.mem_write(FLASH, built.image.read_bytes())
        for block in found:
            self._map(block)

    def _clock(self):
        self.ticks += 1
        return self.ticks

    def _on_reset(self):
        self.resets += 1
        self.uc.emu_stop()

    def _on_look(self):
        self.looked += 1
        self.uc.emu_stop()

    def _map(self, block):
        def write(offset, value):
            self.order.append((block.base + offset, value))
            block.write(offset, value)

        engine.map_registers(self.uc, block.base, max(0x1000, block.size), block.read, write)

    def run(self):
        """From the boot ROM on until the firmware looks for a byte."""
        stack, pc = bootrom.entry(self.board, lambda at, size: bytes(self.uc.mem_read(at, size)))
        self.uc.reg_write(unicorn.arm_const.UC_ARM_REG_SP, stack)
        self.uc.emu_start(pc | 1, 0xFFFF_FFF0)
        assert (self.looked, self.resets) == (1, 0)

    def call(self, name):
        """A function that does not return."""
        (function,) = symbols.read(self.elf).named((name,))
        self.uc.emu_start(function.start | 1, 0xFFFF_FFF0)


@pytest.fixture(params=PLACES)
def chip(request, image):
    found = Chip(request.param, image(request.param))
    found.run()
    return found, PLACES[request.param]


def test_the_core_runs_at_the_board_files_clock_from_the_crystal(chip):
    found, at = chip
    pll, clocks = found.blocks[at.pll], found.blocks[at.clocks]
    divided = CRYSTAL_HZ // (pll.read(0) & 0x3F)
    vco = divided * pll.read(0x08)
    assert 750_000_000 <= vco <= 1_600_000_000, "the datasheets' range of the oscillator"
    first, second = pll.read(0x0C) >> 16 & 7, pll.read(0x0C) >> 12 & 7
    assert vco // (first * second) == found.board.target.clock_hz
    assert pll.read(0x04) & 0x29 == 0, "on, with oscillator and post dividers"
    assert (clocks.read(0x30) & 3, clocks.read(0x38)) == (2, 4), "CLK_REF from the crystal"
    assert (clocks.read(0x3C) & 0xE1, clocks.read(0x44)) == (1, 2), "CLK_SYS from PLL_SYS"
    assert clocks.read(0x48) & 0x8E0 == 0x800, "CLK_PERI on, from CLK_SYS"
    assert found.blocks[at.xosc].read(0) == 0xFA_BAA0


def test_the_pll_is_chosen_only_when_it_runs(chip):
    found, at = chip
    chosen = found.order.index((at.clocks + 0x3C, 1))
    powered = [i for i, (where, _) in enumerate(found.order) if where & ~0x3000 == at.pll + 4]
    assert max(powered) < chosen
    assert (at.clocks + 0x3C, 0) in found.order[max(powered) : chosen], "the source among the others first"


def test_dividers_that_a_boot_rom_may_leave_are_taken_out(image):
    """The RP2350's divides CLK_REF: datasheet, hardware revision history, A3; CLK_PERI has a divider only there."""
    found, at = Chip(PICO_2, image(PICO_2)), PLACES[PICO_2]
    for register in (0x34, 0x40, 0x4C):
        found.blocks[at.clocks].write(register, 5 << 16)
    found.run()
    assert [found.blocks[at.clocks].read(register) for register in (0x34, 0x40, 0x4C)] == [1 << 16] * 3


def test_what_the_port_uses_is_out_of_reset_and_nothing_else(chip):
    found, at = chip
    assert found.blocks[at.resets].read(8) == at.used


def test_the_serial_line_has_its_speed_within_half_a_percent(chip):
    found, at = chip
    uart = found.blocks[at.uart]
    baud = found.board.target.clock_hz / (16 * (uart.read(0x24) + uart.read(0x28) / 64))
    assert baud == pytest.approx(found.board.serial.baud, rel=0.005)
    assert (uart.read(0x2C), uart.read(0x30)) == (0x70, 0x301)


def test_the_pins_have_their_functions_and_the_trigger_is_an_output(chip):
    found, at = chip
    functions = [found.blocks[at.io].read(8 * pin + 4) & 0x1F for pin in range(3)]
    assert functions == [IO_FUNCTION["uart"], IO_FUNCTION["uart"], IO_FUNCTION["sio"]]
    assert found.blocks[at.sio].read(at.oe_set) == 1 << 2


def test_the_pads_of_a_pico_2_are_not_isolated_any_more(image):
    """RP2350 datasheet, 9.7, and erratum RP2350-E9: no pull-down on an input."""
    found, at = Chip(PICO_2, image(PICO_2)), PLACES[PICO_2]
    pads = found.blocks[at.pads]
    assert all(pads.read(4 * pin + 4) & 1 << 8 for pin in range(3)), "from reset on they are"
    found.run()
    isolated, off, enabled, up, down = (1 << bit for bit in (8, 7, 6, 3, 2))
    assert not any(pads.read(4 * pin + 4) & (isolated | off | down) for pin in range(3))
    assert pads.read(4 * 1 + 4) & (enabled | up) == enabled | up
    pads_at = [i for i, (where, _) in enumerate(found.order) if at.pads <= where < at.pads + 0x4000]
    pins_at = [i for i, (where, _) in enumerate(found.order) if at.io <= where < at.io + 0x4000]
    assert [a < b for a, b in zip(pins_at, pads_at, strict=True)] == [True] * 3, "a pin's function before its pad"


def test_a_reset_is_the_chips(chip):
    """RP2350: the watchdog's, of all but the oscillators, with no boot asked for elsewhere; RP2040: the core's."""
    found, _ = chip
    found.order.clear()
    found.call("ek_port_reset")
    assert found.resets == 1
    if found.board.name == PICO_2:
        assert found.order == [(0x4001_8008, 0x1FF_FFFF & ~0b1100), (0x400D_801C, 0), (0x400D_A000, 1 << 31)]
    else:
        assert found.order == [(0xE000_ED0C, 0x05FA_0004)]
