"""The reports of what there is: boards, ops, kernels, tools."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType

from edgekit.board import Board
from edgekit.doctor import Check, missing
from edgekit.ops.base import Op
from edgekit.plan.kernels import Kernel
from edgekit.reports.parts import grid, size, table, text


def boards(all_boards: Sequence[Board]) -> RenderableType:
    """One line a board."""
    result = table()
    for head in ("board", "title", "core"):
        result.add_column(head, no_wrap=True)
    for head in ("MHz", "RAM", "flash"):
        result.add_column(head, justify="right", no_wrap=True)
    result.add_column("emulator", no_wrap=True)
    result.add_column("checked", no_wrap=True)
    for b in all_boards:
        ram, flash = (sum(bank.size for bank in b.target.banks(kind)) for kind in ("ram", "flash"))
        clock = f"{b.target.clock_hz / 1e6:g}" if b.target.core != "host" else "-"
        known = text(("yes", "green")) if b.checked else text(("no", "yellow"))
        result.add_row(
            b.name, b.title, b.target.core, clock, size(ram) if ram else "-", size(flash) if flash else "-",
            b.emulator or "none", known,
        )  # fmt: skip
    note = "checked: whether somebody has held the board file's numbers against the manuals it names"
    return Group(result, "", text((note, "bright_black")))


def ops(kinds: Sequence[type[Op]]) -> RenderableType:
    """Every op with its rules: each rule is the sentence an error shows when it does not hold."""
    result = table()
    result.add_column("op", no_wrap=True)
    result.add_column("rules")
    for kind in sorted(kinds, key=lambda k: k.NAME):
        result.add_row(kind.NAME, "\n".join(rule.says for rule in kind.RULES))
    return result


def kernels(catalogue: Sequence[Kernel]) -> RenderableType:
    """Every kernel: what it is, what it needs of the target and of the layer."""
    result = table()
    for head in ("kernel", "isa"):
        result.add_column(head, no_wrap=True)
    result.add_column("runs layers with")
    result.add_column("summary")
    for k in catalogue:
        result.add_row(k.name, k.isa, k.when or "any", k.summary)
    return result


def kernel(k: Kernel) -> RenderableType:
    """One kernel in full."""
    rows = grid()
    rows.add_column(style="bold", no_wrap=True)
    facts = (
        ("family", k.family), ("template", f"templates/kernels/{k.template}"), ("isa, type", f"{k.isa}, {k.dtype}"),
        ("runs layers with", k.when or "any"), ("priority", str(k.priority)),
        ("literals", ", ".join(k.specialise) or "none: one routine serves every layer"),
        ("at run time", ", ".join((*k.fields, *k.arrays)) or "nothing"),
        ("packing", ", ".join(f"{array} by {how}" for array, how in k.pack.items()) or "none"),
        ("scratch", f"{k.scratch} bytes, aligned to {k.align}" if k.scratch != "0" else "none"),
        ("in place", "may write over its first input" if k.inplace else "no"), ("source", k.source or "-"),
    )  # fmt: skip
    for fact in facts:
        rows.add_row(*fact)
    return Group(text((k.name, "bold"), f": {k.summary}"), "", rows)


def _purpose(c: Check) -> RenderableType:
    return c.purpose if c.found else text(f"{c.purpose}: ", (c.install, "bold"))


def tools(checks: Sequence[Check]) -> RenderableType:
    """What was found and how to get what was not."""
    result = table()
    result.add_column("", no_wrap=True)
    result.add_column("tool", no_wrap=True)
    result.add_column("version", no_wrap=True)
    result.add_column("for")
    for c in checks:
        state = text(("ok", "green")) if c.found else text(("MISSING", "bold red"))
        if not c.found and c.need == "optional":
            state = text(("absent", "yellow"))
        result.add_row(state, c.name, c.version or c.broken or "-", _purpose(c))
    lacking = missing(checks)
    line = "all that is required is here" if not lacking else f"missing: {', '.join(c.name for c in lacking)}"
    return Group(result, "", text((line, "bold green" if not lacking else "bold red")))
