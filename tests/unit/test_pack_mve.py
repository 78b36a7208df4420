"""Streams of the Helium kernels, read back the way the kernels read them, against the reference of their op."""

import numpy as np
import pytest
from cases import add, conv_2d
from support import graphs

from edgekit.ir import interp
from edgekit.ir.quant import requantize
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
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


def depthwise_vectors(packer, zeros, shape, rows_first):
    """The 16-byte vectors a kernel loads for each shift of a depthwise filter, and the filter (channel, kh, kw)."""
    case = graphs.Case(
        f"depthwise_{shape}", DepthwiseConv2D(), (graphs.act((1, 20, 6, shape[2])), graphs.weights((1, *shape), axis=3))
    )
    low = case.op.lower(graphs.graph(case).views()[0])
    stream = pack.pack(packer, low.arrays, low.ints)
    channels = shape[2]
    assert stream.size == 16 * channels + 16 + 12 * channels
    filters = low.arrays["filter"].transpose(2, 1, 0) if rows_first else low.arrays["filter"].transpose(2, 0, 1)
    return [
        [stream[16 * c + zeros - shift :][:16] for shift in range(zeros + 1)] for c in range(channels)
    ], filters.astype(np.int8)


@pytest.mark.parametrize("size", [(3, 3), (2, 3), (3, 1), (1, 2)])
def test_earlier_loads_of_a_window_stream_meet_the_filter_lower_and_further_right(size):
    loads, filters = depthwise_vectors("mve_window_stream", 5, (*size, 5), rows_first=True)
    for channel, shifted in enumerate(loads):
        for down, right in ((0, 0), (1, 0), (0, 1), (1, 1)):
            square = np.zeros((4, 4), np.int8)
            square[right : right + size[1], down : down + size[0]] = filters[channel]
            assert shifted[down + 4 * right].tolist() == square.ravel().tolist()


@pytest.mark.parametrize("height", [1, 4, 13])
def test_earlier_loads_of_a_column_stream_meet_the_filter_lower(height):
    loads, filters = depthwise_vectors("mve_column_stream", 3, (height, 1, 5), rows_first=False)
    for channel, shifted in enumerate(loads):
        for down in range(4):
            column = np.zeros(16, np.int8)
            column[down : down + height] = filters[channel, :, 0]
            assert shifted[down].tolist() == column.tolist()


WHOLE = [c for c in add.CASES if not c.op.lower(graphs.graph(c).views()[0]).ints["broadcast"]]


@pytest.mark.parametrize("case", WHOLE, ids=lambda c: c.name)
def test_an_addition_is_the_table_and_half_the_other_operand(case):
    model = graphs.graph(case)
    ints = case.op.lower(model.views()[0]).ints
    table = pack.pack("mve_add_table", {}, ints).astype(np.int64)
    inputs = graphs.samples(model, count=1)[-1]
    fine, coarse = (1, 0) if ints["in0_multiplier"] == 1 << 30 and ints["in0_shift"] == 0 else (0, 1)
    total = table[inputs[fine].view(np.uint8)] + (inputs[coarse].astype(np.int64) << 19)
    found = requantize(total, ints["out_multiplier"], ints["out_shift"]) + ints["out_zp"]
    assert np.clip(found, ints["act_min"], ints["act_max"]).tolist() == interp.outputs(model, inputs)[0].tolist()
