"""Kernels chosen by predicted instructions, held against the counted ones of the reference models' layers.

The bar is about speed: there the kernel of every layer is within 3 % of the best counted one. The other objectives
weigh bytes too, and bytes of code belong to a model, not to a layer: choosing by predictions must lose at most 3 %
against choosing by counts, in what the objective minimises and with instructions of the whole model.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from support import kernel_counts, ledger
from support.need import model

from edgekit.bench.run import board_of
from edgekit.plan import select
from edgekit.plan.select import Objective

WITHIN = 1.03


@pytest.fixture(scope="module", params=ledger.MODELS)
def reference(request):
    return request.param, kernel_counts.graph_of(model(ledger.MODELS[request.param]))


def counted_and_chosen(reference, core, objective):
    name, graph = reference
    counts = kernel_counts.read(name, core)
    chosen = select.choose(graph, board_of(core).target, objective)
    names = kernel_counts.numbered(graph)
    assert list(counts) == names, "layers changed: EDGEKIT_UPDATE_COUNTS=1 pytest tests/emulator/test_kernel_counts.py"
    return counts, dict(zip(names, (c.kernel.name for c in chosen), strict=True))


@pytest.mark.parametrize("core", kernel_counts.CORES)
def test_for_speed_every_layer_has_a_kernel_within_3_percent_of_the_best(reference, core):
    counts, chosen = counted_and_chosen(reference, core, Objective.SPEED)
    for layer, kernel in chosen.items():
        best = min(counts[layer], key=counts[layer].__getitem__)
        assert counts[layer][kernel] <= WITHIN * counts[layer][best], f"{layer}: {kernel}, but {best} is faster"


@pytest.mark.parametrize("core", kernel_counts.CORES)
def test_every_kernel_that_can_run_a_layer_is_counted(reference, core):
    name, graph = reference
    counts = kernel_counts.read(name, core)
    offered = select.offers(graph, board_of(core).target)
    for (layer, kernels), candidates in zip(counts.items(), offered, strict=True):
        assert set(kernels) == {c.choice.kernel.name for c in candidates}, layer


@pytest.mark.parametrize("objective", Objective)
@pytest.mark.parametrize("core", kernel_counts.CORES)
def test_choosing_by_predictions_loses_at_most_3_percent_against_choosing_by_counts(reference, core, objective):
    name, graph = reference
    counts = list(kernel_counts.read(name, core).values())
    predicted = select.offers(graph, board_of(core).target)
    counted = [
        tuple(replace(c, instructions=kernels[c.choice.kernel.name]) for c in layer)
        for layer, kernels in zip(predicted, counts, strict=True)
    ]
    got = select.total(counted, select.assign(predicted, objective))
    best = select.total(counted, select.assign(counted, objective))
    assert got.instructions <= WITHIN * best.instructions
    assert got.flash <= WITHIN * best.flash
