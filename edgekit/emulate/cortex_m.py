"""A Cortex-M board in unicorn: the board's memories, the registers its port touches, and nothing else.

The image's bytes run as they would be flashed. Whatever a real board would answer with a bus fault, and some
mistakes it would swallow, stop the board with a ``Fault``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import unicorn
from unicorn import arm_const as arm

from edgekit.emulate import bootrom, engine, peripherals
from edgekit.emulate.counters import FLAG_FPU, Counters
from edgekit.emulate.fast_uart import FastUart
from edgekit.emulate.fault import Fault
from edgekit.emulate.hooks import Hooks, attach
from edgekit.emulate.registers import Uart

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgekit.board import Board
    from edgekit.emulate.line import Line
    from edgekit.emulate.registers import Block
    from edgekit.emulate.symbols import Symbols

_PAGE = 0x1000
_NEVER = 0xFFFF_FFF0
_POWER_ON = b"\xa5"  # RAM holds no zeros after power on
_ACCESS = {
    unicorn.UC_MEM_READ_UNMAPPED: ("read", "an access to no memory of the board"),
    unicorn.UC_MEM_WRITE_UNMAPPED: ("write", "an access to no memory of the board"),
    unicorn.UC_MEM_FETCH_UNMAPPED: ("fetch", "a jump to no memory of the board"),
    unicorn.UC_MEM_READ_PROT: ("read", "a read of protected memory"),
    unicorn.UC_MEM_WRITE_PROT: ("write", "a write to flash"),
    unicorn.UC_MEM_FETCH_PROT: ("fetch", "a jump into protected memory"),
}
_EXCEPTIONS = {
    1: "an undefined instruction",
    2: "a supervisor call, which this firmware does not use",
    3: "a prefetch abort",
    4: "a data abort",
    7: "a breakpoint instruction",
    17: "an instruction of a coprocessor that is off",
    18: "a jump out of Thumb state",
}
_HOOK_FAULTS = {
    "misaligned": "a misaligned access, which this core forbids",
    "stack": "the stack runs over its limit",
    "fpu": "a floating-point instruction before the FPU is enabled",
}


@dataclass(frozen=True)
class Setup:
    """What a machine is made of; ``on_trigger`` is told the cycle and the level when the trigger pin changes."""

    board: Board
    image: list[tuple[int, bytes]]
    symbols: Symbols
    counters: Counters
    line: Line
    library: Path | None
    on_trigger: Callable[[int, int], None]


class Machine:
    """One power-on of a board; ``run`` ends when the board is reset or faults."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._fault: Fault | None = None
        self._reset = False
        self._time = 0
        self._fast_uarts: list[FastUart] = []
        self._uc: Any = engine.cortex_m(setup.board.target.core)
        self._map_memories()
        self._map_registers()
        engine.on_bad_access(self._uc, self._on_bad_access)
        engine.on_exception(self._uc, self._on_exception)
        for trap in setup.symbols.named(("ek_fault",)):
            engine.on_address(self._uc, trap.start, self._on_trap)
        self._hooks: Hooks = attach(self._uc, setup.counters, setup.library)

    def run(self) -> Fault | None:
        """Run from the boot ROM on; None if the firmware reset the board, else why it stopped."""
        try:
            stack, pc = bootrom.entry(self._setup.board, self._read)
        except bootrom.NotBootableError as error:
            self._hooks.close()
            return Fault(f"it does not start the image: {error}", 0, "the boot ROM")
        self._uc.reg_write(arm.UC_ARM_REG_SP, stack)
        try:
            while True:
                self._resume(pc)
                pc = self._uc.reg_read(arm.UC_ARM_REG_PC)
                if self._fault or self._reset:
                    return self._fault
                self._setup.line.ready()  # asleep in WFI: only a byte can come
        finally:
            for uart in self._fast_uarts:
                uart.flush()
            self._hooks.close()

    def _read(self, address: int, size: int) -> bytes:
        """Bytes of memory; what lies outside reads as erased flash."""
        try:
            return bytes(self._uc.mem_read(address, size))
        except engine.UcError:
            return b"\xff" * size

    def _resume(self, pc: int) -> None:
        try:
            self._uc.emu_start(pc | 1, _NEVER)
        except engine.UcError as error:
            if self._fault is None:
                undefined = error.errno == unicorn.UC_ERR_INSN_INVALID
                self._stop("an undefined instruction" if undefined else f"unicorn stopped: {error}")
        found = self._setup.counters.fault()
        if found is not None and self._fault is None:
            kind, at, address = found
            where = self._setup.symbols.where(at)
            self._fault = Fault(_HOOK_FAULTS[kind], at, where, "", None if kind == "fpu" else address)

    def _stop(self, reason: str, access: str = "", address: int | None = None) -> None:
        if self._fault is None:
            pc: int = self._uc.reg_read(arm.UC_ARM_REG_PC)
            self._fault = Fault(reason, pc, self._setup.symbols.where(pc), access, address)

    def _on_bad_access(self, kind: int, address: int) -> None:
        access, reason = _ACCESS[kind]
        self._stop(reason, access, address)

    def _on_exception(self, number: int) -> None:
        self._stop(_EXCEPTIONS.get(number, f"exception {number}"))
        self._uc.emu_stop()

    def _on_trap(self) -> None:
        link: int = self._uc.reg_read(arm.UC_ARM_REG_LR) & ~1
        self._stop(f"the firmware gave up (ek_fault, called from {self._setup.symbols.where(link)})")
        self._uc.emu_stop()

    def _map_memories(self) -> None:
        for bank in self._setup.board.target.memories:
            size = (bank.size + _PAGE - 1) & -_PAGE
            if bank.kind == "ram":
                self._uc.mem_map(bank.origin, size)
                self._uc.mem_write(bank.origin, _POWER_ON * size)
            else:
                self._uc.mem_map(bank.origin, size, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        for address, data in self._setup.image:
            self._uc.mem_write(address, data)

    def _map_registers(self) -> None:
        system = peripherals.System(
            line=self._setup.line,
            clock=self._now,
            clock_hz=self._setup.board.target.clock_hz,
            on_reset=self._on_reset,
            on_fpu=lambda on: self._setup.counters.set_flag(FLAG_FPU, on=on),
            on_trigger=lambda level: self._setup.on_trigger(self._now(), level),
        )
        pages: dict[int, list[Block]] = defaultdict(list)
        for block in peripherals.blocks(self._setup.board.port, self._setup.board.target.core, system):
            for page in range(block.base & -_PAGE, block.base + block.size, _PAGE):
                pages[page].append(block)
        for page, blocks in pages.items():
            self._map_page(page, blocks)

    def _map_page(self, page: int, blocks: list[Block]) -> None:
        def find(access: str, address: int) -> Block | None:
            for block in blocks:
                if block.base <= address < block.base + block.size:
                    return block
            self._stop("an access to a register that the emulated board does not have", access, address)
            self._uc.emu_stop()
            return None

        def read(offset: int) -> int:
            address = page + offset
            block = find("read", address)
            return block.read((address & ~3) - block.base) >> 8 * (address & 3) if block else 0

        def write(offset: int, value: int) -> None:
            address = page + offset
            if (block := find("write", address)) is not None:
                block.write((address & ~3) - block.base, value)

        uart = next((b for b in blocks if isinstance(b, Uart)), None)
        if uart is not None and self._setup.library is not None:
            fast = FastUart(self._setup.library, self._setup.line, uart.shape.moved(uart.base - page), read, write)
            fast.map(self._uc, page, _PAGE)
            self._fast_uarts.append(fast)
            return
        engine.map_registers(self._uc, page, _PAGE, read, write)

    def _now(self) -> int:
        self._hooks.timer_read()
        self._time += self._setup.counters.elapsed()
        return self._time

    def _on_reset(self) -> None:
        self._reset = True
        self._uc.emu_stop()
