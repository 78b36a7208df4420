"""What result JSON holds: every key with its type, and the check that a file keeps to it.

Keys are only ever added; a file of a newer edgekit may have more, and they are passed over.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from edgekit.errors import Problem, ResultError

TEXT, FLAG, COUNT, NUMBER = "text", "true or false", "a whole number of 0 or more", "a number"
WHOLE = "a whole number"

_SHOWN = 40


@dataclass(frozen=True)
class Maybe:
    """What it says, or null."""

    of: Any


@dataclass(frozen=True)
class Many:
    """A list of what it says."""

    of: Any


_MODEL = {"name": TEXT, "sha256": TEXT, "macs": COUNT, "inputs": Many(TEXT)}
_TOOL = {"name": TEXT, "version": TEXT}
_SAMPLES = {"count": COUNT, "outputs_only": COUNT, "source": TEXT, "sha256": TEXT, "first_sha256": TEXT}
_ACCURACY = {
    "right": COUNT, "total": COUNT, "share": NUMBER, "low": NUMBER, "high": NUMBER, "classes": Many(TEXT),
    "confusion": Many(Many(COUNT)),
}  # fmt: skip
_CHECK = {
    "name": TEXT, "op": TEXT, "tensor": TEXT, "bytes": COUNT, "different": COUNT, "largest_difference": Maybe(NUMBER),
    "compared": FLAG,
}  # fmt: skip
_COMMON = {
    "edgekit": TEXT, "kind": TEXT, "model": _MODEL, "board": TEXT, "how": TEXT, "exact": FLAG, "reference": TEXT,
    "bytes_compared": COUNT, "accuracy": Maybe(_ACCURACY), "toolchain": _TOOL,
}  # fmt: skip
_LAYER = {
    "name": TEXT, "op": TEXT, "kernel": TEXT, "macs": COUNT, "instructions": Maybe(COUNT),
    "instructions_per_mac": Maybe(NUMBER), "cycles": Maybe(COUNT), "weights": COUNT,
}  # fmt: skip
_LATENCY = {
    "min": Maybe(NUMBER), "median": Maybe(NUMBER), "p95": Maybe(NUMBER), "max": Maybe(NUMBER),
    "sustained": Maybe(NUMBER), "runs": COUNT,
    "warmups": COUNT, "how": TEXT, "error": Maybe(NUMBER), "timer": Maybe(TEXT), "timer_overhead": Maybe(NUMBER),
    "clock_error": Maybe(NUMBER), "samples": Many(NUMBER),
}  # fmt: skip
_ENERGY = {
    "per_inference_uj": Maybe(NUMBER), "mean_ma": Maybe(NUMBER), "peak_ma": Maybe(NUMBER), "mean_mw": Maybe(NUMBER),
    "voltage": Maybe(NUMBER), "samples": COUNT, "windows": COUNT, "inferences": COUNT, "how": TEXT,
    "error": Maybe(NUMBER), "spread": Maybe(NUMBER), "meter": Maybe(TEXT), "gate": Maybe(TEXT),
    "idle_subtracted": FLAG, "idle_mw": Maybe(NUMBER), "reason": Maybe(TEXT),
}  # fmt: skip
_MISMATCH = {
    "sample": COUNT, "label": WHOLE, "answer": WHOLE, "reference_answer": WHOLE, "different": COUNT,
    "largest_difference": Maybe(NUMBER),
}  # fmt: skip

KINDS: dict[str, Any] = {
    "profile": _COMMON | {
        "board_title": TEXT, "machine": Maybe(TEXT), "core": TEXT, "clock_hz": COUNT, "emulator": Maybe(TEXT),
        "samples": _SAMPLES, "instructions": Maybe(COUNT), "instructions_per_mac": Maybe(NUMBER),
        "cycles": {"value": Maybe(COUNT), "error": Maybe(NUMBER), "how": TEXT, "basis": Maybe(TEXT),
                   "per_mac": Maybe(NUMBER)},
        "latency_us": Maybe(NUMBER), "latency_how": TEXT, "latency": _LATENCY, "energy": _ENERGY,
        "ram": {
            "arena": COUNT, "stack": Maybe(COUNT), "stack_bound": Maybe(COUNT), "static": Maybe(COUNT),
            "total": Maybe(COUNT),
        },
        "flash": {"weights": COUNT, "code": Maybe(COUNT), "total": Maybe(COUNT)},
        "image": {"ram": Maybe(COUNT), "flash": Maybe(COUNT)},
        "available": {"ram": Maybe(COUNT), "flash": Maybe(COUNT)},
        "layers": Many(_LAYER), "checks": Many(_CHECK), "notes": Many(TEXT),
    },
    "verify": _COMMON | {
        "samples": _SAMPLES, "first_divergent": Maybe(TEXT), "largest_difference": Maybe(NUMBER),
        "layers": Many(_CHECK), "outputs": Many(_CHECK),
    },
    "evaluate": _COMMON | {
        "samples": _SAMPLES, "reference_right": COUNT, "resumed": COUNT, "outputs": Many(_CHECK),
        "mismatches": Many(_MISMATCH),
    },
}  # fmt: skip
"""What the JSON of each command holds."""

BUNDLE = {
    "schema": COUNT, "created": TEXT, "build_id": TEXT, "image": {"name": TEXT, "sha256": TEXT, "bytes": COUNT},
    "clock_hz": COUNT, "tools": Many(_TOOL), "options": Many({"name": TEXT, "value": TEXT}),
    "files": Many({"name": TEXT, "sha256": TEXT, "bytes": COUNT}),
}  # fmt: skip
"""What a bundle's ``result.json`` holds besides, under ``bundle``."""


