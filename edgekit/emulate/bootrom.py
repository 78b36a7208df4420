"""What the boot ROM of a microcontroller asks of the image in its flash before it starts it, and where it starts.

The RP2040's copies the first 256 bytes, checks their CRC-32 and runs them (RP2040 datasheet, 2.8.1.3); the emulated one
checks them and goes where edgekit's second stage goes. The RP2350's looks in the first 4 KB for a loop of blocks that
has an IMAGE_DEF (RP2350 datasheet, 5.1.5, 5.2.7, 5.9; details as in its source, github.com/raspberrypi/
pico-bootrom-rp2350, varm_blocks.c and varm_launch_image.c). Emulated is a chip as it is sold: no secure boot, no
partitions. Every other board starts at its vector table.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from edgekit.board import Board

Read = Callable[[int, int], bytes]
"""Reads bytes of the board's memory: (address, size)."""

_STAGE = 256
_CRC_POLYNOMIAL = 0x04C1_1DB7

_WINDOW = 0x1000
_START, _END = 0xFFFF_DED3, 0xAB12_3579
_LAST = 0xFF
_MAX_BLOCK_WORDS, _MAX_IMAGE_WORDS = 0x280 // 4, 0x180 // 4
_IMAGE_TYPE, _PARTITION_TABLE = 0x42, 0x0A
_VECTOR_TABLE, _ENTRY_POINT = 0x03, 0x44
_REFUSED = {0x05: "ROLLING_WINDOW_DELTA", 0x06: "LOAD_MAP", 0x09: "HASH_VALUE"}
"""Items, without the bit that tells their size's width, that would change what is started: not emulated."""
_EXECUTABLE, _ARM, _RP2350, _SECURE_OR_UNSAID = 1, 0, 1, (2, 0)


class NotBootableError(Exception):
    """The boot ROM does not start this image; the text says why."""


@dataclass(frozen=True)
class Block:
    """A block of an RP2350's image: its address, and its items as words, the word LAST excluded."""

    address: int
    items: tuple[tuple[int, ...], ...]
    link: int

    def item(self, kind: int) -> tuple[int, ...] | None:
        """The last item of a kind, which is its first byte but for the width bit of its size."""
        return next((i for i in reversed(self.items) if i[0] & 0x7F == kind & 0x7F), None)


def entry(board: Board, read: Read) -> tuple[int, int]:
    """Stack pointer and address that the board starts with.

    Raises:
        NotBootableError: its boot ROM would not start what is in the flash.

    """
    origin = board.target.banks("flash")[0].origin
    if board.port == "rp2350":
        return _rp2350(origin, read)
    if board.port == "rp2040":
        _check_second_stage(read(origin, _STAGE))
    return _pair(read(origin + board.vector_offset, 8))


def blocks(origin: int, read: Read) -> tuple[Block, ...]:
    """The loop of blocks that begins in the first 4 KB from ``origin`` on, lowest address first.

    Raises:
        NotBootableError: there is none, or a block is malformed, or the loop does not close.

    """
    first = _first_block(origin, read)
    loop = [first]
    while loop[-1].link:
        here = loop[-1]
        at = here.address + here.link
        if at == first.address:
            return tuple(loop)
        if at < first.address or at in {b.address for b in loop}:
            message = f"the loop of blocks does not lead back to its first, at {first.address:#010x}"
            raise NotBootableError(message)
        found = _block(at, read) if at % 4 == 0 else None
        if found is None:
            message = f"the block at {here.address:#010x} links to {at:#010x}, where there is none"
            raise NotBootableError(message)
        loop.append(found)
    if len(loop) > 1:
        message = f"the block at {loop[-1].address:#010x} links to itself, not to the first"
        raise NotBootableError(message)
    return tuple(loop)


def _check_second_stage(stage: bytes) -> None:
    """Do nothing if the last word is the CRC-32 of the others: most significant bit first, not inverted."""
    crc = 0xFFFF_FFFF
    for byte in stage[:-4]:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (_CRC_POLYNOMIAL if crc >> 31 else 0)) & 0xFFFF_FFFF
    if int.from_bytes(stage[-4:], "little") != crc:
        message = f"the checksum of the second stage is {stage[-4:][::-1].hex()}, not {crc:08x}"
        raise NotBootableError(message)


