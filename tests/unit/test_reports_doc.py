"""The page on results: its commands and its Python are run, its list of keys is the contract's."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from support import made_up
from typer.testing import CliRunner

import edgekit
from edgekit import bundle, contract, demo, verbs
from edgekit.cli import app
from edgekit.compare import METRICS
from edgekit.contract import Many, Maybe
from edgekit.errors import UserError

PAGE = Path(edgekit.__file__).resolve().parents[1] / "docs" / "reports.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [line[2:].split("  #")[0] for block in BLOCKS for line in block.splitlines() if line.startswith("$ ")]
ON_A_BOARD = ("profile", "verify", "evaluate")
KEYS = re.compile(r"(<!-- keys: .*? -->\n)(.*?)(<!-- end of keys -->)", re.DOTALL)
KINDS = {**contract.KINDS, "bundle, in every bundle's `result.json`": {"bundle": contract.BUNDLE}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two results as bundles and as printed, and a model; verbs that need a board only say so."""
    shutil.copy(demo.MODEL, tmp_path / "model.tflite")
    shutil.copy(demo.SAMPLES, tmp_path / "samples.npz")
    for name in ("main", "mine"):
        bundle.write(tmp_path / "results" / name, made_up.bundle(), made_up.ORIGIN)
        (tmp_path / f"{name}.json").write_text(json.dumps(made_up.tree()), encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def reached(*_args, **_options):
        raise UserError("the verb was reached")

    for verb in ON_A_BOARD:
        monkeypatch.setattr(verbs, verb, reached)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_works(command, folder):
    args = shlex.split(command)[1:]
    done = CliRunner().invoke(app, args)
    if args[0] in ON_A_BOARD:
        assert "the verb was reached" in done.stderr, done.stderr
    else:
        assert done.exit_code == 0, done.stderr
    for written in (args[i + 1] for i, word in enumerate(args) if word in ("-o", "--svg")):
        assert (folder / written).stat().st_size


@pytest.mark.usefixtures("folder")
def test_the_python_runs(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(code, PAGE.name, "exec"), {})  # noqa: S102 - our own example
    assert "latency 30000.0 30000.0" in capsys.readouterr().out


def test_every_metric_is_named():
    (block,) = re.findall(r"<!-- metrics -->\n(.*?)<!-- end of metrics -->", TEXT, re.DOTALL)
    assert re.findall(r"`(\w+)`", block) == [m.name for m in METRICS]


def keys(spec, path="") -> list[str]:
    """A line for every key with its type, lists with [] behind them."""
    match spec:
        case Maybe():
            inner = keys(spec.of, path)
            return [f"{inner[0]}, or null"] if isinstance(spec.of, str) else [f"{path}: null, or", *inner]
        case Many():
            return keys(spec.of, f"{path}[]")
        case str():
            return [f"{path}: {spec}"]
        case _:
            return [line for key, inner in spec.items() for line in keys(inner, f"{path}.{key}" if path else key)]


def listed() -> str:
    parts = [f"### {kind}\n\n```text\n" + "\n".join(keys(spec)) + "\n```\n" for kind, spec in KINDS.items()]
    return "\n" + "\n".join(parts) + "\n"


def test_every_key_is_listed():
    found = KEYS.search(TEXT)
    assert found is not None
    if os.environ.get("EDGEKIT_UPDATE_GOLDEN"):
        PAGE.write_text(TEXT[: found.start(2)] + listed() + TEXT[found.end(2) :], encoding="utf-8")
        return
    assert found[2] == listed(), "EDGEKIT_UPDATE_GOLDEN=1 pytest tests/unit/test_reports_doc.py writes it"