def parse(text: str, where: str) -> dict[str, Any]:
    """The JSON of a result, checked against the contract of its kind.

    Raises:
        ResultError: it is no JSON, of no known kind, or everything in it that breaks the contract.
    """
    again = "Make it again with this edgekit."
    try:
        tree: Any = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ResultError(Problem(f"this is not sound JSON: {error}", where, hint=again)) from error
    kind: Any = cast("Any", tree).get("kind") if isinstance(tree, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        found = "no kind" if kind is None else repr(kind)[:_SHOWN]
        hint = "Results come from profile, verify and evaluate, with --json or --bundle."
        raise ResultError(Problem("this is no result of edgekit", where, found, ", ".join(KINDS), hint))
    problems = differences(tree, KINDS[kind], where)
    if problems:
        raise ResultError(*problems)
    return cast("dict[str, Any]", tree)


def differences(tree: Any, spec: Any, where: str, *, closed: bool = False) -> list[Problem]:
    """Everything about ``tree`` that breaks ``spec``; ``closed`` refuses keys that the spec does not name."""
    problems: list[Problem] = []
    _check(tree, spec, "", where, problems, closed=closed)
    return problems


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON number")


def _check(value: Any, spec: Any, path: str, where: str, problems: list[Problem], *, closed: bool) -> None:
    match spec:
        case Maybe():
            if value is not None:
                _check(value, spec.of, path, where, problems, closed=closed)
        case Many():
            if not isinstance(value, list):
                problems.append(_wrong(value, "a list", path, where))
                return
            for i, item in enumerate(cast("list[Any]", value)):
                _check(item, spec.of, f"{path}[{i}]", where, problems, closed=closed)
        case str():
            if not _is(value, spec):
                problems.append(_wrong(value, spec, path, where))
        case _:
            _check_keys(value, spec, path, where, problems, closed=closed)


def _check_keys(
    value: Any, spec: Mapping[str, Any], path: str, where: str, problems: list[Problem], *, closed: bool
) -> None:
    if not isinstance(value, dict):
        problems.append(_wrong(value, "an object", path, where))
        return
    tree = cast("dict[str, Any]", value)
    for key, inner in spec.items():
        name = f"{path}.{key}" if path else key
        if key not in tree:
            problems.append(Problem(f"'{name}' is missing", where, hint="Make the result again with this edgekit."))
        else:
            _check(tree[key], inner, name, where, problems, closed=closed)
    if closed:
        extra = [key for key in tree if key not in spec]
        problems += [Problem(f"'{path}.{key}' is unknown".replace("'.", "'"), where) for key in extra]


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == FLAG
    if kind == COUNT:
        return isinstance(value, int) and value >= 0
    if kind == WHOLE:
        return isinstance(value, int)
    if kind == NUMBER:
        return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    return kind == TEXT and isinstance(value, str)


def _wrong(value: Any, allowed: str, path: str, where: str) -> Problem:
    return Problem(f"'{path or 'the whole'}' is of the wrong type", where, repr(value)[:_SHOWN], allowed)
