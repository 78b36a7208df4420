"""The command line: help, JSON, errors and exit codes."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import edgekit
from edgekit import demo, doctor, errors, resources
from edgekit.board import load as load_board
from edgekit.cli import app
from edgekit.commands import catalogue, common
from edgekit.toolchain import compilers

COMMANDS = (
    "demo", "build", "run", "verify", "profile", "analyze", "explain", "dump", "boards", "ops", "kernels", "doctor",
    "devices", "flash", "compare", "quantize", "fit", "compress",
)  # fmt: skip
MODEL = str(demo.MODEL)


def call(*args):
    return CliRunner().invoke(app, [str(a) for a in args], prog_name="edgekit")


def flat(text):
    """Text without colours, frames and line breaks, as a person reads it."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|[│╭╮╰╯─]", " ", text).split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    result = call(command, "--help")
    assert result.exit_code == 0
    assert f"edgekit {command}" in flat(result.stdout).replace("Usage: edgekit", "")
    assert "Example" in result.stdout
    assert "--json" in result.stdout


def test_help_lists_every_command():
    text = flat(call("--help").stdout)
    for command in COMMANDS:
        assert f" {command} " in text


def test_the_version_is_that_of_the_project():
    project = resources.share() / "pyproject.toml"
    assert tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"] == edgekit.__version__
    assert call("--version").stdout == f"edgekit {edgekit.__version__}\n"


@pytest.mark.parametrize(
    ("args", "nearest"), [(("anlyze", MODEL), "analyze"), (("analyze", MODEL, "--bord", "x"), "--board")]
)
def test_a_misspelt_command_or_option_gets_the_nearest_and_exit_code_2(args, nearest):
    result = call(*args)
    assert result.exit_code == 2
    assert nearest in flat(result.stderr)


@pytest.mark.parametrize(
    ("args", "kind", "code", "nearest"),
    [
        (("analyze", MODEL, "--board", "nucleo-l4r5z"), "BoardError", 1, "nucleo-l4r5zi"),
        (("explain", "kernel", "conv_2d_s8_scalr"), "UsageError", 2, "conv_2d_s8_scalar"),
        (("dump", MODEL, "--after", "rad"), "UsageError", 2, "read"),
        (("explain", "layer", MODEL), "UsageError", 2, "which layer"),
        (("explain", "layer", MODEL, "99"), "UsageError", 2, "0 to "),
        (("explain", "size", MODEL, "0"), "UsageError", 2, "edgekit explain size"),
        (("bench", "kernels", "--family", "pol"), "UsageError", 2, "Did you mean 'pool'"),
        (("analyze", MODEL, "--board", "./nope.toml"), "BoardError", 1, "`edgekit boards` lists"),
        (("explain", "kernel", "nope"), "UsageError", 2, "`edgekit kernels` lists"),
        (("kernels", "--family", "conv2d"), "UsageError", 2, "conv_2d"),
        (("dump", MODEL, "--after", "dead_chanels"), "UsageError", 2, "Did you mean 'dead_channels'"),
        (("build", MODEL, "--board", "no-such"), "BoardError", 1, "edgekit boards"),
    ],
)
def test_unknown_names_are_errors_that_help(args, kind, code, nearest):
    result = call(*args)
    assert result.exit_code == code
    assert result.stdout == ""
    assert nearest in flat(result.stderr)
    tree = json.loads(call(*args, "--json").stdout)
    assert (tree["error"]["kind"], tree["error"]["exit_code"]) == (kind, code)


def bad_models(folder):
    (folder / "empty.tflite").write_bytes(b"")
    (folder / "text.tflite").write_text("not a model")
    (folder / "cut.tflite").write_bytes(demo.MODEL.read_bytes()[:5000])
    return [folder / "empty.tflite", folder / "text.tflite", folder / "cut.tflite", folder, folder / "absent.tflite"]


@pytest.mark.parametrize("command", ["analyze", "dump", "build", "verify", "profile"])
def test_what_is_not_a_model_is_one_clear_error(command, tmp_path):
    board = [] if command == "dump" else ["--board", "emu-m4"]
    for model in bad_models(tmp_path):
        result = call(command, model, *board, "--json")
        assert result.exit_code == 1, model
        problem = json.loads(result.stdout)["error"]["problems"][0]
        assert problem["what"], model
        assert model.name in problem["where"], model
    assert len(list(tmp_path.iterdir())) == 3


