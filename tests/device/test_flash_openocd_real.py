"""The real OpenOCD against a simulated nRF52840: its flash driver and algorithms run in unicorn, over JTAG."""

from __future__ import annotations

import dataclasses

import pytest
from support import need
from support.jtag_probe import CONFIGURATION, JtagProbe

from edgekit.device.flash import run
from edgekit.device.flash.choose import Choice
from edgekit.device.flash.openocd import ByOpenocd
from edgekit.emulate import launch
from edgekit.errors import FlashError
from edgekit.toolchain import elf


@pytest.fixture
def made(firmware):
    need.need("openocd")
    return firmware("nrf52840-dk")


@pytest.fixture
def by(made, tmp_path):
    """A function that makes the way over a probe."""

    def way(probe):
        file = tmp_path / "simulated.cfg"
        file.write_text(CONFIGURATION.format(port=probe.port))
        board = dataclasses.replace(made.board, flash=dataclasses.replace(made.board.flash, openocd=(str(file),)))
        return ByOpenocd(board, made.image)

    return way


def failure(way):
    with pytest.raises(FlashError) as caught:
        way.write(lambda *_: None)
    return str(caught.value)


def test_the_flash_holds_the_image_and_the_board_boots_it(made, by, tmp_path):
    phases = []
    with JtagProbe() as probe:
        way = by(probe)
        done = run.flash(made.board, made.image, Choice(way, "test"), lambda *step: phases.append(step))
        chip = probe.chip
    parts = elf.read(made.image.elf).segments
    assert all(chip.flash(s.address, len(s.data)) == s.data for s in parts)
    assert chip.violations == []
    assert chip.algorithm_runs >= 2
    assert chip.resets >= 2
    assert "OpenOCD compared" in done.verified[0]
    assert [p for p, *_ in phases] == [
        "reaching the board", "writing flash", "writing flash", "comparing", "comparing", "restarting the board",
    ]  # fmt: skip
    dump = tmp_path / "dump.bin"
    dump.write_bytes(chip.flash(0, made.image.binary.stat().st_size))
    with launch(made.board, dump, made.image.elf) as board:
        assert run.build_id_of(board.url, made.board.serial.baud) == made.image.build_id


def test_flash_that_does_not_keep_what_was_written_is_found(by):
    with JtagProbe() as probe:
        probe.chip.worn = 0x1234
        text = failure(by(probe))
    assert "must not be trusted" in text
    assert "checksum mismatch" in text


@pytest.mark.parametrize(("words", "state"), [(0, "nothing was written"), (2_000, "flashing broke off")])
def test_a_probe_that_is_unplugged_leaves_a_clear_state(by, words, state):
    with JtagProbe(unplug_after=words) as probe:
        text = failure(by(probe))
    assert state in text
    assert "in again, and flash again" in text


def test_another_chip_is_not_written_to(by):
    with JtagProbe() as probe:
        probe.chip.uc.mem_write(0x1000_0010, bytes(8))
        text = failure(by(probe))
        assert probe.chip.flash(0, 4096) == b"\xff" * 4096
    assert "this chip is not the one" in text


def test_a_probe_that_is_not_there_is_an_error_and_nothing_is_written(by):
    probe = JtagProbe()
    with probe:
        pass
    text = failure(by(probe))
    assert "nothing was written" in text
    assert "no such debug probe" in text
