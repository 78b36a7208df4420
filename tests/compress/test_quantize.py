"""Float graphs become int8 ones that are close, and that tflite-micro computes byte for byte alike."""

from __future__ import annotations

import numpy as np
import pytest
from support import keras_models, need
from support.oracle import Oracle

from edgekit.compress import Options, calibrate, quantize
from edgekit.compress.fuse import fuse
from edgekit.errors import DataError, UnsupportedError, UsageError
from edgekit.frontends import keras as reader
from edgekit.frontends import tflite, tflite_writer
from edgekit.ir import batch, interp, verify


@pytest.fixture(autouse=True)
def _keras():
    need.package("tensorflow")


def floats(graph, count=40, seed=3):
    rng = np.random.default_rng(seed)
    return [rng.normal(0, 1, (count, *graph.tensors[n].shape[1:])).astype(np.float32) for n in graph.inputs]


def quantised_inputs(graph, columns):
    tensors = [graph.tensors[n] for n in graph.inputs]
    return [
        np.clip(np.rint(c / t.scale) + t.zero_point, -128, 127).astype(np.int8)
        for t, c in zip(tensors, columns, strict=True)
    ]


def real_outputs(graph, columns):
    results = batch.outputs(graph, quantised_inputs(graph, columns))
    tensors = [graph.tensors[n] for n in graph.outputs]
    return [t.scale * (r.astype(np.float32) - t.zero_point) for t, r in zip(tensors, results, strict=True)]


def assert_exact(graph, columns):
    """The exported file, read again and in tflite-micro, gives the bytes of every layer."""
    data = tflite_writer.write(graph)
    again = tflite.read(data)
    oracle = Oracle(data)
    inputs = quantised_inputs(graph, columns)
    for i in range(3):
        sample = [c[i : i + 1] for c in inputs]
        ours = interp.run(again, sample)
        for name, theirs in oracle.run(sample).items():
            assert np.array_equal(ours[name], theirs), name


def test_every_layer_quantises_closely_and_exactly():
    wrong = {}
    for name, build in keras_models.layers().items():
        graph = reader.read(keras_models.randomised(build()))
        columns = floats(graph)
        if not graph.nodes or not any(n.op.FAMILY for n in graph.nodes):
            continue
        try:
            small = quantize(graph, columns)
            verify.verify(small)
            for ours, real in zip(real_outputs(small, columns), batch.outputs(graph, columns), strict=True):
                noise = float(np.mean((ours - real) ** 2))
                assert noise < 3e-3 * float(np.mean(real**2)) + 1e-9, noise / float(np.mean(real**2))
            assert_exact(small, columns)
        except (AssertionError, UnsupportedError) as error:
            wrong[name] = str(error)[:150]
    assert not wrong


@pytest.mark.parametrize("calibrator", calibrate.CALIBRATORS)
@pytest.mark.parametrize("name", ["sequential", "residual", "shared", "decoder"])
def test_networks_quantise_closely_and_exactly(name, calibrator):
    graph = reader.read(keras_models.randomised(keras_models.networks()[name]()))
    columns = floats(graph)
    small = quantize(graph, columns, Options(calibrator))
    verify.verify(small)
    for ours, real in zip(real_outputs(small, columns), batch.outputs(graph, columns), strict=True):
        assert float(np.mean((ours - real) ** 2)) < 0.02 * float(np.var(real))
    assert_exact(small, columns)


@pytest.mark.parametrize("name", ["sequential", "residual", "shared", "decoder"])
def test_fused_graphs_compute_the_same_in_fewer_layers(name):
    graph = reader.read(keras_models.randomised(keras_models.networks()[name]()))
    fused = fuse(graph)
    verify.verify(fused)
    columns = floats(graph)
    assert len(fused.nodes) < len(graph.nodes) or name == "decoder"
    for a, b in zip(batch.outputs(fused, columns), batch.outputs(graph, columns), strict=True):
        assert np.max(np.abs(a - b)) < 1e-5 * max(1.0, float(np.max(np.abs(b))))
    if name == "sequential":
        assert [n.op.NAME for n in fused.nodes if n.op.FAMILY] == [
            "CONV_2D",
            "MAX_POOL_2D",
            "DEPTHWISE_CONV_2D",
            "MEAN",
            "FULLY_CONNECTED",
            "SOFTMAX",
        ]


def test_bad_samples_and_calibrators_are_refused():
    graph = reader.read(keras_models.networks()["sequential"]())
    good = floats(graph)
    with pytest.raises(DataError, match="not finite"):
        quantize(graph, [np.full_like(good[0], np.nan)])
    with pytest.raises(DataError, match="one value"):
        quantize(graph, [np.ones_like(good[0])])
    with pytest.raises(DataError, match="do not fit"):
        quantize(graph, [good[0][:, 1:]])
    with pytest.raises(DataError, match="number of inputs"):
        quantize(graph, [])
    with pytest.raises(UsageError, match="no such calibrator"):
        quantize(graph, good, Options("best"))
    small = quantize(graph, good)
    with pytest.raises(UnsupportedError, match="not a float model"):
        quantize(small, good)
