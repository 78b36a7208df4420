"""Emulated boot ROMs: what they start, and every damage for which the real ones start nothing.

RP2350: blocks and items as its datasheet has them in 5.1.5 and 5.9; RP2040: the checksum of 2.8.1.3.1.
"""

from __future__ import annotations

import dataclasses
import random
import struct

import pytest

from edgekit import board as boards
from edgekit.emulate import bootrom
from edgekit.emulate.bootrom import NotBootableError

PICO, PICO_2, L4R5 = (boards.load(n) for n in ("raspberry-pi-pico", "raspberry-pi-pico-2", "nucleo-l4r5zi"))
FLASH = 0x1000_0000
STACK, PC = 0x2000_1000, 0x1000_0101
EXE = 0x1021_0142
TABLE = struct.pack("<16I", STACK, *[PC] * 15)


def block(*items, link=0):
    """A block of items, each a list of words."""
    words = [word for item in items for word in item]
    return struct.pack(f"<{len(words) + 4}I", 0xFFFF_DED3, *words, 0xFF | len(words) << 8, link, 0xAB12_3579)


def entry(data, board=PICO_2):
    """Where the board starts, with ``data`` at the beginning of its flash and nothing behind."""

    def read(address, size):
        return data[address - FLASH :][:size].ljust(size, b"\xff")

    return bootrom.entry(board, read)


def refused(data, board=PICO_2):
    with pytest.raises(NotBootableError) as caught:
        entry(data, board)
    return str(caught.value)


IMAGE = TABLE + block([EXE])


def test_the_smallest_image_of_the_datasheet_starts_at_its_vector_table():
    """RP2350 datasheet, 5.9.5.1: these 20 bytes."""
    assert IMAGE[64:] == bytes.fromhex("d3deffff 42012110 ff010000 00000000 793512ab")
    assert entry(IMAGE) == (STACK, PC)


@pytest.mark.parametrize("bit", range(20 * 8))
def test_no_bit_of_the_smallest_block_may_flip(bit):
    """But for those that leave it an image for the RP2350's Arm core: security unsaid, reserved bits, padding."""
    data = bytearray(IMAGE)
    data[64 + bit // 8] ^= 1 << bit % 8
    unharmed = {32 + 16 + 5: "security unspecified", 32 + 16 + 6: "reserved", 32 + 16 + 7: "reserved"}
    unharmed |= {32 + 16 + 11: "reserved", **{64 + 24 + i: "padding" for i in range(8)}}
    if bit in unharmed:
        assert entry(bytes(data)) == (STACK, PC), unharmed[bit]
    else:
        assert refused(bytes(data))


@pytest.mark.parametrize("size", range(64, 84))
def test_a_block_that_was_cut_is_none(size):
    assert refused(IMAGE[:size])


def test_the_block_must_lie_in_the_first_four_kilobytes():
    last = 0x1000 - 20
    assert entry(TABLE.ljust(last, b"\0") + block([EXE])) == (STACK, PC)
    assert "reaches over" in refused(TABLE.ljust(last + 4, b"\0") + block([EXE]))
    assert "no block" in refused(TABLE.ljust(0x1000, b"\0") + block([EXE]))
    assert "no block" in refused(TABLE.ljust(66, b"\0") + block([EXE])), "blocks lie at words"


def test_random_bytes_are_no_image():
    dice = random.Random(1)  # noqa: S311 - reproducible, not secret
    assert all(refused(dice.randbytes(8192)) for _ in range(20))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (0x1020, "not executable"),
        (0x1022, "not executable"),
        (0x0021, "not for the RP2350"),
        (0x1121, "not for an Arm core"),
        (0x1011, "not for Secure"),
        (0x1031, "not for Secure"),
        (0x9021, "tried before"),
    ],
)
def test_an_image_of_another_kind_is_not_started(flags, words):
    assert words in refused(TABLE + block([flags << 16 | 0x0142]))


