"""What every report is made of: numbers, bars, tables and the console they go to."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from edgekit.reports.fitting import Bar, FittedTable

PIPED_WIDTH = 100
NARROW = 100
"""Reports drop columns below this many."""

_KIB = 1024
_NEED_BAR = 6
_LARGE = 1000
_MS, _S = 1_000.0, 1_000_000.0


def console(file: IO[str] | None = None, *, width: int | None = None) -> Console:
    """A console on ``file`` (stdout): the terminal's width, or 100 columns and no colour where there is none."""
    stream = file or sys.stdout
    if width is None and not stream.isatty():
        width = int(os.environ["COLUMNS"]) if os.environ.get("COLUMNS", "").isdecimal() else PIPED_WIDTH
    return Console(file=stream, width=width, highlight=False, emoji=False, markup=False, soft_wrap=False)


def number(value: float | None) -> str:
    """An integer with thousands separators; a dash for None."""
    return "-" if value is None else f"{value:,.0f}"


def counted(count: int, noun: str) -> str:
    """``1 layer``, ``2 layers``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


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


def need(used: int, whole: int) -> tuple[RenderableType, RenderableType]:
    """Bytes used with their share of the whole, and a bar of it; red beyond it. ``whole`` 0: not limited."""
    if not whole:
        return size(used), ""
    share = used / whole
    return f"{size(used)} {share:.0%}", Bar(share, _NEED_BAR, "red" if share > 1 else "cyan", track=True)


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


def table(*, footer: bool = False, tight: bool = False, spare: Sequence[str] = ()) -> FittedTable:
    """A plain table whose numbers are never cut; see FittedTable."""
    return FittedTable(footer=footer, tight=tight, spare=spare)


def grid() -> Table:
    """Columns without any line."""
    return Table.grid(padding=(0, 2, 0, 0))


def facts(rows: Sequence[tuple[str, RenderableType]], *, style: str = "bold", all_of_it: str = "") -> Table:
    """What, and then as many lines as it takes to say; ``all_of_it`` is a style for what is said."""
    result = grid()
    result.add_column(style=style, no_wrap=True)
    result.add_column(style=all_of_it or None, overflow="fold")
    for what, said in rows:
        result.add_row(what, said)
    return result


def text(*parts: str | tuple[str, str]) -> Text:
    """Text made of plain and (text, style) parts."""
    return Text.assemble(*parts)


def written(path: Path, count: int) -> Text:
    """One line on a file that was made."""
    return text((str(path), "bold"), f": {size(count)}")


def would_run(commands: Sequence[str]) -> list[RenderableType]:
    """Command lines as they are, to be copied: never cut nor broken, however narrow the console (see ``show``)."""
    return [Text.assemble("would run: ", (c, "bold"), no_wrap=True, overflow="ignore") for c in commands]


def show(renderable: RenderableType) -> None:
    """Print a report on stdout; only command lines are wider than the console."""
    console().print(renderable, crop=False)


def notes(rows: Sequence[tuple[str, str]]) -> Table:
    """Footnotes: what, and how it was got."""
    return facts(rows, style="bright_black", all_of_it="bright_black")