def test_all_problems_are_shown(monkeypatch):
    def broken(*_args):
        raise errors.BoardError(errors.Problem("first wrong"), errors.Problem("second wrong", "here", "1", "2", "Do."))

    monkeypatch.setattr(catalogue.board_files, "load", broken)
    result = call("boards")
    assert result.exit_code == 1
    for part in ("2 problems", "first wrong", "second wrong", "here", "Do."):
        assert part in flat(result.stderr)
    assert len(json.loads(call("boards", "--json").stdout)["error"]["problems"]) == 2


@pytest.fixture
def crashing(monkeypatch):
    def crash(*_args):
        raise ZeroDivisionError("it was zero")

    monkeypatch.setattr(catalogue.board_files, "load", crash)


@pytest.mark.usefixtures("crashing")
def test_a_crash_becomes_an_internal_error_that_asks_for_debug():
    result = call("boards")
    assert result.exit_code == errors.InternalError.exit_code
    assert "it was zero" in flat(result.stderr)
    assert "--debug" in flat(result.stderr)
    assert "Traceback" not in result.stderr


@pytest.mark.usefixtures("crashing")
@pytest.mark.parametrize("args", [("--debug", "boards"), ("boards", "--debug")])
def test_debug_shows_the_traceback_wherever_it_stands(args):
    result = call(*args)
    assert "Traceback" in result.stderr
    assert "in crash" in result.stderr


@pytest.mark.parametrize(
    "kind", [c for c in vars(errors).values() if isinstance(c, type) and c.__module__ == errors.__name__]
)
def test_every_error_ends_with_its_exit_code(kind, monkeypatch):
    if not issubclass(kind, errors.EdgekitError):
        return

    def fail(*_args):
        raise kind("no")

    monkeypatch.setattr(catalogue.board_files, "load", fail)
    assert call("boards").exit_code == kind.exit_code


@pytest.mark.parametrize(
    ("args", "key"),
    [
        (("boards",), "boards"), (("ops",), "ops"), (("kernels",), "kernels"), (("doctor",), "tools"),
        (("analyze", MODEL), "layers"), (("dump", MODEL), "text"), (("explain", "kernel", "conv_2d_s8_scalar"), "name"),
        (("explain", "memory", MODEL), "slots"), (("explain", "size", MODEL), "layers"),
        (("explain", "layer", MODEL, "0"), "kernel"), (("explain", "layer", MODEL, "0"), "candidates"),
        (("explain", "channels", MODEL), "macs_left"), (("explain", "kernel", "conv_2d_s8_scalar"), "costs"),
        (("explain", "kernel", "conv_2d_s8_scalar", MODEL), "layers"),
    ],
)  # fmt: skip
def test_json_is_all_there_is_on_stdout(args, key):
    result = call(*args, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)[key]
    shown = call(*args)
    assert shown.exit_code == 0
    assert len(shown.stdout.splitlines()) >= 3
    assert "\x1b" not in shown.stdout


def test_analyze_says_what_the_model_is_and_where_it_fits():
    tree = json.loads(call("analyze", MODEL, "--json").stdout)
    assert tree["model"]["macs"] == sum(layer["macs"] for layer in tree["layers"])
    fits = {board["name"]: board for board in tree["boards"]}
    assert fits["nucleo-l4r5zi"]["fits"]
    assert fits["nucleo-l4r5zi"]["ram"]["needed"] >= fits["nucleo-l4r5zi"]["arena"] > 0
    assert "estimate" in fits["nucleo-l4r5zi"]["flash"]["how"]


def test_analyze_says_no_where_the_model_does_not_fit(tmp_path):
    text = (resources.boards() / "nucleo-l4r5zi.toml").read_text(encoding="utf-8")
    tiny = tmp_path / "tiny.toml"
    tiny.write_text(re.sub(r"size = 0xA_0000", "size = 0x1000", text), encoding="utf-8")
    assert "size = 0x1000" in tiny.read_text(encoding="utf-8")
    (fit,) = json.loads(call("analyze", MODEL, "--board", tiny, "--json").stdout)["boards"]
    assert not fit["fits"]
    assert " no " in flat(call("analyze", MODEL, "--board", tiny).stdout)


