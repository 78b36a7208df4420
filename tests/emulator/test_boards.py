"""Every board that unicorn emulates: the real ports talk, count, time and restart."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from edgekit import board as boards
from edgekit.emulate import native

UNICORN = tuple(n for n in boards.names() if boards.load(n).emulator == "unicorn")
CORES = ("emu-m0plus", "emu-m3", "emu-m4", "emu-m7", "emu-m33")
DATA = bytes(range(256)) * 20


def test_the_boards_that_unicorn_emulates_are_known():
    assert set(CORES) < set(UNICORN)
    assert len(UNICORN) >= 12


@pytest.mark.parametrize("name", UNICORN)
def test_a_board_answers_counts_and_restarts(console, name):
    board = console(name)
    assert board.ask(b"?", 1) == b"!"
    assert board.echo(DATA) == DATA
    board.board.reset_counts()
    elapsed = board.word(b"i")
    counts = board.board.counts()
    assert counts.calls == 1
    layers = counts.regions["demo_layer_00"].instructions + counts.regions["demo_layer_01"].instructions
    assert 0 < counts.inside.instructions - layers < 50, "the rest is the caller's own"
    hz = board.word(b"h")
    expected = counts.inside.cycles * hz / boards.load(name).target.clock_hz
    assert elapsed == pytest.approx(expected, rel=0.01), "the firmware's own timer agrees"
    board.port.write(b"r")
    assert board.port.read(5) == b"hello"
    assert board.ask(b"?", 1) == b"!"
    assert board.board.fault is None


@pytest.mark.parametrize("name", UNICORN)
def test_edges_of_the_trigger_pin_are_logged_with_their_cycle(console, name):
    board = console(name)
    elapsed = board.word(b"p") * boards.load(name).target.clock_hz / board.word(b"h")
    lines = [line.split() for line in board.board.trigger_log.read_text().splitlines()]
    assert [level for _, level in lines] == ["1", "0", "1"]
    up, down, end = (int(cycle) for cycle, _ in lines)
    assert up < down < end
    tick = boards.load(name).target.clock_hz / board.word(b"h")
    assert end - down == pytest.approx(elapsed, rel=0.02, abs=2 * tick)


@pytest.mark.parametrize("name", ["emu-m0plus", "emu-m4", "nucleo-l4r5zi", "emu-m7"])
def test_counts_and_measured_times_are_the_same_on_every_run(console, name):
    def measure(board):
        board.board.reset_counts()
        elapsed = board.word(b"i")
        counts = board.board.counts()
        return elapsed, counts.inside, counts.regions

    first = console(name, "tcp")
    expected = measure(first)
    assert first.echo(b"another path through the code") == b"another path through the code"
    assert measure(first) == expected
    second = console(name, "pty" if os.name == "posix" else "tcp")
    time.sleep(0.1)
    assert measure(second) == expected


def test_layers_called_one_by_one_count_as_in_a_whole_inference(console):
    board = console("emu-m4")
    board.board.reset_counts()
    board.word(b"i")
    whole = board.board.counts()
    board.board.reset_counts()
    board.word(b"s")
    step = board.board.counts()
    assert step.regions["demo_layer_01"].instructions == whole.regions["demo_layer_01"].instructions
    assert step.regions["demo_layer_00"].instructions == 0
    assert step.calls == 1


def test_without_the_native_hook_instructions_are_counted_the_same(console, monkeypatch):
    def measure(board):
        board.board.reset_counts()
        board.word(b"i")
        return board.board.counts()

    fast = measure(console("emu-m4"))
    monkeypatch.setattr(native, "build", lambda _name: None)
    slow = measure(console("emu-m4"))
    assert slow.inside.instructions == fast.inside.instructions
    assert {k: v.instructions for k, v in slow.regions.items()} == {k: v.instructions for k, v in fast.regions.items()}
    assert slow.inside.cycles is None


def test_nothing_is_imported_from_the_folder_a_board_is_started_in(console, tmp_path, monkeypatch):
    for name in ("edgekit", "numpy", "unicorn"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken from the wrong folder')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert console("emu-m4").ask(b"?", 1) == b"!"


def test_a_board_ends_with_the_process_that_started_it(image, tmp_path):
    found = image("emu-m4")
    script = (
        "from edgekit import board; from edgekit.emulate import launch; from pathlib import Path; import os\n"
        f"b = launch(board.load('emu-m4'), Path({str(found.image)!r}), Path({str(found.elf)!r}))\n"
        "print(b._process.pid, flush=True); os._exit(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path)},
    )
    pid = int(done.stdout)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the emulated board outlived its parent")
