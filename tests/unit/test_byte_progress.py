"""Bytes on their way to a board, as a terminal and a log show them."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from edgekit.commands import common


@pytest.fixture
def shown(monkeypatch):
    """A function that shows two phases of a transfer; what stands there in the end."""

    def show(*, terminal: bool) -> str:
        sink = io.StringIO()
        console = Console(file=sink, force_terminal=terminal, width=120, color_system=None)
        monkeypatch.setattr(common.report, "console", lambda *_: console)
        progress = common.ByteProgress()
        for phase, whole in (("erasing", 0), ("writing", 200_000), ("reading back", 200_000)):
            for done in range(0, whole + 1, 50_000):
                progress(phase, done, whole)
        progress.stop()
        return sink.getvalue()

    return show


def test_in_a_terminal_each_phase_has_a_bar_with_bytes_and_rate(shown):
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown(terminal=True)).splitlines()[-3:]
    assert [line.split(" ━")[0].split("  ")[0].strip() for line in last] == ["erasing", "writing", "reading back"]
    for line in last[1:]:
        assert "200.0/200.0 kB" in line
        assert "/s" in line


def test_in_a_log_each_phase_is_a_line_with_its_bytes(shown):
    assert shown(terminal=False).splitlines() == [
        "... erasing",
        "... writing 200,000 bytes",
        "... reading back 200,000 bytes",
    ]
