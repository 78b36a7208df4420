"""A Jetson's own power reading in the text of ``tegrastats``: ``VDD_IN 4571mW/4512mW``, older ``POM_5V_IN 2092/2071``.

The first number is the instant, the second tegrastats' own mean. The whole module is VDD_IN or POM_5V_IN.
"""

from __future__ import annotations

import re

from edgekit.device.meter import About
from edgekit.device.meters.polled import Polled, Power, Run
from edgekit.errors import MeterError, Problem

_TOTAL = re.compile(r"\b(VDD_IN|POM_5V_IN|VIN_SYS_5V0) (\d+)(?:mW)?/\d+")
_COMMAND = "timeout 2 tegrastats --interval 100 | head -n 1"


def watts(text: str, where: str = "") -> float:
    """Power of the whole module in the newest line.

    Raises:
        MeterError: no line has it.

    """
    found = _TOTAL.findall(text)
    if not found:
        hint = "Is this a Jetson? `tegrastats` must show VDD_IN or POM_5V_IN. Else try hwmon."
        raise MeterError(Problem("tegrastats names no total power", where, repr(text[-80:]), hint=hint))
    return int(found[-1][1]) / 1e3


def open_tegrastats(run: Run, where: str) -> Polled:
    """The board that ``run`` runs commands on; the current is what its power would be at 5 V."""

    def ask() -> Power:
        return Power(watts(run(["sh", "-c", _COMMAND] if not where else [_COMMAND]), where) / 5.0, 5.0)

    return Polled(About("tegrastats (whole module, at 5 V)", where or "this computer", "clock"), ask)
