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
