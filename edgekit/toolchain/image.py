"""ELF to what gets flashed: raw binary, Intel HEX and UF2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from edgekit.board import Board
from edgekit.toolchain import elf, uf2
from edgekit.toolchain.elf import Segment

_MAX_GAP = 4096
_LINE = 32


def write(path: Path) -> tuple[Path | None, Path]:
    """Write ``.bin`` and ``.hex`` beside a bare-metal ELF and return their paths.

    The binary is None (and not written) if there are gaps over 4 KB, as with weights in a bank of their own.
    """
    parts = elf.read(path).segments
    hexadecimal = path.with_suffix(".hex")
    hexadecimal.write_text("".join(f"{line}\n" for line in hex_lines(parts)), encoding="ascii")
    whole = _joined(parts)
    binary = path.with_suffix(".bin")
    if whole is None:
        binary.unlink(missing_ok=True)  # of an earlier build
        return None, hexadecimal
    binary.write_bytes(whole)
    return binary, hexadecimal


def write_uf2(path: Path, board: Board) -> Path | None:
    """Write ``.uf2`` beside an ELF for a board whose boot loader takes it; None for others."""
    if board.volume is None or board.volume.image != "uf2":
        return None
    result = path.with_suffix(".uf2")
    first = uf2.absolute_block(board.target.banks("flash")[0].end) if board.volume.uf2_absolute else b""
    result.write_bytes(first + uf2.write(elf.read(path).segments, board.volume.uf2_family))
    return result


def hex_lines(parts: Iterable[Segment]) -> Iterator[str]:
    """Segments as lines of Intel HEX with linear addresses; 32 bytes a line, none across a 64 KB border."""
    upper = -1
    for part in parts:
        position = 0
        while position < len(part.data):
            address = part.address + position
            if address >> 16 != upper:
                upper = address >> 16
                yield _record(0, 4, upper.to_bytes(2, "big"))
            size = min(_LINE, len(part.data) - position, 0x10000 - (address & 0xFFFF))
            yield _record(address & 0xFFFF, 0, part.data[position : position + size])
            position += size
    yield _record(0, 1, b"")


def _joined(parts: Iterable[Segment]) -> bytes | None:
    """Bytes from the first address on, gaps filled with zeros as objcopy does."""
    data = bytearray()
    start = None
    for part in parts:
        start = part.address if start is None else start
        gap = part.address - start - len(data)
        if gap > _MAX_GAP:
            return None
        data += bytes(gap) + part.data
    return bytes(data)


def _record(address: int, kind: int, data: bytes) -> str:
    body = bytes([len(data), address >> 8, address & 0xFF, kind]) + data
    return f":{(body + bytes([-sum(body) & 0xFF])).hex().upper()}"
