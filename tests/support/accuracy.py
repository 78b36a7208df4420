"""What int8 costs on real data: the figures of docs/results/quantization.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from support import litert
from support.datasets import Dataset, Split

from edgekit.compress import quantize
from edgekit.demo import make
from edgekit.frontends import keras as reader
from edgekit.frontends import tflite_writer

CALIBRATION = 500


def calibration(data: Dataset) -> Split:
    """The training samples that ranges are taken from, the same for all who quantise."""
    order = np.random.default_rng(0).permutation(len(data.train))[:CALIBRATION]
    return Split(data.train.x[order], data.train.y[order])


def row(data: Dataset, seed: int, model: Path, folder: Path) -> dict[str, Any]:
    """Accuracy in per cent of one trained model on the test set: Keras' float, and edgekit's and LiteRT's int8 files.

    Both files run in tflite-micro, and both took their ranges from the same samples.
    """
    import keras

    real = keras.models.load_model(model, compile=False).predict(data.test.x, verbose=0).argmax(axis=1)
    given = calibration(data)
    ours = tflite_writer.write(quantize(reader.read(model), [given.x]))
    theirs = litert.quantised(model, given.x, folder)
    windows = {"test": make.Windows(data.test.x, data.test.y)}
    int8, peer = (100 * make.evaluate_int8(file, windows).accuracy["test"] for file in (ours, theirs))
    correct = 100 * float((real == data.test.y).mean())
    figures = {"float": round(correct, 2), "int8": round(int8, 2), "litert": round(peer, 2)}
    return {"set": data.name, "seed": seed, "test_samples": len(data.test), **figures}
