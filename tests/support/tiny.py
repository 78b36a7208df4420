"""A plan without layers and boards to build it for: what tests of the toolchain need and no more."""

from __future__ import annotations

from pathlib import Path

from edgekit import board
from edgekit.board import Board
from edgekit.plan.plan import Constant, Plan, Slot
from edgekit.toolchain import project
from edgekit.toolchain.project import Build

CONSTANT = Constant("tiny_table", "int32_t", 64, bytes(256), "table")


def plan(core: str, arena_bytes: int = 256, constants: tuple[Constant, ...] = ()) -> Plan:
    """A model of one input and one output that computes nothing."""
    slots = tuple(Slot(name, (1, 64), "int8", 64 * i, 1, 1, 1, 64, 0, 1, 0.5, 3) for i, name in enumerate("xy"))
    return Plan(
        model="tiny",
        title="tiny",
        sha256="0" * 64,
        core=core,
        isas=("scalar",),
        macs=0,
        arena_bytes=arena_bytes,
        arena_align=16,
        lower_bound=128,
        layers=(),
        steps=(),
        slots=slots,
        constants=constants,
        inputs=(0,),
        outputs=(1,),
    )


def build(target: Board | str, out: Path, toolchain: str = "zig", **changes: int) -> Build:
    """The tiny plan built for a board in folder ``out``."""
    on = board.load(target) if isinstance(target, str) else target
    made = project.write_project(plan(on.target.core, **changes), on, out, toolchain=toolchain)
    return project.build(made)
