"""The reports of the bench: counts of kernels, and cost tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType

from edgekit.bench.run import Bench
from edgekit.plan.costs import CostTable
from edgekit.reports.parts import notes, number, ratio, table, text


def bench(found: Bench) -> RenderableType:
    """One line a kernel and layer; the cheapest kernel of each layer stands out."""
    result = table(tight=True)
    result.add_column("layer")  # its end tells it from its neighbours: never cut
    result.add_column("kernel", tail=True)
    for head in ("instr", "/MAC", "cycles", "code", "weights"):
        result.add_column(head, justify="right", no_wrap=True)
    least = {r.layer: min(x.instructions for x in found.rows if x.layer == r.layer) for r in found.rows}
    before = ""
    for r in found.rows:
        name = r.layer if r.layer != before else ""
        style = "bold green" if r.instructions == least[r.layer] else ""
        cells = (number(r.instructions), ratio(r.per_mac), number(r.cycles), number(r.code), number(r.weights))
        result.add_row(name, text((r.kernel, style)), *cells)
        before = r.layer
    rows = [
        ("instr", "counted on the emulated core, exact, for one seeded random input"),
        ("cycles", f"estimated by the cycle model, {found.error}" if found.error else "no model of this core"),
        ("code, weights", "bytes of flash: the kernel alone with its helpers; its packed constants"),
    ]
    return Group(text((found.core, "bold"), f" ({found.board}), {found.toolchain}"), "", result, "", notes(rows))


def cost_tables(tables: Sequence[CostTable]) -> RenderableType:
    """What was written: kernels and how well their terms fit."""
    result = table()
    result.add_column("core", no_wrap=True)
    for head in ("kernels", "median error %", "largest error %"):
        result.add_column(head, justify="right", no_wrap=True)
    for one in tables:
        errors = sorted(k.error for k in one.kernels.values())
        result.add_row(one.core, number(len(errors)), f"{errors[len(errors) // 2]:.1f}", f"{errors[-1]:.1f}")
    return result
