"""The report of compare: two results, what changed, and the limits that were overstepped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from edgekit.compare import BYTES, COUNT, SHARE, TIME, Comparison, Delta, LayerDelta, Overstepped
from edgekit.reports.fitting import FittedTable
from edgekit.reports.parts import duration, microjoules, notes, number, size, table, text
from edgekit.reports.profile import short_kernel


def comparison(c: Comparison) -> RenderableType:
    """The whole report."""
    parts: list[RenderableType] = [_side("before", c.before), _side("after", c.after), "", _deltas(c.deltas)]
    changed = [x for x in c.layers if _differs(x)]
    if changed:
        parts += ["", _layers(changed)]
    if c.layers:
        same = len(c.layers) - len(changed)
        parts.append(text((f"{same} of {len(c.layers)} layers cost the same", "bright_black")))
    if c.remarks:
        parts += ["", notes([("note", remark) for remark in c.remarks])]
    if c.overstepped:
        parts += ["", *(_failed(o) for o in c.overstepped)]
    return Group(*parts)


def _side(word: str, tree: Mapping[str, Any]) -> Text:
    exact = ("exact", "green") if tree["exact"] else ("NOT EXACT", "bold red")
    created = tree.get("bundle", {}).get("created", "")
    return text(f"{word:<7}", (tree["model"]["name"], "bold"), " on ", (tree["board"], "bold"), f", {tree['how']}, ",
                exact, f", {created}" if created else "")  # fmt: skip


def _deltas(deltas: tuple[Delta, ...]) -> FittedTable:
    result = table()
    result.add_column("", no_wrap=True)
    for head in ("before", "after", "change", ""):
        result.add_column(head, justify="right", no_wrap=True)
    result.add_column("how", style="bright_black")
    for d in deltas:
        cells = (value(d.before, d.metric.dimension), value(d.after, d.metric.dimension))
        result.add_row(d.metric.title, *cells, *_change(d), d.how)
    return result


def _change(d: Delta) -> tuple[RenderableType, RenderableType]:
    if d.change is None:
        return "-", ""
    if not d.change:
        return text(("same", "bright_black")), ""
    better = (d.change > 0) == (d.metric.dimension == SHARE)
    style = "green" if better else "red"
    share = f"{d.relative:+.1%}" if d.relative is not None and d.metric.dimension != SHARE else ""
    return text((change(d), style)), text((share, style))


def change(d: Delta) -> str:
    """The change with its sign, in the metric's unit."""
    if d.change is None:
        return "-"
    if d.metric.dimension == SHARE:
        return f"{d.change * 100:+.2f} pp"
    sign = "+" if d.change > 0 else "-" if d.change < 0 else ""
    return sign + value(abs(d.change), d.metric.dimension)


def value(number_of: float | None, dimension: str) -> str:
    """A figure for people, in a unit that fits its size."""
    if number_of is None:
        return "-"
    if dimension == BYTES:
        return size(int(number_of))
    if dimension == TIME:
        return duration(number_of)
    if dimension == COUNT:
        return number(number_of)
    return f"{number_of:.2%}" if dimension == SHARE else microjoules(number_of)


def _differs(x: LayerDelta) -> bool:
    return any(a != b for a, b in (x.kernels, x.instructions, x.cycles))


def _layers(layers: list[LayerDelta]) -> FittedTable:
    result = table(spare=("cycles before", "cycles after", "after"))
    result.add_column("changed layer", tail=True)
    for head in ("instr before", "after", "instr +-", "cycles before", "cycles after", "cycles +-"):
        result.add_column(head, justify="right", no_wrap=True)
    result.add_column("kernel")
    for x in layers:
        result.add_row(x.name, *_pair(x.instructions), *_pair(x.cycles), _kernel(x.kernels))
    return result


def _pair(pair: tuple[int | None, int | None]) -> tuple[RenderableType, ...]:
    a, b = pair
    if a is None or b is None:
        return number(a), number(b), ""
    share = f"{(b - a) / a:+.1%}" if a and a != b else ""
    return number(a), number(b), text((share, "green" if b < a else "red"))


def _kernel(kernels: tuple[str | None, str | None]) -> str:
    names = [short_kernel(k) if k else "none" for k in kernels]
    return names[1] if names[0] == names[1] else f"{names[0]} -> {names[1]}"


def _failed(o: Overstepped) -> Text:
    d = o.delta
    found = f"{value(d.before, d.metric.dimension)} -> {value(d.after, d.metric.dimension)}"
    share = f", {d.relative:+.2%}" if d.relative is not None else ""
    return text(("fails", "bold red"), f" {o.limit.text}: {found} ({change(d)}{share})")
