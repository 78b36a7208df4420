"""What an emulator takes from the ELF file: names of functions, where code lies, and a few marks.

The bytes that run are always the image's; the ELF only says what they are called.
"""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from edgekit.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

WINDOWS = 4
"""Spans of code the counters can tell apart; see csrc/count.h."""


@dataclass(frozen=True)
class Function:
    """A function's name and the addresses [start, end) it takes."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class Symbols:
    """Functions sorted by address, spans (start, end) of executable code, and all other marks by name."""

    functions: tuple[Function, ...]
    code: tuple[tuple[int, int], ...]
    marks: dict[str, int]

    def where(self, address: int) -> str:
        """``function + 0x12`` of an address, or the bare address where no function lies."""
        at = bisect.bisect_right(self.functions, address, key=lambda f: f.start) - 1
        if at >= 0 and address < self.functions[at].end:
            found = self.functions[at]
            return f"{found.name} + {address - found.start:#x}"
        return f"{address:#010x}"

    def named(self, names: Iterable[str]) -> tuple[Function, ...]:
        """The functions that bear one of these names; those the linker dropped are absent."""
        wanted = frozenset(names)
        return tuple(f for f in self.functions if f.name in wanted)


def read(elf: Path) -> Symbols:
    """Symbols of an ELF file.

    Raises:
        UserError: the file cannot be read, is no ELF or was stripped.

    """
    try:
        with elf.open("rb") as file:
            image = ELFFile(file)
            thumb = image["e_machine"] == "EM_ARM"
            table = image.get_section_by_name(".symtab")
            if not isinstance(table, SymbolTableSection):
                raise UserError(Problem("the ELF file has no symbols", where=str(elf), hint="Do not strip it"))
            spans = [
                (int(s["sh_addr"]), int(s["sh_addr"]) + int(s["sh_size"]))
                for s in image.iter_sections()
                if s["sh_flags"] & SH_FLAGS.SHF_EXECINSTR and s["sh_size"]
            ]
            functions, marks = _symbols(table, 0xFFFF_FFFE if thumb else ~0)
    except (OSError, ELFError) as error:
        raise UserError(Problem(f"cannot read the ELF file: {error}", where=str(elf))) from error
    return Symbols(functions, _joined(spans), marks)


def _symbols(table: SymbolTableSection, mask: int) -> tuple[tuple[Function, ...], dict[str, int]]:
    starts: dict[tuple[int, str], int] = {}
    marks: dict[str, int] = {}
    for symbol in table.iter_symbols():
        value = int(symbol["st_value"])
        if symbol["st_shndx"] == "SHN_UNDEF" or not symbol.name:
            continue
        if symbol["st_info"]["type"] == "STT_FUNC":
            starts[value & mask, symbol.name] = int(symbol["st_size"])
        elif symbol["st_info"]["type"] in ("STT_NOTYPE", "STT_OBJECT") and not symbol.name.startswith("$"):
            marks[symbol.name] = value
    addresses = sorted({start for start, _ in starts})
    functions: list[Function] = []
    for (start, name), size in sorted(starts.items()):
        following = bisect.bisect_right(addresses, start)
        until = addresses[following] if following < len(addresses) else start + 2
        functions.append(Function(name, start, start + size if size else until))
    return tuple(functions), marks


def _joined(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """At most WINDOWS spans that cover these, joined where the gaps are smallest."""
    joined = sorted(spans)
    while len(joined) > WINDOWS or any(a[1] >= b[0] for a, b in itertools.pairwise(joined)):
        gaps = [(b[0] - a[1], i) for i, (a, b) in enumerate(itertools.pairwise(joined))]
        _, at = min(gaps)
        joined[at : at + 2] = [(joined[at][0], max(joined[at][1], joined[at + 1][1]))]
    return tuple((start & ~1, (end + 1) & ~1) for start, end in joined)
