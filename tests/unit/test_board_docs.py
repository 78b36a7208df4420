"""The pages on boards: each board has one, pins, names and pictures are the board files', commands would be taken.

``EDGEKIT_UPDATE_GOLDEN=1 pytest tests/unit/test_board_docs.py`` writes tables and pictures anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from support import pages
from support.board_pictures import PICTURES

from edgekit import board as board_files
from edgekit import resources
from edgekit.device.flash.choose import WAYS

DOCS = Path(__file__).resolve().parents[2] / "docs"
FAMILIES = {
    "nucleo": [n for n in board_files.names() if n.startswith("nucleo-")],
    "nrf52840-dk": ["nrf52840-dk"],
    "pico": ["raspberry-pi-pico", "raspberry-pi-pico-2"],
    "linux": ["raspberry-pi-4", "raspberry-pi-5", "jetson-orin-nano"],
    "mps": [n for n in board_files.names() if n.startswith(("mps", "emu-"))],
    "host": ["host"],
}
PAGES = sorted((DOCS / "boards").glob("*.md"))
COMMANDS = [(p.stem, line) for p in PAGES for line in pages.command_lines(p)]
BLOCK = re.compile(r"(<!-- pins: .*? -->\n)(.*?)(<!-- end of pins -->)", re.DOTALL)


def table(names):
    """What the board files say of some boards, as a table."""
    rows = [
        "| board | what it is | clock | serial TX, RX | trigger pin | flashed by |",
        "|---|---|---:|---|---|---|",
    ]
    for name in names:
        board = board_files.load(name)
        at = (
            board.trigger
            if board.trigger_header in ("", board.trigger)
            else f"{board.trigger_header} ({board.trigger})"
        )
        title = f"[{board.title}](../img/board-{name}.svg)" if name in PICTURES else board.title
        ways = ", ".join(m for m in board.flash.methods if m in WAYS) or "emulator"
        pins = f"{board.serial.tx}, {board.serial.rx}" if board.serial.tx else "-"
        clock = f"{board.target.clock_hz / 1e6:g} MHz" if board.target.core != "host" else "-"
        rows.append(f"| `{name}` | {title} | {clock} | {pins} | {at or '-'} | {ways} |")
    return "\n".join(rows) + "\n"


def test_every_board_is_on_one_page_and_every_page_is_listed():
    assert sorted(n for names in FAMILIES.values() for n in names) == sorted(board_files.names())
    assert {p.stem for p in PAGES} == {*FAMILIES, "README"}
    index = (DOCS / "boards/README.md").read_text()
    assert all(f"]({family}.md)" in index for family in FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_pins_and_names_are_those_of_the_board_files(family):
    page = DOCS / "boards" / f"{family}.md"
    text = page.read_text(encoding="utf-8")
    if os.environ.get("EDGEKIT_UPDATE_GOLDEN"):
        text = BLOCK.sub(lambda m: m[1] + table(FAMILIES[family]) + m[3], text)
        page.write_text(text, encoding="utf-8")
    (block,) = BLOCK.findall(text)
    assert block[1] == table(FAMILIES[family])


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_of_a_board_is_drawn_from_its_file(name):
    drawn = PICTURES[name](board_files.load(name))
    file = DOCS / "img" / f"board-{name}.svg"
    if os.environ.get("EDGEKIT_UPDATE_GOLDEN"):
        file.write_text(drawn, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == drawn


@pytest.mark.parametrize("name", [n for n in board_files.names() if board_files.load(n).serial.tx])
def test_the_firmware_uses_the_pins_of_the_board_file(name):
    board = board_files.load(name)
    source = (resources.firmware() / "port" / board.port / "port.c").read_text()
    head = " ".join(source.partition("*/")[0].replace("\n *", " ").split())
    assert f"on {board.serial.tx} and {board.serial.rx}" in head
    assert f"trigger {board.trigger}" in head


@pytest.mark.parametrize("family", FAMILIES)
def test_a_page_has_the_three_lines_and_what_to_do_when_it_fails(family):
    page = DOCS / "boards" / f"{family}.md"
    words = [line.split()[0] for line in pages.command_lines(page)]
    assert {"flash", "profile"} <= set(words[:3])
    assert "## When it fails" in page.read_text()
    assert ".svg)" in page.read_text()


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_command_line_is_one_that_the_command_takes(page, line):
    asked = pages.parameters(line)
    if "board" in asked:
        assert asked["board"] in board_files.names()
        assert page == "README" or asked["board"] in FAMILIES[page]
        ways = (*board_files.load(asked["board"]).flash.methods, "emulator")
        assert not asked.get("via") or asked["via"] in ways


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_links_and_pictures_are_there(page):
    pages.check_links(page)
