"""Channels leave Keras models for good, together where they must, and what is left computes the same."""

from __future__ import annotations

import numpy as np
import pytest
from support import keras_models, need
from support.small_networks import NETWORKS

from edgekit.compress import channels
from edgekit.compress.channels import Choice
from edgekit.errors import DataError, UnsupportedError, UsageError


@pytest.fixture(autouse=True)
def _keras():
    need.package("tensorflow")


def network(name):
    return keras_models.randomised(NETWORKS[name]())


def samples(model, count=8, seed=2):
    return np.random.default_rng(seed).normal(0, 1, (count, *model.inputs[0].shape[1:])).astype(np.float32)


def outputs(model, x):
    made = model(x, training=False)
    return [np.asarray(o) for o in (made if isinstance(made, list | tuple) else [made])]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.9])
def test_a_model_without_channels_computes_what_it_did_with_them_at_zero(name, ratio):
    model = network(name)
    x = samples(model)
    shrunk = channels.shrink(model, Choice(ratio))
    assert all(shrunk.after[g] < n for g, n in shrunk.before.items() if n > 1)
    assert shrunk.model.count_params() < model.count_params()
    channels.zero(channels.structure(model), shrunk.removed)
    for small, large in zip(outputs(shrunk.model, x), outputs(model, x), strict=True):
        assert np.max(np.abs(small - large)) < 1e-6 * max(1.0, float(np.max(np.abs(large))))


@pytest.mark.parametrize("name", NETWORKS)
def test_without_removal_nothing_changes_and_the_model_given_never_does(name):
    model = network(name)
    x = samples(model)
    before = outputs(model, x)
    same = channels.shrink(model, Choice(0.0)).model
    channels.shrink(model, Choice(0.5))
    for a, b, c in zip(before, outputs(same, x), outputs(model, x), strict=True):
        assert np.array_equal(a, b)
        assert np.array_equal(a, c)


def test_channels_of_a_residual_stage_are_one_group():
    found = channels.structure(network("resnet8"))
    layers = {g.name: len(g.layers) for g in found.groups}
    assert sorted(layers.values()) == [1, 1, 1, 2, 2, 2]
    assert sorted(len(g.units) for g in found.groups) == [8, 8, 16, 16, 32, 32]


def test_half_the_channels_are_a_quarter_of_the_weights():
    model = NETWORKS["mobilenet_v1"](width=16)
    small = channels.shrink(model, Choice(0.5)).model
    assert 0.25 < small.count_params() / model.count_params() < 0.35
    assert small.output_shape == model.output_shape


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras itself
def test_a_shrunk_model_is_saved_loaded_and_trained(tmp_path):
    import keras

    small = channels.shrink(network("resnet8"), Choice(0.5)).model
    x = samples(small)
    small.save(tmp_path / "small.keras")
    again = keras.models.load_model(tmp_path / "small.keras")
    assert np.array_equal(outputs(again, x)[0], outputs(small, x)[0])
    again.compile("adam", "sparse_categorical_crossentropy")
    again.fit(x, np.arange(8) % 5, verbose=0)
    assert any(type(layer).__name__ == "BatchNormalization" for layer in again.layers)


def spoilt(model, dead):
    """The model with channels of its first convolution that do next to nothing, and all others at work."""
    norms = [w for w in model.layers if type(w).__name__ == "BatchNormalization"]
    for norm in norms:
        for variable, value in ((norm.gamma, 1), (norm.beta, 0.5), (norm.moving_mean, 0), (norm.moving_variance, 1)):
            variable.assign(np.full(variable.shape, value))
    layer = next(w for w in model.layers if type(w).__name__ == "Conv2D")
    depthwise = next(w for w in model.layers if type(w).__name__ == "DepthwiseConv2D")
    depthwise.bias.assign(np.zeros(depthwise.bias.shape))
    for variable in (layer.kernel, layer.bias, norms[0].gamma, norms[0].beta, norms[1].gamma, norms[1].beta):
        values = np.asarray(variable).copy()
        values[..., dead] *= 1e-4
        variable.assign(values)


@pytest.mark.parametrize("criterion", channels.CRITERIA)
def test_every_criterion_finds_channels_that_do_nothing(criterion):
    model = network("ds_cnn")
    dead = [1, 4, 5, 9]
    spoilt(model, dead)
    found = channels.structure(model)
    x = samples(model, 100)
    scores = channels.importance(model, found, criterion, x, np.arange(100) % 5)
    first = found.groups[0].units
    removed = channels.chosen(found, scores, Choice(0.25, criterion))
    assert sorted(first.index(u) for u in removed if u in first) == dead


def test_importance_over_the_whole_model_takes_more_where_less_is_lost():
    model = network("ds_cnn")
    spoilt(model, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    shrunk = channels.shrink(model, Choice(0.3, "batch_norm", "global"))
    assert shrunk.after[next(iter(shrunk.after))] < min(list(shrunk.after.values())[1:])


def test_channels_are_kept_in_multiples():
    shrunk = channels.shrink(network("resnet8"), Choice(0.4, multiple=4))
    assert all(n % 4 == 0 for n in shrunk.after.values())
    assert min(shrunk.after.values()) >= 4


def test_a_target_is_reached_as_closely_as_channels_allow():
    model = NETWORKS["mobilenet_v1"](width=16)
    limit = 0.4 * model.count_params()
    shrunk = channels.shrink_to(model, lambda m: m.count_params(), limit, Choice())
    assert 0.85 * limit < shrunk.model.count_params() <= limit


def test_a_target_that_cannot_be_reached_says_what_can():
    with pytest.raises(UnsupportedError, match=r"found [\d,]+ at the least, allowed 10"):
        channels.shrink_to(network("dense"), lambda m: m.count_params(), 10, Choice())


def test_what_cannot_be_pruned_is_refused():
    import keras

    with pytest.raises(UnsupportedError, match="no channel"):
        channels.shrink(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]), Choice())
    model = network("dense")
    with pytest.raises(UsageError, match="needs samples with labels"):
        channels.shrink(model, Choice(0.5, "taylor"), samples(model))
    with pytest.raises(DataError, match="not finite"):
        channels.shrink(model, Choice(0.5, "activation"), np.full((4, 4, 5), np.nan))
    with pytest.raises(UsageError, match="Did you mean 'taylor'"):
        Choice(0.5, "tailor")
    for wrong in (-0.1, 1.0):
        with pytest.raises(UsageError, match="share"):
            Choice(wrong)
