"""The report of a compression: stage by stage, then before and after on the board."""

from __future__ import annotations

from rich.console import Group, RenderableType

from edgekit.compressing import Compression, Intended, Side
from edgekit.costs import Energy
from edgekit.reports.parts import counted, notes, number, table, text
from edgekit.scoring import Accuracy

_RATIO = "after / before"


def compression(c: Compression) -> RenderableType:
    """Two tables, whether it is exact, and where the model is."""
    gone = -c.drop.share
    change = f"int8 after is {abs(gone):.2%} {'more' if gone > 0 else 'less'} accurate than int8 before"
    span = f" (95 % interval of the drop {c.drop.low:+.2%} to {c.drop.high:+.2%}, same samples)"
    exact = ("exact", "green") if c.after.profile.exact else ("NOT EXACT", "bold red")
    checked = c.after.profile.verification
    said = f": {checked.bytes:,} output bytes of every layer over {counted(checked.samples, 'sample')} on the board"
    rows = [("samples", c.note), *_why(c.after.profile.energy)]
    return Group(
        _stages(c), "", _sides(c), "", text(change, (span, "bright_black")), text(exact, said), "", notes(rows), "",
        text(("written: ", "green"), str(c.after.path)),
        f"next: edgekit build {c.after.path} --board {c.board} -o firmware",
    )  # fmt: skip


def intended(would: Intended) -> RenderableType:
    """The stages a run would train, and what follows them."""
    steps = table()
    for title in ("stage", "epochs", "", "folder"):
        steps.add_column(title, justify="right" if title == "epochs" else "left", no_wrap=title != "folder")
    for s in would.steps:
        steps.add_row(s.name, number(s.settings.epochs), "taken from disk" if s.done else "trained", str(s.folder))
    then = f"then int8, built, verified and profiled on {would.board} before and after; results in {would.out}"
    return Group(steps, "", then, notes([("samples", would.note)]))


def _stages(c: Compression) -> RenderableType:
    stages = table()
    for title in ("stage", "accuracy", "95 % interval", "parameters", "not zero", ""):
        stages.add_column(title, justify="left" if title in {"stage", ""} else "right", no_wrap=True)
    for s in c.stages:
        stages.add_row(s.name, f"{s.accuracy.share:.2%}", _interval(s.accuracy), number(s.parameters),
                       number(s.nonzero), "taken from disk" if s.reused else "")  # fmt: skip
    return stages


def _sides(c: Compression) -> RenderableType:
    sides = table()
    head = f"int8 on {c.board}"
    for title in (head, "before", "after", _RATIO):
        sides.add_column(title, justify="left" if title == head else "right", no_wrap=True)
    a, b = c.before.accuracy, c.after.accuracy
    sides.add_row("accuracy", f"{a.share:.2%}", f"{b.share:.2%}", f"{100 * (b.share - a.share):+.2f} points")
    sides.add_row("95 % interval", _interval(a), _interval(b), "")
    for (title, old), (_, new) in zip(_figures(c.before), _figures(c.after), strict=True):
        sides.add_row(title, number(old), number(new), f"{new / old:.2f}" if old and new is not None else "")
    return sides


def _figures(side: Side) -> list[tuple[str, float | None]]:
    """Everything that is counted or estimated of a side, each said to be what it is."""
    p = side.profile
    return [
        ("parameters", side.parameters),
        ("MACs", p.model.macs),
        ("weights in flash, bytes", p.sizes.weights),
        ("flash, bytes", p.sizes.flash),
        ("RAM, bytes", p.sizes.ram),
        (f"instructions, {p.how}", p.instructions),
        (f"cycles, {p.cycles.how}", p.cycles.value),
        (f"energy, uJ, {p.energy.how}{_error(p.energy)}", p.energy.per_inference_uj),
    ]


def _error(energy: Energy) -> str:
    return f" +-{energy.error:.0%}" if energy.error is not None else ""


def _why(energy: Energy) -> list[tuple[str, str]]:
    return [("energy", energy.reason)] if energy.reason else []


def _interval(accuracy: Accuracy) -> str:
    low, high = accuracy.interval
    return f"{low:.1%} to {high:.1%}"
