"""The power management chip of a Raspberry Pi 5: ``vcgencmd pmic_read_adc``, volts times amperes summed over its rails.

What its own converters and the USB ports lose or draw is not in the sum, so it is below what the socket gives. Other
Raspberry Pis have no such converter.
"""

from __future__ import annotations

import re

from edgekit.device.meter import About
from edgekit.device.meters.polled import Polled, Power, Run
from edgekit.errors import MeterError, Problem

_LINE = re.compile(r"^\s*(\w+)_([AV])\s+(?:current|volt)\(\d+\)=([\d.]+)[AV]\s*$", re.MULTILINE)
_COMMAND = ("vcgencmd", "pmic_read_adc")


def watts(text: str, where: str = "") -> float:
    """The sum over all rails that have both a current and a voltage.

    Raises:
        MeterError: there is no such rail.

    """
    rails: dict[str, dict[str, float]] = {}
    for rail, kind, value in _LINE.findall(text):
        rails.setdefault(rail, {})[kind] = float(value)
    pairs = [(r["A"], r["V"]) for r in rails.values() if len(r) == len("AV")]
    if not pairs:
        hint = "Only the Raspberry Pi 5 and its compute module measure their rails."
        raise MeterError(Problem("pmic_read_adc names no rail", where, repr(text[:60]), hint=hint))
    return sum(amperes * volts for amperes, volts in pairs)


def open_pmic(run: Run, where: str) -> Polled:
    """The board that ``run`` runs commands on; the current is what its power would be at 5 V."""

    def ask() -> Power:
        return Power(watts(run(_COMMAND), where) / 5.0, 5.0)

    return Polled(About("Raspberry Pi PMIC (rails summed, at 5 V)", where or "this computer", "clock"), ask)
