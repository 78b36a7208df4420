"""Seeded damage to .tflite files: blind (bits, cuts, splices) and aimed at the fields a reader trusts most."""

from __future__ import annotations

import random
import struct

import numpy as np
import tflite

HOSTILE_INTS = (-(1 << 31), -2, -1, 0, 1, 7, 255, 1 << 15, 1 << 20, (1 << 31) - 1)
HOSTILE_FLOATS = (0.0, -1.0, float("nan"), float("inf"), 1e-45, 3e38, 1e-30)
HOSTILE_LONGS = (-(1 << 63), -129, 128, 1 << 31, (1 << 63) - 1)


def mutate(data: bytes, other: bytes, seed: int) -> bytes:
    """``data`` damaged in a way that ``seed`` decides; splices take bytes of ``other``."""
    rng = random.Random(seed)  # noqa: S311  (damage need not be secret)
    kind = rng.choice((_flip, _cut, _splice, _word, _field, _field, _field))
    return kind(bytearray(data), other, rng)


def _flip(data: bytearray, _: bytes, rng: random.Random) -> bytes:
    for _i in range(rng.choice((1, 2, 8, 64))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _cut(data: bytearray, _: bytes, rng: random.Random) -> bytes:
    return bytes(data[: rng.randrange(len(data))])


def _splice(data: bytearray, other: bytes, rng: random.Random) -> bytes:
    size = rng.randrange(1, min(len(data), len(other), 512))
    source, target = rng.randrange(len(other) - size + 1), rng.randrange(len(data) - size + 1)
    data[target : target + size] = other[source : source + size]
    return bytes(data)


def _word(data: bytearray, _: bytes, rng: random.Random) -> bytes:
    """A hostile number where offsets and lengths lie, which is at multiples of four."""
    for _i in range(rng.choice((1, 3))):
        struct.pack_into("<i", data, 4 * rng.randrange(len(data) // 4), rng.choice(HOSTILE_INTS))
    return bytes(data)


def _field(data: bytearray, _: bytes, rng: random.Random) -> bytes:
    """A hostile number in a shape, an index, a scale or a zero point."""
    subgraph = tflite.Model.GetRootAs(data, 0).Subgraphs(0)
    table = subgraph.Tensors(rng.randrange(subgraph.TensorsLength()))
    operator = subgraph.Operators(rng.randrange(subgraph.OperatorsLength()))
    quant = table.Quantization()
    vectors = [
        ("<i", table.ShapeAsNumpy(), HOSTILE_INTS),
        ("<i", operator.InputsAsNumpy(), HOSTILE_INTS),
        ("<i", operator.OutputsAsNumpy(), HOSTILE_INTS),
        ("<i", subgraph.InputsAsNumpy(), HOSTILE_INTS),
        ("<i", subgraph.OutputsAsNumpy(), HOSTILE_INTS),
    ]
    if quant is not None:
        vectors.append(("<f", quant.ScaleAsNumpy(), HOSTILE_FLOATS))
        vectors.append(("<q", quant.ZeroPointAsNumpy(), HOSTILE_LONGS))
    form, vector, values = rng.choice([v for v in vectors if not isinstance(v[1], int) and v[1].size])
    start = np.frombuffer(data, np.uint8).ctypes.data
    offset = vector.ctypes.data - start + rng.randrange(vector.size) * vector.itemsize
    damaged = bytearray(data)
    struct.pack_into(form, damaged, offset, rng.choice(values))
    return bytes(damaged)
