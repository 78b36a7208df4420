"""The search for a way to compute a model: a front of RAM against instructions, and what is picked of it."""

import itertools
import json

import pytest
from support.need import model
from support.random_graphs import random_graph
from typer.testing import CliRunner

import edgekit
from edgekit import analysis, demo, resources
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


def test_the_room_for_the_arena_is_kept_while_some_way_keeps_to_it():
    graph, target = optimise(edgekit.load(model("kws_ref_model.tflite"))), boards.load(BOARD).target
    least = make(graph, target, objective=Objective.RAM).arena_bytes
    assert make(graph, target, room=7_000).arena_bytes <= 7_000 < make(graph, target).arena_bytes
    assert make(graph, target, room=least).arena_bytes == least
    assert make(graph, target, room=least - 1).arena_bytes == least


@pytest.fixture
def smaller(tmp_path):
    """A Nucleo with less RAM: the path of its board file."""

    def of(ram):
        text = (resources.boards() / f"{BOARD}.toml").read_text(encoding="utf-8")
        assert text.count("size = 0xA_0000") == 1
        path = tmp_path / "smaller.toml"
        path.write_text(text.replace("size = 0xA_0000", f"size = {ram}"), encoding="utf-8")
        return path

    return of


def test_a_board_that_only_the_smallest_plan_fits_gets_it_by_default(smaller):
    graph = optimise(edgekit.load(demo.MODEL))
    least = edgekit.make_plan(graph, BOARD, optimize="ram").arena_bytes
    assert least < edgekit.make_plan(graph, BOARD).arena_bytes
    tight = smaller(least + boards.load(BOARD).stack_bytes + 512)  # what a bank keeps free for the harness
    assert edgekit.make_plan(graph, tight).arena_bytes == least
    assert edgekit.analyze(demo.MODEL, tight).fits[0].fits


def test_a_board_that_no_plan_fits_says_how_many_bytes_are_missing(smaller, tmp_path):
    least = edgekit.make_plan(optimise(edgekit.load(demo.MODEL)), BOARD, optimize="ram").arena_bytes
    tight = smaller(least + boards.load(BOARD).stack_bytes + 512 - 4)
    assert not edgekit.analyze(demo.MODEL, tight).fits[0].fits
    with pytest.raises(FitError, match=f"{least:,} bytes, 4 over"):
        edgekit.build(demo.MODEL, tight, out=tmp_path / "out")


def test_boards_that_differ_in_ram_alone_are_planned_apart(smaller):
    graph = edgekit.load(demo.MODEL)
    least = edgekit.make_plan(optimise(graph), BOARD, optimize="ram").arena_bytes
    tight = boards.load(smaller(least + boards.load(BOARD).stack_bytes + 512))
    wide, narrow = analysis.analyze(graph, optimise(graph), [boards.load(BOARD), tight]).fits
    assert wide.arena > narrow.arena == least


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
