"""Weights are pruned and stay so, small models learn from large ones, and trained rounding is the int8 graph's."""

from __future__ import annotations

import numpy as np
import pytest
from support import keras_models, need
from support.small_networks import NETWORKS

from edgekit.compress import prune, qat, training
from edgekit.compress.distill import Distillation, distillation_loss, log_probabilities
from edgekit.compress.prune import Schedule, Sparsity
from edgekit.compress.training import Budget
from edgekit.errors import DataError, UnsupportedError, UsageError


@pytest.fixture(autouse=True)
def _keras():
    need.package("tensorflow")


def task(shape, classes, count=240, seed=1):
    """Samples that lie round a centre for each class: easy, yet not for a network that is broken."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1, (classes, *shape))
    labels = np.arange(count) % classes
    return (centres[labels] + rng.normal(0, 1.5, (count, *shape))).astype(np.float32), labels


def trained(name="dense", epochs=12, **sizes):
    model = NETWORKS[name](**sizes)
    x, y = task(model.inputs[0].shape[1:], model.outputs[0].shape[-1])
    training.fit(model, x, y, Budget(epochs, 5e-3, 16))
    return model, x, y


def test_training_learns_and_repeats_itself():
    import keras

    results = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        model, x, y = trained()
        results.append(training.accuracy(model, x, y))
    assert results[0] == results[1] > 0.9


@pytest.mark.parametrize("scope", prune.SCOPES)
@pytest.mark.parametrize("form", ["single", "block"])
@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.75, 0.9])
def test_the_smallest_weights_go_and_as_many_as_asked(form, scope, sparsity):
    model = keras_models.randomised(NETWORKS["resnet8"]())
    prune.apply(model, prune.masks(model, Sparsity(form, sparsity, scope=scope)))
    left, whole = prune.density(model)
    assert abs(1 - left / whole - sparsity) < 0.01
    before = keras_models.randomised(NETWORKS["resnet8"]())
    if form == "single" and scope == "global" and sparsity:
        pairs = [(np.asarray(a), np.asarray(b)) for a, b in zip(before.weights, model.weights, strict=True)]
        gone = np.concatenate([np.abs(a[(b == 0) & (a != 0)]) for a, b in pairs if a.ndim > 1])
        stay = np.concatenate([np.abs(b[b != 0]) for _, b in pairs if b.ndim > 1])
        assert gone.max() <= stay.min()


def test_blocks_go_whole_along_input_channels():
    model = keras_models.randomised(NETWORKS["cnn1d"](width=10))
    kept = prune.masks(model, Sparsity("block", 0.6, block=4))
    for mask in kept.values():
        rows = np.moveaxis(mask, -1, 0)
        for start in range(0, rows.shape[-1], 4):
            run = rows[..., start : start + 4]
            assert (run.all(axis=-1) | ~run.any(axis=-1)).all()


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4), (1, 2)])
def test_of_m_neighbours_the_n_largest_stay(n, m):
    model = keras_models.randomised(NETWORKS["ds_cnn"]())
    kept = prune.masks(model, Sparsity("n:m", n=n, m=m))
    assert len(kept) == 3  # the first convolution has one input channel
    for variable in model.weights:
        if variable.path in kept:
            rows = np.moveaxis(np.asarray(variable), -1, 0)
            mask = np.moveaxis(kept[variable.path], -1, 0).reshape(-1, m)
            values = np.abs(rows).reshape(-1, m)
            assert (mask.sum(axis=1) == n).all()
            assert (np.where(mask, values, np.inf).min(axis=1) >= np.where(mask, 0, values).max(axis=1)).all()


def test_a_threshold_keeps_what_reaches_it():
    model = keras_models.randomised(NETWORKS["dense"]())
    before = np.asarray(model.layers[1].kernel).copy()
    prune.apply(model, prune.masks(model, Sparsity(threshold=0.2)))
    assert np.array_equal(np.asarray(model.layers[1].kernel), np.where(np.abs(before) >= 0.2, before, 0))


def test_sparsity_grows_fast_then_slowly():
    plan = Schedule(0.2, 0.8)
    assert [plan.share(t) for t in (0, 0.2, 0.5, 0.8, 1)] == pytest.approx([0, 0, 1 - 0.5**3, 1, 1])


@pytest.mark.parametrize("wanted", [Sparsity(sparsity=0.6), Sparsity("n:m"), Sparsity("block", 0.5)])
def test_zeros_are_held_through_training_and_its_rounding(wanted):
    model, x, y = trained()
    steps = 4 * 15
    training.fit(model, x, y, Budget(4, 2e-3, 16), callbacks=[prune.pruner(model, wanted, steps)])
    kept = prune.zeros(model)
    share = 1 - prune.density(model)[0] / prune.density(model)[1]
    assert abs(share - (0.5 if wanted.form == "n:m" else wanted.sparsity)) < 0.05
    assert training.accuracy(model, x, y) > 0.6
    again = qat.train(model, x, y, Budget(2, 1e-3, 16))
    assert all((m <= k).all() for m, k in zip(prune.zeros(again.model).values(), kept.values(), strict=True))


def test_the_loss_is_the_formula():
    rng = np.random.default_rng(4)
    s, t, y = rng.normal(0, 2, (6, 5)), rng.normal(0, 2, (6, 5)), np.arange(6) % 5
    heat, alpha = 3.0, 0.3

    def soft(z):
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    told = -(soft(t / heat) * np.log(soft(s / heat))).sum(axis=-1) * heat**2
    hard = -np.log(soft(s)[np.arange(6), y])
    settings = Distillation(None, alpha, heat)
    for softmaxed in (False, True):
        logs = [
            log_probabilities((soft(z) if softmaxed else z).astype(np.float32), softmaxed=softmaxed) for z in (s, t)
        ]
        assert float(distillation_loss(*logs, y, settings)) == pytest.approx(
            (alpha * told + (1 - alpha) * hard).mean(), 1e-4
        )


def test_a_student_learns_from_its_teacher_alone():
    teacher, x, y = trained(epochs=15)
    weights = [np.asarray(w).copy() for w in teacher.weights]
    student = NETWORKS["dense"](width=12)
    training.fit(student, x, np.zeros_like(y), Budget(25, 5e-3, 16), distillation=Distillation(teacher, 1.0, 2.0))
    assert training.accuracy(student, x, y) > 0.9
    assert all(np.array_equal(a, np.asarray(b)) for a, b in zip(weights, teacher.weights, strict=True))


@pytest.mark.parametrize(
    ("name", "ranges"),
    [
        ("resnet8", "learned"),
        ("ds_cnn", "moving"),
        ("mobilenet_v1", "learned"),
        ("dense", "moving"),
        ("cnn1d", "learned"),
    ],
)
def test_the_simulated_rounding_is_that_of_the_int8_graph(name, ranges):
    model, x, y = trained(name, 2, **({"width": 8} if name != "resnet8" else {"width": 4}))
    result = qat.train(model, x, y, Budget(1, 1e-3, 32), ranges=ranges)
    output = result.graph.tensors[result.graph.outputs[0]]
    entry = result.graph.tensors[result.graph.inputs[0]]
    from edgekit.ir import batch

    given = np.clip(np.rint(x / entry.scale) + entry.zero_point, -128, 127).astype(np.int8)
    ours = output.scale * (batch.outputs(result.graph, [given])[0].astype(np.float32) - output.zero_point)
    theirs = np.asarray(result.simulate(x))
    assert np.mean(np.abs(ours.reshape(theirs.shape) - theirs)) < 1.5 * output.scale
    assert abs(result.integer_accuracy(x, y) - result.simulated_accuracy(x, y)) <= (4 if name == "cnn1d" else 2) / len(
        x
    )  # inside a separable layer nothing is simulated


def test_bad_data_is_refused_all_at_once():
    model = NETWORKS["dense"]()
    x, y = task((4, 5), 5)
    budget = Budget(1)
    with pytest.raises(DataError) as error:
        training.fit(model, np.where(x > 3, np.nan, x), y + 1, budget)
    assert "not finite" in str(error.value)
    assert "found 1 to 5, allowed 0 to 4" in str(error.value)
    with pytest.raises(DataError, match="one value"):
        training.fit(model, np.zeros_like(x), y, budget)
    with pytest.raises(DataError, match="do not fit"):
        training.fit(model, x[:, 1:], y, budget)
    with pytest.raises(DataError, match="one label a sample"):
        training.fit(model, x, y[1:], budget)
    with pytest.raises(DataError, match="the teacher knows other classes"):
        training.fit(model, x, y, budget, distillation=Distillation(NETWORKS["dense"](classes=4)))
    with pytest.raises(UnsupportedError, match="1:16 needs input channels that 16 divides"):
        prune.masks(NETWORKS["cnn1d"](width=5), Sparsity("n:m", n=1, m=16))
    for wrong in (
        lambda: Budget(0),
        lambda: Sparsity(sparsity=1.0),
        lambda: Sparsity(n=5),
        lambda: Distillation(model, 2),
    ):
        with pytest.raises(UsageError):
            wrong()
