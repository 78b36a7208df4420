"""The report of fit: a line a board, and what would help where a model does not fit."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType

from edgekit.analysis import CODE_ESTIMATE
from edgekit.fits import Answer
from edgekit.reports.parts import need, notes, number, size, table, text


def fits(name: str, answers: Sequence[Answer]) -> RenderableType:
    """The whole report."""
    helps = any(a.advice for a in answers)
    result = table(spare=("core", "arena"))
    result.add_column("board", whole=True)
    for head in ("core", "fits"):
        result.add_column(head, no_wrap=True)
    result.add_column("arena", justify="right", no_wrap=True)
    for head in ("RAM", "flash"):
        result.add_column(head, justify="right", no_wrap=True)
        result.add_column("", no_wrap=True)
    if helps:
        result.add_column("what helps")
    for answer in answers:
        best = answer.best
        verdict = text(("yes", "green")) if best.fits else text(("no", "bold red"))
        if best.reason:
            result.add_row(best.board, best.core, verdict, "-", "-", "", "-", "", answer.advice)
            continue
        ram, flash = need(best.ram, best.ram_available), need(best.flash, best.flash_available)
        advice = (answer.advice,) if helps else ()
        result.add_row(best.board, best.core, verdict, number(best.arena), *ram, *flash, *advice)
    held = sum(a.best.fits for a in answers)
    rows = [
        ("RAM", "planned arena and the board's stack reserve; the built image is proved to keep to it"),
        ("flash", f"packed weights and an estimate of {size(CODE_ESTIMATE)} for code; `edgekit build` knows exactly"),
    ]
    if helps:
        said = "an option of build, run, verify and profile with which it fits, shown here with its figures"
        rows.append(("what helps", said))
    return Group(text((name, "bold"), f" fits {held} of {len(answers)} boards"), "", result, "", notes(rows))
