"""Pages of documentation as tests see them: command lines that the command must take, links, pictures."""

from __future__ import annotations

import re
import shlex
import xml.etree.ElementTree as ET
from pathlib import Path

import typer
from typer.main import get_command

from edgekit.cli import app


def command_lines(page: Path) -> list[str]:
    """What follows ``edgekit`` in a page's console blocks."""
    return re.findall(r"^\$ edgekit (.*)$", page.read_text(), re.MULTILINE)


def parameters(line: str) -> dict:
    """The parameters of a command line; fails where the command would refuse it."""
    words = shlex.split(line)
    command = get_command(app).commands[words[0]]
    return command.make_context(words[0], words[1:], parent=typer.Context(get_command(app))).params


def check_links(page: Path) -> None:
    """Every link inside the project leads somewhere, every picture is well formed."""
    for target in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", page.read_text()):
        file = page.parent / target
        assert file.is_file(), target
        if file.suffix == ".svg":
            assert ET.fromstring(file.read_text()).tag.endswith("svg")  # noqa: S314 - our own file
