"""The pages on meters: every command line is one that the command would take, every picture is there."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from edgekit import board
from edgekit.cli import app
from edgekit.device.meters import registry

DOCS = Path(__file__).resolve().parents[2] / "docs" / "meters"
PAGES = sorted(DOCS.glob("*.md"))
COMMANDS = [(p.stem, line) for p in PAGES for line in re.findall(r"^\$ edgekit (.*)$", p.read_text(), re.MULTILINE)]


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_command_line_has_known_options_board_and_meter(page, line):
    words = line.split()
    command = get_command(app).commands[words[0]]
    context = command.make_context(words[0], words[1:], parent=typer.Context(get_command(app)))
    assert context.params["board"] in board.names(), page
    kind, _ = registry.parse(context.params["meter"])
    assert kind in registry.METERS


def test_every_meter_has_a_command_line():
    assert {registry.parse(re.search(r"--meter (\S+)", line)[1])[0] for _, line in COMMANDS} == set(registry.METERS)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_links_and_pictures_are_there_and_well_formed(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        file = page.parent / target
        assert file.is_file(), target
        if file.suffix == ".svg":
            assert ET.fromstring(file.read_text()).tag.endswith("svg")  # noqa: S314 - our own file
