"""The reports of verify, run and build."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
from rich.console import Group, RenderableType

from edgekit.ir.graph import Array
from edgekit.reports.fitting import FittedTable
from edgekit.reports.parts import dims, facts, notes, number, table, text, would_run
from edgekit.reports.profile import Memory, accuracy, verdict
from edgekit.results import Build, LayerCheck, Run, Verification

_SHOWN = 12
_BOUND = (
    "the most any inference can need, proved from the machine code; `edgekit profile` shows what its runs did need "
    "(the high-water mark), so that its RAM is less or equal"
)


def verification(v: Verification) -> RenderableType:
    """Every layer with what was compared and what differed."""
    head = text((v.model.name, "bold"), " on ", (v.board, "bold"), f", {v.how}")
    right = accuracy(v)
    result = table()
    result.add_column("layer", tail=True)
    result.add_column("op", no_wrap=True)
    result.add_column("bytes", justify="right")
    result.add_column("different", justify="right")
    result.add_column("largest", justify="right")
    result.add_column("")
    for c in v.checks:
        result.add_row(c.name, c.op, number(c.bytes), number(c.different), f"{c.largest:g}", _state(c))
    rows = [("reference", v.reference), ("samples", v.sample_source)]
    rows.append(("toolchain", f"{v.toolchain.name} {v.toolchain.version}"))
    return Group(head, verdict(v), *([right] if right else []), "", result, "", notes(rows))


def _state(check: LayerCheck) -> RenderableType:
    if check.missing or not check.bytes:
        return text(("not compared", "yellow"))
    return text(("differs", "bold red")) if check.different else text(("equal", "green"))


def run(r: Run) -> RenderableType:
    """Outputs of every sample; long ones as their largest elements."""
    parts: list[RenderableType] = [text((r.model.name, "bold"), " on ", (r.board, "bold"), f", {r.how}")]
    for number_of, (raws, reals) in enumerate(zip(r.outputs, r.real, strict=True)):
        for name, raw, real in zip(r.output_names, raws, reals, strict=True):
            parts += ["", text(f"sample {number_of}, ", (name, "bold"), f", {raw.dtype} {dims(raw.shape)}")]
            parts.append(_values(raw, real))
    return Group(*parts)


def after_demo(board: str, out: Path | None) -> RenderableType:
    """What the demonstration has made and what to do with one's own model."""
    made = (
        f"{out}: a CMake project, which needs no Python" if out else "in edgekit's cache; --out DIR keeps the project"
    )
    rows = (
        ("made", made),
        ("next", "edgekit analyze YOUR.tflite     what is in your model, and which boards it fits"),
        ("", f"edgekit profile YOUR.tflite --board {board}     this report of it"),
    )
    return facts(rows)


def _values(raw: Array, real: Array) -> FittedTable:
    flat, values = raw.reshape(-1), real.reshape(-1)
    order = np.argsort(-values, kind="stable")[:_SHOWN] if flat.size > _SHOWN else np.arange(flat.size)
    result = table()
    for head in ("index" if flat.size <= _SHOWN else "largest at", "raw", "real"):
        result.add_column(head, justify="right")
    for i in order.tolist():
        result.add_row(str(i), f"{flat[i]:.5g}", f"{values[i]:.5g}")
    return result


def build(b: Build) -> RenderableType:
    """Where the project lies, what it holds and how much memory the model takes."""
    made = "built" if b.elf else "would generate"
    head = text(made, " ", (b.plan.title, "bold"), " for ", (b.board, "bold"), f" in {b.out}")
    parts: list[RenderableType] = [head, ""]
    if b.elf:
        parts += [Memory(b.sizes), ""]
        rows = [("image", str(b.elf)), ("toolchain", f"{b.toolchain.name} {b.toolchain.version}")]
        if b.stack:
            rows.append(("stack", _BOUND))
        rows.append(("again", f"cmake --build {shlex.quote(str(b.elf.parent))}   (needs no Python)"))
        return Group(*parts, notes(rows))
    listing = table()
    listing.add_column("file")
    for path in b.files:
        listing.add_row(path)
    return Group(*parts, listing, "", *would_run(b.commands))
