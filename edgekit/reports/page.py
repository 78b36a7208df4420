"""A result as one offline HTML page: no script, nothing loaded, the same bytes whenever the result is the same.

Names in a result come from the model's author, so they are taken for hostile: the template escapes everything but the
drawings, which are built as trees, and the page forbids itself scripts and the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import jinja2
import numpy as np

from edgekit import resources
from edgekit.bundle import Bundle
from edgekit.ir.graph import Array
from edgekit.plan.plan import Plan
from edgekit.reports import arena, charts, svg
from edgekit.reports.memory import alive, peak, slot_names
from edgekit.reports.parts import dims, duration, microjoules, number, ratio, size
from edgekit.reports.profile import short_kernel

WIDE, NARROW = 1000, 330
"""Every chart is drawn twice, for desks and for phones, so that its text is readable on both."""

_BAR = 60
_MATRIX_MAX = 20
_HEATS = 9
_WORST = 12


@dataclass(frozen=True)
class Figure:
    """A number of the first row, and how it was got."""

    label: str
    value: str
    how: str


@dataclass(frozen=True)
class Chart:
    """A chart in both widths, with a sentence under it."""

    wide: str
    narrow: str
    caption: str


@dataclass(frozen=True)
class Memory:
    """A memory of the board: what the model takes of it, and what that is made of (name, bytes, colour)."""

    name: str
    value: str
    share: str
    bar: str
    parts: tuple[tuple[str, str, str], ...]
    chart: Chart | None
    how: str


@dataclass(frozen=True)
class Cell:
    """A cell of a confusion matrix, 0 to 9 warm."""

    count: int
    heat: int
    right: bool


def render(result: Mapping[str, Any], plan: Plan | None = None, raw: Mapping[str, Array] | None = None) -> str:
    """The page of a result that keeps to the contract; with its plan and single readings, if they were kept."""
    tree: dict[str, Any] = _clean(result)
    readings: Mapping[str, Array] = raw or {}
    profile = tree["kind"] == "profile"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates()),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": number, "ratio": ratio, "size": size, "duration": duration}
    return environment.get_template("report.html.j2").render(
        r=tree,
        bundle=tree.get("bundle"),
        profile=profile,
        verdict=_verdict(tree),
        fit=_fit(tree) if profile else "",
        figures=_figures(tree),
        memories=_memories(tree) if profile else [],
        layers=_layers(tree) if profile else None,
        latency=_latency(tree["latency"]) if profile else None,
        current=_current(tree, readings) if profile else None,
        arena=_arena(plan) if plan is not None else None,
        slots=_slots(plan) if plan is not None else [],
        mismatches=tree["mismatches"][:_WORST] if tree["kind"] == "evaluate" else [],
        checks=[c for key in ("checks", "layers", "outputs") for c in tree.get(key, []) if "different" in c],
        matrix=_matrix(tree["accuracy"]) if tree["accuracy"] else None,
        worst=_worst(tree["accuracy"]) if tree["accuracy"] else [],
        sources=_sources(tree) if profile else [],
    )


def of_bundle(bundle: Bundle) -> str:
    """The page of a bundle, or of a result that was loaded without one."""
    return render(bundle.result, bundle.plan, bundle.raw)


def _clean(value: Any) -> Any:
    """A tree whose texts hold nothing that a page must not hold."""
    match value:
        case str():
            return svg.clean(value)
        case Mapping():
            return {str(k): _clean(v) for k, v in cast("Mapping[Any, Any]", value).items()}
        case list() | tuple():
            return [_clean(v) for v in cast("Sequence[Any]", value)]
        case _:
            return value


def _chart(wide: svg.Element, narrow: svg.Element, caption: str) -> Chart:
    return Chart(svg.markup(wide), svg.markup(narrow), caption)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.1f} %"


def _error(error: float | None) -> str:
    return f" ±{error:.0%}".replace("%", " %") if error else ""


def _verdict(tree: Mapping[str, Any]) -> str:
    samples = tree["samples"]
    some, more = samples["count"], samples["outputs_only"]
    over = f"{some or more:,} sample{'s' if (some or more) != 1 else ''}"
    over += f" and the outputs of {more:,} more" if some and more else ""
    if tree["exact"]:
        return f"{tree['bytes_compared']:,} output bytes over {over} equal {tree['reference']}"
    lists = [tree["checks"]] if tree["kind"] == "profile" else [tree.get("layers", []), tree["outputs"]]
    checks = [c for some in lists for c in some]
    wrong = [c for c in checks if c["different"]]
    if wrong:
        different = sum(c["different"] for c in wrong)
        return f"{different:,} elements differ from {tree['reference']}, first in layer '{wrong[0]['name']}'"
    missed = [c["name"] for c in checks if not c["compared"] or not c["bytes"]]
    return f"not everything was compared ({', '.join(missed) or 'no layer'})"


def _fit(tree: Mapping[str, Any]) -> str:
    """Whether the model fits the board, as far as its sizes are known."""
    shares = [
        (name, tree[name]["total"] / tree["available"][name])
        for name in ("ram", "flash")
        if tree[name]["total"] is not None and tree["available"][name]
    ]
    if not shares:
        return ""
    names = {"ram": "RAM", "flash": "flash"}
    told = " and ".join(f"{_percent(share)} of the {names[name]}" for name, share in shares)
    return f"{'fits' if all(share <= 1 for _, share in shares) else 'does not fit'}: {told}"


def _figures(tree: Mapping[str, Any]) -> list[Figure]:
    made = _costs(tree) if tree["kind"] == "profile" else []
    right = tree["accuracy"]
    if right:
        bounds = f"95 % sure: {_percent(right['low'])} to {_percent(right['high'])}"
        made.append(Figure("accuracy", _percent(right["share"]), f"{right['right']} of {right['total']}; {bounds}"))
    return made


def _costs(tree: Mapping[str, Any]) -> list[Figure]:
    cycles, energy = tree["cycles"], tree["energy"]
    made: list[Figure] = []
    if tree["latency_us"] is not None:
        how = tree["latency_how"] + _error(tree["latency"]["error"])
        made.append(Figure("one inference", duration(tree["latency_us"]), how))
    if cycles["value"] is not None:
        per = f"{cycles['per_mac']:.2f} per MAC, " if cycles.get("per_mac") is not None else ""
        made.append(Figure("cycles", number(cycles["value"]), per + cycles["how"] + _error(cycles["error"])))
    if tree["instructions"] is not None:
        made.append(Figure("instructions", number(tree["instructions"]), f"counted, {tree['how']}"))
    if energy["per_inference_uj"] is not None:
        made.append(Figure("energy", microjoules(energy["per_inference_uj"]), energy["how"] + _error(energy["error"])))
    return made


def _memories(tree: Mapping[str, Any]) -> list[Memory]:
    ram, flash, available = tree["ram"], tree["flash"], tree["available"]
    stack = ("stack", ram["stack"]) if ram["stack"] is not None else ("stack, at most", ram["stack_bound"])
    return [
        _memory("RAM", [("arena", ram["arena"]), stack, ("static", ram["static"])], available["ram"], ram["total"]),
        _memory("Flash", [("weights", flash["weights"]), ("code", flash["code"])], available["flash"], flash["total"]),
    ]


def _memory(name: str, parts: Sequence[tuple[str, int | None]], whole: int | None, total: int | None) -> Memory:
    known = [(part, count or 0) for part, count in parts]
    used = sum(count for _, count in known)
    share = used / whole if whole else None
    title = f"{name}: " + ", ".join(f"{part} {number(count)} bytes" for part, count in parts)
    legend = tuple(
        (part, "unknown" if count is None else size(count), f"s{i % svg.SERIES}")
        for i, (part, count) in enumerate(parts)
    )
    drawn = _chart(charts.stacked_bar(title, known, WIDE), charts.stacked_bar(title, known, NARROW), "")
    return Memory(
        name=name,
        value=size(used) + (f" of {size(whole)}" if whole else ""),
        share=_percent(share),
        bar=svg.markup(charts.share_bar(share, WIDE)) if share is not None else "",
        parts=legend,
        chart=drawn if used else None,
        how="read from the linked image" if total is not None else "as far as it is known",
    )


def _layers(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The layer table: rows, sums, and over each column how its numbers were got."""
    layers: list[dict[str, Any]] = tree["layers"]
    costs = [x["cycles"] or x["instructions"] or 0 for x in layers]
    counted = sum(costs)
    shares = [cost / counted if counted else 0.0 for cost in costs]
    most = max(shares, default=0.0)
    checks = _by_layer(tree["checks"])
    cycles = tree["cycles"]["how"] + _error(tree["cycles"]["error"])
    rows = [
        {
            **x,
            "kernel": short_kernel(x["kernel"]),
            "share": _percent(share),
            "bar": svg.markup(charts.share_bar(share / most if most else 0.0, _BAR, 8)),
            "check": checks.get(x["name"], "not compared"),
        }
        for x, share in zip(layers, shares, strict=True)
    ]
    return {
        "rows": rows,
        "how": {
            "share": ("of cycles" if any(x["cycles"] for x in layers) else "of instructions") if counted else "unknown",
            "cycles": cycles if any(x["cycles"] is not None for x in layers) else "unknown",
            "instructions": f"counted, {tree['how']}" if tree["instructions"] is not None else "not counted here",
            "macs": "by shape",
            "weights": "bytes, planned",
            "check": "to the reference",
        },
        "sums": {key: sum(x[key] or 0 for x in layers) for key in ("macs", "weights")},
        "cycles": tree["cycles"]["value"],
        "instructions": tree["instructions"],
    }


