"""`edgekit flash` and `edgekit profile` on every board, each on its emulator with the very image it would run."""

from __future__ import annotations

import json

import pytest
from support import need
from typer.testing import CliRunner

from edgekit import board as boards
from edgekit import demo
from edgekit.cli import app

TOOLS = {"qemu": "qemu-system-arm", "qemu-aarch64": "qemu-aarch64"}
"""By the first word of a board's emulator: what it takes beyond wheels."""


def parsed(*args):
    result = CliRunner().invoke(app, [*map(str, args), "--json"])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", boards.names())
def test_a_board_is_flashed_and_profiled(name, tmp_path):
    board = boards.load(name)
    if (tool := TOOLS.get(board.emulator.partition(":")[0])) is not None:
        need.need(tool)
    where = ("--board", name, "--out", tmp_path / "project")
    flashed = parsed("flash", demo.MODEL, *where, "--via", "emulator")
    (known,) = flashed["verified"]
    assert "build id" in known
    profile = parsed("profile", demo.MODEL, *where, "--samples", demo.SAMPLES, "--count", 1, "--layers-of", 1)
    native = board.emulator == "native"
    assert (profile["exact"], profile["how"]) == (True, "measured" if native else "emulated")
    assert flashed["emulated"] is not native
    assert len(profile["layers"]) == 15
    assert profile["latency_how"].startswith("measured") is native
    if not native:
        counted = sum(layer["instructions"] for layer in profile["layers"])
        assert 0.97 * profile["instructions"] < counted <= profile["instructions"]
    if board.target.core.startswith("cortex-m"):
        assert 0 < profile["ram"]["stack"] <= profile["ram"]["stack_bound"]
