"""The packed constants of the DSP kernels, read back with a few lines of NumPy each."""

from dataclasses import replace

import numpy as np
import pytest
from support import graphs
from support.graphs import Case, act, bias, weights

from edgekit.errors import InternalError
from edgekit.ops.add import Add
from edgekit.ops.base import Activation
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
from edgekit.ops.fully_connected import FullyConnected
from edgekit.plan import pack


def lowered(op, *inputs, output=None):
    outputs = (output or act(scale=0.05, zero_point=-6),)
    view = graphs.graph(Case("packed", op, inputs, outputs)).views()[0]
    return op.lower(view)


def signed(words, bits=32):
    values = np.asarray(words).astype(np.int64) & ((1 << bits) - 1)
    return np.where(values >> (bits - 1), values - (1 << bits), values)


def halves(words):
    return signed(words & 0xFFFF, 16), signed(words >> 16, 16)


def taps_of(words):
    """Four taps a row of pairs (even, odd) from packed words."""
    low, high = halves(words)
    both = np.stack([low[::2], low[1::2], high[::2], high[1::2]], axis=1).reshape(-1)
    even = signed(both & 0xFF, 8)
    return even, (both - even) // 256


def expected_bias(layer, filters):
    return layer.arrays["bias"] - (128 + layer.ints["in_zp"]) * filters.reshape(len(filters), -1).astype(np.int64).sum(
        axis=1
    )


def test_a_pair_of_channels_is_biases_words_and_records():
    layer = lowered(Conv2D(), act((1, 4, 4, 8)), weights((6, 1, 1, 8), axis=0), bias(6))
    assert layer.ints["packable"] == 1
    stream = pack.pack("dsp_stream", layer.arrays, layer.ints).reshape(3, 2 + 4 + 3)
    filters = layer.arrays["filter"].reshape(6, 8)
    for i, pair in enumerate(stream):
        even, odd = taps_of(pair[2:6])
        assert even.tolist() == filters[2 * i].tolist()
        assert odd.tolist() == filters[2 * i + 1].tolist()
        b = expected_bias(layer, filters)[2 * i : 2 * i + 2]
        assert signed(pair[:2]).tolist() == [2 * b[0], 2 * (256 * b[1] + b[0])]
        shifts = [-s - 1 for s in layer.arrays["shift"][2 * i : 2 * i + 2]]
        multipliers = layer.arrays["multiplier"][2 * i : 2 * i + 2].tolist()
        assert pair[6:].tolist() == [multipliers[0], shifts[0] | shifts[1] << 8, multipliers[1]]


def test_an_odd_last_channel_is_paired_with_zeros():
    layer = lowered(Conv2D(), act((1, 4, 4, 4)), weights((3, 1, 1, 4), axis=0), bias(3))
    last = pack.pack("dsp_stream", layer.arrays, layer.ints).reshape(2, -1)[1]
    even, odd = taps_of(last[2:4])
    assert even.tolist() == layer.arrays["filter"][2].reshape(-1).tolist()
    assert not odd.any()


def test_filter_rows_are_padded_to_whole_words():
    layer = lowered(Conv2D(), act((1, 4, 4, 3)), weights((2, 2, 2, 3), axis=0), bias(2))
    even, odd = taps_of(pack.pack("dsp_stream", layer.arrays, layer.ints)[2:-3])
    rows = np.pad(layer.arrays["filter"].reshape(2, 2, 6), ((0, 0), (0, 0), (0, 2))).reshape(2, -1)
    assert [even.tolist(), odd.tolist()] == rows.tolist()


def test_columns_are_padded_where_the_filter_is_dilated_along_its_rows():
    layer = lowered(Conv2D(dilation_w=2), act((1, 4, 7, 3)), weights((2, 2, 2, 3), axis=0), bias(2))
    even, odd = taps_of(pack.pack("dsp_stream", layer.arrays, layer.ints)[2:-3])
    columns = np.pad(layer.arrays["filter"].reshape(2, 4, 3), ((0, 0), (0, 0), (0, 1))).reshape(2, -1)
    assert [even.tolist(), odd.tolist()] == columns.tolist()


def test_large_sums_are_packed_as_bytes():
    layer = lowered(Conv2D(), act((1, 2, 2, 700), zero_point=-128), weights((2, 1, 1, 700), 0.0005, 0), bias(2))
    assert layer.ints["acc_bits"] > 22
    assert layer.ints["packable"] == 0
    stream = pack.pack("dsp_stream", layer.arrays, layer.ints)
    filters = layer.arrays["filter"].reshape(2, 700)
    low, high = halves(stream[2:-3])
    both = np.stack([low[::2], low[1::2], high[::2], high[1::2]], axis=1).reshape(-1)
    assert signed(both & 0xFF, 8).tolist() == filters[0].tolist()
    assert signed(both >> 8, 8).tolist() == filters[1].tolist()
    assert signed(stream[:2]).tolist() == (2 * expected_bias(layer, filters)).tolist()


