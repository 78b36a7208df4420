"""A labelled data set streamed to a board in another process, over a line that is cut, by a process that is killed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import serial
from typer.testing import CliRunner

from edgekit import demo, journal
from edgekit.cli import app

BOARD, COUNT = "nucleo-l4r5zi", 24
EVALUATE = ("evaluate", str(demo.MODEL), "--data", str(demo.SAMPLES), "--count", str(COUNT))
WITH_JOURNALS = """
import sys, time
from pathlib import Path
from edgekit import cli, journal
from edgekit.device import measure
place = Path(sys.argv.pop(1))
journal.folder = lambda: place
real = measure.run
def slow(*args):
    time.sleep(0.05)
    return real(*args)
measure.run = slow
cli.main()
"""


@contextlib.contextmanager
def board_process(project):
    """`edgekit flash --stay` in a process of its own: its serial port, and the process."""
    line = [sys.executable, "-m", "edgekit", "flash", str(project), "--board", BOARD, "--via", "emulator", "--stay"]
    environment = os.environ | {"COLUMNS": "400", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as running:
        text, end = b"", time.monotonic() + 120
        while b"\n" not in text and time.monotonic() < end and running.poll() is None:
            if select.select([running.stdout], [], [], 1)[0]:
                text += os.read(running.stdout.fileno(), 4096)
        try:
            yield re.search(rb"EMULATED, at (\S+)", text)[1].decode(), running
        finally:
            running.send_signal(signal.SIGINT)


class Relay:
    """A TCP port in front of a serial port, whose line can be cut after some bytes from the board."""

    def __init__(self, port: str) -> None:
        self.port = serial.serial_for_url(port, timeout=0.02)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self.server.getsockname()[1]}"
        self.left = 0
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join(5)
        self.port.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with client, contextlib.suppress(OSError):
                self._pump(client)

    def _pump(self, client) -> None:
        while True:
            if select.select([client], [], [], 0.001)[0]:
                data = client.recv(4096)
                if not data:
                    return
                self.port.write(data)
            if waiting := self.port.in_waiting:
                data = self.port.read(waiting)
                if 0 < self.left <= len(data):
                    client.sendall(data[: self.left])  # in the middle of a frame
                    self.left = 0
                    return
                self.left -= min(len(data), self.left)
                client.sendall(data)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluate") / "project"
    done = CliRunner().invoke(app, ["build", str(demo.MODEL), "--board", BOARD, "--out", str(out)])
    assert done.exit_code == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def on_host():
    done = CliRunner().invoke(app, [*EVALUATE, "--board", "host", "--json"])
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(autouse=True)
def journals(tmp_path, monkeypatch):
    folder = tmp_path / "evaluations"
    monkeypatch.setattr(journal, "folder", lambda: folder)
    return folder


def call(project, port, *more):
    line = [*EVALUATE, "--board", BOARD, "--out", str(project), "--port", port, *more]
    return CliRunner().invoke(app, line)


def kept(folder):
    return sum(len(p.read_bytes().splitlines()) - 1 for p in folder.glob("*.jsonl"))


def goes_on(project, port, on_host, before):
    """The same asked again takes over what was kept, and finds what this computer finds."""
    assert 0 < before < COUNT
    done = call(project, port, "--json")
    assert done.exit_code == 0, done.stderr
    tree = json.loads(done.stdout)
    assert tree["resumed"] == before
    assert (tree["exact"], tree["accuracy"]) == (True, on_host["accuracy"])
    assert tree["samples"] == on_host["samples"]


def test_a_run_that_is_killed_goes_on_at_the_same_board(project, journals, on_host):
    with board_process(project) as (port, _):
        line = [sys.executable, "-c", WITH_JOURNALS, str(journals), *EVALUATE]
        line += ["--board", BOARD, "--out", str(project), "--port", port]
        with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
            end = time.monotonic() + 120
            while kept(journals) < 5 and running.poll() is None and time.monotonic() < end:
                time.sleep(0.01)
            running.send_signal(signal.SIGKILL)
        goes_on(project, port, on_host, kept(journals))
    assert kept(journals) == 0


@pytest.mark.parametrize("left", [1_200, 1_205])
def test_a_line_that_is_cut_in_a_frame_leaves_what_was_done_and_goes_on(project, journals, on_host, left):
    with board_process(project) as (port, _), Relay(port) as relay:
        relay.left = left
        done = call(project, relay.url)
        assert done.exit_code == 4
        text = " ".join(done.stderr.split())
        assert f"{kept(journals)} of {COUNT} samples are kept" in text
        assert "vanished" in text
        goes_on(project, relay.url, on_host, kept(journals))


def test_a_board_that_loses_its_power_leaves_what_was_done_and_another_port_goes_on(project, journals, on_host):
    with board_process(project) as (port, running):
        watcher = threading.Thread(target=_kill_after, args=(journals, 5, running))
        watcher.start()
        done = call(project, port)
        watcher.join()
    assert done.exit_code == 4
    before = kept(journals)
    assert f"{before} of {COUNT} samples are kept" in " ".join(done.stderr.split())
    with board_process(project) as (again, _):
        goes_on(project, again, on_host, before)


def _kill_after(folder, samples, running) -> None:
    end = time.monotonic() + 120
    while kept(folder) < samples and time.monotonic() < end:
        time.sleep(0.002)
    running.kill()
