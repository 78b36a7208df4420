"""The reports of what there is: boards, ops, kernels, tools."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult

from edgekit.board import Board
from edgekit.cache import Cache
from edgekit.doctor import Check, missing
from edgekit.ops.base import Op
from edgekit.plan.kernels import Kernel
from edgekit.reports.fitting import FittedTable
from edgekit.reports.parts import facts, notes, size, table, text

_TERMS = (
    ("kh", "rows of the window; kw its columns; in_c, out_c channels; act_min, act_max bounds of the fused ReLU"),
    ("acc_bits", "bits that hold every sum the layer can reach with its weights, for any input"),
    ("right_shift_max", "most bits that a channel's sum is shifted to the right when it is scaled to int8"),
    ("right_shift_min", "least of them; 1 or more: no channel is scaled up"),
    ("packable", "1 if the sums are so small that two channels share a word"),
)


class BoardList:
    """One line a board; on narrow consoles titles give way to numbers."""

    def __init__(self, all_boards: Sequence[Board]) -> None:
        self.boards = all_boards

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield _boards(self.boards)
        note = "checked: whether somebody has held the board file's numbers against the manuals it names"
        yield text(("\n" + note, "bright_black"))


def _boards(all_boards: Sequence[Board]) -> FittedTable:
    result = table(tight=True, spare=("title", "emulator", "checked"))
    for head in ("board", "title", "core", "MHz", "RAM", "flash", "emulator", "checked"):
        right = head in ("MHz", "RAM", "flash")
        result.add_column(head, justify="right" if right else "left", no_wrap=head != "title", whole=head == "board")
    for b in all_boards:
        *cells, checked = _board(b)
        result.add_row(*cells, text((checked, "green" if b.checked else "yellow")))
    return result


def _board(b: Board) -> tuple[str, ...]:
    ram, flash = (sum(bank.size for bank in b.target.banks(kind)) for kind in ("ram", "flash"))
    clock = f"{b.target.clock_hz / 1e6:g}" if b.target.core != "host" else "-"
    memories = (size(ram) if ram else "-", size(flash) if flash else "-")
    return (b.name, b.title, b.target.core, clock, *memories, b.emulator or "none", "yes" if b.checked else "no")


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
    result = table(spare=("isa",))
    result.add_column("kernel")
    result.add_column("isa", no_wrap=True)
    result.add_column("runs layers with")
    result.add_column("summary")
    for k in catalogue:
        result.add_row(k.name, k.isa, k.when or "any", k.summary)
    said = " ".join(k.when for k in catalogue)
    rows = [(term, what) for term, what in _TERMS if term in said]
    rows.append(("more", "`edgekit explain kernel NAME`: its literals (numbers written into its code), its rank"))
    return Group(result, "", notes(rows))


def kernel(k: Kernel) -> RenderableType:
    """One kernel in full."""
    rows = (
        ("family", k.family), ("template", f"templates/kernels/{k.template}"), ("isa, type", f"{k.isa}, {k.dtype}"),
        ("runs layers with", k.when or "any"), ("priority", str(k.priority)),
        ("literals", ", ".join(k.specialise) or "none: one routine serves every layer"),
        ("at run time", ", ".join((*k.fields, *k.arrays)) or "nothing"),
        ("packing", ", ".join(f"{array} by {how}" for array, how in k.pack.items()) or "none"),
        ("scratch", f"{k.scratch} bytes, aligned to {k.align}" if k.scratch != "0" else "none"),
        ("in place", "may write over its first input" if k.inplace else "no"), ("source", k.source or "-"),
    )  # fmt: skip
    return Group(text((k.name, "bold"), f": {k.summary}"), "", facts(rows))


def _purpose(c: Check) -> RenderableType:
    if c.found:
        return c.purpose
    return text(f"{c.purpose}; {c.broken}: " if c.broken else f"{c.purpose}: ", (c.install, "bold"))


def cached(found: Cache) -> RenderableType:
    """What the cache holds or held, and what was done to it."""
    result = table(footer=True)
    result.add_column("kept", "total", no_wrap=True)
    result.add_column("size", size(found.bytes), justify="right")
    result.add_column("what")
    for k in found.kept:
        result.add_row(k.name, size(k.bytes), k.purpose)
    done = "removed from" if found.cleared else "edgekit doctor --clear-cache removes it from"
    parts: list[RenderableType] = [result, "", text((f"{done} {found.path}", "bold"))]
    parts += [text((f"stays, another edgekit is building it: {path}", "yellow")) for path in found.busy]
    return Group(*parts)


def tools(checks: Sequence[Check], cache: Cache) -> RenderableType:
    """What was found and how to get what was not."""
    result = table(spare=("version",))
    result.add_column("", whole=True)
    result.add_column("tool", whole=True)
    result.add_column("version", whole=True)
    result.add_column("for")
    for c in checks:
        state = text(("ok", "green")) if c.found else text(("MISSING", "bold red"))
        if not c.found and c.need == "optional":
            state = text(("absent", "yellow"))
        result.add_row(state, c.name, c.version or "-", _purpose(c))
    lacking = missing(checks)
    line = "all that is required is here" if not lacking else f"missing: {', '.join(c.name for c in lacking)}"
    kept = f"cache: {size(cache.bytes)} in {cache.path} (edgekit doctor --clear-cache)"
    return Group(result, "", text((line, "bold green" if not lacking else "bold red")), text((kept, "bright_black")))
