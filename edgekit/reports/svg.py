"""What drawings are made of: SVG elements as trees, scales, ticks, and text that is safe wherever it comes from.

Everything here is pure. A drawing is coloured by classes alone, which ``templates/charts.css`` gives their colours,
light and dark; so it looks the same inside a page and as a file of its own.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass

from edgekit import resources

Element = ET.Element
SERIES = 8
"""Colours there are for things beside each other: the classes ``s0`` to ``s7``."""

_NAMESPACE = "http://www.w3.org/2000/svg"
_STEPS = (1, 2, 5, 10, 20)
_CHARACTER = 0.6
"""Width of a character as a share of its height: wide enough for most text in most fonts."""
_FONT = 12
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """``text`` without what XML forbids or what turns the direction of the text round it."""
    return _UNSAFE.sub("\ufffd", text)


def number(value: float) -> str:
    """A coordinate with one decimal at most."""
    shown = f"{value:.1f}".removesuffix(".0")
    return "0" if shown == "-0" else shown


def element(tag: str, *children: Element, text: str = "", **attributes: float | str) -> Element:
    """An element; ``text_anchor`` becomes ``text-anchor`` and ``class_`` ``class``. Empty attributes are left out."""
    shown = {
        key.rstrip("_").replace("_", "-"): clean(value) if isinstance(value, str) else number(value)
        for key, value in attributes.items()
        if value != ""
    }
    made = ET.Element(tag, shown)
    made.text = clean(text) or None
    made.extend(children)
    return made


def drawing(width: float, height: float, title: str, *children: Element) -> Element:
    """A whole drawing that says what it shows to those who do not see it."""
    box = f"0 0 {number(width)} {number(height)}"
    named = element("title", text=title)
    return element("svg", named, *children, class_="chart", role="img", viewBox=box, width=width, height=height)


def ornament(width: float, height: float, *children: Element) -> Element:
    """A drawing that says nothing that does not stand beside it as text."""
    box = f"0 0 {number(width)} {number(height)}"
    return element("svg", *children, class_="chart", aria_hidden="true", viewBox=box, width=width, height=height)


def rect(x: float, y: float, width: float, height: float, kind: str, *, title: str = "") -> Element:
    """A rectangle of class ``kind``; ``title`` is shown where a pointer rests on it."""
    inner = [element("title", text=title)] if title else []
    return element("rect", *inner, class_=kind, x=x, y=y, width=width, height=height)


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Element:
    """A straight line of class ``kind``."""
    return element("line", class_=kind, x1=x1, y1=y1, x2=x2, y2=y2)


def words(x: float, y: float, text: str, kind: str = "", anchor: str = "") -> Element:
    """A line of text; ``anchor`` start, middle or end."""
    return element("text", text=text, class_=kind, x=x, y=y, text_anchor=anchor)


def fitting(text: str, width: float) -> str:
    """As much of ``text`` as goes into ``width``, its end rather than its beginning; nothing if that says little."""
    room = int(width / (_FONT * _CHARACTER))
    if len(text) <= room:
        return text
    return "…" + text[len(text) - room + 1 :] if room >= 5 else ""  # noqa: PLR2004 - four letters and the dots


@dataclass(frozen=True)
class Scale:
    """Where a value between ``low`` and ``high`` lies between ``begin`` and ``end``."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of ``value``."""
        span = self.high - self.low
        return self.begin + (value - self.low) / span * (self.end - self.begin) if span else self.begin


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most ``most`` round values from ``low`` to ``high``, 1, 2 or 5 of some power of ten apart."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low or most < 1:
        return []
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (s * power for s in _STEPS):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            return [i * step for i in range(first, last + 1)]
    return []


def across(at: Scale, y: float, values: Iterable[tuple[float, str]]) -> list[Element]:
    """Marks below a horizontal axis at height ``y`` with their texts."""
    made: list[Element] = []
    for value, text in values:
        x = at(value)
        made += [line(x, y, x, y + 4, "axis"), words(x, y + 17, text, "muted", "middle")]
    return made


def up(at: Scale, left: float, right: float, values: Iterable[tuple[float, str]]) -> list[Element]:
    """Faint lines from ``left`` to ``right`` with their texts before them."""
    made: list[Element] = []
    for value, text in values:
        y = at(value)
        made += [line(left, y, right, y, "grid"), words(left - 6, y + 4, text, "muted", "end")]
    return made


def markup(drawn: Element) -> str:
    """The drawing for the inside of an HTML page."""
    return ET.tostring(drawn, encoding="unicode")


def document(drawn: Element) -> str:
    """The drawing as a file of its own, with its colours."""
    alone = ET.Element(drawn.tag, {"xmlns": _NAMESPACE, **drawn.attrib})
    alone.append(element("style", text=style()))
    alone.extend(drawn)
    return ET.tostring(alone, encoding="unicode") + "\n"


def style() -> str:
    """The colours of all drawings, as CSS."""
    return (resources.templates() / "charts.css").read_text(encoding="utf-8")
