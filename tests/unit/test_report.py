"""Text reports and the profile contract, from made-up results."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.made_up import CHECKS, OUTPUT, PROFILE, VERIFIED, ZIG, plan

import edgekit
from edgekit import board, demo, report
from edgekit.costs import Cycles
from edgekit.device.flash.run import Flashed
from edgekit.emulate.cycles import for_target
from edgekit.errors import BoardError, Problem
from edgekit.plan.plan import Slot
from edgekit.reports import memory
from edgekit.reports.fitting import Bar, shorten
from edgekit.reports.parts import duration, size
from edgekit.reports.profile import short_kernel
from edgekit.results import Build, Sizes
from edgekit.scoring import Accuracy


def shown(renderable, width=100, encoding="utf-8"):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    report.console(file, width=width).print(renderable)
    return raw.getvalue().decode(encoding)


def words(renderable, width=100):
    return " ".join(shown(renderable, width).split())


def test_profile_json_has_every_key_of_the_contract():
    tree = PROFILE.json()
    assert tree["model"] == {"name": "kws", "sha256": "ab" * 32, "macs": 2_656_768, "inputs": ["int8 1x16"]}
    assert (tree["board"], tree["how"], tree["exact"]) == ("nucleo-l4r5zi", "emulated", True)
    assert tree["instructions"] == 3_000_123
    assert tree["cycles"].pop("per_mac") == pytest.approx(1.355, rel=1e-3)
    assert tree["cycles"] == {"value": 3_600_000, "error": 0.15, "how": "estimated", "basis": "the error of a fit"}
    assert tree["latency_us"] == 30_000.0
    assert tree["ram"] == {"arena": 16_512, "stack": 400, "stack_bound": 408, "static": 24, "total": 16_936}
    assert tree["flash"] == {"weights": 23_808, "code": 9_000, "total": 32_808}
    assert tree["image"] == {"ram": 40_000, "flash": 60_000}
    for layer in tree["layers"]:
        assert {"name", "op", "macs", "instructions", "cycles", "kernel"} <= set(layer)
    assert tree["toolchain"] == {"name": "zig", "version": "0.17.1"}
    assert tree["reference"] == "tflite-micro 1.0"


def test_one_thing_wrong_in_several_places_is_said_once():
    wrong = [Problem("its filter is int8", f"layer '{name}'", "float32", hint="quantise") for name in ("a", "b")]
    text = words(report.errors(BoardError(wrong[0], Problem("another thing", "layer 'c'"), wrong[1])))
    assert "(3 problems)" in text
    assert text.count("its filter is int8") == 1
    assert "layer 'a', layer 'b'" in text


def test_what_nobody_knows_is_null_in_json_and_a_dash_in_tables():
    hosted = replace(
        PROFILE, sizes=Sizes(arena=3616, weights=15_432, image_ram=5000, image_flash=48_000, notes=("why",))
    )
    tree = hosted.json()
    assert tree["ram"] == {"arena": 3616, "stack": None, "stack_bound": None, "static": None, "total": None}
    assert tree["flash"] == {"weights": 15_432, "code": None, "total": None}
    assert tree["image"] == {"ram": 5000, "flash": 48_000}
    assert "why" in tree["notes"]
    text = words(report.ProfileReport(hosted))
    assert "arena 3,616 + stack - + static -" in text
    assert "weights 15,432 + code -" in text
    assert "-: why" in text


def test_a_dry_run_makes_up_no_numbers():
    tree = edgekit.build(demo.MODEL, "nucleo-l4r5zi", dry_run=True).json()
    assert tree["ram"]["arena"] > 0
    unknown = (tree["ram"]["stack"], tree["ram"]["static"], tree["ram"]["total"], tree["flash"]["code"])
    assert {*unknown, tree["flash"]["total"], *tree["image"].values()} == {None}
    assert tree["notes"]


def test_the_error_of_cycles_says_what_it_is_the_error_of():
    assert "+-15 % is the error of a fit" in words(report.ProfileReport(PROFILE))
    assert "three published results of one board" in for_target(board.load("nucleo-l4r5zi").target).basis
    for name in ("nrf52840-dk", "emu-m4", "emu-m7", "emu-m33"):
        assert "not checked" in for_target(board.load(name).target).basis


def test_exact_needs_every_byte_of_every_layer():
    assert VERIFIED.exact
    different = (replace(CHECKS[0], different=1, largest=1.0), CHECKS[1])
    assert not replace(VERIFIED, layers=different).exact
    assert not replace(VERIFIED, layers=(replace(CHECKS[0], missing=True), CHECKS[1])).exact
    assert not replace(VERIFIED, layers=(replace(CHECKS[0], bytes=0), CHECKS[1])).exact
    assert not replace(VERIFIED, outputs=()).exact
    assert not replace(VERIFIED, samples=0).exact
    assert not replace(VERIFIED, outputs=(replace(OUTPUT, different=3),)).exact


def test_samples_of_which_only_the_outputs_were_compared_are_told_apart():
    more = replace(VERIFIED, output_samples=10)
    assert more.json()["samples"] | {"count": 6, "outputs_only": 4, "source": "seeded"} == more.json()["samples"]
    assert "over 6 samples and the outputs of 4 more equal" in words(report.verification(more))
    assert "more" not in words(report.verification(VERIFIED))


def test_the_first_layer_that_differs_is_named():
    wrong = replace(VERIFIED, layers=(CHECKS[0], replace(CHECKS[1], different=2, largest=5.0)))
    assert wrong.json()["first_divergent"] == "dense"
    assert wrong.json()["largest_difference"] == 5.0
    text = words(report.verification(wrong))
    assert "NOT EXACT" in text
    assert "first in layer 'dense'" in text


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_profile_report_fits_its_width(width):
    lines = shown(report.ProfileReport(PROFILE), width).splitlines()
    assert max(len(line) for line in lines) <= width
    assert not [line for line in lines if "…" in line]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_list_of_boards_keeps_its_numbers(width):
    known = [board.load(name) for name in board.names()]
    lines = shown(report.BoardList(known), width).splitlines()
    assert max(len(line) for line in lines) <= width
    assert not [line for line in lines if re.search(r"[\d.]…|… *$", line)], "only titles are cut"
    first, second = (line for line in lines if line.startswith("raspberry-pi-pico"))
    assert first.split()[-8:] == ["cortex-m0plus", "125", "264", "KiB", "2", "MiB", "unicorn", "no"]
    assert second.split()[-8:] == ["cortex-m33", "150", "520", "KiB", "4", "MiB", "unicorn", "no"]


@pytest.mark.parametrize("width", [80, 100])
def test_the_profile_report_shows_every_layer_and_total(width):
    text = words(report.ProfileReport(PROFILE), width)
    for part in ("conv2d", "dense", "softmax", "2,656,768", "3,000,123", "3,600,000", "30.00 ms", "+-15 %"):
        assert part in text


def test_an_emulated_board_measures_nothing():
    text = words(report.ProfileReport(PROFILE))
    assert "measured" not in text
    assert "emulated" in text
    assert "estimated" in text


def test_a_profile_without_counters_says_so():
    unknown = replace(
        PROFILE,
        instructions=None,
        cycles=Cycles(None, None, "unknown"),
        latency_us=None,
        layers=tuple(replace(x, instructions=None, cycles=None) for x in PROFILE.layers),
    )
    assert unknown.json()["cycles"] == {"value": None, "error": None, "how": "unknown", "basis": None, "per_mac": None}
    assert "nothing counts or estimates cycles" in words(report.ProfileReport(unknown))


def test_a_board_that_counts_no_instructions_has_its_cycles_per_mac():
    layers = tuple(replace(x, instructions=None) for x in PROFILE.layers)
    real = replace(PROFILE, instructions=None, cycles=Cycles(3_600_000, None, "measured"), layers=layers)
    text = words(report.ProfileReport(real))
    assert "3,600,000 cycles (1.36 per MAC), measured" in text
    first = layers[0]
    assert f"{first.cycles:,} {first.cycles / first.macs:.2f}" in text
    assert "cycles /MAC" in text
    assert text.count("/MAC") == 1


def test_a_kernel_is_shown_without_what_its_op_says_already():
    names = (
        "conv_2d_s8_dsp_1x1",
        "pool_s8_scalar_average",
        "quantize_f32_scalar",
        "lut_s8_scalar",
        "pad_any_scalar_rows",
    )
    assert [short_kernel(n) for n in names] == ["dsp_1x1", "scalar_average", "f32_scalar", "scalar", "any_scalar_rows"]


@pytest.mark.parametrize("width", [80, 100])
def test_long_layer_names_give_way_and_numbers_never_do(width):
    long = replace(PROFILE.layers[0], name="model/block_17_expand/depthwise_with_a_long_name", op="DEPTHWISE_CONV_2D")
    text = shown(report.ProfileReport(replace(PROFILE, layers=(long, *PROFILE.layers[1:]))), width)
    assert "long_name " in text
    assert "2,900,123" in text
    assert "…" not in text


def test_accuracy_on_labelled_samples_is_shown():
    labelled = replace(VERIFIED, accuracy=Accuracy(9, 12))
    assert "9 of 12" in words(report.ProfileReport(replace(PROFILE, verification=labelled)))
    assert labelled.json()["accuracy"]["share"] == 0.75


def test_nothing_is_coloured_where_there_is_no_terminal():
    assert "\x1b" not in shown(report.ProfileReport(PROFILE))


def test_bars_are_plain_where_the_encoding_is():
    assert shown(Bar(0.5, 8, track=True), encoding="ascii").rstrip() == "####...."
    assert shown(report.ProfileReport(PROFILE), encoding="ascii").isascii()


@pytest.mark.parametrize(("share", "expected"), [(0.0, ""), (1e-6, "▏"), (0.5, "██"), (1.0, "████"), (7.0, "████")])
def test_a_bar_shows_whatever_is_not_zero_and_never_overflows(share, expected):
    assert shown(Bar(share, 4)).rstrip() == expected


def test_numbers_for_people():
    assert [size(n) for n in (0, 10_239, 10_240, 20 << 20)] == ["0 B", "10,239 B", "10 KiB", "20 MiB"]
    assert [size(n) for n in (640 << 10, (2 << 20) - 256, 4608 << 10, 4 << 30)] == [
        "640 KiB",
        "2 MiB",
        "4.5 MiB",
        "4 GiB",
    ]
    assert [duration(t) for t in (12.34, 1234, 2.5e6)] == ["12.3 us", "1.23 ms", "2.50 s"]
    assert shorten("block_1/depthwise", 9) == "~epthwise"
    assert shorten("conv", 9) == "conv"


def test_an_error_shows_all_problems_with_all_their_parts():
    error = BoardError(
        Problem("the port does not exist", "board x", "uart", "a, b", "Choose one."), Problem("too slow", found="1 Hz")
    )
    text = words(report.errors(error))
    for part in ("2 problems", "the port does not exist", "board x", "uart", "a, b", "Choose one.", "too slow", "1 Hz"):
        assert part in text


def test_the_peak_is_the_step_with_most_bytes_alive():
    assert memory.alive(plan(), 0) == 16 + 32 + 64
    assert memory.alive(plan(), 1) == 4 + 32
    assert memory.peak(plan()) == 0
    assert "peak 112 B at step 0 (first)" in words(report.ArenaOverTime(plan()))


def test_bytes_that_two_tensors_share_are_alive_once():
    aliased = replace(plan(), slots=(*plan().slots, Slot("alias", (1, 16), "int8", 0, 1, 1, 1, 16, 0, 0)))
    assert memory.alive(aliased, 0) == memory.alive(plan(), 0)


@pytest.mark.parametrize("width", [40, 80, 100])
def test_the_arena_drawing_fits_its_width_and_marks_the_peak(width):
    text = shown(report.ArenaOverTime(plan()), width)
    assert "^" in text
    assert "peak" in text
    drawn = [line for line in text.splitlines() if re.match(r" *[\d,]+ [a-zA-Z#·]+$", line)]
    assert len(drawn) > 3
    assert all(len(line) <= width for line in drawn)


def test_a_layer_is_explained_with_its_slots_and_kernel():
    text = words(report.layer(plan(), 0))
    for part in ("first", "conv_2d_s8_scalar", "[16, 48)", "64 B at 48", "in_c=16", "m_layer_00"):
        assert part in text


def test_a_dry_run_lists_files_and_commands():
    build = Build(plan(), "emu-m4", Path("out"), ZIG, Sizes(), None, None, "0" * 16, ("a.c", "b.c"), ("cmake -S out",))
    text = words(report.build(build))
    for part in ("would generate", "a.c", "b.c", "would run: cmake -S out"):
        assert part in text
    assert build.json()["elf"] is None


def test_command_lines_are_never_cut(capsys):
    long = "cmake -S " + "folder/" * 40
    report.show(report.build(Build(plan(), "emu-m4", Path("out"), ZIG, Sizes(), None, None, "0" * 16, (), (long,))))
    done = Flashed("emu-m4", "0" * 16, "volume", "DRIVE", "as asked for", (long,), planned=True)
    report.show(report.flashed(done))
    assert capsys.readouterr().out.count(f"would run: {long}\n") == 2


def test_totals_with_unknown_parts_are_called_at_least():
    known = Sizes(arena=100, stack=20, static=4, weights=50, code=60)
    assert "at least" not in words(report.build(_built(known)))
    text = words(report.build(_built(replace(known, stack=None))))
    assert "RAM at least 104 B" in text
    assert "flash 110 B" in text


def _built(sizes):
    return Build(plan(), "emu-m4", Path("out"), ZIG, sizes, Path("out/build/m.elf"), None, "0" * 16, ())
