"""The memory plan of random networks: whatever a step reads is still there, byte for byte of the arena."""

import pytest
from support.arena_play import Arena, image_rows_agree, views_agree
from support.random_graphs import random_graph

from edgekit.board import Target
from edgekit.ir import verify
from edgekit.passes import optimise
from edgekit.plan import schedule, select
from edgekit.plan.flow import flow_of
from edgekit.plan.make import make
from edgekit.plan.schedule import Segment, even
from edgekit.plan.select import Objective

SEEDS = range(100)
CORES = ("cortex-m0plus", "cortex-m4", "cortex-m55")


NETWORKS = {seed: optimise(random_graph(seed)) for seed in SEEDS}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_network_breaks_no_rule(seed):
    verify.verify(random_graph(seed))
    verify.verify(NETWORKS[seed])


def hold(graph, plan):
    image_rows_agree(graph, plan)
    views_agree(graph, plan)
    Arena(graph, plan).play()
    assert plan.arena_bytes >= plan.lower_bound


def core_of(number):
    return Target(CORES[number % len(CORES)], (), 0)


@pytest.mark.parametrize("seed", NETWORKS)
def test_no_byte_is_overwritten_before_its_last_reader(seed):
    for number in range(len(CORES)):
        hold(NETWORKS[seed], make(NETWORKS[seed], core_of(number), segments=()))


@pytest.mark.parametrize("seed", NETWORKS)
def test_bands_of_rows_of_single_layers_keep_what_is_read(seed):
    for rows in (1, 2, 3):
        hold(NETWORKS[seed], make(NETWORKS[seed], core_of(seed + rows), band_rows=rows))


def runs(flow):
    """All runs of layers that can be computed band by band, as long as they go."""
    at = 0
    while at < len(flow.works):
        end = at
        while end < len(flow.works) and flow.works[end].banded and flow.works[end].rows > 0:
            end += 1
        if end > at:
            yield at, end
        at = max(end, at + 1)


@pytest.mark.parametrize("seed", NETWORKS)
def test_layers_that_are_computed_together_keep_what_is_read(seed):
    graph, target = NETWORKS[seed], core_of(seed)
    choices = select.choose(graph, target, Objective.BALANCED)
    flow = flow_of(graph, schedule.streamed(choices, [Segment(0, len(choices), ())], target))
    for rows in (1, 2, 5):
        segments = [even(flow, first, last, rows) for first, last in runs(flow)]
        plan = make(graph, target, segments=segments)
        hold(graph, plan)
        every_row_is_computed_once(plan)


@pytest.mark.parametrize("seed", list(NETWORKS)[::4])
def test_the_smallest_plan_keeps_what_is_read_and_is_not_larger_than_the_whole_one(seed):
    graph, target = NETWORKS[seed], core_of(seed)
    smallest, whole = make(graph, target, objective=Objective.RAM), make(graph, target, segments=())
    hold(graph, smallest)
    every_row_is_computed_once(smallest)
    assert smallest.arena_bytes <= whole.arena_bytes


def every_row_is_computed_once(plan):
    for number, layer in enumerate(plan.layers):
        ends = [0, *(step.end for step in plan.steps if step.layer == number)]
        begins = [step.begin for step in plan.steps if step.layer == number]
        assert begins == ends[:-1]
        assert ends[-1] == (layer.rows if layer.rowwise else 1)
