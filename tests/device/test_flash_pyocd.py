"""Real pyOCD against a simulated nRF52840: its flash algorithm runs in unicorn and keeps its controller's rules."""

from __future__ import annotations

import json

import pytest
from pyocd.utility import sockets
from support.nrf52_probe import Probe
from typer.testing import CliRunner

from edgekit.cli import app
from edgekit.device.discovery.found import Device, Found
from edgekit.device.discovery.found import Probe as Seen
from edgekit.device.flash import pyocd, run
from edgekit.device.flash.choose import Wish, choose
from edgekit.device.flash.pyocd import ByPyocd
from edgekit.emulate import launch
from edgekit.errors import FlashError, MissingToolError
from edgekit.toolchain import elf


@pytest.fixture(scope="module")
def made(firmware):
    return firmware("nrf52840-dk")


def test_the_flash_holds_the_image_and_the_board_boots_it(made, tmp_path):
    phases = {}
    with Probe() as probe:
        done = ByPyocd(made.board, made.image, probe.uid).write(
            lambda what, n, whole: phases.update({what: (n, whole)})
        )
        chip = probe.chip
    parts = elf.read(made.image.elf).segments
    assert all(chip.flash(s.address, len(s.data)) == s.data for s in parts)
    assert chip.violations == []
    assert chip.algorithm_runs > 10
    assert chip.resets >= 1
    assert "read back" in done.verified
    whole = sum(len(s.data) for s in parts)
    assert phases == {"writing flash": (whole, whole), "reading back": (whole, whole)}
    dump = tmp_path / "dump.bin"
    dump.write_bytes(chip.flash(0, made.image.binary.stat().st_size))
    with launch(made.board, dump, made.image.elf) as board:
        assert run.build_id_of(board.url, made.board.serial.baud) == made.image.build_id


def test_flash_that_does_not_keep_what_was_written_is_found_by_reading_back(made, monkeypatch):
    with Probe() as probe:
        real = pyocd.ByPyocd._program

        def worn_out(session, file, report):
            real(session, file, report)
            probe.chip.uc.mem_write(0x1234, bytes([probe.chip.flash(0x1234, 1)[0] ^ 0x10]))

        monkeypatch.setattr(pyocd.ByPyocd, "_program", staticmethod(worn_out))
        with pytest.raises(FlashError, match="0x00001234"):
            ByPyocd(made.board, made.image, probe.uid).write(lambda *_: None)


def test_a_probe_that_is_unplugged_half_way_leaves_a_clear_state(made, monkeypatch):
    opened = []
    real = sockets.ClientSocket.connect
    monkeypatch.setattr(sockets.ClientSocket, "connect", lambda self: (opened.append(self), real(self)))
    with Probe(unplug_after=4) as probe, pytest.raises(FlashError) as caught:
        ByPyocd(made.board, made.image, probe.uid).write(lambda *_: None)
    for one in opened:  # pyOCD leaves them open
        one.close()
    assert "flashing stopped after" in str(caught.value)
    assert "does not run it" in str(caught.value)
    assert "unplugged" in str(caught.value)


def test_a_probe_that_is_not_there_is_an_error_and_nothing_is_written(made):
    with pytest.raises(FlashError, match="nothing was written"):
        ByPyocd(made.board, made.image, "remote:127.0.0.1:9").write(lambda *_: None)


def test_without_pyocd_it_is_said_how_to_get_it(made, monkeypatch):
    monkeypatch.setattr(pyocd, "installed", lambda: False)
    with pytest.raises(MissingToolError, match="edgekit"):
        ByPyocd(made.board, made.image).write(lambda *_: None)


def test_a_probe_of_a_board_that_is_known_for_sure_is_chosen(made):
    device = Device(("nrf52840-dk",), "its firmware says so", sure=True, probes=(Seen("683", "J-Link"),))
    choice = choose(made.board, made.image, Wish(), lambda: Found((device,), ()))
    assert (choice.way.name, choice.way.place) == ("pyocd", "683")


def test_the_command_flashes_over_a_probe_and_says_how_it_knows(made):
    with Probe() as probe:
        args = ["flash", str(made.folder), "--board", "nrf52840-dk", "--probe", probe.uid, "--json"]
        planned = CliRunner().invoke(app, [*args, "--dry-run"])
        assert probe.blocks == 0
        result = CliRunner().invoke(app, args)
    assert json.loads(planned.stdout)["commands"][0].startswith(f"pyocd load --target nrf52840 --uid {probe.uid}")
    assert result.exit_code == 0, result.stderr
    tree = json.loads(result.stdout)
    assert (tree["via"], len(tree["verified"])) == ("pyocd", 1)
