"""Small Keras networks of the shapes people prune: residual, depthwise, sequences, dense; a builder each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def resnet8(width: int = 8, classes: int = 5) -> Any:
    import keras
    from keras import layers as k

    def conv(x: Any, filters: int, size: int, stride: int = 1) -> Any:
        return k.BatchNormalization()(k.Conv2D(filters, size, stride, "same", use_bias=False)(x))

    x = inputs = keras.Input((16, 16, 3))
    x = k.ReLU()(conv(x, width, 3))
    for stage in range(3):
        filters, stride = width << stage, 1 if stage == 0 else 2
        y = conv(k.ReLU()(conv(x, filters, 3, stride)), filters, 3)
        x = k.ReLU()(k.Add()([y, x if stride == 1 else conv(x, filters, 1, stride)]))
    x = k.Flatten()(k.AveragePooling2D(4)(x))
    return keras.Model(inputs, k.Dense(classes, "softmax")(x), name="resnet8")


def ds_cnn(width: int = 16, classes: int = 5) -> Any:
    import keras
    from keras import layers as k

    steps = [keras.Input((20, 10, 1)), k.Conv2D(width, (5, 4), 2, "same"), k.BatchNormalization(), k.ReLU()]
    for _ in range(2):
        steps += [k.DepthwiseConv2D(3, padding="same"), k.BatchNormalization(), k.ReLU()]
        steps += [k.Conv2D(width, 1), k.BatchNormalization(), k.ReLU()]
    steps += [k.Dropout(0.2), k.GlobalAveragePooling2D(), k.Dense(classes, "softmax")]
    return keras.Sequential(steps, name="ds_cnn")


def mobilenet_v1(width: int = 8, classes: int = 3) -> Any:
    import keras
    from keras import layers as k

    x = inputs = keras.Input((24, 24, 3))
    x = k.ReLU(6.0)(k.BatchNormalization()(k.Conv2D(width, 3, 2, "same", use_bias=False)(x)))
    for filters, stride in ((2 * width, 1), (4 * width, 2), (4 * width, 1), (8 * width, 2)):
        x = k.ZeroPadding2D(((0, 1), (0, 1)))(x) if stride == 2 else x
        x = k.DepthwiseConv2D(3, stride, "same" if stride == 1 else "valid", use_bias=False)(x)
        x = k.ReLU(6.0)(k.BatchNormalization()(x))
        x = k.ReLU(6.0)(k.BatchNormalization()(k.Conv2D(filters, 1, use_bias=False)(x)))
    x = k.GlobalAveragePooling2D(keepdims=True)(x)
    x = k.Reshape((classes,))(k.Conv2D(classes, 1)(k.Dropout(0.1)(x)))
    return keras.Model(inputs, k.Softmax()(x), name="mobilenet_v1")


def dense(width: int = 24, classes: int = 5) -> Any:
    import keras
    from keras import layers as k

    steps = [keras.Input((4, 5)), k.Flatten(), k.Dense(width, "relu"), k.Dense(width), k.BatchNormalization(), k.ReLU()]
    return keras.Sequential([*steps, k.Dense(width, "tanh"), k.Dense(classes)], name="dense")


def cnn1d(width: int = 12, classes: int = 5) -> Any:
    import keras
    from keras import layers as k

    steps = [keras.Input((32, 4)), k.Conv1D(width, 5, padding="same", activation="relu"), k.MaxPooling1D(2)]
    steps += [k.SeparableConv1D(2 * width, 3, padding="same"), k.BatchNormalization(), k.ReLU(), k.MaxPooling1D(2)]
    steps += [k.Conv1D(2 * width, 3), k.PReLU(shared_axes=[1]), k.Reshape((-1, 1, 2 * width)), k.Flatten()]
    return keras.Sequential([*steps, k.Dense(classes, "softmax")], name="cnn1d")


def woven(width: int = 8) -> Any:
    """Concatenations, a gate, a nested model called twice, shared batch norm, functions, a transposed convolution."""
    import keras
    from keras import layers as k

    x = inputs = keras.Input((8, 8, 3))
    inner_in = keras.Input((8, 8, width))
    inner = keras.Model(inner_in, k.Conv2D(width, 3, padding="same", activation="relu")(inner_in), name="inner")
    a = k.Conv2D(width, 3, padding="same")(x)
    b = k.Conv2D(width, 1)(x)
    norm = k.BatchNormalization()
    a, b = inner(norm(a)), inner(norm(b))
    x = k.Concatenate()([a, b, k.Conv2D(4, 1)(x)])
    gate = k.Dense(2 * width + 4, "sigmoid")(k.Dense(4, "relu")(k.GlobalAveragePooling2D(keepdims=True)(x)))
    x = k.Multiply()([x, gate]) * 2.0
    x = k.Conv2DTranspose(6, 3, 2, "same")(keras.ops.relu(x))
    y = k.DepthwiseConv2D(3, depth_multiplier=2)(k.MaxPooling2D(2)(x))
    return keras.Model(
        inputs, [k.Dense(3)(k.Flatten()(y)), k.GlobalAveragePooling2D()(k.Conv2D(4, 3)(x))], name="woven"
    )


NETWORKS: dict[str, Callable[..., Any]] = {f.__name__: f for f in (resnet8, ds_cnn, mobilenet_v1, dense, cnn1d, woven)}
