"""Changing an int8 graph layer by layer, each behind the changed ones before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgekit.compress.fuse import WEIGHTED
from edgekit.compress.noise import quantised
from edgekit.ir import batch
from edgekit.ir.graph import Array, Graph, Tensor, View

Change = Callable[[View, View, Mapping[str, Array]], Tensor]
"""Makes the constant that takes the place of the one of its name in a layer, from the layer in the float graph, the
same in the int8 graph, and the values of all int8 tensors before it."""


def changed(fused: Graph, small: Graph, columns: Sequence[Array], change: Change) -> Graph:
    """``small``, the int8 form of ``fused``, with one constant of every layer with weights exchanged by ``change``.

    ``columns`` has float samples (samples, ...) for each input; a graph whose samples cannot be computed side by side
    stays as it is.
    """
    count = len(columns[0])
    wide, narrow = batch.rebatched(fused, count), batch.rebatched(small, count)
    if wide is None or narrow is None:
        return small
    floats = {node.outputs[0]: wide.view(node) for node in wide.nodes}
    values: dict[str, Array] = {n: t.data for n, t in narrow.tensors.items() if t.data is not None}
    values |= dict(zip(small.inputs, quantised(small, columns), strict=True))
    new: dict[str, Tensor] = {}
    for node in narrow.nodes:
        view = narrow.view(node)
        theirs = floats.get(node.outputs[0])
        if theirs is not None and isinstance(node.op, WEIGHTED):
            made = change(theirs, view, values)
            new[made.name] = made
            values[made.name] = made.value
            view = replace(view, inputs=tuple(made if t and t.name == made.name else t for t in view.inputs))
        given = [values[n] if n else np.empty(0, np.int8) for n in node.inputs]
        values |= dict(zip(node.outputs, node.op.evaluate(view, given), strict=True))
    return replace(small, tensors={**small.tensors, **new})
