"""What edgekit reads out of an ELF image, as plain data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from edgekit.errors import BuildError, Problem


@dataclass(frozen=True)
class Symbol:
    """A function or object with a size in bytes; a Thumb function's address has its lowest bit set."""

    name: str
    address: int
    size: int
    section: str
    function: bool


@dataclass(frozen=True)
class Section:
    """A part of an image; ``loaded`` if its bytes are in the file, ``in_ram`` if it occupies RAM."""

    name: str
    address: int
    size: int
    loaded: bool
    in_ram: bool


@dataclass(frozen=True)
class Segment:
    """Bytes at a load address."""

    address: int
    data: bytes


@dataclass(frozen=True)
class Image:
    """A linked image. ``addresses`` has every symbol, also those of the linker script that have no size.

    ``mapping`` are Arm's mapping symbols in order of address: from there on ``$t`` Thumb code, ``$d`` data.
    """

    path: Path
    entry: int
    sections: tuple[Section, ...]
    segments: tuple[Segment, ...]
    symbols: tuple[Symbol, ...]
    addresses: dict[str, int]
    mapping: tuple[tuple[int, str], ...]


def read(path: Path) -> Image:
    """Read an image's memory map: sections, what is loaded where (load addresses), symbols.

    Raises:
        BuildError: the file is missing or no ELF.
    """
    try:
        with path.open("rb") as file:
            elf: Any = ELFFile(file)
            sections = tuple(elf.iter_sections())
            names: list[str] = [str(section.name) for section in sections]
            table = elf.get_section_by_name(".symtab")
            entries: tuple[Any, ...] = tuple(table.iter_symbols()) if table is not None else ()
            return Image(
                path=path,
                entry=int(elf.header["e_entry"]),
                sections=tuple(_section(s) for s in sections if s["sh_flags"] & SH_FLAGS.SHF_ALLOC),
                segments=_segments(elf),
                symbols=tuple(_symbol(e, names) for e in entries if _is_sized(e)),
                addresses={str(e.name): int(e["st_value"]) for e in entries if e.name},
                mapping=tuple(sorted((int(e["st_value"]), str(e.name)[:2]) for e in entries if _is_mark(e))),
            )
    except (OSError, ELFError) as error:
        raise BuildError(Problem(f"cannot read the image: {error}", where=str(path))) from error


def _section(section: Any) -> Section:
    loaded = section["sh_type"] != "SHT_NOBITS"
    writable = bool(section["sh_flags"] & SH_FLAGS.SHF_WRITE)
    size = int(section["sh_size"])
    return Section(str(section.name), int(section["sh_addr"]), size, loaded, not loaded or (writable and size > 0))


def _segments(elf: Any) -> tuple[Segment, ...]:
    parts = [s for s in elf.iter_segments("PT_LOAD") if s["p_filesz"]]
    return tuple(sorted((Segment(int(s["p_paddr"]), bytes(s.data())) for s in parts), key=lambda part: part.address))


def _is_sized(entry: Any) -> bool:
    kind = entry["st_info"]["type"]
    return kind in ("STT_FUNC", "STT_OBJECT") and entry["st_size"] > 0 and isinstance(entry["st_shndx"], int)


def _is_mark(entry: Any) -> bool:
    return re.fullmatch(r"\$[atd](\..*)?", str(entry.name)) is not None


def _symbol(entry: Any, sections: list[str]) -> Symbol:
    function = entry["st_info"]["type"] == "STT_FUNC"
    section = sections[int(entry["st_shndx"])]
    return Symbol(str(entry.name), int(entry["st_value"]), int(entry["st_size"]), section, function)
