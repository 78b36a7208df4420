"""QEMU and the AArch64 emulators: the same firmware, and the same counts as unicorn's."""

from __future__ import annotations

import dataclasses

import pytest
import serial
from support.need import need

from edgekit import board as boards
from edgekit.emulate import board as emulated
from edgekit.emulate import launch
from edgekit.toolchain.elf import Segment
from edgekit.toolchain.image import hex_lines

DATA = bytes(range(256)) * 4


def measure(board):
    board.board.reset_counts()
    board.word(b"i")
    counts = board.board.counts()
    instructions = {k: v.instructions for k, v in counts.regions.items()}
    return counts.calls, counts.inside.instructions, instructions


@pytest.mark.parametrize("name", ["mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "emu-m55"])
def test_qemu_runs_the_image_counts_it_and_restarts_it(console, name):
    need("qemu-system-arm")
    board = console(name)
    assert board.echo(DATA) == DATA
    calls, inside, regions = measure(board)
    assert calls == 1
    assert 0 < inside - sum(regions.values()) < 50
    assert measure(board) == (calls, inside, regions)
    board.port.write(b"r")
    assert board.port.read(5) == b"hello"


@pytest.mark.parametrize(
    ("ours", "qemus"),
    [("emu-m3", "mps2-an385"), ("emu-m4", "mps2-an386"), ("emu-m7", "mps2-an500"), ("emu-m33", "mps2-an505")],
)
def test_qemu_and_unicorn_count_the_same_for_the_same_image(image, ours, qemus):
    need("qemu-system-arm")
    found = image(ours)
    counts = []
    for machine in ("unicorn", boards.load(qemus).emulator):
        board = dataclasses.replace(boards.load(ours), emulator=machine)
        with launch(board, found.image, found.elf, ("demo_layer_00", "demo_layer_01", "demo_invoke")) as running:
            port = serial.serial_for_url(running.url, timeout=30)
            running.reset_counts()
            port.write(b"i")
            assert len(port.read(4)) == 4
            counts.append(running.counts())
            port.close()
    assert counts[0].inside.instructions == counts[1].inside.instructions
    assert counts[0].regions.keys() == counts[1].regions.keys()
    for name, count in counts[0].regions.items():
        assert count.instructions == counts[1].regions[name].instructions


def test_qemu_takes_an_image_in_intel_hex(image, tmp_path):
    need("qemu-system-arm")
    found, written = image("emu-m55"), tmp_path / "image.hex"
    origin = boards.load("emu-m55").target.banks("flash")[0].origin
    written.write_text("".join(f"{r}\n" for r in hex_lines([Segment(origin, found.image.read_bytes())])))
    with launch(boards.load("emu-m55"), written, found.elf) as board:
        port = serial.serial_for_url(board.url, timeout=30)
        port.write(b"?")
        assert port.read(1) == b"!"
        port.close()


def test_a_firmware_that_gives_up_in_qemu_is_reported(console):
    need("qemu-system-arm")
    board = console("mps2-an386")
    board.port.write(b"x2")
    with pytest.raises((serial.SerialException, OSError, TypeError)):
        board.port.read(4)
    assert board.board.fault.reason == "the firmware gave up (ek_fault)"
    assert board.board.fault.function.startswith("wrong")


@pytest.mark.parametrize("name", ["raspberry-pi-4", "raspberry-pi-5"])
def test_the_aarch64_shim_runs_a_linux_board(console, monkeypatch, name):
    monkeypatch.setattr(emulated.shutil, "which", lambda _name: None)
    board = console(name)
    assert board.echo(DATA) == DATA
    calls, inside, regions = measure(board)
    assert calls == 1
    assert 0 < inside - sum(regions.values()) < 50
    first, second = board.word(b"i"), board.word(b"i")
    assert abs(first - second) <= 1, "its clock is virtual: one tick is rounding"
    assert first > 0
    board.port.write(b"r")
    assert board.port.read(5) == b"hello"
    board.port.write(b"x2")
    with pytest.raises((serial.SerialException, OSError, TypeError)):
        board.port.read(4)
    assert "breakpoint" in board.board.fault.reason
    assert board.board.fault.function.startswith("wrong")


def test_qemu_aarch64_counts_as_the_shim_does(console, monkeypatch):
    need("qemu-aarch64")
    qemu = console("raspberry-pi-4")
    assert qemu.echo(DATA) == DATA
    found = measure(qemu)
    monkeypatch.setattr(emulated.shutil, "which", lambda _name: None)
    assert measure(console("raspberry-pi-4")) == found


def test_a_linux_program_that_crashes_is_reported(console):
    need("qemu-aarch64")
    board = console("raspberry-pi-4")
    board.port.write(b"x0")
    with pytest.raises((serial.SerialException, OSError, TypeError)):
        board.port.read(4)
    assert "signal 11" in board.board.fault.reason
