"""Tables that give way to a narrow console in a fixed order, so that no number is ever cut.

Bars narrow if then nothing is cut; else names shorten first, then bars go, then the columns a table can spare, then
names shorten further.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from rich.box import Box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

_RULES = Box("    \n    \n ── \n    \n    \n ── \n    \n    \n")
"""A rule under the head and one above the foot, no frame."""
_EIGHTHS = " ▏▎▍▌▋▊▉"
_ENOUGH, _LEAST = 16, 8
"""Columns that a name keeps while something else can go, and at any rate."""
_BAR_LEAST = 3
_UNLIMITED = 1 << 16


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
        width = min(self.width, options.max_width)
        eighths = round(min(max(self.share, 0.0), 1.0) * width * 8)
        eighths = max(eighths, 1) if self.share > 0 else eighths
        full, part = divmod(eighths, 8)
        if options.ascii_only:
            full, part = full + (part > 0), 0
        body = ("#" if options.ascii_only else "█") * full + (_EIGHTHS[part] if part else "")
        rest = width - len(body)
        yield Segment(body, Style.parse(self.style))
        fill = ("." if options.ascii_only else "░") if self.track else " "
        yield Segment(fill * rest, Style.parse("bright_black" if self.track else "none"))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self.width, self.width)


@dataclass(frozen=True)
class _Column:
    """``whole``: never cut; ``tail``: of a name's two ends its last says more; ``wrap``: may take several lines."""

    head: str
    foot: str
    right: bool
    whole: bool
    wrap: bool
    tail: bool
    style: str
    cells: list[RenderableType] = field(default_factory=list[RenderableType])

    @property
    def bars(self) -> bool:
        """Whether it holds bars and nothing else."""
        kinds = [isinstance(c, Bar) for c in self.cells if c != ""]
        return bool(kinds) and all(kinds)


class FittedTable:
    """A plain table: a rule under the head, no frame.

    ``tight`` leaves one column between cells instead of two; ``spare`` are the heads of columns that may be left out,
    in this order.
    """

    def __init__(self, *, footer: bool = False, tight: bool = False, spare: Sequence[str] = ()) -> None:
        self._footer = footer
        self._tight = tight
        self._spare = tuple(spare)
        self._columns: list[_Column] = []

    def add_column(
        self,
        head: str = "",
        foot: str = "",
        *,
        justify: Literal["left", "right"] = "left",
        no_wrap: bool = False,
        tail: bool = False,
        whole: bool = False,
        style: str = "",
    ) -> None:
        """A column; what is right-justified is a number, so that it is ``whole``: never cut.

        Of a ``tail`` the end is kept; what has ``no_wrap`` keeps its beginning; all else takes several lines.
        """
        whole = whole or justify == "right"
        wrap = not (no_wrap or tail or whole)
        self._columns.append(_Column(head, foot, justify == "right", whole, wrap, tail, style))

    def add_row(self, *cells: RenderableType) -> None:
        """A row with a cell for every column."""
        for column, cell in zip(self._columns, cells, strict=True):
            column.cells.append(cell)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        natural = {i: _width(c, console, options) for i, c in enumerate(self._columns)}
        widths = self._fitted(natural, options.max_width)
        result = Table(
            box=_RULES,
            header_style="bold",
            show_edge=False,
            show_footer=self._footer,
            footer_style="bold",
            pad_edge=False,
            padding=(0, 0 if self._tight else 1, 0, 0),
            collapse_padding=True,
        )
        for i, width in widths.items():
            c = self._columns[i]
            result.add_column(
                c.head,
                c.foot,
                justify="right" if c.right else "left",
                style=c.style or None,
                no_wrap=not c.wrap,
                overflow="fold" if c.wrap else "ellipsis",
                min_width=width,
                max_width=width,
            )
        for row in range(len(self._columns[0].cells) if self._columns else 0):
            result.add_row(*(_cut(self._columns[i], self._columns[i].cells[row], w) for i, w in widths.items()))
        yield result

    def _fitted(self, natural: dict[int, int], room: int) -> dict[int, int]:
        """The columns that are shown, with their widths."""
        going = [[], [i for i, c in enumerate(self._columns) if c.bars]]
        going += [[i for i, c in enumerate(self._columns) if c.head == head] for head in self._spare]
        left = self._narrowed(natural, room)
        for gone in going:
            left = {i: w for i, w in left.items() if i not in gone}
            widths = self._shrunk(left, room, _ENOUGH)
            if self._total(widths) <= room:
                return widths
        return self._shrunk(left, room, _LEAST)

    def _narrowed(self, widths: dict[int, int], room: int) -> dict[int, int]:
        """``widths`` with narrower bars if all else then fits, uncut; else as they are."""
        result = dict(widths)
        for i, width in widths.items():
            over = self._total(result) - room
            if over > 0 and self._columns[i].bars:
                result[i] = max(min(width, _BAR_LEAST), width - over)
        return result if self._total(result) <= room else dict(widths)

    def _shrunk(self, widths: dict[int, int], room: int, least: int) -> dict[int, int]:
        """``widths`` with the widest names narrowed until all fit or none is wider than ``least``."""
        result = dict(widths)
        while (over := self._total(result) - room) > 0:
            names = {i: w for i, w in result.items() if w > least}
            names = {i: w for i, w in names.items() if not (self._columns[i].whole or self._columns[i].bars)}
            if not names:
                break
            widest = max(names, key=lambda i: names[i])
            second = max([w for i, w in names.items() if i != widest], default=least)
            result[widest] -= max(1, min(over, names[widest] - max(second, least)))
        return result

    def _total(self, widths: dict[int, int]) -> int:
        return sum(widths.values()) + max(len(widths) - 1, 0) * (1 if self._tight else 2)


def shorten(name: str, width: int) -> str:
    """``name`` in at most ``width`` columns; the end of a layer name says more than its beginning."""
    return name if len(name) <= width else "~" + name[len(name) - width + 1 :]


def _cut(column: _Column, cell: RenderableType, width: int) -> RenderableType:
    if not column.tail or not isinstance(cell, str | Text) or len(cell) <= width:
        return cell
    return shorten(cell, width) if isinstance(cell, str) else Text("~").append_text(cell[len(cell) - width + 1 :])


def _width(column: _Column, console: Console, options: ConsoleOptions) -> int:
    free = options.update(width=_UNLIMITED)
    cells = (column.head, column.foot, *column.cells)
    return max(Measurement.get(console, free, cell).maximum for cell in cells)
