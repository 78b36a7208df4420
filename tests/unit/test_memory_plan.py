"""The memory plan of random networks: whatever a layer reads is still there, byte for byte of the arena."""

import numpy as np
import pytest
from support.random_graphs import random_graph

from edgekit.board import Target
from edgekit.ir import verify
from edgekit.passes import optimise
from edgekit.plan.make import make

SEEDS = range(120)
CORES = ("cortex-m0plus", "cortex-m4", "cortex-m55")


NETWORKS = {seed: optimise(random_graph(seed)) for seed in SEEDS}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_network_breaks_no_rule(seed):
    verify.verify(random_graph(seed))
    verify.verify(NETWORKS[seed])


def maker(graph, name):
    """The tensor whose bytes ``name`` is a view of."""
    node = graph.producer(name)
    while node is not None and not node.op.FAMILY:
        name = next(n for n in node.inputs if n and graph.tensors[n].data is None)
        node = graph.producer(name)
    return name


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("seed", NETWORKS)
def test_no_byte_is_overwritten_before_its_last_reader(seed, core):
    graph = NETWORKS[seed]
    plan = make(graph, Target(core, (), 0))
    owner = np.full(max(plan.arena_bytes, 1), "", object)

    def span(slot):
        return slice(slot.offset, slot.offset + slot.bytes)

    def holds(slot):
        return (owner[span(slot)] == maker(graph, slot.tensor)).all()

    for index in plan.inputs:
        owner[span(plan.slots[index])] = plan.slots[index].tensor
    for layer in plan.layers:
        read = [plan.slots[i] for i in layer.inputs if i >= 0]
        owner[layer.scratch : layer.scratch + layer.scratch_bytes] = "scratch"
        for slot in read:
            assert holds(slot), f"{layer.name} reads {slot.tensor}, which is overwritten"
        for index in layer.outputs:
            owner[span(plan.slots[index])] = plan.slots[index].tensor
    for index in plan.outputs:
        assert holds(plan.slots[index])
