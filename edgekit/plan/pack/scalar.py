"""Packers of the scalar kernels: sum(filter * (x - zp)) + bias is sum(filter * x) + (bias - zp * sum(filter))."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgekit.ir.graph import Array
from edgekit.ir.quant import wrap_int32
from edgekit.plan.pack.registry import packer


@packer
def folded_bias(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """int32 bias with the input's zero point folded in; filter with the output channel first."""
    filters = arrays["filter"].astype(np.int64)
    return _fold(arrays["bias"], filters.reshape(filters.shape[0], -1).sum(axis=1), ints["in_zp"])


@packer
def folded_bias_depthwise(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """int32 bias with the input's zero point folded in; filter (KH,KW,OC)."""
    return _fold(arrays["bias"], arrays["filter"].astype(np.int64).sum(axis=(0, 1)), ints["in_zp"])


@packer
def depthwise_by_channel(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """int8 depthwise filter with the taps of a channel side by side: (OC,KH,KW)."""
    del ints
    return np.ascontiguousarray(arrays["filter"].transpose(2, 0, 1))


def _fold(bias: Array, sums: Array, zero_point: int) -> Array:
    return wrap_int32(bias.astype(np.int64) - zero_point * sums).astype(np.int32)
