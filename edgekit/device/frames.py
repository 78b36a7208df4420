"""Binary frames beside the ASCII commands on one serial line; the device's twin is ``firmware/include/ek/frames.h``.

::

    START  type  sequence  size (u16)  payload[size]  crc (u32)       numbers little-endian

``crc`` is the CRC-32 of everything between START and itself. After START the bytes START, ``%`` and ESCAPE are
sent as ESCAPE, ``byte ^ FLIP``. So a START on the line always begins a frame and a ``%`` always ends a command,
whatever was lost or garbled before them: neither side needs a time-out to find its place again.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

START = 0xA5
ESCAPE = 0xDB
FLIP = 0x20
HEADER = struct.Struct("<BBH")
CRC = struct.Struct("<I")
REPLY_MAX = 4096
"""Payload bytes of the longest reply a device may send."""

_TEXT_KEPT = 256
_SPECIAL = (ESCAPE, START, ord("%"))


@dataclass(frozen=True)
class Frame:
    """A frame whose CRC is right."""

    kind: int
    sequence: int
    payload: bytes


def encode(frame: Frame) -> bytes:
    """The frame's bytes as they go over the line; ``kind`` and ``sequence`` are 0 to 255."""
    body = HEADER.pack(frame.kind, frame.sequence, len(frame.payload)) + frame.payload
    body += CRC.pack(zlib.crc32(body))
    for byte in _SPECIAL:
        body = body.replace(bytes([byte]), bytes([ESCAPE, byte ^ FLIP]))
    return bytes([START]) + body


@dataclass
class Reader:
    """Takes bytes as they arrive, in pieces of any size, and finds frames and text among them.

    ``garbled`` counts frames that were damaged or cut short; ``text`` holds the last bytes outside frames.
    """

    garbled: int = 0
    text: bytearray = field(default_factory=bytearray)
    _body: bytearray | None = None
    _escaped: bool = False

    @property
    def inside(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._body is not None

    def push(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete."""
        frames = [frame for byte in data if (frame := self._push_byte(byte)) is not None]
        del self.text[:-_TEXT_KEPT]
        return frames

    def _push_byte(self, byte: int) -> Frame | None:
        if byte == START:
            self.garbled += bool(self._body)
            self._body = bytearray()
            self._escaped = False
            return None
        if self._body is None:
            self.text.append(byte)
            return None
        if byte == ESCAPE:
            self._escaped = True
            return None
        if byte == ord("%"):
            return self._give_up()
        self._body.append(byte ^ FLIP if self._escaped else byte)
        self._escaped = False
        return self._complete(self._body) if len(self._body) >= HEADER.size else None

    def _complete(self, body: bytearray) -> Frame | None:
        kind, sequence, size = HEADER.unpack_from(body)
        if size > REPLY_MAX:
            return self._give_up()
        end = HEADER.size + size
        if len(body) < end + CRC.size:
            return None
        (crc,) = CRC.unpack_from(body, end)
        if crc != zlib.crc32(body[:end]):
            return self._give_up()
        self._body = None
        return Frame(kind, sequence, bytes(body[HEADER.size : end]))

    def _give_up(self) -> None:
        self.garbled += 1
        self._body = None
