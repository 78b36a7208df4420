"""The report of a compression: stage by stage, then before and after on the board."""

from __future__ import annotations

from rich.console import Group, RenderableType

from edgekit.compressing import Compression
from edgekit.reports.parts import notes, number, table, text
from edgekit.scoring import Accuracy


def compression(c: Compression) -> RenderableType:
    """Two tables and where the model is."""
    stages = table()
    for title in ("stage", "accuracy", "95 % interval", "parameters", "not zero", ""):
        stages.add_column(title, justify="left" if title in {"stage", ""} else "right")
    for s in c.stages:
        low, high = s.accuracy.interval
        stages.add_row(s.name, _share(s.accuracy), f"{low:.1%} to {high:.1%}", number(s.parameters), number(s.nonzero),
                       "taken from disk" if s.reused else "")  # fmt: skip
    sides = table()
    for title in (f"int8 on {c.board}", "before", "after", "after / before"):
        sides.add_column(title, justify="left" if title.startswith("int8") else "right")
    a, b = c.before_accuracy, c.after_accuracy
    sides.add_row("accuracy", _share(a), _share(b), f"{100 * (b.share - a.share):+.1f} points")
    sides.add_row("95 % interval", *("{:.1%} to {:.1%}".format(*s.interval) for s in (a, b)), "")
    rows: list[tuple[str, float | None, float | None]] = [
        ("MACs", c.before.model.macs, c.after.model.macs),
        ("weights in flash, bytes", c.before.sizes.weights, c.after.sizes.weights),
        ("flash, bytes", c.before.sizes.flash, c.after.sizes.flash),
        ("RAM, bytes", c.before.sizes.ram, c.after.sizes.ram),
        ("instructions, emulated", c.before.instructions, c.after.instructions),
        ("cycles, estimated", c.before.cycles.value, c.after.cycles.value),
        ("energy, uJ, estimated", c.before.energy.per_inference_uj, c.after.energy.per_inference_uj),
    ]
    for title, old, new in rows:
        ratio = f"{new / old:.2f}" if old and new is not None else ""
        sides.add_row(title, number(old), number(new), ratio)
    exact = "every byte of every layer equals the reference's" if c.after.exact else "NOT EXACT on the board"
    return Group(stages, "", sides, "", text(exact), notes([("samples", c.note), ("model", str(c.model))]))


def _share(accuracy: Accuracy) -> str:
    return f"{accuracy.share:.1%}"
