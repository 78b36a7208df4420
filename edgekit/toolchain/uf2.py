"""UF2: an image as independent 512-byte blocks, which a boot loader takes in any order over a USB drive.

The format is Microsoft's public specification (github.com/microsoft/uf2).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from edgekit.toolchain.elf import Segment

BLOCK = 512
PAYLOAD = 256
"""Bytes of image in a block, at a multiple of as many: what the RP2040's boot ROM takes."""

_START, _SECOND, _END = 0x0A32_4655, 0x9E5D_5157, 0x0AB1_6F30
_FAMILY_PRESENT = 0x2000
_SECTOR = 4096
_HEADER = struct.Struct("<8I")


def write(parts: Iterable[Segment], family: int) -> bytes:
    """The blocks of an image for boot loaders of ``family``, in the order of addresses.

    Whole flash sectors of 4 KB are written, so that one is erased and filled once, whatever the blocks' order.
    """
    pages: dict[int, bytearray] = {}
    for part in parts:
        for at in range(part.address & -_SECTOR, part.address + len(part.data), PAYLOAD):
            pages.setdefault(at, bytearray(PAYLOAD))
        for offset, byte in enumerate(part.data):
            at = part.address + offset
            pages[at & -PAYLOAD][at % PAYLOAD] = byte
    for at in list(pages):
        for other in range(at & -_SECTOR, (at & -_SECTOR) + _SECTOR, PAYLOAD):
            pages.setdefault(other, bytearray(PAYLOAD))
    return b"".join(
        _block(number, len(pages), address, bytes(pages[address]), family)
        for number, address in enumerate(sorted(pages))
    )


def _block(number: int, count: int, address: int, data: bytes, family: int) -> bytes:
    head = _HEADER.pack(_START, _SECOND, _FAMILY_PRESENT, address, len(data), number, count, family)
    return head + data.ljust(BLOCK - _HEADER.size - 4, b"\0") + struct.pack("<I", _END)
