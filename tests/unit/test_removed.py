"""What explain channels tells of removed channels, against the graphs before and after."""

import numpy as np
import pytest
from support.models import chain_with_dead_channels, every_weighted_kernel

from edgekit import passes
from edgekit.ir.interp import run
from edgekit.passes.removed import removed


@pytest.mark.parametrize("seed", range(12))
def test_every_channel_is_kept_or_its_removal_has_one_reason(seed):
    graph = chain_with_dead_channels(seed)
    slim, told = passes.optimise(graph), removed(graph)
    by_layer = {x.layer: x for x in told.layers}
    assert (told.macs, told.macs_left) == (graph.macs, slim.macs)
    assert told.weights_left <= told.weights
    for view in slim.views():
        whole = graph.tensors[view.output.name].shape[-1]
        one = by_layer.get(view.node.name)
        gone = [*one.constant, *one.constant_later, *one.unread] if one else []
        assert len(set(gone)) == len(gone) == whole - view.output.shape[-1]
        assert not set(gone) & set(view.output.channels)
    assert sum(x.macs - x.macs_left for x in told.layers) == graph.macs - slim.macs


def test_channels_called_constant_have_that_value_for_any_input():
    found = 0
    for seed in range(12):
        graph = chain_with_dead_channels(seed)
        outputs = {n.name: n.outputs[0] for n in graph.nodes}
        data = np.random.default_rng(seed).integers(-128, 128, graph.tensors[graph.inputs[0]].shape, np.int8)
        values = run(graph, [data])
        for layer in removed(graph).layers:
            for channel, value in zip(layer.constant, layer.values, strict=True):
                assert (values[outputs[layer.layer]][..., channel] == value).all()
                found += 1
    assert found > 20


def test_nothing_is_told_where_nothing_is_removed():
    told = removed(every_weighted_kernel())
    assert (told.folded, told.layers) == ((), ())
    assert told.macs == told.macs_left
