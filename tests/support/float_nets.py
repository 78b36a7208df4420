"""A small float network put together by hand, and samples it labels itself: no training framework needed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.frontends.keras.builder import Builder
from edgekit.ir import batch
from edgekit.ir.graph import Array, Graph
from edgekit.ops.add import Add
from edgekit.ops.base import Activation, Padding
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
from edgekit.ops.fully_connected import FullyConnected
from edgekit.ops.mean import Mean
from edgekit.ops.relu import Relu
from edgekit.ops.softmax import Softmax
from edgekit.samples import Samples

CLASSES = 5


def mobilenet(spread: float = 1.0, seed: int = 4, width: int = 16) -> Graph:
    """Stem, three depthwise separable blocks, a residual, mean, classes.

    Above 1, ``spread`` multiplies channels by up to that factor and divides them by it again in the layer behind, so
    that the network computes the same with ranges that differ much between channels.
    """
    rng = np.random.default_rng(seed)
    b = Builder()
    at = b.input("image", (1, 12, 10, 3)).tensor
    scale = np.ones(3)

    def factors(channels: int) -> Array:
        return np.exp(rng.uniform(-1, 1, channels) * np.log(spread))

    def conv(source: str, channels: int, size: int, into: Array, out: Array) -> str:
        taps = size * size * len(into)
        filters = rng.normal(0, np.sqrt(2 / taps), (channels, size, size, len(into)))
        filters = filters / into * out[:, None, None, None]
        parts = [b.constant("filter", filters), b.constant("bias", rng.normal(0, 0.1, channels) * out)]
        return b.add(Conv2D(activation=Activation.RELU), (source, *parts))

    def depthwise(source: str, into: Array, out: Array) -> str:
        filters = rng.normal(0, np.sqrt(2 / 9), (1, 3, 3, len(into))) / into * out
        parts = [b.constant("filter", filters), b.constant("bias", rng.normal(0, 0.1, len(into)) * out)]
        return b.add(DepthwiseConv2D(Padding.SAME, depth_multiplier=1), (source, *parts))

    b.label = "stem"
    out = factors(width)
    at, scale = conv(at, width, 3, scale, out), out
    for i in range(3):
        b.label, out = f"block{i}_depthwise", factors(width)
        at = depthwise(at, scale, out)
        b.label, scale = f"block{i}_relu", out
        at = b.add(Relu(), (at,))
        b.label, out = f"block{i}_pointwise", factors(width)
        at, scale = conv(at, width, 1, scale, out), out
    b.label = "side"
    side = conv(at, width, 3, scale, scale)
    b.label = "residual"
    at = b.add(Add(), (at, side))
    b.label = "mean"
    at = b.add(Mean(keep_dims=False), (at, b.integers("axes", (1, 2))))
    b.label = "classes"
    filters = rng.normal(0, 1.5, (CLASSES, width)) / scale
    at = b.add(FullyConnected(), (at, b.constant("filter", filters), b.constant("bias", rng.normal(0, 0.1, CLASSES))))
    b.label = "probabilities"
    return b.graph("hard" if spread > 1 else "easy", [b.add(Softmax(), (at,))])


def inputs(count: int, seed: int = 5) -> Array:
    """Smooth random images (count, 12, 10, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 1, (count, 4, 5, 3)).repeat(3, axis=1).repeat(2, axis=2)
    return (coarse + rng.normal(0, 0.3, coarse.shape)).astype(np.float32)


def samples(graph: Graph, count: int = 300, seed: int = 5) -> Samples:
    """Samples labelled as ``graph`` answers them, but for every tenth; those it is surest of, as if trained on them."""
    x = inputs(3 * count, seed)
    answers = batch.outputs(graph, [x])[0]
    best = np.sort(answers, axis=1)
    sure = np.sort(np.argsort(best[:, -2] - best[:, -1], kind="stable")[:count])
    x, labels = x[sure], answers[sure].argmax(axis=1)
    labels[::10] = (labels[::10] + 1) % CLASSES
    return Samples(tuple((row[None],) for row in x), "made up", tuple(int(n) for n in labels))


def unlabelled(given: Samples) -> Samples:
    return replace(given, labels=())
