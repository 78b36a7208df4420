"""How errors look: every problem with what, where, found against allowed, and the next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding

from edgekit.errors import EdgekitError, Problem
from edgekit.reports.parts import facts, text

_KINDS = {
    "ModelError": "the model",
    "UnsupportedError": "not supported",
    "BoardError": "the board file",
    "DataError": "the samples",
    "ResultError": "the results",
    "FitError": "does not fit",
    "UsageError": "the command line",
    "MissingToolError": "a tool is missing",
    "BuildError": "the build",
    "InternalError": "a fault of edgekit's own",
    "PortError": "the serial port",
    "LinkError": "the link to the board",
    "TargetFaultError": "the firmware stopped",
}


def errors(error: EdgekitError) -> RenderableType:
    """All problems of an error."""
    count = len(error.problems)
    many = f" ({count} problems)" if count > 1 else ""
    kind = _KINDS.get(type(error).__name__, "")
    head = text(("error", "bold red"), f": {kind}{many}" if kind else many)
    return Group(head, *(_problem(p) for p in _gathered(error.problems)))


def _gathered(problems: Sequence[Problem]) -> list[Problem]:
    """The problems with those of one kind put together: the same thing wrong in several places is said once."""
    places: dict[Problem, list[str]] = {}
    for p in problems:
        places.setdefault(replace(p, where=""), []).append(p.where)
    return [replace(p, where=", ".join(filter(None, where))) for p, where in places.items()]


def _problem(p: Problem) -> RenderableType:
    rows = (("where", p.where), ("found", p.found), ("allowed", p.allowed), ("next", p.hint.strip()))
    said = facts([(f"    {label}", text(value)) for label, value in rows if value], style="bright_black")
    return Group(Padding(text((p.what, "bold")), (0, 0, 0, 2)), said)


def as_json(error: EdgekitError) -> dict[str, Any]:
    """An error for JSON."""
    return {
        "error": {
            "kind": type(error).__name__,
            "exit_code": error.exit_code,
            "problems": [
                {"what": p.what, "where": p.where, "found": p.found, "allowed": p.allowed, "hint": p.hint}
                for p in error.problems
            ],
        }
    }
