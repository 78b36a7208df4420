"""An image as it is flashed: raw bytes from the first flash address on, or Intel HEX or UF2 with addresses inside."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from edgekit.errors import FitError, Problem, UserError

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.board import Board

_DATA, _END, _SEGMENT, _LINEAR = 0, 1, 2, 4
_UF2_BLOCK = 512
_UF2_MAGICS = (0x0A32_4655, 0x9E5D_5157, 0x0AB1_6F30)
_UF2_NOT_FLASH = 1
_UF2_ABSOLUTE = 0xE48B_FF57


def read(path: Path, origin: int) -> list[tuple[int, bytes]]:
    """The image's pieces as (address, bytes); a raw image is one, at ``origin``.

    Raises:
        UserError: the file cannot be read, is an ELF file, or is not Intel HEX though its name says so.

    """
    try:
        if path.suffix == ".hex":
            return _intel_hex(path.read_text(encoding="ascii"))
        if path.suffix == ".uf2":
            return _uf2(path.read_bytes())
        return [(origin, _raw(path.read_bytes()))]
    except (OSError, ValueError) as error:
        raise UserError(Problem(f"cannot read the image: {error}", where=str(path))) from error


def _raw(data: bytes) -> bytes:
    if data.startswith(b"\x7fELF"):
        message = "it is an ELF file; a board is flashed with the .bin or .hex made of it"
        raise ValueError(message)
    return data


def _intel_hex(text: str) -> list[tuple[int, bytes]]:
    pieces: list[tuple[int, bytearray]] = []
    upper = 0
    for number, line in enumerate(text.split(), 1):
        record = bytes.fromhex(line.removeprefix(":"))
        if not line.startswith(":") or sum(record) & 0xFF or len(record) != record[0] + 5:
            message = f"line {number} is damaged"
            raise ValueError(message)
        kind, data = record[3], record[4:-1]
        if kind == _DATA:
            address = upper + int.from_bytes(record[1:3], "big")
            if pieces and pieces[-1][0] + len(pieces[-1][1]) == address:
                pieces[-1][1].extend(data)
            else:
                pieces.append((address, bytearray(data)))
        elif kind in (_SEGMENT, _LINEAR):
            upper = int.from_bytes(data, "big") << (4 if kind == _SEGMENT else 16)
        elif kind == _END:
            return [(address, bytes(data)) for address, data in pieces]
    message = "it has no end record"
    raise ValueError(message)


class _Download(NamedTuple):
    """Blocks that belong together: how many there are to be, their family, and address and page by number."""

    total: int
    family: int
    pages: dict[int, tuple[int, bytes]]


def _uf2(data: bytes) -> list[tuple[int, bytes]]:
    """Pages as the boot ROM writes them; of the last download no block may be missing, whatever their order.

    Blocks of another number or family begin a download of their own: only one of the family "absolute" may be left
    unfinished, as erratum RP2350-E10 wants it.
    """
    downloads: list[_Download] = []
    for at in range(0, len(data), _UF2_BLOCK):
        block = data[at : at + _UF2_BLOCK]
        if (
            len(block) < _UF2_BLOCK
            or (*struct.unpack_from("<2I", block), *struct.unpack_from("<I", block, 508)) != _UF2_MAGICS
        ):
            message = f"UF2 block {at // _UF2_BLOCK} is damaged"
            raise ValueError(message)
        flags, address, size, number, count, family = struct.unpack_from("<6I", block, 8)
        if not flags & _UF2_NOT_FLASH:
            if not downloads or (downloads[-1].total, downloads[-1].family) != (count, family):
                downloads.append(_Download(count, family, {}))
            downloads[-1].pages[number] = (address, block[32 : 32 + size])
    if not downloads:
        message = "there is no UF2 block for flash in it"
        raise ValueError(message)
    for download in downloads:
        missing = download.total - len(download.pages)
        if missing and (download is downloads[-1] or download.family != _UF2_ABSOLUTE):
            message = f"{missing} of {download.total} UF2 blocks of family {download.family:#x} are missing"
            raise ValueError(message)
    pieces: list[tuple[int, bytearray]] = []
    written = {address: page for download in downloads for address, page in download.pages.values()}
    for address, piece in sorted(written.items()):
        if pieces and pieces[-1][0] + len(pieces[-1][1]) == address:
            pieces[-1][1].extend(piece)
        else:
            pieces.append((address, bytearray(piece)))
    return [(address, bytes(piece)) for address, piece in pieces]


def check(board: Board, pieces: list[tuple[int, bytes]]) -> None:
    """Do nothing if every piece lies in the board's flash; a raw image may reach over several banks.

    Raises:
        FitError: how many bytes lie outside.

    """
    for address, data in pieces:
        at = address
        for bank in sorted(board.target.banks("flash"), key=lambda b: b.origin):
            if bank.origin <= at < bank.end:
                at = bank.end
        if at < address + len(data):
            raise FitError(
                Problem(
                    "the image does not fit the board's flash",
                    where=board.name,
                    found=f"{address + len(data) - at} bytes from {at:#010x} on",
                )
            )