def _by_layer(checks: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """For each layer whether all that was compared of it is the same."""
    found: dict[str, str] = {}
    for check in checks:
        if check["different"]:
            found[check["name"]] = f"{check['different']:,} differ"
        elif not check["compared"] or not check["bytes"]:
            found.setdefault(check["name"], "not compared")
        else:
            found.setdefault(check["name"], "equal")
    return found


def _latency(latency: Mapping[str, Any]) -> Chart | str:
    """A histogram of the runs; or a sentence where there is nothing to draw."""
    samples: list[float] = latency["samples"]
    if not samples:
        return "Nothing times inferences on this board."
    runs = f"{len(samples)} run{'s' if len(samples) != 1 else ''} after {latency['warmups']} to warm up"
    if not charts.bins(samples)[0]:
        same = "" if len(samples) == 1 else "all the same: "
        return f"{runs}, {same}{duration(samples[0])}, {latency['how']}{_error(latency['error'])}."
    marks = [("median", latency["median"]), ("95 % below", latency["p95"])]
    figures = [("least", latency["min"]), *marks, ("most", latency["max"])]
    told = ", ".join(f"{name} {duration(value)}" for name, value in figures)
    title = f"Histogram of {len(samples)} latencies in microseconds: {told}"
    wide, narrow = (charts.histogram(title, samples, "us", marks=marks, width=w) for w in (WIDE, NARROW))
    return _chart(wide, narrow, f"{runs}, {latency['how']}: {told}. Dashed: median, and what 95 % are below.")


def _current(tree: Mapping[str, Any], raw: Mapping[str, Array]) -> Chart | None:
    """The current over time where a meter recorded one that can be drawn."""
    seconds, amperes = (_readings(raw.get(name)) for name in ("current_s", "current_a"))
    if seconds is None or amperes is None or len(seconds) != len(amperes) or (np.diff(seconds) < 0).any():
        return None
    spans = raw.get("windows_s", np.zeros((0, 2)))
    fits = spans.ndim == 2 and spans.shape[1] == 2 and np.issubdtype(spans.dtype, np.floating)  # noqa: PLR2004 - pairs
    windows = [(float(a), float(b)) for a, b in spans.tolist()] if fits and np.isfinite(spans).all() else []
    energy = tree["energy"]
    title = f"Current in milliamperes over {seconds[-1] - seconds[0]:.4g} seconds, {len(windows)} windows of inferences"
    milliamperes, wide_narrow = amperes * 1e3, (WIDE, NARROW)
    drawn = [charts.curve(title, seconds, milliamperes, "mA", windows=windows, width=w) for w in wide_narrow]
    inside = f"Shaded: {len(windows)} window{'s' if len(windows) != 1 else ''}, {energy['inferences']} inferences each"
    by = f", {energy['how']} by {energy['meter']}" if energy["meter"] else ""
    return _chart(drawn[0], drawn[1], f"{inside}{by}. {len(seconds):,} samples.")


def _readings(array: Array | None) -> Array | None:
    """Readings that can be drawn: one-dimensional, finite, at least two."""
    if array is None or array.ndim != 1 or len(array) < 2 or not np.issubdtype(array.dtype, np.floating):  # noqa: PLR2004
        return None
    return array.astype(np.float64) if np.isfinite(array).all() else None


def _arena(plan: Plan) -> Chart:
    caption = (
        f"{size(plan.arena_bytes)} planned; with these lifetimes no placing needs less than {size(plan.lower_bound)}."
    )
    if plan.steps:
        step = peak(plan)
        name = plan.layers[plan.steps[step].layer].name
        caption += f" Most bytes, {alive(plan, step):,}, are alive at step {step} ({svg.clean(name)})."
    caption += " Dashed grey: scratch of the layer that runs."
    return _chart(arena.arena(plan, WIDE), arena.arena(plan, NARROW), caption)


def _slots(plan: Plan) -> list[dict[str, str]]:
    return [
        {
            "tensor": svg.clean(name),
            "whole": svg.clean(s.tensor),
            "shape": dims(s.shape) + (f", {s.ring_rows} of {s.rows} rows" if s.ring_rows < s.rows else ""),
            "bytes": number(s.bytes),
            "offset": number(s.offset),
            "alive": arena.lifetime(plan, s),
            "colour": f"s{i % svg.SERIES}",
        }
        for i, (s, name) in enumerate(zip(plan.slots, slot_names(plan), strict=True))
    ]


def _matrix(right: Mapping[str, Any]) -> list[tuple[str, list[Cell]]]:
    """The confusion matrix by rows of the true class; empty if it is too large to be read."""
    confusion: list[list[int]] = right["confusion"]
    if not 0 < len(confusion) <= _MATRIX_MAX:
        return []
    most = max((max(row, default=0) for row in confusion), default=0)
    return [
        (_class(right, i), [Cell(n, round(n / most * _HEATS) if most else 0, i == j) for j, n in enumerate(row)])
        for i, row in enumerate(confusion)
    ]


def _worst(right: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """What is most often taken for what: true class, answer, how often."""
    confusion: list[list[int]] = right["confusion"]
    wrong = [(n, i, j) for i, row in enumerate(confusion) for j, n in enumerate(row) if i != j and n]
    wrong.sort(key=lambda entry: (-entry[0], entry[1], entry[2]))
    return [(_class(right, i), _class(right, j), n) for n, i, j in wrong[:_WORST]]


def _class(right: Mapping[str, Any], index: int) -> str:
    classes: list[str] = right["classes"]
    return classes[index] if index < len(classes) else str(index)


def _sources(tree: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How each kind of number was got, in sentences."""
    rows: list[tuple[str, str]] = []
    if tree["how"] == "emulated":
        what = f"the very image for the board ran on {tree['emulator']}; no hardware took part"
        rows.append(("emulated", what))
    if tree["instructions"] is not None:
        rows.append(("instructions", "counted exactly between entry and return of the model's functions"))
    cycles = tree["cycles"]
    rows.append(("cycles", " ".join(filter(None, (cycles["how"] + _error(cycles["error"]) + ";", cycles["basis"])))))
    latency = tree["latency"]
    if latency["timer"] and tree["how"] == "measured":
        rows.append(("latency", f"{latency['timer']}; {latency['timer_overhead'] or 0:.3g} us of reading it taken off"))
    energy = tree["energy"]
    if energy["meter"]:
        idle = f", {energy['idle_mw'] or 0:.3g} mW of the idle board taken off" if energy["idle_subtracted"] else ""
        what = f"{energy['samples']:,} samples of {energy['meter']} in windows cut by {energy['gate']}{idle}"
        rows.append(("energy", what))
    elif energy["reason"]:
        rows.append(("energy", energy["reason"]))
    if tree["ram"]["stack_bound"] is not None:
        rows.append(("stack", f"proved from the machine code never to exceed {tree['ram']['stack_bound']:,} bytes"))
    rows.append(("samples", tree["samples"]["source"]))
    return rows + [("note", note) for note in tree["notes"]]
