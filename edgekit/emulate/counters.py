"""The counters of an emulated board: a file that the emulator writes and its parent reads, both by mapping it.

The layout is that of ``counters`` in csrc/count.h.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.emulate.cycles import CycleModel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgekit.emulate.symbols import Symbols

FLAG_ARM64, FLAG_STRICT, FLAG_FPU = 1, 2, 4
_MAGIC = 0x454B4331
_HEADER = struct.Struct("<4I2Q8I3Q")
_WINDOW = struct.Struct("<3Q")
_COUNTS = struct.Struct("<Q")
_WINDOWS_AT = _HEADER.size
_COUNTS_AT = _WINDOWS_AT + 4 * _WINDOW.size
_FLAGS_AT, _FAULT_AT, _IDLE_AT = 4, 56, 60
_OUTSIDE = 1
_FAULTS = {1: "misaligned", 2: "stack", 3: "fpu", 4: "gave up"}


@dataclass(frozen=True)
class Count:
    """Instructions executed, exact; cycles estimated, None where there is no model."""

    instructions: int
    cycles: int | None


@dataclass(frozen=True)
class Counts:
    """What ran since the counters were last reset.

    ``regions`` are the named functions with all they call that is in no other region; ``inside`` is everything between
    entry and return of the outermost calls of watched functions, ``calls`` of them; ``total`` includes the
    harness, which polls, so it alone is not the same on every run.
    """

    regions: dict[str, Count]
    inside: Count
    calls: int
    total: Count


@dataclass(frozen=True)
class Layout:
    """What to count: region names (layer functions), the functions that call them, memory and core facts.

    ``flash`` is (origin, size) of the memory the cycle model waits for; ``stack_limit`` 0 checks no stack.
    ``trap`` is the address of the function in which a firmware that gives up spins, 0 if there is none.
    """

    regions: tuple[str, ...]
    callers: tuple[str, ...]
    model: CycleModel | None
    flash: tuple[int, int] = (0, 0)
    stack_limit: int = 0
    trap: int = 0
    flags: int = 0


def create(path: Path, layout: Layout, symbols: Symbols) -> None:
    """Write a fresh file of counters for the code that ``symbols`` describes."""
    model = layout.model or CycleModel("none", branch_penalty=0)
    head = _HEADER.pack(
        *(_MAGIC, layout.flags, 1 + len(layout.regions), layout.stack_limit),
        *layout.flash,
        *(model.wait_states, model.instruction_lines, model.data_lines),
        *(model.instruction_line_bytes.bit_length() - 1, model.data_line_bytes.bit_length() - 1),
        *(model.branch_penalty, 0, 0),
        *(0, 0, layout.trap),
    )
    windows, owner = _owners(layout, symbols)
    counts = bytes(_COUNTS.size * (1 + 4 + 2 * (1 + len(layout.regions))))
    path.write_bytes(head + windows + counts + owner.tobytes())


def _owners(layout: Layout, symbols: Symbols) -> tuple[bytes, array[int]]:
    windows, first = b"", 0
    bases: list[tuple[int, int, int]] = []
    for start, end in symbols.code:
        windows += _WINDOW.pack(start, end - start, first)
        bases.append((start, end, first))
        first += (end - start) // 2
    owner = array("H", bytes(2 * first))
    number = dict.fromkeys(layout.callers, _OUTSIDE)
    number |= {name: _OUTSIDE + 1 + i for i, name in enumerate(layout.regions)}
    for function in symbols.named(number):
        for start, end, base in bases:
            low, high = max(start, function.start), min(end, function.end)
            for at in range(low, high, 2):
                owner[base + (at - start) // 2] = number[function.name]
    return windows.ljust(4 * _WINDOW.size, b"\0"), owner


class Counters:
    """A mapped file of counters."""

    def __init__(self, path: Path, regions: Sequence[str], scale: float | None) -> None:
        self._regions = tuple(regions)
        self._scale = scale
        self._last_read = 0
        self._words = 1 + 4 + 2 * (1 + len(self._regions))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def close(self) -> None:
        """Unmap the file; the counters cannot be read any more."""
        self._map.close()

    def address(self) -> ctypes.Array[ctypes.c_char]:
        """The mapped bytes as a ctypes buffer for native code; keep it alive as long as that runs."""
        return (ctypes.c_char * len(self._map)).from_buffer(self._map)

    def read(self) -> Counts:
        """All counters as they stand."""
        words = struct.unpack_from(f"<{self._words}Q", self._map, _COUNTS_AT)
        pairs = [self._count(*words[i : i + 2]) for i in range(1, self._words, 2)]
        return Counts(dict(zip(self._regions, pairs[3:], strict=True)), pairs[1], words[0], pairs[0])

    def _count(self, instructions: int, cycles: int) -> Count:
        return Count(instructions, None if self._scale is None else round(cycles * self._scale))

    def reset(self) -> None:
        """Set all counters to zero; do so while the board is idle."""
        size = _COUNTS.size * self._words
        self._map[_COUNTS_AT : _COUNTS_AT + size] = bytes(size)

    def elapsed(self) -> int:
        """Cycles since ``elapsed`` was last called, for a clock; instructions where no model counts cycles.

        Each span is rounded by itself, so that the same code takes the same time whenever it runs.
        """
        instructions, cycles = struct.unpack_from("<2Q", self._map, _COUNTS_AT + _COUNTS.size)
        now = cycles or instructions
        before, self._last_read = self._last_read, now
        return round((now - before if now >= before else now) * (self._scale or 1.0))

    def owner(self, pc: int) -> int:
        """Who owns the code at ``pc``: 0 nobody, 1 a caller of regions, 2 + i region i."""
        for start, size, first in _WINDOW.iter_unpack(self._map[_WINDOWS_AT:_COUNTS_AT]):
            if start <= pc < start + size:
                at = _COUNTS_AT + _COUNTS.size * self._words + 2 * (first + (pc - start) // 2)
                return struct.unpack_from("<H", self._map, at)[0]
        return 0

    def add_call(self) -> None:
        """Count an outermost call; as ``add_instructions`` for an emulator without the native hook."""
        self._add(0, 1)

    def add_instructions(self, number: int, region: int, *, inside: bool) -> None:
        """Count instructions to the total, a region (0: none) and perhaps the outermost call."""
        self._add(1, number)
        self._add(5 + 2 * region, number)
        if inside:
            self._add(3, number)

    def _add(self, word: int, number: int) -> None:
        at = _COUNTS_AT + _COUNTS.size * word
        _COUNTS.pack_into(self._map, at, _COUNTS.unpack_from(self._map, at)[0] + number)

    def set_flag(self, flag: int, *, on: bool) -> None:
        """Turn one of FLAG_* on or off."""
        (flags,) = struct.unpack_from("<I", self._map, _FLAGS_AT)
        struct.pack_into("<I", self._map, _FLAGS_AT, flags | flag if on else flags & ~flag)

    def set_idle(self, *, idle: bool) -> None:
        """Say that nothing comes or goes on the serial line, so that QEMU's plugin need not run at full speed."""
        struct.pack_into("<I", self._map, _IDLE_AT, idle)

    def restart(self) -> None:
        """Forget the fault and what the firmware turned on, as a reset does; counts stay."""
        self.set_flag(FLAG_FPU, on=False)
        struct.pack_into("<I", self._map, _FAULT_AT, 0)

    def fault(self) -> tuple[str, int, int] | None:
        """What native code stopped for: ("misaligned" | "stack" | "fpu" | "gave up", pc, address)."""
        kind, _, pc, address = struct.unpack_from("<2I2Q", self._map, _FAULT_AT)
        return (_FAULTS[kind], pc, address) if kind else None
