"""Remedies for what int8 costs: each does what it says, and leaves a sound graph."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support import float_nets

from edgekit.compress import bias, calibrate, doctor, equalize, noise, quantize, rounding
from edgekit.compress.quantize import prepared, ranged
from edgekit.ir import batch, verify
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D

WIDE = 20.0


@pytest.fixture(scope="module")
def hard():
    return prepared(float_nets.mobilenet(spread=WIDE))


@pytest.fixture(scope="module")
def fitted():
    return [float_nets.inputs(64, seed=1)]


@pytest.fixture(scope="module")
def others():
    return [float_nets.inputs(64, seed=2)]


def test_equalising_changes_ranges_and_nothing_else(hard, fitted, others):
    even = equalize.equalize(hard, fitted)
    verify.verify(even)
    assert np.abs(batch.outputs(even, others)[0] - batch.outputs(hard, others)[0]).max() < 1e-5
    before, after = (equalize.channel_widths(g, fitted) for g in (hard, even))

    names = {name for group in equalize.groups(hard) for name in group.tensors}

    def spread(widths):
        return float(np.mean([w[w > 0].max() / np.median(w[w > 0]) for n, w in widths.items() if n in names]))

    assert spread(after) < spread(before) / 3
    error = noise.error(even, quantize(even, fitted), others)
    assert error < noise.error(hard, quantize(hard, fitted), others) / 100


def test_channels_scale_together_through_sums_and_means_and_nowhere_else(hard):
    found = {frozenset(g.tensors): g for g in equalize.groups(hard)}
    joined = found[frozenset({"block2_pointwise", "side", "residual", "mean"})]
    assert set(joined.makers) == {"block2_pointwise", "side"}
    assert set(joined.readers) == {"side", "classes"}
    assert not any({"image", "classes", "probabilities"} & names for names in found)


def test_a_layer_that_clips_is_not_scaled(hard):
    from dataclasses import replace

    from edgekit.ops.base import Activation

    clipped = tuple(
        replace(n, op=replace(n.op, activation=Activation.RELU6)) if n.name == "stem" else n for n in hard.nodes
    )
    names = {t for g in equalize.groups(replace(hard, nodes=clipped)) for t in g.tensors}
    assert "stem" not in names
    assert "block0_pointwise" in names


def channel_means(fused, small, columns):
    """Mean error of each channel before the last activation, over the layer's own deviation, of every layer."""
    wide, narrow = (next(batch.runs(g, c)) for g, c in ((fused, columns), (small, noise.quantised(small, columns))))
    found = []
    for node in fused.nodes:
        if isinstance(node.op, Conv2D | DepthwiseConv2D):
            name = node.outputs[0]
            off = noise.dequantised(narrow[name], small.tensors[name]) - wide[name]
            found.append(np.abs(off.reshape(-1, off.shape[-1]).mean(axis=0)).mean() / wide[name].std())
    return float(np.mean(found))


def test_corrected_biases_give_channels_their_means_back(hard, fitted, others):
    small = quantize(hard, fitted)
    better = bias.correct(hard, small, fitted)
    verify.verify(better)
    assert channel_means(hard, better, others) < 0.7 * channel_means(hard, small, others)
    assert noise.error(hard, better, others) < noise.error(hard, small, others)
    for name, tensor in small.tensors.items():
        if not name.endswith("bias_s32") and tensor.data is not None:
            assert np.array_equal(better.tensors[name].value, tensor.value)


def test_adaptive_rounding_loses_less_than_rounding_to_nearest():
    rng = np.random.default_rng(0)
    mixing = rng.normal(0, 1, (12, 12))
    mixed, unseen = (rng.normal(0, 1, (2, 500, 12)) @ mixing for _ in range(2))
    weights = rng.normal(0, 3, (2, 8, 12))
    adapted, nearest = rounding.spread(mixed, weights), np.rint(weights)
    assert np.abs(adapted).max() <= 127
    assert np.array_equal(adapted, np.rint(adapted))

    def lost(whole, given):
        return float(((given @ (whole - weights).transpose(0, 2, 1)) ** 2).sum())

    assert lost(adapted, mixed) < 0.7 * lost(nearest, mixed)
    assert lost(adapted, unseen) < 0.7 * lost(nearest, unseen)


def test_the_products_that_rounding_looks_at_are_those_of_the_layer(hard, fitted):
    values = next(batch.runs(hard, fitted))
    wide = batch.rebatched(hard, 64)
    assert wide is not None
    for node in wide.nodes:
        if node.name in {"block0_depthwise", "side", "classes"}:
            view = wide.view(node)
            taps, rows = rounding.problems(view, values[node.inputs[0]], view.input(1).value)
            linear = (taps @ rows.transpose(0, 2, 1)).reshape(len(taps), taps.shape[1], -1)
            ours = linear[:, :, 0].T if node.name == "block0_depthwise" else linear[0]
            ours = ours + view.input(2).value
            theirs = values[node.outputs[0]].reshape(-1, view.output.shape[-1])
            theirs = theirs[:: max(1, len(theirs) // rounding._ROWS)]
            clipped = ours if node.name == "classes" else np.maximum(ours, 0)
            assert np.allclose(clipped, theirs, atol=1e-3 * np.abs(theirs).max())


def test_adapted_graphs_are_sound_and_closer(hard, fitted, others):
    even = equalize.equalize(hard, fitted)
    small = quantize(even, fitted)
    better = rounding.adapt(even, small, fitted)
    verify.verify(better)
    assert noise.error(even, better, others) < 1.05 * noise.error(even, small, others)
    assert any(
        not np.array_equal(better.tensors[n].value, t.value) for n, t in small.tensors.items() if "filter_s8" in n
    )


def test_layers_are_ranked_by_what_each_alone_does_to_the_output(hard, fitted):
    ranges = {n: calibrate.limits(o, "minmax") for n, o in calibrate.observe(hard, fitted).items()}
    ranges["block1_depthwise"] = (0.0, 400 * ranges["block1_depthwise"][1])
    even = equalize.equalize(hard, fitted)
    ranges_even = {n: calibrate.limits(o, "minmax") for n, o in calibrate.observe(even, fitted).items()}
    ranges_even["block1_depthwise"] = (0.0, 400 * ranges_even["block1_depthwise"][1])
    found = noise.layers(even, ranged(even, ranges_even), fitted)
    assert found[0].layer == "block1_depthwise"
    assert found[0].effect > 0.9
    assert math.isclose(sum(x.effect for x in found), 1)
    by_name = {x.layer: x for x in found}
    assert by_name["stem"].snr_db > 30
    assert by_name["block1_depthwise"].snr_db < 10
    spread = {x.layer: x.spread for x in noise.layers(hard, ranged(hard, ranges), fitted)}
    assert spread["block1_pointwise"] > 5


def test_the_doctor_keeps_what_helps_and_tells_what_did_not():
    said = []
    treatment = doctor.treat(
        float_nets.mobilenet(spread=WIDE),
        [float_nets.inputs(80, seed=3)],
        "minmax",
        lambda stage, _done, _whole: said.append(stage),
    )
    assert treatment.stages[0][0] == "int8"
    assert "evener channels" in [name for name, _ in treatment.stages]
    assert [t.remedy for t in treatment.trials if t.kept] == [name for name, _ in treatment.stages[1:]]
    assert all(t.after < t.before for t in treatment.trials if t.kept)
    assert any(not t.kept for t in treatment.trials)
    assert {f"trying {t.remedy}" for t in treatment.trials} == set(said)
    for _, graph in treatment.stages:
        verify.verify(graph)
