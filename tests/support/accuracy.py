"""What int8 costs on real data: the figures of docs/results/quantization.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from support import litert
from support.datasets import Dataset, Split

import edgekit
from edgekit import quantizing
from edgekit.compress import equalize
from edgekit.compress.quantize import prepared
from edgekit.frontends import keras as reader
from edgekit.frontends import tflite
from edgekit.ir.graph import Graph
from edgekit.quantizing import Quantization
from edgekit.samples import Samples

CALIBRATION = 500
SPREAD = 64.0


def samples(part: Split) -> Samples:
    return Samples(tuple((x[None],) for x in part.x), "the data set", tuple(int(v) for v in part.y))


def calibration(data: Dataset) -> Split:
    """The training samples that ranges are taken from, the same for all who quantise."""
    order = np.random.default_rng(0).permutation(len(data.train))[:CALIBRATION]
    return Split(data.train.x[order], data.train.y[order])


def shares(found: Quantization) -> list[float]:
    return [round(100 * rung.accuracy.share, 2) for rung in found.ladder if rung.accuracy is not None]


def row(data: Dataset, seed: int, model: Path, folder: Path) -> dict[str, Any]:
    """Accuracy in per cent of one trained model: float, edgekit's int8, LiteRT's int8, all on the test set."""
    found = edgekit.quantize(reader.read(model), samples(calibration(data)), test=samples(data.test))
    assert found.exact_on
    theirs = tflite.read(litert.quantised(model, calibration(data).x, folder))
    answers = quantizing.answers(quantizing.real_outputs(theirs, [data.test.x])[0])
    real, ours = shares(found)
    peer = round(100 * float((answers == data.test.y).mean()), 2)
    return {"set": data.name, "seed": seed, "test_samples": len(data.test), "float": real, "int8": ours, "litert": peer}


def hardened(graph: Graph, spread: float = SPREAD) -> Graph:
    """The same function with channels multiplied by up to ``spread`` or divided by it, and taken back behind."""
    rng = np.random.default_rng(1)
    graph = prepared(graph)
    for group in equalize.groups(graph):
        channels = graph.tensors[group.tensors[0]].shape[-1]
        graph = equalize._scaled(graph, group, np.exp(rng.uniform(-1, 1, channels) * np.log(spread)))
    return graph


def hard(data: Dataset, model: Path) -> dict[str, Any]:
    """Accuracy in per cent of a hardened model: float, int8, int8 after the doctor's remedies."""
    found = edgekit.quantize(
        hardened(reader.read(model)), samples(calibration(data)), test=samples(data.test), doctor=True, max_drop=1.0
    )
    ladder = shares(found)
    kept = [rung.name for rung in found.ladder[2:]]
    return {"set": data.name, "float": ladder[0], "int8": ladder[1], "remedied": ladder[-1], "kept": kept}
