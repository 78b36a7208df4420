"""Commands that work on stored results: compare, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import bundle, limits
from edgekit import report as reports
from edgekit.commands.common import Json, emit
from edgekit.compare import compare as compared
from edgekit.files import write_whole
from edgekit.reports import page

_STORED = "A bundle's folder, or a file written with --json."
Result = Annotated[Path, typer.Argument(metavar="RESULT", help=_STORED, show_default=False)]
Before = Annotated[Path, typer.Argument(metavar="BEFORE", help=_STORED, show_default=False)]
After = Annotated[Path, typer.Argument(metavar="AFTER", help="Another of them, of the same board.", show_default=False)]


def compare(
    before: Before,
    after: After,
    *,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if",
            metavar="LIMIT",
            help="Exit with 1 if it holds: latency>+5%, flash>+1KiB, latency>20ms, accuracy<90%. May be repeated.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show what changed between two results, and fail if it is more than you allow.

    A signed number limits the change from BEFORE to AFTER, a number without sign the value itself. Results of another
    board, clock, input or way of measuring are refused.

    Example: edgekit compare results/main results/mine --fail-if 'latency>+5%' --fail-if 'mismatches>0'
    """
    allowed = limits.parse(fail_if or ())
    found = compared(bundle.load(before), bundle.load(after), allowed)
    emit(found.json(), reports.comparison(found), as_json=json)
    if found.overstepped:
        raise typer.Exit(1)


def report(
    result: Result,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Where the page goes; default: report.html in the bundle, or RESULT.html beside a file.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Make one offline HTML page of a stored result: it loads nothing, runs no script, and may be sent to anybody.

    A bundle has such a page already; this makes it again, or elsewhere. Of a file written with --json the page has no
    single readings and no arena, which are not in it.

    Example: edgekit report results/mine -o mine.html
    """
    found = bundle.load(result)
    folder = result if result.is_dir() else result.parent if result.name == bundle.RESULT else None
    where = out or (folder / bundle.PAGE if folder else result.with_suffix(".html"))
    written = write_whole(where, page.of_bundle(found).encode())
    emit({"page": str(where), "bytes": written}, reports.written(where, written), as_json=json)
