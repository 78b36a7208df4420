"""Packers of the Thumb-1 kernels; firmware/include/ek/thumb.h describes their formats."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.ir.graph import Array
from edgekit.ops import accumulators
from edgekit.plan.pack.addition import contributions
from edgekit.plan.pack.registry import packer

_RUN = 4
_MOST = 255
_RUN_BYTES = 40
_MORE = 1 << 31


@packer
def thumb_stream(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """Channels of an OHWI filter for ``ek_thumb_block``, after the number of their words: uint32."""
    filters = arrays["filter"].reshape(arrays["filter"].shape[0], -1)
    weights, records = _folded(filters, arrays, ints)
    padded = np.pad(weights, ((0, 0), (0, -weights.shape[1] % _RUN)))
    stream = np.concatenate([_channel(*pair) for pair in zip(padded, records, strict=True)])
    return np.concatenate([_words(np.array([stream.size])), stream])


@packer
def thumb_taps(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """int8 weights of a depthwise filter (KH,KW,OC) with the taps of a channel side by side: (OC,KH*KW)."""
    return _depthwise(arrays, ints)[0].astype(np.int8)


@packer
def thumb_records(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """The two words of each channel of a depthwise filter: bias and shift, multiplier; uint32."""
    return _words(_depthwise(arrays, ints)[1])


@packer
def thumb_quads(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """Groups of four outputs of a fully connected filter (OC,IC) for ``ek_thumb_dot``: uint32.

    A word per feature: four bytes, weight + 128. Features are padded to a multiple of eight.
    """
    weights = _folded(arrays["filter"], arrays, ints)[0]
    outputs, features = weights.shape
    padded = np.pad(weights, ((0, -outputs % 4), (0, -features % 8))) + 128
    quads = padded.reshape(-1, 4, padded.shape[1]).transpose(0, 2, 1)
    return np.ascontiguousarray(quads.astype(np.uint8)).view("<u4").reshape(-1).astype(np.uint32)


@packer
def thumb_rows(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """The two words of each output of a fully connected filter: bias and shift, multiplier; uint32."""
    return _words(_folded(arrays["filter"], arrays, ints)[1])


@packer
def thumb_add_table(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """What the finer operand of an addition contributes, by its byte: int32, 256 entries; see addition."""
    del arrays
    return contributions(ints).astype(np.int32)


def _depthwise(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> tuple[Array, Array]:
    filters = np.moveaxis(arrays["filter"], -1, 0).reshape(arrays["filter"].shape[-1], -1)
    return _folded(filters, arrays, ints)


def _channel(weights: Array, record: Array) -> Array:
    """Weights + 128 as bytes, the record, patches."""
    kept = _cut(weights)
    taps = np.flatnonzero(kept != weights)
    offsets = taps // _RUN * _RUN_BYTES + 8 + taps % _RUN * 8
    patches = (offsets << 8) | ((weights - kept)[taps] & 0xFF)
    patches[:-1] |= _MORE
    words = (kept + 128).astype(np.uint8).view("<u4")
    follows = np.array([0, _MORE if taps.size else 0])
    return np.concatenate([words, _words(record | follows), _words(patches)])


def _cut(weights: Array) -> Array:
    """Weights whose magnitudes sum up to 255 at most in each run: the largest ones are cut."""
    runs = weights.reshape(-1, _RUN).copy()
    for run in runs:
        while (excess := int(np.abs(run).sum()) - _MOST) > 0:
            largest = int(np.abs(run).argmax())
            value = int(run[largest])
            run[largest] = max(abs(value) - excess, 0) * (1 if value > 0 else -1)
    return runs.reshape(-1)


def _folded(filters: Array, arrays: Mapping[str, Array], ints: Mapping[str, int]) -> tuple[Array, Array]:
    """Weights, and per channel the two words of a record, for inputs as they are; fixed channels as constants."""
    out = (ints["out_zp"], ints["act_min"], ints["act_max"])
    multiplier, shift = arrays["multiplier"].astype(np.int64), arrays["shift"].astype(np.int64)
    facts = accumulators.channels(filters, arrays["bias"], multiplier, shift, in_zp=ints["in_zp"], out=out)
    live = ~facts.fixed
    weights = np.where(live[:, None], filters.astype(np.int64), 0)
    # A sum of 4 * n scaled by 1/4 is n above the zero point.
    bias = np.where(live, arrays["bias"].astype(np.int64), 4 * (facts.value - ints["out_zp"]))
    bias = bias - ints["in_zp"] * weights.sum(axis=1)
    right = np.where(live, -shift, 1)
    return weights, np.stack([(bias << 8) | right, np.where(live, multiplier, 1 << 30)], axis=1)


def _words(values: Array) -> Array:
    return (values & 0xFFFFFFFF).astype(np.uint32)
