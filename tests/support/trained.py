"""Networks trained on the shared data sets: what compression is measured on."""

from __future__ import annotations

from typing import Any

import numpy as np
from support.datasets import Dataset

EPOCHS = {"watch": 24, "digits": 12}
BATCH, PEAK_RATE = 64, 3e-3


def network(data: Dataset) -> Any:
    """The demonstration's network for the watch set, a small convolutional one for the digits."""
    from edgekit.demo import make

    return make.network(data.shape[-1], data.classes) if data.name == "watch" else digits_network(data.classes)


def digits_network(classes: int) -> Any:
    """Four convolutions with batch norm, one of them depthwise: 36 k parameters."""
    import keras
    from keras import layers as k

    def block(x: Any, layer: Any) -> Any:
        return k.ReLU()(k.BatchNormalization()(layer(x)))

    x = inputs = keras.Input((28, 28, 1), name="image")
    x = block(x, k.Conv2D(16, 3, padding="same", use_bias=False))
    x = k.MaxPooling2D(2)(block(x, k.Conv2D(32, 3, padding="same", use_bias=False)))
    x = block(block(x, k.DepthwiseConv2D(3, padding="same", use_bias=False)), k.Conv2D(48, 1, use_bias=False))
    x = k.MaxPooling2D(2)(block(x, k.Conv2D(64, 3, padding="same", use_bias=False)))
    x = k.Dropout(0.3)(k.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, k.Softmax()(k.Dense(classes)(x)), name="digits")


def trained(data: Dataset, seed: int, epochs: int = 0) -> Any:
    """The network after its training; the same on the same machine with the same versions, near to it elsewhere."""
    import keras
    import tensorflow as tf

    from edgekit.demo import make

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    model = network(data)
    epochs = epochs or EPOCHS[data.name]
    steps = epochs * -(-len(data.train) // BATCH)
    rate: Any = keras.optimizers.schedules.CosineDecay(
        1e-4, steps - steps // 10, 0.01, warmup_target=PEAK_RATE, warmup_steps=steps // 10
    )
    model.compile(keras.optimizers.AdamW(rate, weight_decay=1e-2), loss="sparse_categorical_crossentropy")
    generator = np.random.default_rng(seed)
    for _ in range(epochs):
        if data.name == "watch":
            fresh = make.augmented(make.Windows(data.train.x, data.train.y), generator)
            x, y = fresh.x, fresh.y
        else:
            x, y = shifted(data.train.x, data.train.y, generator)
        model.fit(x, y, batch_size=BATCH, verbose=0, shuffle=False)
    return model


def shifted(x: Any, y: Any, generator: np.random.Generator) -> tuple[Any, Any]:
    """The images in random order, each moved by up to two pixels."""
    order = generator.permutation(len(y))
    wide = np.pad(x[order], ((0, 0), (2, 2), (2, 2), (0, 0)))
    moves = generator.integers(0, 5, (len(y), 2))
    height, width = x.shape[1:3]
    moved = [image[a : a + height, b : b + width] for image, (a, b) in zip(wide, moves, strict=True)]
    return np.stack(moved), y[order]
