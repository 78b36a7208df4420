"""What ``compare --fail-if`` takes: ``latency>+5%``, ``flash>+1KiB``, ``accuracy<90%``.

A number with a sign is a change from the first result to the second, in percent of the first or in the metric's unit;
a number without is the second result's own value.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

from edgekit.compare import BYTES, COUNT, ENERGY, METRICS, SHARE, TIME, Limit
from edgekit.errors import Problem, UsageError

UNITS: Mapping[str, Mapping[str, Fraction]] = {
    COUNT: {"": Fraction(1), "k": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9)},
    TIME: {"ns": Fraction(1, 1000), "us": Fraction(1), "ms": Fraction(10**3), "s": Fraction(10**6)},
    ENERGY: {"nJ": Fraction(1, 1000), "uJ": Fraction(1), "mJ": Fraction(10**3), "J": Fraction(10**6)},
    BYTES: {"B": Fraction(1), "kB": Fraction(10**3), "KiB": Fraction(2**10), "MB": Fraction(10**6),
            "MiB": Fraction(2**20)},
    SHARE: {"%": Fraction(1, 100), "pp": Fraction(1, 100)},
}  # fmt: skip
"""By dimension, in the unit that results have: counts, microseconds, microjoules, bytes, 0 to 1."""

_PERCENT = "%"
_POINTS = "pp"
_EXPRESSION = re.compile(r"\s*([A-Za-z_]+)\s*([<>])\s*([+-]?)(\d+(?:\.\d+)?)\s*([A-Za-zµ%]*)\s*", re.ASCII)
_EXAMPLES = "for example latency>+5%, flash>+1KiB, latency>20ms, accuracy<90%"


def parse(texts: Sequence[str]) -> tuple[Limit, ...]:
    """The limits that ``texts`` say.

    Raises:
        UsageError: everything in them that cannot be understood.
    """
    problems: list[Problem] = []
    limits: list[Limit] = []
    for text in texts:
        found = _parse(text)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            limits.append(found)
    if problems:
        raise UsageError(*problems)
    return tuple(limits)


def _parse(text: str) -> Limit | Problem:
    where = f"--fail-if '{text}'"
    match = _EXPRESSION.fullmatch(text.replace("µ", "u"))
    if match is None:
        return Problem("this is no limit", where, allowed="METRIC then > or < then a number with its unit",
                       hint=f"Write it so: {_EXAMPLES}.")  # fmt: skip
    name, sign, plus, digits, unit = match.groups()
    metric = next((m for m in METRICS if m.name == name), None)
    if metric is None:
        return _unknown(name, where)
    relative = unit == _PERCENT and bool(plus)
    known = UNITS[metric.dimension]
    if unit == _PERCENT and not plus and metric.dimension != SHARE:
        hint = f"Write {name}{sign}+{digits}% for a change."
        return Problem("a percentage is a change and needs a sign", where, f"{digits}%", f"+{digits}%", hint)
    if unit == _POINTS and not plus:
        return Problem("percentage points are a change and need a sign", where, f"{digits}pp", f"+{digits}pp or -")
    if not relative and unit not in known:
        units = ", ".join([*(u or "no unit" for u in known), "or % for a change"])
        return Problem(f"this is no unit of {metric.name}", where, unit or "no unit", units)
    bound = Fraction(digits) * (-1 if plus == "-" else 1)
    bound *= Fraction(1, 100) if relative else known[unit]
    return Limit(text.strip(), metric, sign == ">", bound, relative=relative, changes=bool(plus))


def _unknown(name: str, where: str) -> Problem:
    names = [m.name for m in METRICS]
    close = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f"Did you mean '{close[0]}'?" if close else ""
    return Problem("there is no such metric", where, f"'{name}'", ", ".join(names), hint)
