"""The bench: every kernel of a core over every layer it can run, and the core's cost table made anew from that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgekit import board as board_files
from edgekit.bench import count, fit, layers
from edgekit.bench.count import Counted, Progress
from edgekit.bench.program import Item, item
from edgekit.board import Board
from edgekit.emulate.cycles import for_target
from edgekit.errors import Problem, UsageError, known_word
from edgekit.ir.graph import Graph
from edgekit.plan import costs
from edgekit.plan.costs import Code
from edgekit.plan.kernels import candidates, catalogue

BOARDS = {
    "cortex-m0plus": "emu-m0plus",
    "cortex-m3": "emu-m3",
    "cortex-m4": "nucleo-l4r5zi",
    "cortex-m7": "emu-m7",
    "cortex-m33": "emu-m33",
    "cortex-m55": "emu-m55",
}
"""The emulated board each core is counted on; the Cortex-M4's is the one its cycle model was fitted on."""


@dataclass(frozen=True)
class Row:
    """A kernel on a layer. ``weights`` and ``code`` in bytes; cycles are None where no model estimates them."""

    kernel: str
    layer: str
    macs: int
    instructions: int
    cycles: int | None
    weights: int
    code: int

    @property
    def per_mac(self) -> float | None:
        """Instructions for a multiply-accumulate."""
        return self.instructions / self.macs if self.macs else None


@dataclass(frozen=True)
class Bench:
    """What was counted on ``board``; ``error`` says in words how far the cycles may be off."""

    core: str
    board: str
    toolchain: str
    error: str
    rows: tuple[Row, ...]

    def json(self) -> dict[str, Any]:
        """What ``bench kernels --json`` prints."""
        return {
            "core": self.core, "board": self.board, "toolchain": self.toolchain,
            "instructions_how": "emulated", "cycles_how": "estimated", "cycles_error": self.error,
            "rows": [
                {
                    "kernel": r.kernel, "layer": r.layer, "macs": r.macs, "instructions": r.instructions,
                    "instructions_per_mac": None if r.per_mac is None else round(r.per_mac, 4), "cycles": r.cycles,
                    "weights": r.weights, "code": r.code,
                }
                for r in self.rows
            ],
        }  # fmt: skip


def board_of(core: str) -> Board:
    """The board a core is counted on; ``core`` with or without "cortex-".

    Raises:
        UsageError: the bench knows no such core.
    """
    for name in (core, f"cortex-{core}"):
        if name in BOARDS:
            return board_files.load(BOARDS[name])
    raise UsageError(Problem("the bench knows no such core", found=f"'{core}'", allowed=", ".join(BOARDS)))


def items_of(graphs: Sequence[Graph], board: Board, *, bands: bool = False) -> list[Item]:
    """Every kernel that can run each of these single layers; with ``bands`` also those that only serve bands."""
    return [
        item(choice.kernel, graph, board.target)
        for graph in graphs
        for choice in candidates(graph.views()[0], board.target, {}, bands=bands)
    ]


def run(core: str, family: str, model: Graph | None, toolchain: str, progress: Progress) -> Bench:
    """Count the kernels of a family (empty: all) over the bench's layers and those of ``model``.

    Raises:
        UsageError: there is no such core or family.
        EdgekitError: whatever ``count.count`` raises.
    """
    board = board_of(core)
    graphs = layers.grid(_known(family))
    if model is not None:
        graphs += [g for g in layers.of_model(model) if not family or family == g.nodes[0].op.FAMILY]
    items = items_of(graphs, board, bands=True)
    counted = count.count(items, board, toolchain, progress)
    return _bench(board, toolchain, counted, count.code(items, board, toolchain, progress))


def _known(family: str) -> str:
    return known_word("family of kernels", family, sorted({k.family for k in catalogue()})) if family else ""


def _bench(board: Board, toolchain: str, counted: Sequence[Counted], code: dict[str, tuple[Code, ...]]) -> Bench:
    model = for_target(board.target)
    rows = [
        Row(
            kernel=c.item.kernel.name,
            layer=c.item.graph.name,
            macs=c.item.layer.macs,
            instructions=c.instructions,
            cycles=c.cycles,
            weights=c.item.plan.weight_bytes,
            code=code[c.item.kernel.name][0].total,
        )
        for c in counted
    ]
    return Bench(board.target.core, board.name, toolchain, model.error if model else "", tuple(rows))


def write(core: str, progress: Progress, toolchain: str = "zig", family: str = "") -> Path:
    """Make the cost table of a core anew, or the lines of one family, and put it where the planner reads it."""
    board = board_of(core)
    items = items_of(layers.grid(_known(family)), board, bands=True)
    counted = count.count(items, board, toolchain, progress)
    made = fit.table(board.target.core, toolchain, counted, count.code(items, board, toolchain, progress))
    before = costs.table(board.target.core)
    if family and before is not None:
        made = replace(made, kernels={**before.kernels, **made.kernels})
    costs.TABLES.mkdir(exist_ok=True)
    path = costs.TABLES / f"{board.target.core}.json"
    path.write_text(made.to_json(), encoding="utf-8")
    costs.table.cache_clear()
    return path
