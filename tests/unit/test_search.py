"""The search for a way to compute a model: a front of RAM against instructions, and what is picked of it."""

import itertools
import json

import pytest
from support.need import model
from support.random_graphs import random_graph
from typer.testing import CliRunner

import edgekit
from edgekit import board as boards
from edgekit.board import Target
from edgekit.cli import app
from edgekit.errors import EdgekitError, FitError
from edgekit.ir import verify
from edgekit.passes import optimise
from edgekit.plan import search, select
from edgekit.plan.make import make, slot_align
from edgekit.plan.select import Objective

BOARD = "nucleo-l4r5zi"
ARENAS = {  # most bytes of arena: the whole of a limit less stack and static data, by default and at least
    "kws_ref_model.tflite": (12_600, 7_100),
    "pretrainedResnet_quant.tflite": (38_100, 19_600),
    "vww_96_int8.tflite": (41_600, 38_100),
    "ad01_int8.tflite": (2_500, 1_700),
    "str_ww_ref_model.tflite": (8_200, 6_900),
}


@pytest.mark.parametrize("name", ARENAS)
def test_reference_models_need_no_more_ram_than_is_claimed(name):
    graph, target = optimise(edgekit.load(model(name))), boards.load(BOARD).target
    for objective, most in zip((Objective.BALANCED, Objective.RAM), ARENAS[name], strict=True):
        plan = make(graph, target, objective=objective)
        assert plan.lower_bound <= plan.arena_bytes <= most


def networks():
    for seed in range(0, 60, 5):
        graph = random_graph(seed)
        try:
            verify.verify(graph)
            yield optimise(graph)
        except EdgekitError:
            continue


def test_a_front_falls_in_ram_as_it_rises_in_instructions():
    target = Target("cortex-m4", (), 0)
    several = 0
    for graph in networks():
        choices = select.choose(graph, target, Objective.BALANCED)
        ways = search.front(graph, choices, target, slot_align(target))
        several += len(ways) > 1
        for faster, slower in itertools.pairwise(ways):
            assert faster.extra <= slower.extra
            assert faster.bytes > slower.bytes
        assert all(way.bytes >= way.lower_bound for way in ways)
    assert several


def test_a_limit_of_ram_is_kept_or_refused_with_the_least_that_there_is():
    graph, target = optimise(edgekit.load(model("kws_ref_model.tflite"))), boards.load(BOARD).target
    assert make(graph, target, ram=8_000).arena_bytes + search.RESERVE <= 8_000
    with pytest.raises(FitError) as error:
        make(graph, target, ram=3_000)
    assert "3,000" in str(error.value)


def test_speed_computes_layer_by_layer_where_there_is_room():
    graph, target = optimise(edgekit.load(model("kws_ref_model.tflite"))), boards.load(BOARD).target
    plan = make(graph, target, objective=Objective.SPEED)
    assert len(plan.steps) == len(plan.layers)


def test_explain_memory_shows_every_way_with_its_distance_to_the_lower_bound():
    path = str(model("pretrainedResnet_quant.tflite"))
    shown = CliRunner().invoke(app, ["explain", "memory", path, "--optimize", "ram", "--json"])
    assert shown.exit_code == 0, shown.stderr
    tree = json.loads(shown.stdout)
    assert len(tree["ways"]) > 3
    assert tree["arena_bytes"] <= tree["ways"][-1]["arena_bytes"] < tree["ways"][0]["arena_bytes"]
    text = CliRunner().invoke(app, ["explain", "memory", path], env={"COLUMNS": "120"}).stdout
    assert f"{tree['ways'][-1]['arena_bytes']:,}" in text
    assert "lower bound" in text
