"""Commands that look at a model and need no board: analyze, dump, explain."""

from __future__ import annotations

import json as json_module
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

import edgekit
from edgekit import analysis, passes, report
from edgekit.board import load as load_board
from edgekit.commands.catalogue import kernel_json
from edgekit.commands.common import BoardName, Json, Model, OptimizeFor, emit, working
from edgekit.errors import Problem, UsageError, known_word
from edgekit.files import write_whole
from edgekit.ir import dump as graph_text
from edgekit.plan.kernels import catalogue
from edgekit.plan.make import front
from edgekit.plan.plan import Plan
from edgekit.plan.search import Way
from edgekit.plan.select import Objective
from edgekit.reports.arena import arena
from edgekit.reports.svg import document

DEFAULT_BOARD = "nucleo-l4r5zi"
SVG_WIDTH = 940


def analyze(
    model: Model,
    board: Annotated[
        str, typer.Option("--board", "-b", metavar="BOARD", help="Only this board; kernels are chosen for it.")
    ] = "",
    json: Json = False,
) -> None:
    """Show a model's layers, MACs, weights and arena, and which boards it fits; or all that is not supported.

    Example: edgekit analyze model.tflite --board nucleo-l4r5zi
    """
    found = edgekit.analyze(model, board or None)
    emit(found.json(), report.analysis(found), as_json=json)


def dump(
    model: Model,
    after: Annotated[
        str, typer.Option("--after", metavar="PASS", help="Stop after this pass; `read`: as the file has it.")
    ] = "",
    json: Json = False,
) -> None:
    """Print the graph as text, after all passes or after one of them.

    Example: edgekit dump model.tflite --after read
    """
    graph = edgekit.optimise(edgekit.load(model), after=known_word("pass", after, passes_in_order()) if after else None)
    shown = graph_text.dump(graph)
    emit(
        {"model": graph.name, "after": after or passes_in_order()[-1], "text": shown},
        Text(shown.rstrip()),
        as_json=json,
    )


def passes_in_order() -> tuple[str, ...]:
    """What --after takes."""
    return (edgekit.AS_READ, *passes.PASSES)


class Topic(StrEnum):
    """What explain can explain."""

    LAYER = "layer"
    KERNEL = "kernel"
    MEMORY = "memory"
    SIZE = "size"
    STACK = "stack"


def explain(
    topic: Annotated[Topic, typer.Argument(help="What to explain.", show_default=False)],
    subject: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|KERNEL", help="A .tflite file; for `kernel` a kernel's name.", show_default=False
        ),
    ],
    name: Annotated[
        str, typer.Argument(metavar="[LAYER]", help="For `layer`: its name or number.", show_default=False)
    ] = "",
    *,
    board: BoardName = DEFAULT_BOARD,
    optimize: OptimizeFor = Objective.BALANCED,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="For `memory`: write the drawing to this file too.")
    ] = None,
    json: Json = False,
) -> None:
    """Explain a layer, a kernel, the arena over time, where the bytes go, or the deepest stack.

    Examples: edgekit explain memory model.tflite --svg arena.svg · edgekit explain layer model.tflite conv1 ·
    edgekit explain kernel conv_2d_s8_scalar · edgekit explain size model.tflite · edgekit explain stack model.tflite
    """
    if svg is not None and topic is not Topic.MEMORY:
        raise UsageError(Problem("only the arena over time is drawn", "--svg", topic.value, Topic.MEMORY.value))
    if topic is Topic.KERNEL:
        by_name = {k.name: k for k in catalogue()}
        chosen = by_name[known_word("kernel", subject, tuple(by_name))]
        emit(kernel_json(chosen), report.kernel(chosen), as_json=json)
        return
    if topic is Topic.STACK:
        with working() as progress:
            built = edgekit.build(Path(subject), board, progress=progress)
        emit(built.json()["stack"], report.stack(built), as_json=json)
        return
    plan = _plan(Path(subject), board, optimize)
    tree = json_module.loads(plan.to_json())
    if topic is Topic.MEMORY:
        if svg is not None:
            write_whole(svg, document(arena(plan, SVG_WIDTH)).encode())
        found, instructions = front(edgekit.optimise(edgekit.load(Path(subject))), load_board(board).target)
        kept = {k: tree[k] for k in ("title", "arena_bytes", "lower_bound", "slots", "steps")}
        shown = Group(report.ArenaOverTime(plan), report.ways(found, instructions))
        emit({**kept, "ways": [_way(w, instructions) for w in found]}, shown, as_json=json)
    elif topic is Topic.SIZE:
        emit({k: tree[k] for k in ("title", "arena_bytes", "constants", "layers")}, report.sizes(plan), as_json=json)
    else:
        index = _layer_index(plan, name)
        emit(tree["layers"][index], report.layer(plan, index), as_json=json)


def _way(way: Way, instructions: int) -> dict[str, Any]:
    return {
        "arena_bytes": way.bytes, "lower_bound": way.lower_bound, "extra_instructions": way.extra,
        "instructions": instructions + way.extra, "instructions_how": "estimated", "steps": len(way.steps),
        "bands": [{"first": s.first, "last": s.last - 1, "rows": list(s.rows)} for s in way.segments],
    }  # fmt: skip


def _plan(model: Path, board: str, optimize: Objective) -> Plan:
    graph = edgekit.optimise(edgekit.load(model))
    target = load_board(board).target
    analysis.check(graph, target)
    return edgekit.make_plan(graph, board, optimize=optimize.value)


def _layer_index(plan: Plan, name: str) -> int:
    names = [layer.name for layer in plan.layers]
    if name.isdecimal() and int(name) < len(names):
        return int(name)
    if not name:
        raise UsageError(
            Problem("which layer?", found="no name", allowed=f"0 to {len(names) - 1}, or one of {', '.join(names)}")
        )
    return names.index(known_word("layer", name, names))
