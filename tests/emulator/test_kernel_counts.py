"""The kept counts of kernels on the reference models' layers, counted anew: a few always, all of them with patience."""

from __future__ import annotations

import pytest
from support import kernel_counts, ledger
from support.need import model, need

from edgekit.bench.run import board_of

LEAST = 2
"""Layers of a model that are always counted anew: its cheapest ones."""


def emulator_of(core):
    if board_of(core).emulator.startswith("qemu:"):
        need("qemu-system-arm")


def close(now, kept):
    """Whether counts are the same; those of another compiler are other numbers, but not others by much."""
    if kernel_counts.kept_compiler() == kernel_counts.compiler():
        return now == kept
    return now.keys() == kept.keys() and all(now[k] <= 1.1 * kept[k] for k in now)


@pytest.mark.parametrize("core", kernel_counts.CORES)
def test_a_slice_of_the_kept_counts_is_counted_again(core):
    emulator_of(core)
    graph = kernel_counts.graph_of(model(ledger.MODELS["sww"]))
    kept = kernel_counts.read("sww", core)
    cheap = sorted(range(len(kept)), key=lambda i: sum([*kept.values()][i].values()))[:LEAST]
    for layer, now in kernel_counts.measure(graph, core, cheap).items():
        assert close(now, kept[layer]), layer


@pytest.mark.slow
@pytest.mark.parametrize("core", kernel_counts.CORES)
@pytest.mark.parametrize("name", ledger.MODELS)
def test_all_kept_counts_are_counted_again(name, core):
    emulator_of(core)
    found = kernel_counts.measure(kernel_counts.graph_of(model(ledger.MODELS[name])), core)
    if kernel_counts.updating():
        kernel_counts.store(name, core, found)
    kept = kernel_counts.read(name, core)
    assert found.keys() == kept.keys()
    for layer, now in found.items():
        assert close(now, kept[layer]), layer
