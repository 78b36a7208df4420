"""UF2: an image as independent 512-byte blocks, which a boot loader takes in any order over a USB drive.

The format is Microsoft's public specification (github.com/microsoft/uf2).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from edgekit.toolchain.elf import Segment

BLOCK = 512
PAYLOAD = 256
"""Bytes of image in a block, at a multiple of as many: what the boot ROMs of RP2040 and RP2350 take."""
ABSOLUTE = 0xE48B_FF57
"""The family of what goes to its address whatever the partitions: RP2350 datasheet, 5.5.3."""

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


def absolute_block(flash_end: int) -> bytes:
    """A block for the last page of flash, as picotool puts it before the others: one of two, the other never comes.

    Erratum RP2350-E10: revision A2's boot ROM looks for partitions before it can read the flash, and takes no image
    if there are some. A block that asks for no partition has it set the flash up. The image may use that page all the
    same: its blocks come afterwards, as a download of their own, which erases anew.
    """
    return _block(0, 2, flash_end - PAYLOAD, b"\xef" * PAYLOAD, ABSOLUTE)


def _block(number: int, count: int, address: int, data: bytes, family: int) -> bytes:
    head = _HEADER.pack(_START, _SECOND, _FAMILY_PRESENT, address, len(data), number, count, family)
    return head + data.ljust(BLOCK - _HEADER.size - 4, b"\0") + struct.pack("<I", _END)
