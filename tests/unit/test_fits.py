"""edgekit fit: which boards hold a model, what is short, and which option helps."""

import json
import re

import pytest
from typer.testing import CliRunner

import edgekit
from edgekit import board, demo, resources
from edgekit.cli import app

MODEL = str(demo.MODEL)
NUCLEO = "nucleo-l4r5zi"
SLACK = 512  # what a bank keeps free of the arena, beside the stack


def fit(*args):
    result = CliRunner().invoke(app, ["fit", MODEL, *map(str, args)], prog_name="edgekit")
    return result.exit_code, result.stdout


@pytest.fixture
def smaller(tmp_path):
    """A Nucleo whose RAM or flash has another size: the path of its board file."""

    def make(*, ram=0xA_0000, flash=0x20_0000):
        text = (resources.boards() / f"{NUCLEO}.toml").read_text(encoding="utf-8")
        for old, new in ((0xA_0000, ram), (0x20_0000, flash)):
            text, found = re.subn(rf"(?i)size = 0x0*{old >> 16:x}_?0000\b", f"size = {new}", text)
            assert found == 1
        path = tmp_path / "smaller.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return make


def ram_needed(objective, where=NUCLEO):
    graph = edgekit.optimise(edgekit.load(MODEL))
    return edgekit.make_plan(graph, str(where), optimize=objective).arena_bytes + board.load(NUCLEO).stack_bytes


def least_ram_needed(where):
    return min(ram_needed(objective, where) for objective in ("balanced", "size", "ram"))


def test_every_board_has_a_line():
    code, text = fit("--json")
    tree = json.loads(text)
    assert code == 0
    assert [b["board"] for b in tree["boards"]] == list(board.names())
    assert all(b["fits"] == (b["advice"] is None) for b in tree["boards"])
    nucleo = next(b for b in tree["boards"] if b["board"] == NUCLEO)
    assert nucleo["ram"] == {"needed": ram_needed("balanced"), "available": 0xA_0000, "short": 0}
    assert nucleo["optimize"] == "balanced"


def test_the_default_plan_takes_less_ram_where_a_board_has_less(smaller):
    needed = ram_needed("ram")
    assert needed < ram_needed("balanced")
    tight = smaller(ram=needed + SLACK)
    code, text = fit("--board", tight, "--json")
    (answer,) = json.loads(text)["boards"]
    assert (code, answer["fits"], answer["optimize"], answer["advice"]) == (0, True, "balanced", None)
    assert answer["ram"]["needed"] == needed


def test_an_option_that_makes_it_fit_is_named(smaller):
    tight = smaller(ram=ram_needed("ram") + SLACK - 100)
    code, text = fit("--board", tight, "--json")
    (answer,) = json.loads(text)["boards"]
    assert (code, answer["fits"], answer["optimize"], answer["advice"]) == (0, True, "size", "--optimize size")
    assert answer["ram"]["needed"] == ram_needed("size", tight) <= ram_needed("ram") - 100
    assert "--optimize size" in fit("--board", tight)[1]


def test_a_board_that_is_too_small_says_by_how_much(smaller):
    least = least_ram_needed(smaller(ram=0x1000))
    code, text = fit("--board", smaller(ram=least - 100), "--json")
    (answer,) = json.loads(text)["boards"]
    assert (code, answer["fits"], answer["optimize"]) == (1, False, None)
    assert (answer["ram"]["short"], answer["advice"]) == (100, "lacks 100 B of RAM")
    code, text = fit("--board", smaller(flash=0x4000), "--json")
    (answer,) = json.loads(text)["boards"]
    short = answer["flash"]["needed"] - answer["flash"]["available"]
    assert (code, answer["fits"], short > 0) == (1, False, True)
    assert (answer["flash"]["short"], answer["advice"]) == (short, f"lacks {short:,} B of flash")


def test_room_that_no_single_bank_has_is_said(smaller):
    path = smaller(ram=least_ram_needed(smaller(ram=0x1000)) + SLACK - 100)
    code, text = fit("--board", path, "--json")
    (answer,) = json.loads(text)["boards"]
    assert code == 1
    assert answer["ram"]["short"] == 0
    assert "no single memory bank" in answer["advice"]
