"""UF2 as the public specification has it, written and read by modules that know nothing of each other."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.emulate import image
from edgekit.errors import UserError
from edgekit.toolchain import uf2
from edgekit.toolchain.elf import Segment

FAMILY = 0xE48B_FF56
FLASH = 0x1000_0000


def test_a_block_is_laid_out_byte_by_byte_as_specified():
    data = uf2.write([Segment(FLASH, b"abc")], FAMILY)
    assert len(data) == 16 * 512  # a sector of 4 KB in pages of 256 bytes
    head = struct.unpack_from("<8I", data)
    assert head == (0x0A324655, 0x9E5D5157, 0x2000, FLASH, 256, 0, 16, FAMILY)
    assert data[32:36] == b"abc\0"
    assert struct.unpack_from("<I", data, 508) == (0x0AB16F30,)
    numbers = [struct.unpack_from("<I", data, at + 20)[0] for at in range(0, len(data), 512)]
    assert numbers == list(range(16))


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.binary(min_size=1, max_size=700)), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_blocks_in_any_order_give_the_image_back(tmp_path_factory, parts, shuffle: random.Random):
    expected: dict[int, int] = {}
    kept = []
    for offset, data in parts:
        addresses = range(FLASH + offset, FLASH + offset + len(data))
        if not expected.keys() & set(addresses):
            expected.update(zip(addresses, data, strict=True))
            kept.append(Segment(FLASH + offset, data))
    whole = uf2.write(kept, FAMILY)
    blocks = [whole[at : at + 512] for at in range(0, len(whole), 512)]
    shuffle.shuffle(blocks)
    path = tmp_path_factory.mktemp("uf2") / "x.uf2"
    path.write_bytes(b"".join(blocks))
    got = {address + i: byte for address, piece in image.read(path, 0) for i, byte in enumerate(piece)}
    assert {a: got[a] for a in expected} == expected
    assert not any(byte for address, byte in got.items() if address not in expected)


def test_the_absolute_block_is_the_first_of_two_for_the_last_page_of_flash():
    """What erratum RP2350-E10 needs before the image, laid out as picotool does."""
    data = uf2.absolute_block(FLASH + 0x40_0000)
    head = struct.unpack_from("<8I", data)
    assert head == (0x0A324655, 0x9E5D5157, 0x2000, 0x103F_FF00, 256, 0, 2, 0xE48B_FF57)
    assert data[32:] == b"\xef" * 256 + bytes(220) + struct.pack("<I", 0x0AB16F30)


def pieces_of(path, *blocks):
    path.write_bytes(b"".join(blocks))
    return image.read(path, 0)


def test_an_image_after_an_absolute_block_is_read_with_it(tmp_path):
    absolute, whole = uf2.absolute_block(FLASH + 0x40_0000), uf2.write([Segment(FLASH, bytes(range(256)))], FAMILY)
    first, last = pieces_of(tmp_path / "x.uf2", absolute, whole)
    assert (first[0], len(first[1]), first[1][:256]) == (FLASH, 4096, bytes(range(256)))
    assert last == (0x103F_FF00, b"\xef" * 256)


def test_an_image_may_use_the_page_of_the_absolute_block(tmp_path):
    absolute = uf2.absolute_block(FLASH + 4096)
    whole = uf2.write([Segment(FLASH + 4000, b"mine")], FAMILY)
    ((at, data),) = pieces_of(tmp_path / "x.uf2", absolute, whole)
    assert (at, data[4000:4004]) == (FLASH, b"mine")
    assert 0xEF not in data


@pytest.mark.parametrize("order", ["last", "middle", "alone"])
def test_an_absolute_block_elsewhere_breaks_the_download(tmp_path, order):
    absolute, whole = uf2.absolute_block(FLASH + 0x40_0000), uf2.write([Segment(FLASH, bytes(300))], FAMILY)
    blocks = {"last": (whole, absolute), "middle": (whole[:512], absolute, whole[512:]), "alone": (absolute,)}
    with pytest.raises(UserError, match=r"UF2 blocks of family .* are missing"):
        pieces_of(tmp_path / "x.uf2", *blocks[order])


def test_a_file_without_a_block_for_flash_is_no_image(tmp_path):
    with pytest.raises(UserError, match="no UF2 block for flash"):
        pieces_of(tmp_path / "x.uf2")


@pytest.mark.parametrize("damage", ["cut", "magic", "missing", "family"])
def test_a_damaged_file_is_not_taken_for_an_image(tmp_path, damage):
    data = bytearray(uf2.write([Segment(FLASH, bytes(5000))], FAMILY))
    if damage == "cut":
        del data[-100:]
    elif damage == "magic":
        data[508] ^= 1
    elif damage == "missing":
        del data[512:1024]
    else:
        data[512 + 28] ^= 1
    path = tmp_path / "x.uf2"
    path.write_bytes(data)
    with pytest.raises(UserError, match="UF2"):
        image.read(path, 0)
