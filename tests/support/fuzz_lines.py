"""Command lines as no runner would send them: over-long, binary, truncated, flooding, and almost right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

WORDS = (b"db", b"load", b"print", b"infer", b"results", b"name", b"profile", b"timestamp", b"help", b"", b" ", b"DB")
NUMBERS = (b"0", b"1", b"2", b"8", b"-7", b"00ff", b"a5", b"zz", b"99999999999999999999", b"-0", b"3.5", b"0x10")
FRAME_BYTES = np.array([0xA5, 0xDB, 0x25 ^ 0x20, 0x01, 0x00], np.uint8)


def lines(count: int, seed: int, *, infer: bool = True) -> Iterator[bytes]:
    """``count`` lines that end with ``%``; some hold more, so that several commands come at once.

    Without ``infer`` no line can start an inference, which takes an emulated board long.
    """
    rng = np.random.default_rng(seed)
    kinds = (_nearly, _overlong, _binary, _frames, _flood, _truncated)
    for _ in range(count):
        line = kinds[rng.integers(len(kinds))](rng)
        yield (line if infer else line.replace(b"infer", b"inf")) + b"%"


def _word(rng) -> bytes:
    pool = WORDS if rng.random() < 0.6 else NUMBERS
    return pool[rng.integers(len(pool))]


def _nearly(rng) -> bytes:
    """Words of the protocol in any order, perhaps with a byte changed."""
    line = bytearray(b" ".join(_word(rng) for _ in range(rng.integers(1, 5))))
    if line and rng.random() < 0.3:
        line[rng.integers(len(line))] = rng.integers(256)
    return bytes(line)


def _overlong(rng) -> bytes:
    """Around the 80 bytes of the command buffer, and far beyond."""
    length = int(rng.choice([78, 79, 80, 81, 160, 255, 256, 1000]))
    return (_word(rng) + b" " + b"x" * length)[:length]


def _binary(rng) -> bytes:
    return rng.integers(0, 256, rng.integers(0, 120), np.uint8).tobytes()


def _frames(rng) -> bytes:
    """Pieces of the binary frames: starts, escapes, headers that promise more than comes."""
    return rng.choice(FRAME_BYTES, rng.integers(1, 60)).tobytes() + _nearly(rng)


def _flood(rng) -> bytes:
    """Many ends of commands, with little or nothing between them."""
    return b"%".join(_word(rng)[: rng.integers(4)] for _ in range(rng.integers(2, 30)))


def _truncated(rng) -> bytes:
    """A right command that lost its tail, or its head, and goes over into another."""
    right = (b"db load 8", b"db 0001020304050607", b"infer 2 1", b"timestamp", b"results", b"db print")
    first, second = (right[rng.integers(len(right))] for _ in range(2))
    return first[: rng.integers(len(first))] + second[rng.integers(len(second)) :]