def test_an_arena_that_no_single_bank_holds_does_not_fit(tmp_path):
    text = (resources.boards() / "nucleo-l4r5zi.toml").read_text(encoding="utf-8")
    bank = '[[memory]]\nname = "{}"\nkind = "ram"\norigin = {}\nsize = {}\n'
    split = tmp_path / "split.toml"
    graph = edgekit.optimise(edgekit.load(MODEL))
    least = edgekit.make_plan(graph, "nucleo-l4r5zi", optimize="ram").arena_bytes
    first = load_board("nucleo-l4r5zi").stack_bytes + 512 + least - 4  # 512: what a bank keeps for the harness
    whole = text[text.rindex("[[memory]]") : text.index("[usb]")]
    split.write_text(
        text.replace(whole, bank.format("a", 0x2000_0000, first) + bank.format("b", 0x2000_4000, least - 4))
    )
    (fit,) = json.loads(call("analyze", MODEL, "--board", split, "--json").stdout)["boards"]
    assert fit["ram"]["needed"] <= fit["ram"]["available"]
    assert not fit["fits"]


def test_a_word_that_is_none_of_a_choice_is_refused_in_plain_words():
    said = flat(call("analyze", MODEL, "--optimize", "fast").stderr)
    assert "Invalid value for '--optimize': 'fast' is not one of" in said


def test_analyze_and_fit_say_that_they_plan():
    for command in ("analyze", "fit"):
        assert "planning for nucleo-l4r5zi" in call(command, MODEL, "--board", "nucleo-l4r5zi").stderr


