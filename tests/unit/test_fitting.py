"""Reports on narrow consoles: every line fits, and a number is shown whole or not at all."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text
from support import made_up
from support.made_up import PROFILE
from typer.testing import CliRunner

from edgekit import demo, report
from edgekit.bundle import Bundle
from edgekit.cli import app
from edgekit.compare import compare
from edgekit.reports.fitting import Bar, FittedTable, shorten

MODEL = str(demo.MODEL)
COMMANDS = (
    ("analyze", MODEL),
    ("analyze", MODEL, "--board", "nucleo-f446re"),
    ("fit", MODEL),
    ("build", MODEL, "--board", "nucleo-l4r5zi", "--dry-run"),
    ("explain", "memory", MODEL),
    ("explain", "size", MODEL),
    ("explain", "layer", MODEL, "0"),
    ("explain", "kernel", "conv_2d_s8_dsp_1x1"),
    ("boards",),
    ("kernels",),
    ("ops",),
    ("doctor",),
)
NUMBERS = re.compile(r"[\d][\d,.x]*")


def printed(monkeypatch, width, *args):
    monkeypatch.setenv("COLUMNS", str(width))
    result = CliRunner().invoke(app, args, prog_name="edgekit")
    assert result.exit_code == 0, result.output
    return result.stdout


def assert_numbers_are_whole(narrow, wide):
    """Each number of a table of ``narrow`` stands in ``wide`` too: none has lost digits."""
    for line in narrow.splitlines():
        assert not re.search(r"\d[\d,.x]*…", line), line
    known = set(NUMBERS.findall(wide))
    rows = [line for line in narrow.splitlines() if re.search(r"\S {2,}[\d,.]+( |$)", line)]
    assert not [(n, line) for line in rows for n in NUMBERS.findall(line) if n not in known and "," in n]


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("args", COMMANDS, ids=lambda a: " ".join(a).replace(MODEL, "MODEL"))
def test_every_report_fits_and_cuts_no_number(monkeypatch, args, width):
    narrow = printed(monkeypatch, width, *args)
    lines = [line for line in narrow.splitlines() if not line.startswith("would run: ")]  # those are to be copied whole
    assert max(len(line) for line in lines) <= width
    assert_numbers_are_whole(narrow, printed(monkeypatch, 400, *args))


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("kind", [report.ProfileReport, lambda p: report.verification(p.verification)])
def test_the_reports_of_a_run_fit_and_cut_no_number(kind, width):
    def shown(columns):
        file = io.StringIO()
        report.console(file, width=columns).print(kind(PROFILE))
        return file.getvalue()

    assert max(len(line) for line in shown(width).splitlines()) <= width
    assert_numbers_are_whole(shown(width), shown(400))


def table(*, spare=()):
    result = FittedTable(footer=True, spare=spare)
    result.add_column("layer", "total", tail=True)
    result.add_column("op", no_wrap=True)
    result.add_column("shape", whole=True)
    result.add_column("MACs", "1,234,567,890", justify="right")
    result.add_column()
    result.add_column("note", no_wrap=True)
    result.add_row(
        "a/layer/of/a/long/name/block_17", "DEPTHWISE_CONV_2D", "1x96x96x3", "1,234,567", Bar(0.5, 9), "N" * 9
    )
    return result


def lines(width, renderable):
    file = io.StringIO()
    Console(file=file, width=width).print(renderable)
    return file.getvalue().splitlines()


@given(st.integers(60, 140))
def test_a_table_fits_any_width_that_its_numbers_leave(width):
    text = lines(width, table(spare=["note"]))
    assert max(map(len, text)) <= width
    for whole in ("1x96x96x3", "1,234,567", "1,234,567,890", "_17"):
        assert re.search(rf"{whole}(\s|$)", "\n".join(text))


def test_names_shorten_first_then_bars_go_then_what_can_be_spared():
    whole, shorter, barless, spared, least = ("\n".join(lines(w, table(spare=["note"]))) for w in (110, 90, 78, 68, 52))
    assert "a/layer/of/a/long/name/block_17" in whole
    assert "~" in shorter
    assert "█" in whole
    assert "█" in shorter
    assert "█" not in barless
    assert "NNNNNNNNN" in barless
    assert "N" * 9 not in spared
    assert "DEPTHWISE_CONV_2D" in spared
    assert "block_17" in least
    assert "DEPTHWISE_CONV_2D" not in least
    assert "1,234,567,890" in least


def test_text_takes_several_lines_and_loses_nothing():
    result = FittedTable()
    result.add_column("what")
    result.add_column("bytes", justify="right")
    words = "a path/that/has/no/place/to/break/it/at/all and some words after it"
    result.add_row(words, "1,234")
    text = lines(30, result)
    assert max(map(len, text)) <= 30
    assert "".join(line[:23] for line in text[2:]).replace(" ", "") == words.replace(" ", "")


def test_of_a_name_the_end_is_kept_also_if_it_is_styled_and_of_a_head_the_beginning():
    result = FittedTable()
    result.add_column("a head that is long", tail=True)
    result.add_column("bytes", justify="right")
    result.add_row(Text("depthwise_conv_2d_s8_dsp_3x3", "bold"), "1,234")
    head, _rule, row = lines(20, result)
    assert head.startswith("a head that")
    assert row.startswith("~d_s8_dsp_3x3 ")


@pytest.mark.parametrize("width", [60, 80])
def test_a_comparison_fits(width):
    layers = [x | {"instructions": 1_234_567, "kernel": "pool_s8_dsp_average"} for x in made_up.tree()["layers"]]
    found = compare(made_up.bundle(), Bundle(made_up.tree() | {"layers": layers}))
    text = lines(width, report.comparison(found))
    assert max(map(len, text)) <= width
    assert "dsp_average" in "".join(text)


def test_an_empty_table_shows_its_heads():
    result = FittedTable()
    result.add_column("nothing")
    assert lines(40, result)[0].strip() == "nothing"


def test_the_end_of_a_name_is_kept():
    assert shorten("model/block/conv", 8) == "~ck/conv"
    assert shorten("conv", 8) == "conv"
