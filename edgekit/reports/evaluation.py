"""The report of evaluate: how right the board is, what it takes for what, and what differs from the reference."""

from __future__ import annotations

from rich.console import Group, RenderableType

from edgekit.evaluation import Evaluation
from edgekit.reports.parts import grid, notes, number, table, text
from edgekit.scoring import Accuracy

_MATRIX_MAX = 20
_SHOWN = 12
FEW = 30
"""Below so many labelled samples an accuracy is hardly one."""


def evaluation(e: Evaluation) -> RenderableType:
    """Verdict, accuracy with its interval, confusion matrix, and the samples that differ."""
    a = e.accuracy
    low, high = a.interval
    parts: list[RenderableType] = [
        text((e.model.name, "bold"), " on ", (e.board, "bold"), ", ", (e.how, "yellow" if e.how == "emulated" else "")),
        _verdict(e),
        text(
            (f"{a.right:,} of {a.total:,}", "bold"), " classified rightly on the board: ", (f"{a.share:.1%}", "bold"),
            f", with 95 % confidence {low:.1%} to {high:.1%}",
        ),
    ]  # fmt: skip
    if a.matrix and len(a.matrix) <= _MATRIX_MAX:
        parts += ["", _matrix(a)]
    if e.mismatches:
        parts += ["", _mismatches(e)]
    rows = [("reference", f"{e.reference}: {e.reference_right:,} of {a.total:,} right"), ("samples", e.sample_source)]
    if e.resumed:
        rows.append(("resumed", f"{e.resumed:,} of the results are of an earlier run that did not end"))
    if a.total < FEW:
        rows.append(("few samples", f"{a.total} say little: mind the interval; {FEW} at the least, better hundreds"))
    rows.append(("interval", "Wilson's; it holds if the samples are drawn at random from what the model will meet"))
    rows.append(("toolchain", f"{e.toolchain.name} {e.toolchain.version}"))
    return Group(*parts, "", notes(rows))


def _verdict(e: Evaluation) -> RenderableType:
    if e.exact:
        what = f": {e.bytes:,} output bytes of {e.accuracy.total:,} samples equal {e.reference}"
        return text(("exact", "bold green"), what)
    what = f": the outputs of {len(e.mismatches):,} of {e.accuracy.total:,} samples differ from {e.reference}"
    return text(("NOT EXACT", "bold red"), what)


def _name(a: Accuracy, index: int) -> str:
    return a.classes[index] if 0 <= index < len(a.classes) else str(index)


def _matrix(a: Accuracy) -> RenderableType:
    """Rows are what it is, columns what the board says."""
    result = table()
    result.add_column("is \\ said", style="bold", no_wrap=True)
    for i in range(len(a.matrix)):
        result.add_column(_name(a, i), justify="right")
    for i, row in enumerate(a.matrix):
        styles = ["green" if i == j else "red" if n else "bright_black" for j, n in enumerate(row)]
        cells = [text((number(n) if n else "·", style)) for n, style in zip(row, styles, strict=True)]
        result.add_row(_name(a, i), *cells)
    return result


def _mismatches(e: Evaluation) -> RenderableType:
    rows = grid()
    rows.add_column(no_wrap=True)
    for m in e.mismatches[:_SHOWN]:
        said = f"board {_name(e.accuracy, m.answer)}, reference {_name(e.accuracy, m.expected)}"
        rows.add_row(text(f"sample {m.sample}: {m.different:,} elements differ by up to {m.largest:g}; {said}"))
    if len(e.mismatches) > _SHOWN:
        rows.add_row(f"... and {len(e.mismatches) - _SHOWN:,} more (all with --json)")
    return rows
