"""`profile --flash`: built, flashed over the board's drive, asked for its build id, run and reported in one command."""

from __future__ import annotations

import json

import pytest
from support.drive import Drive
from typer.testing import CliRunner

from edgekit import demo, flashing
from edgekit.cli import app
from edgekit.device.discovery import match
from edgekit.device.discovery.found import Device, Found, SerialPort, Volume

BOARD = "nucleo-l4r5zi"


@pytest.fixture
def plugged(firmware, tmp_path, monkeypatch):
    """A Nucleo whose drive boots what is copied onto it, and what `devices` would find of it."""
    made = firmware(BOARD)
    with Drive(made.board, tmp_path / "NODE", made.image.elf) as drive:

        def found(ports):
            code = made.board.volume.code
            volumes = (Volume(drive.folder, code),)
            return Found((Device((BOARD,), f"its volume says {code}", sure=True, ports=ports, volumes=volumes),), ())

        def plug(*ports):
            monkeypatch.setattr(match, "find", lambda *_args, **_options: found(tuple(SerialPort(p) for p in ports)))
            return drive

        yield made, plug


def call(made, *args, code=0):
    line = ["profile", demo.MODEL, "--samples", demo.SAMPLES, "--count", "1", "--layers-of", "1", "--runs", "3"]
    line += ["--board", BOARD, "--out", made.folder, *args]
    result = CliRunner().invoke(app, [str(a) for a in line])
    assert result.exit_code == code, result.stderr + result.stdout
    return result


def test_one_command_flashes_and_measures_and_the_next_leaves_the_flash_alone(plugged):
    made, plug = plugged
    drive = plug("/dev/nowhere")
    plug(drive.port.url)
    first = call(made, "--flash", "volume", "--json")
    tree = json.loads(first.stdout)
    assert (tree["how"], tree["exact"], tree["latency"]["runs"]) == ("measured", True, 3)
    assert tree["cycles"]["per_mac"] == pytest.approx(tree["cycles"]["value"] / tree["model"]["macs"], rel=1e-3)
    assert "copying" in first.stderr or "writing" in first.stderr
    assert drive.flashed
    drive.flashed = []
    call(made, "--flash", "auto")
    assert drive.flashed == []


def test_a_board_whose_port_is_not_known_is_not_mistaken_for_an_emulated_one(plugged):
    made, plug = plugged
    plug()
    text = " ".join(call(made, "--flash", "volume", code=2).stderr.split())
    assert "the image is on the board, but its serial port is not known" in text
    assert "--port" in text


def test_a_way_there_is_not_is_refused_before_anything_is_built(tmp_path):
    line = ["profile", str(demo.MODEL), "--board", BOARD, "--out", str(tmp_path / "never"), "--flash", "pigeon"]
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 2
    assert "auto, volume, pyocd, openocd, ssh" in " ".join(result.stderr.split())
    assert not (tmp_path / "never").exists()


def test_with_nothing_plugged_in_the_emulated_board_is_profiled_and_called_that(firmware, monkeypatch):
    monkeypatch.setattr(flashing.match, "find", lambda *_args, **_options: Found((), ()))
    tree = json.loads(call(firmware(BOARD), "--flash", "auto", "--json").stdout)
    assert tree["how"] == "emulated"
