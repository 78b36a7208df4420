"""Streams of the Helium kernels, read back the way the kernels read them, against the reference of their op."""

import numpy as np
import pytest
from cases import conv_2d
from support import graphs

from edgekit.ir import interp
from edgekit.ir.quant import requantize
from edgekit.ops.fully_connected import FullyConnected
from edgekit.plan import pack

SIMPLE = [
    case
    for case in conv_2d.CASES
    if (low := case.op.lower(graphs.graph(case).views()[0])).ints["out_c"] % 4 == 0
    and low.ints["groups"] == 1
    and low.ints["right_shift_min"] >= 1
]


def words(stream):
    return np.frombuffer(np.ascontiguousarray(stream).tobytes(), "<i4").astype(np.int64)


@pytest.mark.parametrize("case", SIMPLE, ids=lambda c: c.name)
def test_pairs_of_a_stream_give_the_outputs_of_a_window_of_zero_points(case):
    """With every input at the highest value the window needs no geometry: its sum is that of the weights."""
    model = graphs.graph(case)
    low = case.op.lower(model.views()[0])
    ints = low.ints
    taps = ints["kh"] * ints["kw"] * ints["in_c"]
    chunks = -(-taps // 16)
    stream = pack.pack("mve_stream", low.arrays, ints)
    assert stream.size == ints["out_c"] // 2 * (32 * chunks + 24)
    found = np.zeros(ints["out_c"], np.int64)
    for pair, (weights, record) in enumerate(
        (row[: 32 * chunks], words(row[32 * chunks :])) for row in stream.reshape(-1, 32 * chunks + 24)
    ):
        first = pair // 2 * 4 + pair % 2
        sums = weights.astype(np.int64).reshape(chunks, 2, 16).sum(axis=(0, 2)) * 127
        for half in (0, 1):
            bias, multiplier, shift = record[3 * half : 3 * half + 3]
            found[first + 2 * half] = requantize(sums[half] + bias, multiplier, shift) + ints["out_zp"]
    found = np.clip(found, ints["act_min"], ints["act_max"])
    inputs = [np.full(model.tensors[name].shape, 127, np.int8) for name in model.inputs]
    inside = interp.outputs(model, inputs)[0]
    reach_y, reach_x = ints["pad_top"], ints["pad_left"]
    oy, ox = -(-reach_y // ints["stride_h"]), -(-reach_x // ints["stride_w"])
    fits_y = oy * ints["stride_h"] - reach_y + (ints["kh"] - 1) * ints["dilation_h"] < ints["in_h"]
    fits_x = ox * ints["stride_w"] - reach_x + (ints["kw"] - 1) * ints["dilation_w"] < ints["in_w"]
    if fits_y and fits_x:
        assert found.tolist() == inside[0, oy, ox].tolist()
    else:
        assert taps > ints["in_h"] * ints["in_w"]


@pytest.mark.parametrize("outputs", [1, 7, 8, 9, 16])
@pytest.mark.parametrize("features", [1, 15, 16, 17])
def test_groups_of_a_row_stream_give_every_output(outputs, features):
    """A group is chunks of (eight outputs, sixteen features), then biases, multipliers and shifts, even ones first."""
    case = graphs.Case(
        f"row_{outputs}_{features}",
        FullyConnected(),
        (graphs.act((1, features)), graphs.weights((outputs, features), axis=0), graphs.bias(outputs)),
    )
    model = graphs.graph(case)
    low = case.op.lower(model.views()[0])
    chunks = -(-features // 16)
    stream = pack.pack("mve_row_stream", low.arrays, low.ints).reshape(-(-outputs // 8), -1)
    inputs = graphs.samples(model, count=1)[-1]
    row = np.pad(inputs[0].astype(np.int64).ravel(), (0, 16 * chunks - features)).reshape(chunks, 1, 16)
    found: list[int] = []
    for group in stream:
        sums = (group[: 128 * chunks].astype(np.int64).reshape(chunks, 8, 16) * row).sum(axis=(0, 2))
        bias, multiplier, shift = words(group[128 * chunks :]).reshape(3, 2, 4).swapaxes(1, 2).reshape(3, 8)
        found += (requantize(sums + bias, multiplier, shift) + low.ints["out_zp"]).tolist()
    assert np.clip(found[:outputs], -128, 127).tolist() == interp.outputs(model, inputs)[0].ravel().tolist()
