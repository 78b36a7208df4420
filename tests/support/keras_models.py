"""Keras models of one layer each and a few of many: what the frontend must read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support import need


def layers() -> dict[str, Callable[[], Any]]:
    """A builder of a model by the name of what is in it; every layer the frontend knows is in one of them."""
    import keras
    from keras import layers as k

    image, sequence, row = (9, 7, 4), (13, 4), (11,)

    def one(layer: Callable[[], Any], *shapes: tuple[int, ...]) -> Callable[[], Any]:
        def build() -> Any:
            inputs = [keras.Input(s, name=f"in{i}") for i, s in enumerate(shapes)]
            made = layer()
            return keras.Model(inputs, made(inputs if len(inputs) > 1 else inputs[0]))

        return build

    activations = (
        "linear",
        "relu",
        "relu6",
        "leaky_relu",
        "sigmoid",
        "tanh",
        "hard_silu",
        "silu",
        "hard_sigmoid",
        "softmax",
        "hard_tanh",
    )
    table: dict[str, Callable[[], Any]] = {}
    for name in activations:
        table[f"activation {name}"] = one(lambda name=name: k.Activation(name), image)
        table[f"dense {name}"] = one(lambda name=name: k.Dense(6, activation=name), row)
    for padding in ("same", "valid"):
        for stride in (1, 2, 3):
            tag = f"{padding} {stride}"
            table[f"conv {tag}"] = one(lambda p=padding, s=stride: k.Conv2D(6, (3, 2), s, p), image)
            table[f"conv1d {tag}"] = one(lambda p=padding, s=stride: k.Conv1D(6, 4, s, p), sequence)
            table[f"depthwise {tag}"] = one(
                lambda p=padding, s=stride: k.DepthwiseConv2D(3, s, p, depth_multiplier=2), image
            )
            table[f"depthwise1d {tag}"] = one(lambda p=padding, s=stride: k.DepthwiseConv1D(4, s, p), sequence)
            table[f"separable {tag}"] = one(
                lambda p=padding, s=stride: k.SeparableConv2D(5, 3, s, p, activation="relu"), image
            )
            table[f"separable1d {tag}"] = one(lambda p=padding, s=stride: k.SeparableConv1D(5, 3, s, p), sequence)
            table[f"transposed {tag}"] = one(lambda p=padding, s=stride: k.Conv2DTranspose(5, (3, 2), s, p), image)
            table[f"transposed1d {tag}"] = one(lambda p=padding, s=stride: k.Conv1DTranspose(5, 4, s, p), sequence)
            table[f"max {tag}"] = one(lambda p=padding, s=stride: k.MaxPooling2D((3, 2), s, p), image)
            table[f"average {tag}"] = one(lambda p=padding, s=stride: k.AveragePooling2D((3, 2), s, p), image)
            table[f"max1d {tag}"] = one(lambda p=padding, s=stride: k.MaxPooling1D(3, s, p), sequence)
            table[f"average1d {tag}"] = one(lambda p=padding, s=stride: k.AveragePooling1D(3, s, p), sequence)
    table |= {
        "conv dilated": one(lambda: k.Conv2D(6, 3, dilation_rate=(2, 1)), image),
        "conv groups": one(lambda: k.Conv2D(6, 3, groups=2), image),
        "conv no bias": one(lambda: k.Conv2D(6, 3, use_bias=False), image),
        "conv layer activation": one(lambda: k.Conv2D(6, 3, activation=k.ReLU(6.0)), image),
        "conv1d causal": one(lambda: k.Conv1D(6, 3, padding="causal", dilation_rate=2), sequence),
        "depthwise dilated": one(lambda: k.DepthwiseConv2D(3, dilation_rate=2), image),
        "dense on steps": one(lambda: k.Dense(6, "relu"), sequence),
        "dense on image": one(lambda: k.Dense(6, use_bias=False), image),
        "batch norm": one(k.BatchNormalization, image),
        "batch norm plain": one(lambda: k.BatchNormalization(scale=False, center=False), row),
        "normalization": one(lambda: k.Normalization(mean=[1.0, 2, 3, 4], variance=[1.0, 4, 9, 2]), image),
        "rescaling": one(lambda: k.Rescaling(1 / 127.5, -1.0), image),
        "flatten": one(k.Flatten, image),
        "reshape": one(lambda: k.Reshape((7, -1, 2)), image),
        "permute": one(lambda: k.Permute((3, 1, 2)), image),
        "pad": one(lambda: k.ZeroPadding2D(((1, 2), (0, 3))), image),
        "pad1d": one(lambda: k.ZeroPadding1D((2, 1)), sequence),
        "crop": one(lambda: k.Cropping2D(((1, 2), (0, 3))), image),
        "crop1d": one(lambda: k.Cropping1D((2, 1)), sequence),
        "up": one(lambda: k.UpSampling2D((2, 3)), image),
        "up1d": one(lambda: k.UpSampling1D(3), sequence),
        "repeat": one(lambda: k.RepeatVector(4), row),
        "global average": one(k.GlobalAveragePooling2D, image),
        "global average kept": one(lambda: k.GlobalAveragePooling2D(keepdims=True), image),
        "global average1d": one(k.GlobalAveragePooling1D, sequence),
        "global max": one(k.GlobalMaxPooling2D, image),
        "global max1d": one(lambda: k.GlobalMaxPooling1D(keepdims=True), sequence),
        "relu": one(k.ReLU, image),
        "relu 6": one(lambda: k.ReLU(6.0), image),
        "relu 1": one(lambda: k.ReLU(1.0), image),
        "relu leaky": one(lambda: k.ReLU(negative_slope=0.3), image),
        "leaky": one(lambda: k.LeakyReLU(0.1), image),
        "prelu": one(lambda: k.PReLU("he_normal", shared_axes=[1, 2]), image),
        "softmax": one(k.Softmax, sequence),
        "add": one(k.Add, image, image, image),
        "add broadcast": one(k.Add, image, (1, 1, 4)),
        "subtract": one(k.Subtract, image, image),
        "multiply": one(k.Multiply, image, (1, 1, 4)),
        "mean of three": one(k.Average, row, row, row),
        "maximum": one(k.Maximum, row, row, row),
        "minimum": one(k.Minimum, row, row),
        "concatenate": one(k.Concatenate, image, image),
        "concatenate rows": one(lambda: k.Concatenate(axis=1), sequence, sequence),
    }  # fmt: skip
    return table


def networks() -> dict[str, Callable[[], Any]]:
    """Builders of models of several layers."""
    import keras
    from keras import layers as k

    def sequential() -> Any:
        steps = [k.Conv1D(8, 5, padding="same"), k.BatchNormalization(), k.ReLU(), k.SpatialDropout1D(0.2)]
        steps += [k.MaxPooling1D(2), k.DepthwiseConv1D(3), k.BatchNormalization(), k.Activation("relu6")]
        steps += [k.GlobalAveragePooling1D(), k.Dropout(0.1), k.Dense(5, "softmax")]
        return keras.Sequential([keras.Input((16, 3)), *steps], name="sequential")

    def residual() -> Any:
        x = inputs = keras.Input((12, 10, 3), name="image")
        x = k.Rescaling(1 / 2.0, 0.1)(x)
        x = k.ZeroPadding2D(((0, 1), (0, 1)))(x)
        x = k.ReLU(6.0)(k.BatchNormalization()(k.Conv2D(8, 3, 2, "valid", use_bias=False)(x)))
        y = k.BatchNormalization()(k.DepthwiseConv2D(3, padding="same", use_bias=False)(x))
        y = k.Conv2D(8, 1)(k.ReLU()(y))
        x = k.ReLU()(k.Add()([x, y]))
        gate = k.Dense(8, "hard_sigmoid")(k.Dense(4, "relu")(k.GlobalAveragePooling2D(keepdims=True)(x)))
        x = k.Multiply()([x, gate])
        x = k.Concatenate()([x, k.AveragePooling2D(3, 1, "same")(x)])
        return keras.Model(inputs, k.Dense(4)(k.Flatten()(x)), name="residual")

    def shared() -> Any:
        left, right = keras.Input((10,), name="left"), keras.Input((10,), name="right")
        inner = keras.Sequential([keras.Input((10,)), k.Dense(6, "tanh", name="deep"), k.Dense(6)], name="twin")
        core_in = keras.Input((6,))
        core = keras.Model(core_in, k.Dense(3, "sigmoid", name="deep")(core_in) * 2.0, name="core")
        a, b = inner(left), inner(right)
        difference = keras.ops.relu(a - b)
        return keras.Model([left, right], [core(difference), k.Concatenate()([a, core(b)])], name="shared")

    def decoder() -> Any:
        x = inputs = keras.Input((4, 4, 6))
        x = k.UpSampling2D()(k.Conv2D(6, 3, padding="same", activation="leaky_relu")(x))
        x = k.Cropping2D(1)(k.Conv2DTranspose(4, 3, 2, "same", activation="silu")(x))
        x = k.Reshape((-1, 4))(x)
        return keras.Model(inputs, k.Conv1D(2, 3, padding="causal")(x), name="decoder")

    return {f.__name__: f for f in (sequential, residual, shared, decoder)}


def randomised(model: Any, seed: int = 1) -> Any:
    """``model`` with every weight random, batch norms too."""
    import numpy as np

    rng = np.random.default_rng(seed)
    for weight in model.weights:
        shape, name = tuple(weight.shape), weight.path
        if weight.dtype != "float32":
            continue
        if "variance" in name or "gamma" in name:
            weight.assign(rng.uniform(0.5, 2, shape))
        else:
            weight.assign(rng.normal(0, 0.5 if len(shape) < 2 else (2 / max(np.prod(shape[:-1]), 1)) ** 0.5, shape))
    return model


def need_keras() -> None:
    """Skip without TensorFlow, which Keras runs on here."""
    need.package("tensorflow")
