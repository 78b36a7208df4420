"""The README's examples: commands are run or at least understood, Python is run, links lead somewhere."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support import made_up
from typer.testing import CliRunner

import edgekit
from edgekit import bundle, compressing, demo, verbs
from edgekit.cli import app
from edgekit.errors import UserError

ROOT = Path(edgekit.__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
CONSOLE = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [line[2:] for block in CONSOLE for line in block.splitlines() if line.startswith("$ ")]
OURS = [c for c in COMMANDS if c.startswith("edgekit ")]
NEEDS_MORE = ("build", "run", "verify", "evaluate", "profile", "demo", "quantize", "compress")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a model and samples named as the README names them; those of a board or Keras only say so."""
    shutil.copy(demo.MODEL, tmp_path / "model.tflite")
    shutil.copy(demo.SAMPLES, tmp_path / "samples.npz")
    with np.load(demo.SAMPLES) as archive:
        np.save(tmp_path / "x.npy", archive["inputs"][0])
    (tmp_path / "fast.json").write_text(json.dumps(made_up.tree()), encoding="utf-8")
    (tmp_path / "results").mkdir()
    bundle.write(tmp_path / "results" / "mine", made_up.bundle(), made_up.ORIGIN)
    monkeypatch.chdir(tmp_path)

    def reached(*_args, **_options):
        raise UserError("the verb was reached")

    for verb in ("build", "run", "verify", "evaluate", "profile", "quantize"):
        monkeypatch.setattr(verbs, verb, reached)
    shutil.copytree(ROOT / "docs" / "recipes", tmp_path / "docs" / "recipes")
    monkeypatch.setattr(compressing, "run", reached)
    return tmp_path


def test_the_first_screen_has_the_two_commands_and_a_real_run():
    first = TEXT[: TEXT.index("\n## ", TEXT.index("make test"))]
    assert "$ make demo" in first
    assert "$ make test" in first
    (run,) = re.findall(r"```text\n(.*?)```", first, re.DOTALL)
    assert "exact:" in run
    assert "emulated" in run
    assert "measured" not in run


@pytest.mark.parametrize("command", OURS)
@pytest.mark.usefixtures("folder")
def test_every_command_in_the_readme_works(command):
    args = shlex.split(command.split("  #")[0].split(" > ")[0])[1:]
    result = CliRunner().invoke(app, args)
    if args[0] in NEEDS_MORE or args[:2] in (["explain", "stack"], ["explain", "size"]):
        assert "the verb was reached" in result.stderr, result.stderr
    else:
        assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("code", PYTHON)
@pytest.mark.usefixtures("folder")
def test_the_python_in_the_readme_runs(code, monkeypatch):
    anything = SimpleNamespace(exact=True, json=dict, layers=(), sizes=None, instructions=1)
    for verb in ("build", "run", "verify", "profile"):
        monkeypatch.setattr(verbs, verb, lambda *_args, **_options: anything)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own example


def test_there_are_examples_to_test():
    assert len(OURS) >= 8
    assert PYTHON


def test_files_the_readme_names_exist():
    links = [t for t in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in t]
    assert links
    assert not [t for t in links if not (ROOT / t).exists()]


def test_make_targets_the_readme_names_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in {c.split()[1] for c in COMMANDS if c.startswith("make ")}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_op_is_named():
    tree = json.loads(CliRunner().invoke(app, ["ops", "--json"]).stdout)
    missing = [op["name"] for op in tree["ops"] if op["name"] not in TEXT]
    assert not missing
