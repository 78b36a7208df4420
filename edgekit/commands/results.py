"""Commands that work on stored results: compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import bundle, limits, report
from edgekit.commands.common import Json, emit
from edgekit.compare import compare as compared

Result = Annotated[
    Path,
    typer.Argument(metavar="RESULT", help="A bundle's folder, or a file written with --json.", show_default=False),
]


def compare(
    before: Result,
    after: Result,
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
    emit(found.json(), report.comparison(found), as_json=json)
    if found.overstepped:
        raise typer.Exit(1)
