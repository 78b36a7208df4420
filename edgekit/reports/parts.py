"""What every report is made of: numbers, bars, tables and the console they go to."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rich.box import Box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

PIPED_WIDTH = 100
NARROW = 100
"""Reports drop columns below this many."""

_KIB = 1024
_LARGE = 1000
_MS, _S = 1_000.0, 1_000_000.0
_RULES = Box("    \n    \n ── \n    \n    \n ── \n    \n    \n")
"""A rule under the head and one above the foot, no frame."""
_EIGHTHS = " ▏▎▍▌▋▊▉"


def console(file: IO[str] | None = None, *, width: int | None = None) -> Console:
    """A console on ``file`` (stdout): the terminal's width, or 100 columns and no colour where there is none."""
    stream = file or sys.stdout
    if width is None and not stream.isatty():
        width = int(os.environ["COLUMNS"]) if os.environ.get("COLUMNS", "").isdecimal() else PIPED_WIDTH
    return Console(file=stream, width=width, highlight=False, emoji=False, markup=False, soft_wrap=False)


def number(value: float | None) -> str:
    """An integer with thousands separators; a dash for None."""
    return "-" if value is None else f"{value:,.0f}"


def ratio(value: float | None) -> str:
    """A ratio with two decimals; a dash for None."""
    return "-" if value is None else f"{value:.2f}"


def size(count: int) -> str:
    """Bytes for people: ``1,234 B``, ``56.7 KiB`` or ``2.25 MiB``."""
    if count < 10 * _KIB:
        return f"{count:,} B"
    value, unit, decimals = count / _KIB, "KiB", 1
    for larger in ("MiB", "GiB"):
        if value >= _LARGE:
            value, unit, decimals = value / _KIB, larger, 2
    return f"{value:,.{decimals}f}".rstrip("0").rstrip(".") + f" {unit}"


def duration(microseconds: float) -> str:
    """A time for people: microseconds, milliseconds or seconds."""
    if microseconds < _MS:
        return f"{microseconds:.1f} us"
    return f"{microseconds / _MS:.2f} ms" if microseconds < _S else f"{microseconds / _S:.2f} s"


def microjoules(value: float) -> str:
    """An energy for people: nanojoules, microjoules or millijoules."""
    if value < 1:
        return f"{value * 1e3:.3g} nJ"
    return f"{value:.3g} uJ" if value < _MS else f"{value / _MS:.3g} mJ"


def dims(shape: Sequence[int]) -> str:
    """A shape as ``1x49x10x8``."""
    return "x".join(str(d) for d in shape) or "scalar"


@dataclass(frozen=True)
class Bar:
    """A share of 0 to 1 as a bar, ``width`` columns wide; whatever is not zero shows.

    ``track`` draws the rest too, so that one sees what it is a share of.
    """

    share: float
    width: int
    style: str = "cyan"
    track: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        eighths = round(min(max(self.share, 0.0), 1.0) * self.width * 8)
        eighths = max(eighths, 1) if self.share > 0 else eighths
        full, part = divmod(eighths, 8)
        if options.ascii_only:
            full, part = full + (part > 0), 0
        body = ("#" if options.ascii_only else "█") * full + (_EIGHTHS[part] if part else "")
        rest = self.width - len(body)
        yield Segment(body, Style.parse(self.style))
        fill = ("." if options.ascii_only else "░") if self.track else " "
        yield Segment(fill * rest, Style.parse("bright_black" if self.track else "none"))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self.width, self.width)


def table(*, footer: bool = False, tight: bool = False) -> Table:
    """A plain table: a rule under the head, no frame; ``tight`` leaves one column between cells instead of two."""
    return Table(
        box=_RULES,
        header_style="bold",
        show_edge=False,
        show_footer=footer,
        footer_style="bold",
        pad_edge=False,
        padding=(0, 0 if tight else 1, 0, 0),
        collapse_padding=True,
    )


def grid() -> Table:
    """Columns without any line."""
    return Table.grid(padding=(0, 2, 0, 0))


def text(*parts: str | tuple[str, str]) -> Text:
    """Text made of plain and (text, style) parts."""
    return Text.assemble(*parts)


def written(path: Path, count: int) -> Text:
    """One line on a file that was made."""
    return text((str(path), "bold"), f": {size(count)}")


def shorten(name: str, width: int) -> str:
    """``name`` in at most ``width`` columns; the end of a layer name says more than its beginning."""
    return name if len(name) <= width else "~" + name[len(name) - width + 1 :]


def notes(rows: Sequence[tuple[str, str]]) -> Table:
    """Footnotes: what, and how it was got."""
    result = grid()
    result.add_column(style="bright_black", no_wrap=True)
    result.add_column(style="bright_black")
    for what, how in rows:
        result.add_row(what, how)
    return result
