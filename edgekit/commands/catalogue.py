"""Commands about what there is: boards, ops, kernels, doctor."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from edgekit import board as board_files
from edgekit import cache, report
from edgekit import doctor as tools
from edgekit import ops as op_list
from edgekit.analysis import available
from edgekit.board import Board
from edgekit.commands.common import Family, Json, emit
from edgekit.errors import known_word
from edgekit.plan.kernels import Kernel, catalogue


def boards(json: Json = False) -> None:
    """List the boards edgekit knows: core, clock, memories, how each is emulated.

    Example: edgekit boards
    """
    known = [board_files.load(name) for name in board_files.names()]
    emit({"boards": [_board(b) for b in known]}, report.BoardList(known), as_json=json)


def _board(b: Board) -> dict[str, Any]:
    ram, flash = available(b)
    return {
        "name": b.name, "title": b.title, "core": b.target.core, "isas": list(b.target.isas),
        "clock_hz": b.target.clock_hz, "ram": ram or None, "flash": flash or None, "port": b.port,
        "emulator": b.emulator or None, "checked": b.checked or None,
    }  # fmt: skip


def ops(json: Json = False) -> None:
    """List the ops edgekit generates and the rules each of them keeps.

    Example: edgekit ops --json
    """
    kinds = sorted(op_list.OPS, key=lambda k: k.NAME)
    tree = {
        "ops": [
            {
                "name": kind.NAME, "kernels": [k.name for k in catalogue() if k.family == kind.FAMILY],
                "rules": [{"says": r.says, "about": r.attribute, "hint": r.hint} for r in kind.RULES],
            }
            for kind in kinds
        ]
    }  # fmt: skip
    emit(tree, report.ops(kinds), as_json=json)


def kernels(
    family: Family = "",
    json: Json = False,
) -> None:
    """List the kernels: which layers each runs, on which instruction set, how.

    Example: edgekit kernels --family conv_2d
    """
    families = dict.fromkeys(k.family for k in catalogue())
    chosen = known_word("family of kernels", family.lower(), families) if family else ""
    known = [k for k in catalogue() if not family or k.family == chosen]
    emit({"kernels": [kernel_json(k) for k in known]}, report.kernels(known), as_json=json)


def kernel_json(k: Kernel) -> dict[str, Any]:
    """A kernel for JSON."""
    return {
        "name": k.name, "family": k.family, "isa": k.isa, "dtype": k.dtype, "summary": k.summary, "when": k.when,
        "scratch": k.scratch, "inplace": k.inplace, "priority": k.priority, "source": k.source,
        "template": f"templates/kernels/{k.template}",
    }  # fmt: skip


def doctor(
    *,
    clear_cache: Annotated[
        bool, typer.Option("--clear-cache", help="Empty edgekit's cache; all in it can be made again.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what --clear-cache would remove.")] = False,
    json: Json = False,
) -> None:
    """Look for every tool edgekit can use; say what each is for and how to get what is missing.

    Exits with 3 if something required is missing. Example: edgekit doctor --clear-cache --dry-run
    """
    if clear_cache or dry_run:
        kept = cache.look() if dry_run else cache.clear()
        emit({"cache": kept.json()}, report.cached(kept), as_json=json)
        return
    checks, kept = tools.examine(), cache.look()
    emit(tools.as_json(checks, kept), report.tools(checks, kept), as_json=json)
    if tools.missing(checks):
        raise typer.Exit(3)
