"""Charts of results: bars, histograms, curves over time. Pure; coloured by the classes of ``templates/charts.css``."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgekit.ir.graph import Array
from edgekit.reports import svg
from edgekit.reports.svg import Element, Scale

_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 10, 36
_HEIGHT = 200
_PER_TICK = 90
_BINS_LEAST, _BINS_MOST = 5, 40
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


def share_bar(share: float, width: float, height: float = 10) -> Element:
    """A share of 0 to 1 on a track; whatever is not zero shows, what is above 1 has another colour."""
    filled = min(max(share, 0.0), 1.0) * width
    filled = max(filled, 1.5) if share > 0 else filled
    kind = "over" if share > 1 else "bar"
    return svg.ornament(width, height, svg.rect(0, 0, width, height, "track"), svg.rect(0, 0, filled, height, kind))


def stacked_bar(title: str, parts: Sequence[tuple[str, int]], width: float, height: float = 18) -> Element:
    """What a whole is made of: names with their sizes, in the colours of the series by turn."""
    whole = sum(size for _, size in parts)
    at = Scale(0, max(whole, 1), 0, width)
    made: list[Element] = []
    done = 0
    for i, (name, size) in enumerate(parts):
        told = f"{name}: {size:,}"
        made.append(svg.rect(at(done), 0, at(size) if whole else 0, height, f"s{i % svg.SERIES}", title=told))
        done += size
    return svg.drawing(width, height, title, *made)


def bins(values: Sequence[float]) -> tuple[list[int], float, float]:
    """Counts of ``values`` in bins of equal width, the lowest and the highest value; empty where all are the same."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    if not high > low:
        return [], low, high
    count = min(max(math.ceil(math.sqrt(len(values))), _BINS_LEAST), _BINS_MOST)
    found = [0] * count
    for value in values:
        found[min(int((value - low) / (high - low) * count), count - 1)] += 1
    return found, low, high


def histogram(
    title: str, values: Sequence[float], unit: str, *, marks: Sequence[tuple[str, float]], width: int
) -> Element:
    """How often which value occurred; ``marks`` are values with names, drawn as lines. Values must differ."""
    counts, low, high = bins(values)
    at = Scale(low, high, _LEFT, width - _RIGHT)
    height = Scale(0, max(counts), _HEIGHT - _BOTTOM, _TOP)
    wide = (at.end - at.begin) / len(counts)
    made = svg.up(height, at.begin, at.end, ((t, f"{t:g}") for t in svg.ticks(0, max(counts), 5) if t == int(t)))
    for i, count in enumerate(counts):
        begin, end = (low + (high - low) * k / len(counts) for k in (i, i + 1))
        told = f"{count} between {begin:,.6g} and {end:,.6g} {unit}"
        y = height(count)
        if count:
            made.append(svg.rect(at.begin + i * wide + 0.5, y, max(wide - 1, 0.5), height.begin - y, "bar", title=told))
    for name, value in marks:
        drawn = svg.line(at(value), _TOP, at(value), height.begin, "mark")
        drawn.append(svg.element("title", text=f"{name}: {value:,.6g} {unit}"))
        made.append(drawn)
    made.append(svg.line(at.begin, height.begin, at.end, height.begin, "axis"))
    made += svg.across(at, height.begin, ((t, f"{t:,.6g}") for t in svg.ticks(low, high, _ticks(at))))
    made.append(svg.words(at.end, _HEIGHT - 4, unit, "muted", "end"))
    return svg.drawing(width, _HEIGHT, title, *made)


def curve(
    title: str, seconds: Array, values: Array, unit: str, *, windows: Sequence[tuple[float, float]], width: int
) -> Element:
    """``values`` over time, at most two points a pixel, which keep every peak; ``windows`` are marked.

    Both arrays are one-dimensional, finite and equally long, at least two entries; ``seconds`` never fall.
    """
    first, last = float(seconds[0]), float(seconds[-1])
    factor, name = next(((f, n) for f, n in _UNITS if last - first >= f), _UNITS[-1])
    at = Scale(first, last, _LEFT, width - _RIGHT)
    high = float(values.max())
    low = min(float(values.min()), 0.0)
    height = Scale(low, high if high > low else low + 1, _HEIGHT - _BOTTOM, _TOP)
    made: list[Element] = []
    for i, (begin, end) in enumerate(windows):
        x, right = (min(max(at(t), at.begin), at.end) for t in (begin, end))
        told = f"window {i + 1}: {(end - begin) / factor:,.4g} {name}"
        made.append(svg.rect(x, _TOP, max(right - x, 0.5), height.begin - _TOP, "window", title=told))
    made += svg.up(height, at.begin, at.end, ((t, f"{t:,.6g}") for t in svg.ticks(height.low, height.high, 5)))
    made.append(svg.element("path", class_="curve", d=_path(seconds, values, at, height)))
    made.append(svg.line(at.begin, height.begin, at.end, height.begin, "axis"))
    spots = [t * factor for t in svg.ticks(0, (last - first) / factor, _ticks(at))]
    made += svg.across(at, height.begin, ((first + t, f"{t / factor:,.6g}") for t in spots))
    made.append(svg.words(at.end, _HEIGHT - 4, name, "muted", "end"))
    made.append(svg.words(_LEFT - 6, _HEIGHT - 4, unit, "muted", "end"))
    return svg.drawing(width, _HEIGHT, title, *made)


def _ticks(at: Scale) -> int:
    return max(2, int((at.end - at.begin) / _PER_TICK))


def _path(seconds: Array, values: Array, at: Scale, height: Scale) -> str:
    """The curve; of each pixel only its lowest and highest value, in the order in which they came."""
    columns = int(at.end - at.begin)
    chosen = np.arange(len(values))
    if len(values) > 2 * columns:
        begins = np.linspace(float(seconds[0]), float(seconds[-1]), columns, endpoint=False)
        edges: list[int] = np.searchsorted(seconds, begins).tolist()
        spans = [(a, b) for a, b in zip(edges, [*edges[1:], len(values)], strict=True) if b > a]
        found = {a + int(pick(values[a:b])) for a, b in spans for pick in (np.argmin, np.argmax)}
        chosen = np.array(sorted(found | {0, len(values) - 1}))
    points = (f"{svg.number(at(float(seconds[i])))},{svg.number(height(float(values[i])))}" for i in chosen)
    return "M" + " L".join(points)
