# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false
"""Make the demonstration's model and samples: ``python -m edgekit.demo.make``.

Trains a small convolutional network on seglearn's smart-watch recordings (seven shoulder exercises, six
inertial channels at 50 Hz, ten people), split by person, and converts it to full int8. Needs
``edgekit[tensorflow]``, ``seglearn`` and ``tflite-micro``; takes about a minute on two cores. With the same
versions it writes the same bytes.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import io
import json
import os
import platform
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import InternalError, MissingToolError, Problem
from edgekit.ir.graph import Array

FOLDER = Path(__file__).resolve().parent
MODEL, SAMPLES, PROVENANCE = "watch_gestures.tflite", "watch_test.npz", "PROVENANCE.toml"
OUTPUT = "probabilities"
SEED = 1
WINDOW, TRAIN_HOP, TEST_HOP = 128, 32, 64
TRAIN, VALIDATE, TEST = (1, 2, 3, 4, 5, 6, 7), (8,), (9, 10)
CLIP = 6.0
EPOCHS, BATCH, PEAK_RATE = 40, 64, 3e-3
CALIBRATION_SAMPLES = 500


@dataclass(frozen=True)
class Windows:
    """Windows of shape (n, 128, 1, 6), normalised, with their class numbers."""

    x: Array
    y: Array


@dataclass(frozen=True)
class Dataset:
    """The three splits by person, the class names, and the training statistics per channel."""

    train: Windows
    validate: Windows
    test: Windows
    shipped: Windows
    classes: tuple[str, ...]
    channels: tuple[str, ...]
    mean: Array
    std: Array


def load_dataset() -> Dataset:
    """Cut the recordings into windows and normalise them with the training people's mean and deviation.

    ``shipped`` is every second test window, so that no two of them overlap.

    Raises:
        MissingToolError: if seglearn is not installed.
    """
    found = importlib.util.find_spec("seglearn")
    if found is None or not found.submodule_search_locations:
        raise MissingToolError(Problem("seglearn is not installed", hint="pip install seglearn==1.2.5"))
    path = Path(found.submodule_search_locations[0]) / "data" / "watch_dataset.npy"
    # The file is a pickled dict; it comes from the package just named and is never loaded at run time.
    raw: dict[str, Any] = np.load(path, allow_pickle=True).item()
    train = np.concatenate([x for x, who in zip(raw["X"], raw["subject"], strict=True) if who in TRAIN])
    mean, std = train.mean(axis=0), train.std(axis=0)

    def cut(people: tuple[int, ...], hop: int) -> Windows:
        xs, ys = [], []
        for x, y, who in zip(raw["X"], raw["y"], raw["subject"], strict=True):
            starts = range(0, len(x) - WINDOW + 1, hop) if who in people else ()
            xs += [x[s : s + WINDOW] for s in starts]
            ys += [y for _ in starts]
        x = np.clip((np.stack(xs) - mean) / std, -CLIP, CLIP).astype(np.float32)
        return Windows(x[:, :, np.newaxis, :], np.asarray(ys, np.int64))

    return Dataset(
        train=cut(TRAIN, TRAIN_HOP),
        validate=cut(VALIDATE, TEST_HOP),
        test=cut(TEST, TEST_HOP),
        shipped=cut(TEST, 2 * TEST_HOP),
        classes=tuple(str(name) for name in raw["y_labels"]),
        channels=tuple(str(name) for name in raw["X_labels"]),
        mean=mean,
        std=std,
    )


def network(channels: int, classes: int) -> Any:
    """The Keras model: time runs along the height, so that it can be computed in bands of rows."""
    import keras
    from keras import layers

    def conv(x: Any, name: str, filters: int, taps: int, stride: int = 1, *, relu: bool = True) -> Any:
        x = layers.Conv2D(filters, (taps, 1), (stride, 1), padding="same", use_bias=False, name=f"{name}_conv")(x)
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
        return layers.ReLU(name=f"{name}_relu")(x) if relu else x

    def separable(x: Any, name: str, filters: int, stride: int = 1, *, relu: bool = True) -> Any:
        # Keras takes equal strides only; over a width of 1 the second one does nothing.
        x = layers.DepthwiseConv2D((5, 1), (stride, stride), padding="same", use_bias=False, name=f"{name}_depthwise")(
            x
        )
        x = layers.BatchNormalization(name=f"{name}_depthwise_norm")(x)
        x = layers.ReLU(name=f"{name}_depthwise_relu")(x)
        return conv(x, f"{name}_pointwise", filters, 1, relu=relu)

    def residual(x: Any, name: str, filters: int) -> Any:
        y = separable(x, name, filters, relu=False)
        return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))

    inputs = keras.Input((WINDOW, 1, channels), name="motion")
    x = conv(inputs, "stem", 24, 7, 2)
    x = separable(x, "block1", 32)
    x = layers.MaxPooling2D((2, 1), name="block1_pool")(x)
    x = residual(x, "block2", 32)
    x = separable(x, "block3", 64, 2)
    x = residual(x, "block4", 64)
    x = layers.AveragePooling2D((16, 1), name="average_over_time")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    x = layers.Dense(classes, name="classifier")(x)
    return keras.Model(inputs, layers.Softmax(name="probabilities")(x), name="watch_gestures")


def augmented(data: Windows, rng: np.random.Generator) -> Windows:
    """The windows with a random small rotation of the watch, gain and noise each, in random order."""
    order = rng.permutation(len(data.y))
    x = data.x[order, :, 0, :]
    rotation = np.eye(3) + rng.normal(0, 0.12, (len(x), 3, 3))
    turned = np.einsum("ntsc,ncd->ntsd", x.reshape(len(x), WINDOW, 2, 3), rotation).reshape(x.shape)
    gain = rng.normal(1, 0.08, (len(x), 1, 6))
    noisy = np.clip(turned * gain + rng.normal(0, 0.03, x.shape), -CLIP, CLIP)
    return Windows(noisy.astype(np.float32)[:, :, np.newaxis, :], data.y[order])


def train(model: Any, data: Windows) -> None:
    """Fit with Adam, one cosine cycle of the learning rate and fresh augmentation every epoch."""
    import keras

    steps = EPOCHS * (-(-len(data.y) // BATCH))
    # Any: Keras takes schedules where its annotations say float.
    rate: Any = keras.optimizers.schedules.CosineDecay(
        1e-4, steps - 100, 0.01, warmup_target=PEAK_RATE, warmup_steps=100
    )
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-2),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    rng = np.random.default_rng(SEED)
    for epoch in range(EPOCHS):
        fresh = augmented(data, rng)
        done = model.fit(fresh.x, fresh.y, batch_size=BATCH, verbose=0, shuffle=False)
        print(f"epoch {epoch + 1}/{EPOCHS} loss {done.history['loss'][0]:.3f} {done.history['accuracy'][0]:.3f}")


def convert(model: Any, samples: Array) -> bytes:
    """Full int8 ``.tflite`` from a frozen function of batch 1, which keeps shape arithmetic out of it."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    spec = tf.TensorSpec((1, *samples.shape[1:]), tf.float32, name="motion")
    concrete = tf.function(lambda motion: model(motion, training=False)).get_concrete_function(spec)
    frozen = convert_variables_to_constants_v2(concrete)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([s[np.newaxis]] for s in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def named_for_people(tflite: bytes) -> bytes:
    """The model with each tensor called after its Keras layer, in place of the converter's joined scopes.

    ``watch_gestures_1/stem_relu_1/Relu;...`` becomes ``stem``, its constants ``stem_filter`` and
    ``stem_bias``.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    # Any: what is read always has its tables, which the annotations take for optional, and names are bytes.
    model: Any = flatbuffer_utils.read_model_from_bytearray(bytearray(tflite))
    tensors = model.subgraphs[0].tensors
    for operator in model.subgraphs[0].operators:
        output = tensors[operator.outputs[0]]
        scope = output.name.decode().split(";")[0].split("/")
        layer = re.sub(r"(_relu|_norm)?_1$", "", scope[1]) if len(scope) > 1 else OUTPUT
        output.name = layer.encode()
        for index, role in zip(operator.inputs[1:], ("filter", "bias"), strict=False):
            if model.buffers[tensors[index].buffer].data is not None:
                tensors[index].name = f"{layer}_{role}".encode()
    names = [t.name for t in tensors]
    if len(set(names)) != len(names):
        raise InternalError(Problem("two tensors have one name", found=str(names)))
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def quantized(x: Array, scale: float, zero_point: int) -> Array:
    """``x`` as the model's int8 input."""
    return np.clip(np.round(x / scale) + zero_point, -128, 127).astype(np.int8)


@dataclass(frozen=True)
class Int8Result:
    """What TensorFlow Lite Micro makes of the int8 model: accuracy by split, and the input's quantisation."""

    accuracy: dict[str, float]
    scale: float
    zero_point: int


def evaluate_int8(model: bytes, splits: dict[str, Windows]) -> Int8Result:
    """Run the int8 model over each split in the TensorFlow Lite Micro interpreter."""
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(model)
    details = interpreter.get_input_details(0)["quantization_parameters"]
    scale, zero_point = float(details["scales"][0]), int(details["zero_points"][0])
    accuracy = {}
    for name, data in splits.items():
        hits = 0
        for x, y in zip(quantized(data.x, scale, zero_point), data.y, strict=True):
            interpreter.set_input(x[np.newaxis], 0)
            interpreter.invoke()
            hits += int(interpreter.get_output(0).argmax() == y)
        accuracy[name] = hits / len(data.y)
    return Int8Result(accuracy, scale, zero_point)


def pack_samples(arrays: dict[str, Array]) -> bytes:
    """An ``.npz`` whose bytes depend on the arrays alone (``np.savez`` writes the clock into it)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.save(member, array, allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, member.getvalue(), zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()


def provenance(data: Dataset, floats: dict[str, float], result: Int8Result, files: dict[str, bytes]) -> str:
    """PROVENANCE.toml: where the two files come from, how to make them again, and how good they are."""
    import tensorflow as tf

    packages = ("keras", "numpy", "seglearn", "tflite-micro")
    versions = {name: importlib.metadata.version(name) for name in packages}
    versions["tensorflow"] = tf.__version__
    splits = {"validate": data.validate, "test": data.test, "shipped": data.shipped}
    lines = [
        "# Written by edgekit.demo.make; do not edit.",
        'script = "python -m edgekit.demo.make"',
        'data = "seglearn watch_dataset.npy: smart-watch accelerometer and gyroscope, 50 Hz"',
        'licence = "BSD-3-Clause, see LICENSE"',
        f"seed = {SEED}",
        f"epochs = {EPOCHS}",
        "",
        "[versions]",
        f'python = "{platform.python_version()}"',
        *(f'{name} = "{version}"' for name, version in sorted(versions.items())),
        "",
        "[split]  # by person",
        f"train = {list(TRAIN)}",
        f"validate = {list(VALIDATE)}",
        f"test = {list(TEST)}",
        f"window = {WINDOW}  # samples",
        f"test_hop = {TEST_HOP}  # shipped: every second test window, so that none overlap",
        "",
        "[windows]",
        f"train = {len(data.train.y)}",
        *(f"{name} = {len(part.y)}" for name, part in splits.items()),
        "",
        "[float_accuracy]  # Keras",
        *(f"{name} = {value:.4f}" for name, value in floats.items()),
        "",
        "[int8_accuracy]  # TensorFlow Lite Micro",
        *(f"{name} = {value:.4f}" for name, value in result.accuracy.items()),
        "",
        "[input]  # q = round(clip((raw - mean) / std, -clip, clip) / scale) + zero_point",
        f"channels = {json.dumps(data.channels)}",
        f"mean = {[round(float(v), 6) for v in data.mean]}",
        f"std = {[round(float(v), 6) for v in data.std]}",
        f"clip = {CLIP}",
        f"scale = {result.scale!r}",
        f"zero_point = {result.zero_point}",
        f"classes = {json.dumps(data.classes)}",
        "",
        "[sha256]",
        *(f'"{name}" = "{hashlib.sha256(content).hexdigest()}"' for name, content in files.items()),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Train, convert, check under TensorFlow Lite Micro; write model, samples and provenance."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    data = load_dataset()
    splits = {"validate": data.validate, "test": data.test, "shipped": data.shipped}
    model = network(data.train.x.shape[-1], len(data.classes))
    train(model, data.train)
    floats = {name: float(model.evaluate(part.x, part.y, verbose=0)[1]) for name, part in splits.items()}
    order = np.random.default_rng(SEED).permutation(len(data.train.y))
    tflite = named_for_people(convert(model, data.train.x[order[:CALIBRATION_SAMPLES]]))
    result = evaluate_int8(tflite, splits)
    samples = pack_samples(
        {
            "inputs": quantized(data.shipped.x, result.scale, result.zero_point),
            "labels": data.shipped.y.astype(np.uint8),
            "classes": np.asarray(data.classes),
        }
    )
    files = {MODEL: tflite, SAMPLES: samples}
    for name, content in files.items():
        (FOLDER / name).write_bytes(content)
        print(f"{name}: {len(content)} bytes")
    text = provenance(data, floats, result, files)
    (FOLDER / PROVENANCE).write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