def test_dump_breaks_no_line_however_narrow_the_console(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    narrow = call("dump", MODEL).stdout
    assert narrow.splitlines() == parsed("dump", MODEL)["text"].rstrip().splitlines()


def test_dump_shows_the_graph_after_each_pass():
    read = call("dump", MODEL, "--after", "read").stdout
    assert "CONV_2D" in read
    assert call("dump", MODEL, "--after", "read").stdout == read
    assert "MACs" in call("dump", MODEL).stdout


def test_explain_finds_a_layer_by_name_and_by_number():
    first = json.loads(call("explain", "layer", MODEL, "0", "--json").stdout)
    assert json.loads(call("explain", "layer", MODEL, first["name"], "--json").stdout) == first


def parsed(*args):
    return json.loads(call(*args, "--json").stdout)


def test_every_command_names_the_model_alike():
    named = parsed("analyze", MODEL, "--board", "emu-m4")["model"]
    assert set(named) == {"name", "sha256", "macs"}
    for command in (("dump", MODEL), ("fit", MODEL, "--board", "emu-m4"), ("explain", "channels", MODEL)):
        assert parsed(*command)["model"] == named, command


def test_explain_layer_has_every_candidate_and_one_that_was_chosen():
    layer = parsed("explain", "layer", MODEL, "0")
    chosen = [c for c in layer["candidates"] if c["chosen"]]
    assert [c["kernel"] for c in chosen] == [layer["kernel"]]
    assert all(c["reason"] and c["instructions"] > 0 and c["how"] == "estimated" for c in layer["candidates"])
    assert chosen[0]["whole_model"] == {"instructions": 0, "flash": 0}
    text = flat(call("explain", "layer", MODEL, "0").stdout)
    assert all(c["reason"] in text for c in layer["candidates"])


def test_explain_kernel_says_where_in_a_model_it_could_run_and_what_does():
    rows = parsed("explain", "kernel", "conv_2d_s8_dsp", MODEL)["layers"]
    assert rows
    for row in rows:
        same = parsed("explain", "layer", MODEL, row["layer"])
        assert same["candidates"] == row["candidates"]
    assert not parsed("explain", "kernel", "conv_2d_s8_mve", MODEL)["layers"], "no kernel of the default board"


@pytest.mark.parametrize(
    "command", ["build", "run", "verify", "evaluate", "profile", "demo", "flash", "analyze", "explain"]
)
def test_every_command_that_plans_takes_what_kernels_are_chosen_for(command):
    assert "--optimize" in flat(call(command, "--help").stdout)


def test_what_kernels_are_chosen_for_reaches_analyze_and_explain():
    for command in (("analyze", MODEL, "--board", "nucleo-l4r5zi"), ("explain", "memory", MODEL)):
        assert parsed(*command, "--optimize", "size") != parsed(*command, "--optimize", "speed")
    fast, small = (parsed("explain", "layer", MODEL, "0", "--optimize", o)["kernel"] for o in ("speed", "size"))
    assert fast != small


def test_a_board_that_is_not_named_is_asked_for_with_where_they_are_listed():
    assert "`edgekit boards` lists them" in flat(call("run", MODEL, "--input", "x.npy").stderr)


def test_help_breaks_lines_at_paragraphs_only():
    assert "the emulated board takes the image" in flat(call("flash", "--help").stdout)
    docs = [command.help for command in app.registered_commands]
    assert not [doc for doc in docs if not doc or "\n" in doc.replace("\n\n", "")]


def test_flash_dry_run_of_an_emulated_board_says_what_the_run_does():
    text = call("flash", MODEL, "--board", "emu-m4", "--via", "emulator", "--dry-run").stdout
    assert "would then: switch the EMULATED board on" in flat(text)
    assert "would run: edgekit flash" not in text
    assert "EMULATED" not in call("flash", MODEL, "--board", "host", "--dry-run").stdout


def test_without_a_terminal_a_stage_is_named_once_without_a_share(monkeypatch, capsys):
    now = iter([0.0, 1.0, 6.0, 12.0, 13.0, 80.0])
    monkeypatch.setattr(common.time, "monotonic", lambda: next(now))
    progress = common.Progress()
    for done in (1, 2, 2, 3, 4, 4):
        progress("counting", done, 4)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "... counting"
    assert [line.split(" %")[0] for line in said[1:]] == ["... counting 50", "... counting 75", "... counting 100"]


def test_a_dry_run_writes_nothing(tmp_path):
    out = tmp_path / "out"
    result = call("build", MODEL, "--board", "nucleo-l4r5zi", "--out", out, "--dry-run", "--json")
    assert result.exit_code == 0, result.stderr
    tree = json.loads(result.stdout)
    assert "CMakeLists.txt" in tree["files"]
    configure, make = (shlex.split(command) for command in tree["commands"])
    assert (Path(configure[0]).stem, Path(make[0]).stem) == ("cmake", "ninja")
    assert [part for part in configure if part.startswith("-DEK_ZIG=")], "what is told is what would work"
    assert not out.exists()


def test_samples_that_do_not_fit_are_refused_before_anything_is_built(tmp_path):
    path = tmp_path / "x.npy"
    path.write_bytes(b"")
    result = call("verify", MODEL, "--board", "emu-m4", "--samples", path, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["kind"] == "DataError"
    assert not (tmp_path / "out").exists()


def test_doctor_fails_when_something_required_is_missing(monkeypatch):
    lost = doctor.Check("ninja", "builds", "required", "", "", "pip install ninja")
    monkeypatch.setattr(doctor, "examine", lambda: (lost,))
    result = call("doctor")
    assert result.exit_code == 3
    assert "pip install ninja" in flat(result.stdout)
    assert not json.loads(call("doctor", "--json").stdout)["ok"]


def test_a_program_that_does_not_run_is_told_apart_from_one_that_is_absent(tmp_path, monkeypatch):
    (tmp_path / "qemu-aarch64").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "qemu-aarch64").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    checks = {c.name: c for c in doctor.examine()}
    assert "does not run" in checks["qemu-aarch64"].broken
    assert not checks["qemu-aarch64"].found
    assert not checks["openocd"].found
    assert checks["openocd"].install == "apt-get install openocd"


def test_doctor_lists_each_tool_of_a_build_once_and_as_the_build_finds_it():
    found = {c.name: c for c in doctor.examine()}
    assert len(found) == len(doctor.examine())
    for tool in compilers.tools():
        assert (found[tool.name].version, found[tool.name].where) == (tool.version, str(tool.path or ""))
        assert (found[tool.name].purpose, found[tool.name].install) == (tool.purpose, tool.install)
    assert {n for n, c in found.items() if c.need == "required"} >= {"zig", "cmake", "ninja", "unicorn"}


def test_importing_edgekit_loads_nothing_heavy():
    code = "import edgekit, sys; print([m for m in ('numpy', 'typer', 'unicorn', 'tensorflow') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(edgekit.__file__).parents[1]
    )
    assert done.stdout.strip() == "[]"


def test_the_verbs_are_there_and_unknown_names_are_not():
    assert all(callable(getattr(edgekit, verb)) for verb in edgekit.__all__)
    assert set(edgekit.__all__) <= set(dir(edgekit))
    with pytest.raises(AttributeError, match="no_such_verb"):
        _ = edgekit.no_such_verb


def test_an_unknown_task_of_the_public_runner_is_refused_with_those_it_knows():
    result = call("build", MODEL, "--board", "nucleo-l4r5zi", "--task", "kws02", "--dry-run")
    assert result.exit_code == 2
    assert "kws01" in flat(result.stderr)


def test_the_task_goes_into_the_generated_firmware(tmp_path):
    built = [edgekit.build(MODEL, "host", tmp_path / task, task=task, dry_run=True) for task in ("", "kws01")]
    assert built[0].build_id != built[1].build_id
