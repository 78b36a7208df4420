"""Random networks on emulated cores: every layer's bytes equal tflite-micro's, planned in another way each time."""

from dataclasses import replace

import pytest
from support import graphs
from support.need import need
from support.network_image import Checked, run_on_board
from support.oracle import Oracle
from support.random_graphs import random_graph

from edgekit import board as boards
from edgekit.frontends import tflite_writer as writer
from edgekit.passes import optimise
from edgekit.plan.make import make
from edgekit.plan.select import Objective

RUNS = (("emu-m55", "zig"), ("emu-m55", "gcc"), ("emu-m4", "gcc"), ("emu-m0plus", "zig"))
BATCH, FIRST = 16, 5000
WAYS = (
    {"objective": Objective.SPEED},
    {"objective": Objective.RAM},
    {"band_rows": 1},
    {"band_rows": 3},
)


@pytest.mark.parametrize(("board", "toolchain"), RUNS)
def test_every_layer_of_a_random_network_equals_tflite_micro_on_the_core(board, toolchain, tmp_path):
    if toolchain == "gcc":
        need("arm-none-eabi-gcc")
    target = boards.load(board)
    if target.emulator.startswith("qemu"):
        need("qemu-system-arm")
    first = FIRST + BATCH * RUNS.index((board, toolchain))
    networks = []
    for seed in range(first, first + BATCH):
        oracle = Oracle(writer.write(random_graph(seed)))
        graph = optimise(oracle.graph) if seed % 3 else oracle.graph
        plan = make(replace(graph, name=f"seed_{seed}"), target.target, **WAYS[seed % len(WAYS)])
        samples = graphs.samples(oracle.graph, 1, seed)[2:]
        networks.append(Checked(plan, graph, samples, [oracle.run(list(s)) for s in samples]))
    said = run_on_board(networks, target, toolchain, tmp_path)
    assert said.endswith(f"DONE {BATCH} networks, 0 failures\n"), said[-4000:]
