"""The pages on meters: every command line is one that the command would take, every picture is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import pages

from edgekit import board
from edgekit.device.meters import registry

DOCS = Path(__file__).resolve().parents[2] / "docs" / "meters"
PAGES = sorted(DOCS.glob("*.md"))
COMMANDS = [(p.stem, line) for p in PAGES for line in pages.command_lines(p)]


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_command_line_has_known_options_board_and_meter(page, line):
    asked = pages.parameters(line)
    assert asked["board"] in board.names(), page
    kind, _ = registry.parse(asked["meter"])
    assert kind in registry.METERS


def test_every_meter_has_a_command_line():
    assert {registry.parse(re.search(r"--meter (\S+)", line)[1])[0] for _, line in COMMANDS} == set(registry.METERS)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_links_and_pictures_are_there_and_well_formed(page):
    pages.check_links(page)
