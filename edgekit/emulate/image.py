"""An image as it is flashed: raw bytes from the first flash address on, or Intel HEX with addresses of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgekit.errors import FitError, Problem, UserError

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.board import Board

_DATA, _END, _SEGMENT, _LINEAR = 0, 1, 2, 4


def read(path: Path, origin: int) -> list[tuple[int, bytes]]:
    """The image's pieces as (address, bytes); a raw image is one, at ``origin``.

    Raises:
        UserError: the file cannot be read, is an ELF file, or is not Intel HEX though its name says so.

    """
    try:
        if path.suffix != ".hex":
            return [(origin, _raw(path.read_bytes()))]
        return _intel_hex(path.read_text(encoding="ascii"))
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