def test_a_vector_table_or_an_entry_point_may_be_named():
    elsewhere = (TABLE + block([EXE], [0x0203, FLASH + 0x200])).ljust(0x200, b"\0") + struct.pack("<2I", 1, 2)
    assert entry(elsewhere) == (1, 2)
    assert entry(TABLE + block([EXE], [0x0344, 7, 8])) == (8, 7)
    assert entry(TABLE + block([EXE], [0x0444, 7, 8, 9])) == (8, 7)
    assert "kind 0x44 of its IMAGE_DEF has 2 words" in refused(TABLE + block([EXE], [0x0244, 7]))
    assert "kind 0x03 of its IMAGE_DEF has 1 words" in refused(TABLE + block([EXE], [0x0103]))


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ([0x8000_0406, 0, 0, 0], "LOAD_MAP"),
        ([0x0205, 0x1000], "ROLLING_WINDOW_DELTA"),
        ([0x0209, 0], "HASH_VALUE"),
        ([0x0000], "malformed"),
        ([0x0048], "malformed"),
    ],
)
def test_what_would_change_the_start_is_refused_not_overlooked(item, words):
    assert words in refused(TABLE + block([EXE], item))


def test_a_version_and_kinds_yet_unknown_change_nothing():
    assert entry(TABLE + block([EXE], [0x0248, 0x0001_0002], [0x0177])) == (STACK, PC)


def test_a_block_of_another_kind_alone_is_no_image():
    assert "none of its blocks is an IMAGE_DEF" in refused(TABLE + block([0x0177]))
    assert "partition table" in refused(TABLE + block([0x020A, 0]))


def test_an_image_definition_has_384_bytes_at_most():
    fill = [0x5F77] + [0] * 94
    assert entry(TABLE + block([EXE], fill)) == (STACK, PC)
    assert "larger than 384" in refused(TABLE + block([EXE], [0x6077] + [0] * 95))
    assert "no block" in refused(TABLE + block([EXE], [0xF077] + [0] * 239)), "over 640 bytes it is no block at all"


def loop(first, second, gap=0x2000):
    """Two blocks that link by these distances."""
    head = (TABLE + block([EXE], link=first)).ljust(64 + gap, b"\0")
    return head + block([EXE], [0x0344, 7, 8], link=second)


def test_a_loop_of_blocks_is_followed_and_its_last_image_counts():
    assert entry(loop(0x2000, -0x2000 & 0xFFFF_FFFF)) == (8, 7)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (0x2000, 0, "links to itself"),
        (0x2000, 0x1000, "where there is none"),
        (0x1FF0, -0x2000 & 0xFFFF_FFFF, "where there is none"),
        (0x2002, -0x2000 & 0xFFFF_FFFF, "where there is none"),
        (0x2000, -0x2010 & 0xFFFF_FFFF, "does not lead back"),
        (-16 & 0xFFFF_FFFF, 0, "does not lead back"),
    ],
)
def test_a_loop_that_does_not_close_is_no_image(first, second, words):
    assert words in refused(loop(first, second))


def test_a_loop_that_runs_round_without_the_first_block_ends():
    second = block([EXE], link=0x100).ljust(0x100, b"\0")
    data = (
        (TABLE + block([EXE], link=0x100)).ljust(64 + 0x100, b"\0") + second + block([EXE], link=-0x100 & 0xFFFF_FFFF)
    )
    assert "does not lead back" in refused(data)


def stage(data):
    crc = 0xFFFF_FFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C1_1DB7 if crc >> 31 else 0)) & 0xFFFF_FFFF
    return data + crc.to_bytes(4, "little")


def test_the_rp2040_wants_the_checksum_of_its_second_stage():
    good = stage(bytes(range(252))) + TABLE
    assert entry(good, PICO) == (STACK, PC)
    for at in (0, 100, 251, 252, 255):
        damaged = bytearray(good)
        damaged[at] ^= 0x10
        assert "checksum" in refused(bytes(damaged), PICO)


def test_other_boards_start_at_their_vector_table_whatever_lies_elsewhere():
    assert bootrom.entry(L4R5, lambda at, size: TABLE[at - 0x0800_0000 :][:size]) == (STACK, PC)
    shifted = dataclasses.replace(L4R5, vector_offset=8)
    assert bootrom.entry(shifted, lambda at, size: TABLE[at - 0x0800_0000 :][:size]) == (PC, PC)