def test_the_smallest_weight_is_never_packed():
    filters = replace(weights((2, 1, 1, 4), axis=0), low=-128, high=-128)
    layer = lowered(Conv2D(), act((1, 2, 2, 4)), filters, bias(2))
    assert layer.ints["packable"] == 0
    with pytest.raises(InternalError, match="16 bits"):
        pack.pack("dsp_stream", layer.arrays, {**layer.ints, "packable": 1})


def test_a_dead_channel_becomes_its_constant():
    dead = replace(weights((2, 1, 1, 4), 1e-7, 0), low=0, high=0)
    output = act(scale=0.05, zero_point=-128)
    layer = lowered(Conv2D(activation=Activation.RELU), act((1, 2, 2, 4)), dead, bias(2, 1 << 30), output=output)
    assert (layer.ints["acc_bits"], layer.ints["right_shift_min"], layer.ints["right_shift_max"]) == (0, 1, 1)
    even, both, *words, first, shifts, second = signed(pack.pack("dsp_stream", layer.arrays, layer.ints)).tolist()
    assert (words, first, shifts, second) == ([0, 0], 1 << 30, 0, 1 << 30)
    values = [even // 8 - 128, (both - even) // 256 // 8 - 128]  # twice the bias, times 1/4
    assert values == [-128, -128] or all(-128 <= v <= 127 for v in values)
    assert (even % 8, (both - even) % 2048) == (0, 0)


def test_four_outputs_share_their_features():
    layer = lowered(FullyConnected(), act((1, 10)), weights((6, 10)), bias(6, 2000))
    groups = pack.pack("dsp_quad_stream", layer.arrays, layer.ints).reshape(2, 4 + 12 + 5)
    filters = np.pad(layer.arrays["filter"], ((0, 2), (0, 2)))
    for i, group in enumerate(groups):
        words = group[4:16].reshape(3, 2, 2)
        for pair in (0, 1):
            even, odd = taps_of(words[:, pair].reshape(-1))
            assert even.tolist() == filters[4 * i + 2 * pair].tolist()
            assert odd.tolist() == filters[4 * i + 2 * pair + 1].tolist()


def test_depthwise_taps_go_in_pairs_and_the_last_group_overlaps():
    layer = lowered(DepthwiseConv2D(), act((1, 5, 5, 6)), weights((1, 3, 1, 6), 0.004, 3), bias(6))
    groups = pack.pack("dsp_taps_stream", layer.arrays, layer.ints).reshape(2, 4 + 8 + 5)
    filters = layer.arrays["filter"].reshape(3, 6)
    for first, group in zip((0, 2), groups, strict=True):
        low, high = halves(group[4:12])
        assert low.reshape(2, 4).tolist() == (2 * filters[::2, first : first + 4].astype(int)).tolist()
        assert high.tolist() == [*(2 * filters[1, first : first + 4].astype(int)), 0, 0, 0, 0]
        biases = layer.arrays["bias"] - layer.ints["in_zp"] * filters.astype(np.int64).sum(axis=0)
        assert signed(group[:4]).tolist() == (2 * biases[first : first + 4]).tolist()


def test_a_depthwise_row_is_its_first_two_taps_and_its_last_two_and_the_last_group_overlaps():
    layer = lowered(DepthwiseConv2D(), act((1, 5, 5, 6)), weights((1, 3, 3, 6), 0.004, 3), bias(6))
    groups = pack.pack("dsp_span_stream", layer.arrays, layer.ints).reshape(2, 4 + 24 + 5)
    filters = layer.arrays["filter"].astype(int)
    biases = layer.arrays["bias"] - layer.ints["in_zp"] * filters.sum(axis=(0, 1))
    for first, group in zip((0, 2), groups, strict=True):
        four = slice(first, first + 4)
        assert signed(group[:4]).tolist() == (2 * biases[four]).tolist()
        low, high = (h.reshape(3, 2, 4) for h in halves(group[4:28]))
        assert low.tolist() == (2 * filters[:, :2, four]).tolist()
        assert high.tolist() == (2 * filters[:, 1:, four]).tolist()
        assert [int(group[i]) for i in (28, 29, 31, 32)] == layer.arrays["multiplier"][four].tolist()


def test_depthwise_planes_hold_each_row_and_the_shift_beside_the_last():
    layer = lowered(DepthwiseConv2D(), act((1, 5, 5, 4)), weights((1, 3, 3, 4), 0.004, 3), bias(4))
    records = pack.pack("dsp_planes", layer.arrays, layer.ints).reshape(4, 5)
    for channel, record in enumerate(records):
        weights_of = [signed(record[:3] >> (8 * i) & 0xFF, 8).tolist() for i in (0, 1, 3)]
        assert weights_of == layer.arrays["filter"][:, :, channel].T.tolist()
        assert [int(w) >> 16 & 0xFF for w in record[:2]] == [w & 0xFF for w in weights_of[1][:2]]
        assert int(record[2]) >> 16 & 0xFF == -layer.arrays["shift"][channel] - 1
        assert record[4] == layer.arrays["multiplier"][channel]


@pytest.mark.parametrize("first_scale", [0.05, 0.03])
def test_the_addition_table_holds_twice_the_finer_operand(first_scale):
    layer = lowered(Add(), act((1, 8), first_scale, 3), act((1, 8), 0.04, -7), output=act(scale=0.06, zero_point=10))
    table = pack.pack("dsp_add_table", {}, layer.ints)
    fine, coarse_zp, fine_zp = (0.03, -7, 3) if first_scale == 0.03 else (0.04, 3, -7)
    real = 2 * fine / (2 * max(first_scale, 0.04)) * (1 << 20)
    values = np.arange(256).astype(np.uint8).astype(np.int8).astype(int)
    assert np.abs(table - (real * (values - fine_zp) - coarse_zp * (1 << 20))).max() <= 256


def test_a_three_channel_patch_ends_with_the_ninth_taps():
    layer = lowered(Conv2D(), act((1, 4, 4, 3)), weights((2, 3, 3, 3), axis=0), bias(2))
    even, odd = taps_of(pack.pack("dsp_stream_3x3x3", layer.arrays, layer.ints)[2:-3])
    for taps, rows in zip((even, odd), layer.arrays["filter"].reshape(2, 3, 9), strict=True):
        assert taps.tolist() == [*rows[:, :8].reshape(-1), *rows[:, 8], 0]


def winograd(stream, pairs):
    """Weights [position][input channel] of both channels, and their records."""
    low, high = halves(stream[: 32 * pairs].reshape(16, pairs // 2, 2, 2))  # position, quad, half, output channel
    weights_of = np.stack([low, high], axis=3).transpose(4, 0, 1, 3, 2).reshape(2, 16, 2 * pairs)
    return weights_of, signed(stream[32 * pairs :]).reshape(2, 3)


@pytest.mark.parametrize("seed", range(4))
def test_a_transformed_filter_gives_twice_the_sums_of_its_patches(seed):
    layer = lowered(Conv2D(), act((1, 4, 4, 8), zero_point=0), weights((2, 3, 3, 8), axis=0), bias(2))
    weights_of, records = winograd(pack.pack("dsp_winograd", layer.arrays, layer.ints), 4)
    tile = np.random.default_rng(seed).choice([-128, 127, 3], (4, 4, 8))
    spread = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
    moved = np.einsum("ri,cj,ijk->rck", spread, spread, tile)
    sums = np.einsum("opk,pk->op", weights_of, moved.reshape(16, 8)).reshape(2, 4, 4)
    sums[:, 1, 1] += records[:, 0]
    columns = np.stack([sums[..., 0] + sums[..., 1] + sums[..., 2], sums[..., 1] - sums[..., 2] - sums[..., 3]], axis=2)
    both, apart = columns[:, 1] + columns[:, 2], columns[:, 1] - columns[:, 2]
    assert not (both % 2).any()
    assert not (apart % 2).any()
    found = np.stack([columns[:, 0] + both // 2, apart // 2 - columns[:, 3]], axis=1)
    for y in (0, 1):
        for x in (0, 1):
            patch = tile[y : y + 3, x : x + 3]
            wanted = np.einsum("oijk,ijk->o", layer.arrays["filter"].astype(int), patch) + layer.arrays["bias"]
            assert found[:, y, x].tolist() == (2 * wanted).tolist()
    assert records[:, 1].tolist() == layer.arrays["multiplier"].tolist()
    assert records[:, 2].tolist() == (-layer.arrays["shift"] - 1).tolist()


@pytest.mark.parametrize(("low", "high"), [(-128, -128), (127, 127), (-128, 127)])
def test_transformed_filters_are_below_nine_weights(low, high):
    filters = replace(weights((2, 3, 3, 4), 1e-4, 0), low=low, high=high)
    layer = lowered(Conv2D(), act((1, 4, 4, 4)), filters, bias(2))
    weights_of, _ = winograd(pack.pack("dsp_winograd", layer.arrays, layer.ints), 2)
    assert np.abs(weights_of).max() <= 9 * 128
    whole = layer.arrays["filter"].astype(int).sum(axis=(1, 2))
    assert weights_of[:, 5].tolist() == whole.tolist()
