"""Random networks all the way: file, reader, passes, plan, C, this machine under sanitizers; every layer's bytes.

Each network is compiled as it is and optimised, for another core and in another way each time, and what each
layer leaves must be what tflite-micro computes of the same file.
"""

from dataclasses import replace

import numpy as np
import pytest
from support import graphs, sanitized
from support.network_program import Network, run
from support.oracle import Oracle
from support.random_graphs import random_graph

from edgekit import ops
from edgekit.board import Target
from edgekit.frontends import tflite_writer as writer
from edgekit.ir import interp, verify
from edgekit.passes import optimise
from edgekit.plan.kernels import catalogue
from edgekit.plan.make import make
from edgekit.plan.select import Objective

TARGETS = (Target("host", (), 0), Target("cortex-m4", (), 0), Target("cortex-m0plus", (), 0))
WAYS = (
    ("whole layers", {"segments": ()}),
    ("the least RAM", {"objective": Objective.RAM}),
    ("bands of one row", {"band_rows": 1}),
    ("bands of two rows", {"band_rows": 2}),
)
BATCH = 12
COMPILERS = (*["gcc"] * 12, *["zig"] * 6)
SEEDS = range(BATCH * len(COMPILERS))
SAMPLES = 2


def variants(seed, graph):
    """A network as it is and optimised: name, graph and plan, each for a core and in bands of its own."""
    result = []
    for turn, (name, some) in enumerate((("optimised", optimise(graph)), ("plain", graph)), seed):
        verify.verify(some)
        target, (way, options) = TARGETS[turn % len(TARGETS)], WAYS[turn // len(TARGETS) % len(WAYS)]
        plan = make(replace(some, name=f"{name}_{seed}"), target, **options)
        result.append((f"seed {seed}, {name}, {target.core}, {way}", some, plan))
    return result


def assert_same(found, wanted, tensor, where):
    """``found`` has the bytes of ``wanted``, but for the channels that a pass has taken out of ``tensor``."""
    kept = wanted[..., list(tensor.channels)] if tensor.channels else wanted
    np.testing.assert_array_equal(found.reshape(-1), kept.reshape(-1), err_msg=f"{where}, tensor {tensor.name}")


@pytest.mark.parametrize(("batch", "compiler"), list(enumerate(COMPILERS)))
def test_every_layer_of_a_random_network_equals_tflite_micro(batch, compiler, tmp_path):
    networks, checks = [], []
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        oracle = Oracle(writer.write(random_graph(seed)))
        samples = graphs.samples(oracle.graph, SAMPLES, seed)[1:]
        expected = [oracle.run(list(inputs)) for inputs in samples]
        for where, graph, plan in variants(seed, oracle.graph):
            for inputs, wanted in zip(samples, expected, strict=True):
                for name, values in interp.run(graph, list(inputs)).items():
                    if name in wanted:
                        assert_same(values, wanted[name], graph.tensors[name], f"{where}, reference")
            networks.append(Network(plan, samples))
            checks.append((where, graph, expected))
    results = run(tmp_path, sanitized.command(compiler), networks)
    for ran, (where, graph, expected) in zip(results, checks, strict=True):
        for found, wanted in zip(ran, expected, strict=True):
            for name, values in found:
                assert_same(values, wanted[name], graph.tensors[name], where)


def test_the_random_networks_have_every_op_and_nearly_every_kernel_that_this_machine_can_run():
    networks = [random_graph(seed) for seed in SEEDS]
    assert {node.op.NAME for graph in networks for node in graph.nodes} == {op.NAME for op in ops.OPS}
    plans = [plan for seed, graph in zip(SEEDS, networks, strict=True) for _, _, plan in variants(seed, graph)]
    used = {layer.kernel for plan in plans for layer in plan.layers}
    kernels = [k.name for k in catalogue() if k.isa != "mve"]
    missing = [name for name in kernels if name not in used]
    assert len(missing) < len(kernels) / 10, missing


def test_some_of_the_random_networks_lose_channels():
    losing = [s for s in SEEDS if any(t.channels for t in optimise(random_graph(s)).tensors.values())]
    assert len(losing) > len(SEEDS) // 12
