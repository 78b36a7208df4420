"""Random tensors for random networks: shapes, scales, filters and biases, tame ones and wild ones."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from support.graphs import Spec, act, bias, weights
from support.nets import Net

from edgekit.ir.graph import Shape, Tensor
from edgekit.ops.base import Activation

_ACTIVATIONS = (Activation.NONE, Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)


class Tensors:
    """What the tensors of one network are drawn from; the same seed gives the same on every machine."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - test data, not a secret
        self.net = Net(f"random_{seed}")

    def shape(self) -> Shape:
        """Mostly small images of odd sizes, some of them one pixel wide or a batch."""
        batch, size = self.random.choice([1, 1, 1, 2, 3]), self.random.choice
        if self.random.random() < 0.2:
            return (batch, self.random.choice([1, 3, 8, 13, 32]))
        if self.random.random() < 0.1:
            return (batch, size([1, 4, 7]), size([1, 3, 8]))
        return (batch, size([1, 2, 5, 7, 8]), size([1, 1, 3, 6, 9]), size([1, 2, 3, 4, 7, 8]))

    def spec(self, shape: Shape = ()) -> Spec:
        """An int8 activation; zero points at both ends are common."""
        scale = self.random.choice([0.02, 0.05, 0.05, 0.1])
        return act(shape, scale, self.random.choice([-128, -128, 127, 0, 3, -17]))

    def filter(self, shape: Shape, axis: int, taps: int, *, tame: bool = False) -> Spec:
        """A filter that keeps sums in range, unless ``tame`` sometimes far from it; some of its channels are dead."""
        scale = (0.5 if tame else self.random.choice([0.5, 0.5, 2.0, 1e-5, 3e3])) / max(taps, 1) / 20
        spec = weights(shape, scale, axis if self.random.random() < 0.7 else None)
        extreme = self.random.choice([(-127, 127), (-127, 127), *([] if tame else [(-128, 127), (0, 0), (-1, 1)])])
        values = [self.random.randint(*extreme) for _ in range(math.prod(shape))]
        stride = math.prod(shape[axis + 1 :])
        dead = {c for c in range(shape[axis]) if self.random.random() < 0.3}
        silent = {c for c in range(shape[-1]) if self.random.random() < 0.2}
        for i in range(len(values)):
            if i // stride % shape[axis] in dead or (axis == 0 and i % shape[-1] in silent):
                values[i] = 0
        return replace(spec, values=tuple(values))

    def bias(self, channels: int, source: str, filters: Spec, *, tame: bool = False) -> Spec | None:
        """A bias with the scale of the products; unless ``tame`` sometimes absent or near the ends of 32 bits."""
        kind = self.random.random()
        scales = tuple(self.tensor(source).scale * s for s in filters.scale)
        ordinary = replace(bias(channels), scale=scales, zero_point=(0,) * len(scales))
        if tame or kind < 0.55:
            return ordinary
        if kind < 0.7:
            return None
        wild = [1 << 30, -(1 << 30), (1 << 31) - 1, -(1 << 31), (1 << 30) - 7, 5, 0, -5000]
        return replace(ordinary, values=tuple(self.random.choice(wild) for _ in range(channels)))

    def activation(self) -> Activation:
        """A fused activation."""
        return self.random.choice(_ACTIVATIONS)

    def tensor(self, name: str) -> Tensor:
        """A tensor of the network."""
        return self.net.tensors[name]