def _rp2350(origin: int, read: Read) -> tuple[int, int]:
    loop = blocks(origin, read)
    if any(b.items[0][0] & 0x7F == _PARTITION_TABLE for b in loop):
        message = "it has a partition table, which the emulated boot ROM does not know"
        raise NotBootableError(message)
    images = [b for b in loop if b.items[0][0] & 0xFFFF == _IMAGE_TYPE | 1 << 8]
    if not images:
        message = "none of its blocks is an IMAGE_DEF"
        raise NotBootableError(message)
    image = images[-1]
    _check_image_type(image.items[0][0] >> 16)
    if sum(len(i) for i in image.items) > _MAX_IMAGE_WORDS:
        message = "its IMAGE_DEF is larger than 384 bytes"
        raise NotBootableError(message)
    for kind, name in _REFUSED.items():
        if image.item(kind):
            message = f"its IMAGE_DEF has a {name}, which the emulated boot ROM does not know"
            raise NotBootableError(message)
    if (start := _sized(image, _ENTRY_POINT, (3, 4))) is not None:
        return start[2], start[1]
    table = _sized(image, _VECTOR_TABLE, (2,))
    return _pair(read(table[1] if table else origin, 8))


def _check_image_type(flags: int) -> None:
    """Do nothing if the boot ROM starts images of this kind: RP2350 datasheet, 5.9.3.1."""
    found = (
        ("it is not executable", flags & 0xF != _EXECUTABLE),
        ("it is not for the RP2350", flags >> 12 & 7 != _RP2350),
        ("it is not for an Arm core", flags >> 8 & 7 != _ARM),
        ("it is not for Secure state", flags >> 4 & 3 not in _SECURE_OR_UNSAID),
        ("it is to be tried before it is bought", bool(flags >> 15)),
    )
    for message, holds in found:
        if holds:
            raise NotBootableError(message)


def _sized(block: Block, kind: int, words: tuple[int, ...]) -> tuple[int, ...] | None:
    found = block.item(kind)
    if found is not None and len(found) not in words:
        message = f"an item of kind {kind:#04x} of its IMAGE_DEF has {len(found)} words"
        raise NotBootableError(message)
    return found


def _first_block(origin: int, read: Read) -> Block:
    window = struct.unpack(f"<{_WINDOW // 4}I", read(origin, _WINDOW))
    for number, word in enumerate(window):
        if word == _START and (found := _block(origin + 4 * number, read)) is not None:
            if found.address + 4 * _words(found) <= origin + _WINDOW:
                return found
            message = f"the block at {found.address:#010x} reaches over the first 4 KB"
            raise NotBootableError(message)
    message = f"there is no block in the first 4 KB from {origin:#010x} on"
    raise NotBootableError(message)


def _words(block: Block) -> int:
    """Words from the start to the end marker."""
    return sum(len(i) for i in block.items) + 4


def _block(address: int, read: Read) -> Block | None:
    """The block at ``address``; None if it does not begin with the marker or no end of it is in reach."""
    words = struct.unpack(f"<{_MAX_BLOCK_WORDS}I", read(address, 4 * _MAX_BLOCK_WORDS))
    if words[0] != _START:
        return None
    items: list[tuple[int, ...]] = []
    at = 1
    while at < len(words) - 2:
        size = words[at] >> 8 & (0xFFFF if words[at] & 0x80 else 0xFF)
        if words[at] & 0xFF == _LAST:
            if size != at - 1 or not items or words[at + 2] != _END:
                raise NotBootableError(_malformed(address))
            link = words[at + 1] - (1 << 32 if words[at + 1] >> 31 else 0)
            return Block(address, tuple(items), link)
        if not size:
            raise NotBootableError(_malformed(address))
        items.append(words[at : at + size])
        at += size
    return None


def _malformed(address: int) -> str:
    return f"the block at {address:#010x} is malformed"


def _pair(data: bytes) -> tuple[int, int]:
    stack, pc = struct.unpack("<II", data)
    return stack, pc
