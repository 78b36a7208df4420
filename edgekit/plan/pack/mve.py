"""Packers of the Helium kernels; firmware/include/ek/mve.h describes their formats."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.ir.graph import Array
from edgekit.ir.quant import wrap_int32
from edgekit.ops import accumulators
from edgekit.plan.pack.addition import contributions
from edgekit.plan.pack.registry import packer

_LANES = 16


@packer
def mve_stream(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """Channel pairs of an OHWI filter for ``ek_mve_block``: int8.

    Of every four channels the pairs are 0 and 2, then 1 and 3. Per pair sixteen weights of each for every sixteen
    taps, zeros after the last tap, then bias, multiplier and shift (three int32) of each. The channels are a multiple
    of four.
    """
    out_c = arrays["filter"].shape[0]
    filters = arrays["filter"].reshape(out_c, -1)
    weights, records = _folded(filters, arrays, ints)
    chunks = np.pad(weights, ((0, 0), (0, -weights.shape[1] % _LANES))).reshape(out_c, -1, _LANES)
    order = [first + channel for first in range(0, out_c, 4) for channel in (0, 2, 1, 3)]
    paired = chunks[order].reshape(out_c // 2, 2, -1, _LANES).swapaxes(1, 2).reshape(out_c // 2, -1)
    return _joined(paired, records[order].reshape(out_c // 2, -1))


@packer
def mve_row_stream(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """Groups of eight outputs of a fully connected filter (OC,IC) for ``ek_mve_row``: int8.

    Per group sixteen weights of each for every sixteen features, zeros after the last feature, then the biases of
    the even outputs, of the odd ones, and so the multipliers and the shifts. Zeros after the last output.
    """
    weights, records = _folded(arrays["filter"], arrays, ints)
    out_c, taps = weights.shape
    weights = np.pad(weights, ((0, -out_c % 8), (0, -taps % _LANES)))
    records = np.pad(records, ((0, -out_c % 8), (0, 0)))
    groups = len(weights) // 8
    chunks = weights.reshape(groups, 8, -1, _LANES).swapaxes(1, 2).reshape(groups, -1)
    # (group, even and odd, word of the record, four outputs) from (group, four outputs, even and odd, word)
    return _joined(chunks, records.reshape(groups, 4, 2, 3).transpose(0, 3, 2, 1).reshape(groups, -1))


@packer
def mve_window_stream(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """A depthwise filter (KH,KW,OC) of up to 3x3 for ``ek_mve_squares``: int8.

    Per channel five zeros, then columns of four weights, zeros below and right of the filter. Loads from up to five
    bytes earlier meet the same weights one row lower, one column further right, or both.
    """
    kh, kw, channels = arrays["filter"].shape
    squares = np.zeros((channels, 4, 4), np.int8)
    squares[:, :kw, :kh] = arrays["filter"].transpose(2, 1, 0)
    return _shiftable(squares.reshape(channels, _LANES), 5, arrays, ints)


@packer
def mve_column_stream(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """A depthwise filter (KH,1,OC) of up to 13 rows for ``ek_mve_columns``: int8.

    Per channel three zeros, then the weights. Loads from up to three bytes earlier meet them up to three rows lower.
    """
    kh, _, channels = arrays["filter"].shape
    columns = np.zeros((channels, _LANES), np.int8)
    columns[:, :kh] = arrays["filter"][:, 0].T
    return _shiftable(columns, 3, arrays, ints)


@packer
def mve_add_table(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """What the finer operand of an addition contributes, by its byte: int32, 256 entries; see addition."""
    del arrays
    return contributions(ints).astype(np.int32)


def _shiftable(vectors: Array, zeros: int, arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """Vectors of sixteen weights, the last ``zeros`` of them zero and put first; sixteen more; then the records."""
    filters = np.moveaxis(arrays["filter"], -1, 0).reshape(len(vectors), -1)
    weights, records = _folded(filters, arrays, ints)
    live = np.roll(vectors, zeros, axis=1) * (weights != 0).any(axis=1, keepdims=True)
    return np.concatenate([live.astype(np.int8).reshape(-1), np.zeros(_LANES, np.int8), _bytes(records.reshape(-1))])


def _joined(weights: Array, records: Array) -> Array:
    """Rows of int8 weights, each followed by its row of int32."""
    return np.concatenate([weights.astype(np.int8), _bytes(records)], axis=1).reshape(-1)


def _bytes(words: Array) -> Array:
    return np.ascontiguousarray(words.astype("<i4")).view(np.int8)


def _folded(filters: Array, arrays: Mapping[str, Array], ints: Mapping[str, int]) -> tuple[Array, Array]:
    """Weights and (bias with the input's zero point, multiplier, shift) per channel; fixed channels as constants.

    A fixed channel has no weights, a multiplier of a half and a shift of one: a quarter of its bias, exactly.
    """
    out = (ints["out_zp"], ints["act_min"], ints["act_max"])
    multiplier, shift = arrays["multiplier"].astype(np.int64), arrays["shift"].astype(np.int64)
    facts = accumulators.channels(filters, arrays["bias"], multiplier, shift, in_zp=ints["in_zp"], out=out)
    weights = np.where(facts.fixed[:, None], 0, filters.astype(np.int64))
    bias = wrap_int32(arrays["bias"].astype(np.int64) - ints["in_zp"] * weights.sum(axis=1))
    records = np.stack(
        [
            np.where(facts.fixed, 4 * (facts.value - ints["out_zp"]), bias),
            np.where(facts.fixed, 1 << 30, multiplier),
            np.where(facts.fixed, -1, shift),
        ],
        axis=1,
    )
    return weights, records
