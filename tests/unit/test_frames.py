"""The frame codec: whatever is lost or garbled, a start byte begins a frame and nothing false comes through."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.device.frames import ESCAPE, REPLY_MAX, START, Frame, Reader, encode

BYTES = st.integers(0, 255)
FRAMES = st.builds(Frame, BYTES, BYTES, st.binary(max_size=300))
SPECIAL = st.lists(st.sampled_from([START, ESCAPE, ord("%"), 0x85, 0x05, 0xFB]), max_size=40).map(bytes)


@given(st.builds(Frame, BYTES, BYTES, st.one_of(SPECIAL, st.binary(max_size=300))))
def test_a_frame_comes_back_as_it_was_sent(frame):
    assert Reader().push(encode(frame)) == [frame]


@given(FRAMES)
def test_the_start_byte_occurs_once_and_the_command_end_never(frame):
    line = encode(frame)
    assert line[0] == START
    assert line.count(START) == 1
    assert ord("%") not in line


@given(st.lists(FRAMES, max_size=4), st.integers(1, 50))
def test_the_pieces_in_which_bytes_arrive_do_not_matter(frames, piece):
    line = b"".join(map(encode, frames))
    reader = Reader()
    found = [f for at in range(0, len(line), piece) for f in reader.push(line[at : at + piece])]
    assert found == frames
    assert reader.garbled == 0


@given(st.binary(max_size=200), FRAMES)
def test_a_frame_after_any_noise_is_found(noise, frame):
    assert Reader().push(noise + encode(frame))[-1] == frame


@given(FRAMES, st.data())
def test_a_frame_with_one_damaged_bit_is_never_taken(frame, data):
    line = bytearray(encode(frame))
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] ^= 1 << data.draw(st.integers(0, 7))
    assert Reader().push(bytes(line)) == []


@given(st.binary(max_size=2000))
def test_nothing_the_line_says_makes_the_reader_fail_or_grow(noise):
    reader = Reader()
    for frame in reader.push(noise):
        assert len(frame.payload) <= REPLY_MAX
    assert len(reader.text) <= 256


def test_text_between_frames_is_kept_apart():
    reader = Reader()
    frame = Frame(0x81, 7, b"\x25\xa5\xdb")
    assert reader.push(b"m-ready\r\n" + encode(frame) + b"m-ready\r\n") == [frame]
    assert bytes(reader.text) == b"m-ready\r\nm-ready\r\n"


@pytest.mark.parametrize("size", [REPLY_MAX + 1, 0xFFFF])
def test_a_size_above_the_limit_ends_the_frame(size):
    body = bytes([1, 2]) + size.to_bytes(2, "little")
    reader = Reader()
    assert reader.push(bytes([START]) + body) == []
    assert not reader.inside
    assert reader.garbled == 1


def test_the_layout_on_the_line_is_fixed():
    body = bytes([3, 9, 2, 0, 0xA5, 0x41])
    crc = zlib.crc32(body).to_bytes(4, "little")
    assert encode(Frame(3, 9, b"\xa5A")) == bytes([0xA5, 3, 9, 2, 0, 0xDB, 0x85, 0x41]) + crc
