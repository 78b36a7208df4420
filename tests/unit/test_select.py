"""Choosing kernels for a whole model: by speed, by bytes, by what is worth its bytes, within a board's flash."""

import pytest
from support.models import Builder, every_weighted_kernel

from edgekit import board as boards
from edgekit.bench import fit
from edgekit.plan import costs, select
from edgekit.plan.kernels import catalogue
from edgekit.plan.make import make
from edgekit.plan.select import Objective

TARGET = boards.load("nucleo-l4r5zi").target
LAYERS = [layer for layer in select.offers(every_weighted_kernel(), TARGET) if layer]


def cost(objective, capacity=0):
    return select.total(LAYERS, select.assign(LAYERS, objective, capacity))


def test_speed_is_fastest_size_is_smallest_and_balanced_lies_between():
    fast, small, balanced = (cost(o) for o in (Objective.SPEED, Objective.SIZE, Objective.BALANCED))
    assert fast.instructions <= balanced.instructions <= small.instructions
    assert small.flash <= balanced.flash <= fast.flash
    assert fast.instructions < small.instructions
    assert small.flash < fast.flash


def test_smaller_kernels_are_taken_until_the_flash_suffices():
    fast, small = cost(Objective.SPEED), cost(Objective.SIZE)
    limit = (fast.flash + small.flash) // 2
    within = cost(Objective.SPEED, limit)
    assert within.flash <= limit
    assert fast.instructions < within.instructions


def test_a_limit_that_nothing_keeps_ends_with_small_kernels():
    assert cost(Objective.SPEED, 1).flash < cost(Objective.SPEED).flash


def wide_network():
    """Two 3x3 convolutions whose filters are what counts, and nothing else."""
    b = Builder("wide", (1, 16, 16, 32))
    return b.graph(b.conv(b.conv(b.input, 32), 32))


def kernels_of(capacity=0, objective=Objective.SPEED):
    layers = select.offers(wide_network(), TARGET)
    taken = select.assign(layers, objective, capacity)
    return {layer[i].choice.kernel.name for layer, i in zip(layers, taken, strict=True)}


def test_winograd_is_taken_for_speed_only_and_only_where_its_filters_fit():
    assert kernels_of() == {"conv_2d_s8_dsp_winograd"}
    layers = select.offers(wide_network(), TARGET)
    whole = select.total(layers, select.assign(layers, Objective.SPEED)).flash
    assert whole > 2 * 32 * 32 * 32  # 32 bytes for the nine weights of a pair of channels
    assert kernels_of(whole) == {"conv_2d_s8_dsp_winograd"}
    assert kernels_of(whole - 4) != {"conv_2d_s8_dsp_winograd"}
    assert kernels_of(whole // 2) == {"conv_2d_s8_dsp"}
    assert kernels_of(objective=Objective.BALANCED) == {"conv_2d_s8_dsp"}


def test_a_core_without_a_table_takes_the_highest_priority():
    target = boards.load("host").target
    chosen = select.choose(every_weighted_kernel(), target, Objective.SPEED)
    assert {c.kernel.isa for c in chosen} == {"scalar"}


def test_the_objective_reaches_the_plan():
    kernels = [{x.kernel for x in make(every_weighted_kernel(), TARGET, objective=o).layers} for o in Objective]
    assert kernels[0] != kernels[1]


@pytest.mark.parametrize("path", sorted(costs.TABLES.glob("*.json")), ids=lambda p: p.stem)
def test_a_table_knows_every_kernel_of_its_core(path):
    table = costs.table(path.stem)
    target = next(b.target for b in map(boards.load, boards.names()) if b.target.core == path.stem)
    chosen = [k for k in catalogue() if k.isa in target.isas and not k.accumulates]
    missing = [k.name for k in chosen if k.name not in table.kernels]
    assert not missing, "run `edgekit bench kernels --write`"
    assert table.to_json() == path.read_text(encoding="utf-8")


def test_least_squares_without_negative_weights():
    rows = fit.np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    assert fit.nonnegative(rows, fit.np.array([3.0, 5.0, 7.0])) == pytest.approx([1.0, 2.0])
    assert fit.nonnegative(rows, fit.np.array([1.0, 0.0, -1.0]))[1] == 0
