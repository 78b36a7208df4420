"""Float graphs read from Keras models compute what Keras computes, layer by layer."""

from __future__ import annotations

import numpy as np
import pytest
from support import keras_models

from edgekit.errors import MissingToolError, ModelError, UnsupportedError
from edgekit.frontends import keras as reader
from edgekit.ir import batch, interp, verify

# Keras' own reading and writing of files with the current NumPy.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
TOLERANCE = 1e-5


@pytest.fixture(autouse=True)
def _keras():
    keras_models.need_keras()


def inputs_of(model, count=3, seed=2):
    rng = np.random.default_rng(seed)
    return [rng.normal(0, 1.5, (count, *tensor.shape[1:])).astype(np.float32) for tensor in model.inputs]


def difference(ours, theirs):
    theirs = np.asarray(theirs)
    assert ours.shape == theirs.shape
    return float(np.max(np.abs(ours - theirs)) / max(1.0, float(np.max(np.abs(theirs)))))


def assert_outputs_equal(model):
    graph = reader.read(model)
    verify.verify(graph)
    columns = inputs_of(model)
    single = not isinstance(model._inputs_struct if hasattr(model, "_inputs_struct") else model.inputs[0], list | tuple)
    expected = model(columns[0] if single else columns, training=False)
    expected = [np.asarray(e) for e in (expected if isinstance(expected, list | tuple) else [expected])]
    for i in range(len(columns[0])):
        ours = interp.outputs(graph, [c[i : i + 1] for c in columns])
        for a, e in zip(ours, expected, strict=True):
            assert difference(a, e[i : i + 1]) < TOLERANCE
    together = batch.outputs(graph, columns)
    for a, e in zip(together, expected, strict=True):
        assert difference(a, e) < TOLERANCE


def test_every_layer_computes_what_keras_computes():
    built = {name: keras_models.randomised(build()) for name, build in keras_models.layers().items()}
    wrong = {}
    for name, model in built.items():
        try:
            assert_outputs_equal(model)
        except (AssertionError, UnsupportedError) as error:
            wrong[name] = str(error)[:200]
    assert not wrong
    used = {type(layer).__name__ for model in built.values() for layer in model.layers}
    assert set(reader.LAYERS) - used - set(reader.shapes.TRAINING_ONLY) - {"Identity"} == set()


@pytest.mark.parametrize("name", ["sequential", "residual", "shared", "decoder"])
def test_networks_compute_what_keras_computes(name):
    assert_outputs_equal(keras_models.randomised(keras_models.networks()[name]()))


@pytest.mark.parametrize("name", ["sequential", "residual", "decoder"])
def test_every_layer_of_a_network_is_equal(name):
    import keras

    model = keras_models.randomised(keras_models.networks()[name]())
    graph, made = reader.read_layers(model)
    columns = [c[:1] for c in inputs_of(model)]
    values = interp.run(graph, columns)
    layers = [x for x in model.layers if type(x).__name__ != "InputLayer"]
    probe = keras.Model(model.inputs, [x.output for x in layers])
    for layer, expected in zip(layers, probe(columns, training=False), strict=True):
        value = made[layer.name]
        assert value.shape == tuple(expected.shape)
        assert difference(values[value.tensor].reshape(value.shape), expected) < TOLERANCE, layer.name


def test_files_give_the_same_graph_as_objects(tmp_path):
    model = keras_models.randomised(keras_models.networks()["residual"]())
    columns = [c[:1] for c in inputs_of(model)]
    expected = interp.outputs(reader.read(model), columns)
    model.save(tmp_path / "net.keras")
    graph = reader.read(tmp_path / "net.keras")
    assert graph.name == "net"
    assert len(graph.sha256) == 64
    assert np.array_equal(interp.outputs(graph, columns)[0], expected[0])


def test_names_say_which_layer_and_which_model_it_is_in():
    graph = reader.read(keras_models.networks()["shared"]())
    names = [node.name for node in graph.nodes]
    assert len(set(names)) == len(names)
    assert {"twin/deep", "twin_2/deep", "core/deep", "core_2/deep"} <= set(names)
    assert graph.inputs == ("left", "right")


def test_all_unsupported_layers_come_in_one_error_with_what_to_do():
    import keras
    from keras import layers as k

    class Own(k.Layer):
        def call(self, inputs):
            return inputs

    x = inputs = keras.Input((10, 4))
    x = k.LayerNormalization(name="norm")(x)
    x = k.Dense(4, activation="gelu", name="gelu_dense")(x)
    x = Own(name="own")(x)
    x = k.MultiHeadAttention(2, 2, name="attention")(x, x)
    x = keras.ops.cumsum(k.Dense(3)(x), axis=1)
    with pytest.raises(UnsupportedError) as caught:
        reader.read(keras.Model(inputs, k.Softmax(axis=1, name="over_time")(x)))
    found = {p.where: p for p in caught.value.problems}
    assert {"layer 'norm'", "layer 'gelu_dense'", "layer 'own'", "layer 'attention'", "layer 'over_time'"} < set(found)
    assert len(found) == 6
    assert all(p.hint for p in caught.value.problems)
    assert "gelu" in found["layer 'gelu_dense'"].what
    assert found["layer 'norm'"].what.startswith("LayerNormalization")


def test_models_whose_layers_cannot_be_seen_are_refused():
    import keras
    from keras import layers as k

    class Subclassed(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(UnsupportedError, match=r"keras\.Input"):
        reader.read(keras.Sequential([k.Dense(3)]))
    with pytest.raises(UnsupportedError, match="Python code"):
        reader.read(Subclassed())
    with pytest.raises(UnsupportedError, match="full shape"):
        reader.read(keras.Sequential([keras.Input((None, 3)), k.Conv1D(3, 3)]))
    with pytest.raises(UnsupportedError, match="channels_last"):
        reader.read(keras.Sequential([keras.Input((3, 8, 8)), k.MaxPooling2D(data_format="channels_first")]))


def test_files_that_are_no_models_are_errors(tmp_path, monkeypatch):
    with pytest.raises(ModelError, match="no such file"):
        reader.read(tmp_path / "absent.keras")
    for name in ("a.keras", "a.h5"):
        (tmp_path / name).write_bytes(b"not a model at all")
        with pytest.raises(ModelError, match="Keras cannot load it"):
            reader.read(tmp_path / name)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingToolError, match=r"edgekit\[tensorflow\]"):
        reader.read(tmp_path / "a.keras")


def test_dead_branches_and_layers_of_training_leave_no_trace():
    import keras
    from keras import layers as k

    inputs = keras.Input((6,))
    x = k.Dropout(0.5)(k.Dense(3, name="only")(k.GaussianNoise(0.1)(inputs)))
    graph = reader.read(keras.Model(inputs, x))
    assert [n.name for n in graph.nodes] == ["only"]
