"""What tests of real boards' ways share: images of the demonstration's model, built once."""

from __future__ import annotations

import dataclasses

import pytest

import edgekit
from edgekit import board as boards
from edgekit import demo
from edgekit.device.deploy import Image


@dataclasses.dataclass(frozen=True)
class Firmware:
    """A built project: its folder, board and image."""

    folder: object
    board: boards.Board
    image: Image


@pytest.fixture(scope="session")
def firmware(tmp_path_factory):
    """A function that builds the model for a board by name."""
    built = {}

    def get(name: str) -> Firmware:
        if name not in built:
            folder = tmp_path_factory.mktemp(name) / "out"
            made = edgekit.build(demo.MODEL, name, folder)
            built[name] = Firmware(folder, boards.load(name), Image(made.image, made.elf, made.build_id))
        return built[name]

    return get
