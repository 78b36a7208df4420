"""Console firmware for emulated boards, built once per board and session."""

from __future__ import annotations

from pathlib import Path

import pytest
import serial
from support import bare

from edgekit import board as boards
from edgekit.emulate import launch

CONSOLE = Path(__file__).parent / "firmware" / "console.c"
REGIONS = ("demo_layer_00", "demo_layer_01", "demo_invoke")


class Console:
    """The console firmware on a board that is switched on."""

    def __init__(self, emulated) -> None:
        self.board = emulated
        self.port = serial.serial_for_url(emulated.url, timeout=30)

    def ask(self, command: bytes, size: int) -> bytes:
        self.port.write(command)
        return self.port.read(size)

    def echo(self, data: bytes) -> bytes:
        return self.ask(b"e" + len(data).to_bytes(2, "little") + data, len(data))

    def word(self, command: bytes) -> int:
        answer = self.ask(command, 4)
        assert len(answer) == 4
        return int.from_bytes(answer, "little")


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    """The console firmware's image for a board by name."""
    built = {}

    def get(name: str) -> bare.Image:
        if name not in built:
            built[name] = bare.build(boards.load(name), CONSOLE, tmp_path_factory.mktemp(name))
        return built[name]

    return get


@pytest.fixture
def console(image):
    """A function that switches a board on; all are switched off after the test."""
    running = []

    def start(name: str, transport=None) -> Console:
        found = image(name)
        running.append(Console(launch(boards.load(name), found.image, found.elf, REGIONS, transport)))
        return running[-1]

    yield start
    for one in running:
        one.port.close()
        one.board.close()
