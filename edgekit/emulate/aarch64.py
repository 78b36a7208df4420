"""A static AArch64 Linux program in unicorn, for machines without qemu-aarch64: its standard streams are the link.

Only the system calls of firmware/port/linux are answered.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, cast

import unicorn
from elftools.elf.elffile import ELFFile
from unicorn import arm64_const as arm

from edgekit.emulate import engine, symbols
from edgekit.emulate.fault import Fault
from edgekit.emulate.hooks import Hooks, attach

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.board import Board
    from edgekit.emulate.counters import Counters
    from edgekit.emulate.line import Line

_ARGUMENTS = (arm.UC_ARM64_REG_X0, arm.UC_ARM64_REG_X1, arm.UC_ARM64_REG_X2)
_PAGE = 0x10000
_STACK_TOP, _STACK_BYTES = 0x7F_FF00_0000, 0x80_0000
_SUPERVISOR_CALL = 2
_NO_SUCH_CALL = -38 & 0xFFFF_FFFF_FFFF_FFFF
_READ, _WRITE, _PPOLL, _EXIT, _EXIT_GROUP, _CLOCK_GETTIME = 63, 64, 73, 93, 94, 113
_NANOSECONDS = 1_000_000_000
_FPU_ON = 3 << 20
_WRITES = (unicorn.UC_MEM_WRITE_UNMAPPED, unicorn.UC_MEM_WRITE_PROT)
_FETCHES = (unicorn.UC_MEM_FETCH_UNMAPPED, unicorn.UC_MEM_FETCH_PROT)
_EXCEPTIONS = {1: "an undefined instruction", 3: "a prefetch abort", 4: "a data abort", 7: "a breakpoint (brk)"}


class Machine:
    """One run of a program; ``run`` ends when it exits or faults."""

    def __init__(self, board: Board, program: Path, counters: Counters, line: Line, library: Path | None) -> None:
        self._line = line
        self._counters = counters
        self._clock_hz = board.target.clock_hz
        self._symbols = symbols.read(program)
        self._time = 0
        self._status: int | None = None
        self._fault: Fault | None = None
        self._uc: Any = engine.aarch64(board.target.core)
        self._entry = self._load(program)
        self._uc.reg_write(arm.UC_ARM64_REG_CPACR_EL1, _FPU_ON)
        engine.on_exception(self._uc, self._on_exception)
        engine.on_bad_access(self._uc, self._on_bad_access)
        self._hooks: Hooks = attach(self._uc, counters, library, is_arm64=True)

    def run(self) -> Fault | None:
        """Run from the entry point; None if the program ended with status 0, else why it stopped."""
        try:
            self._uc.emu_start(self._entry, 0)
        except engine.UcError as error:
            self._stop(f"unicorn stopped: {error}")
        finally:
            self._hooks.close()
        if self._fault is None and self._status:
            self._stop(f"the program ended with status {self._status}")
        return self._fault

    def _load(self, program: Path) -> int:
        with program.open("rb") as file:
            elf = ELFFile(file)
            loads = [s for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"]
            low = min(int(s["p_vaddr"]) for s in loads) & -_PAGE
            high = (max(int(s["p_vaddr"]) + int(s["p_memsz"]) for s in loads) + _PAGE - 1) & -_PAGE
            self._uc.mem_map(low, high - low)
            for segment in loads:
                self._uc.mem_write(int(segment["p_vaddr"]), segment.data())
            entry = int(elf["e_entry"])
        self._uc.mem_map(_STACK_TOP - _STACK_BYTES, _STACK_BYTES)
        arguments = struct.pack("<6Q", 0, 0, 0, 0, 0, 0)  # no arguments, environment or auxiliary vector
        self._uc.mem_write(_STACK_TOP - len(arguments), arguments)
        self._uc.reg_write(arm.UC_ARM64_REG_SP, _STACK_TOP - len(arguments))
        return entry

    def _stop(self, reason: str, access: str = "", address: int | None = None) -> None:
        if self._fault is None:
            pc: int = self._uc.reg_read(arm.UC_ARM64_REG_PC)
            self._fault = Fault(reason, pc, self._symbols.where(pc), access, address)
        self._uc.emu_stop()

    def _on_bad_access(self, kind: int, address: int) -> None:
        access = "write" if kind in _WRITES else "fetch" if kind in _FETCHES else "read"
        self._stop("an access outside the program's memory", access, address)

    def _on_exception(self, number: int) -> None:
        if number != _SUPERVISOR_CALL:
            self._stop(_EXCEPTIONS.get(number, f"exception {number}"))
            return
        call: int = self._uc.reg_read(arm.UC_ARM64_REG_X8)
        arguments = cast("list[int]", [self._uc.reg_read(r) for r in _ARGUMENTS])
        self._uc.reg_write(arm.UC_ARM64_REG_X0, self._system_call(call, *arguments))

    def _system_call(self, call: int, a: int, b: int, c: int) -> int:
        if call == _WRITE and a == 1:
            for byte in self._uc.mem_read(b, c):
                self._line.put(byte)
            return c
        if call == _READ and a == 0:
            return self._read(b, c)
        if call == _PPOLL:
            return int(self._line.ready())
        if call == _CLOCK_GETTIME:
            self._time += self._counters.elapsed()
            now = self._time * _NANOSECONDS // self._clock_hz
            self._uc.mem_write(b, struct.pack("<2Q", *divmod(now, _NANOSECONDS)))
            return 0
        if call in (_EXIT, _EXIT_GROUP):
            self._status = a
            self._uc.emu_stop()
            return 0
        return _NO_SUCH_CALL

    def _read(self, address: int, size: int) -> int:
        while not self._line.ready():
            pass  # each look waits a while
        data = bytearray()
        while len(data) < size and self._line.pending():
            data.append(self._line.take())
        self._uc.mem_write(address, bytes(data))
        return len(data)
