"""The command explain: why a model becomes the firmware that it becomes."""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType

import edgekit
from edgekit import board as board_files
from edgekit import report
from edgekit.commands.catalogue import kernel_json
from edgekit.commands.common import (
    BoardName,
    Json,
    OptimizeFor,
    Toolchain,
    ToolchainName,
    emit,
    model_json,
    working,
)
from edgekit.errors import MissingToolError, Problem, UsageError, known_word, nearest
from edgekit.files import write_whole
from edgekit.passes.removed import removed
from edgekit.plan import costs, reasons
from edgekit.plan.kernels import Kernel, catalogue
from edgekit.plan.make import front
from edgekit.plan.plan import Plan
from edgekit.plan.reasons import Offer
from edgekit.plan.search import Way
from edgekit.plan.select import Objective
from edgekit.reports.arena import arena
from edgekit.reports.svg import document
from edgekit.results import Build

DEFAULT_BOARD = "nucleo-l4r5zi"
SVG_WIDTH = 940


class Topic(StrEnum):
    """What explain can explain."""

    LAYER = "layer"
    KERNEL = "kernel"
    CHANNELS = "channels"
    MEMORY = "memory"
    SIZE = "size"
    STACK = "stack"


@dataclass(frozen=True)
class _Question:
    """What was asked: the words of the command line."""

    subject: str
    name: str
    board: str
    toolchain: str
    objective: Objective
    svg: Path | None = None

    def plan(self) -> Plan:
        """The plan of the model."""
        graph = edgekit.optimise(edgekit.load(Path(self.subject)))
        with self.planning():
            return edgekit.make_plan(graph, self.board, optimize=self.objective.value)

    @contextmanager
    def planning(self) -> Generator[None]:
        """Says that the planner is at work."""
        with working() as progress:
            progress(f"planning for {self.board}")
            yield

    def build(self) -> Build:
        """The image of the model, in edgekit's cache."""
        model, chosen = Path(self.subject), self.objective.value
        with working() as progress:
            return edgekit.build(model, self.board, toolchain=self.toolchain, optimize=chosen, progress=progress)

    def offers(self, model: str) -> tuple[tuple[Offer, ...], ...]:
        """Per layer of a model what could run it."""
        graph = edgekit.optimise(edgekit.load(Path(model)))
        with working() as progress:
            progress("weighing the kernels of every layer")
            return reasons.offers(graph, board_files.load(self.board).target, self.objective)


Answer = tuple[dict[str, Any], RenderableType]
"""For ``--json`` and for people."""


def explain(
    topic: Annotated[Topic, typer.Argument(metavar="TOPIC", help="What to explain.", show_default=False)],
    subject: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|KERNEL", help="A .tflite file; for `kernel` a kernel's name.", show_default=False
        ),
    ],
    name: Annotated[
        str,
        typer.Argument(
            metavar="LAYER|MODEL",
            help="For `layer`: its name or number. For `kernel`: a .tflite file, for its layers.",
            show_default=False,
        ),
    ] = "",
    board: BoardName = DEFAULT_BOARD,
    *,
    toolchain: ToolchainName = Toolchain.ZIG,
    optimize: OptimizeFor = Objective.BALANCED,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="For `memory`: write the drawing to this file too.")
    ] = None,
    json: Json = False,
) -> None:
    """Explain a layer and its kernel, removed channels, the arena over time, where bytes go, the deepest stack.

    Examples: edgekit explain memory model.tflite --svg arena.svg · edgekit explain layer model.tflite conv1 ·
    edgekit explain kernel conv_2d_s8_scalar model.tflite · edgekit explain channels model.tflite
    """
    if svg is not None and topic is not Topic.MEMORY:
        raise UsageError(Problem("only the arena over time is drawn", "--svg", topic.value, Topic.MEMORY.value))
    if name and topic not in (Topic.LAYER, Topic.KERNEL):
        hint = f"explain the whole model: edgekit explain {topic.value} {subject}"
        raise UsageError(Problem("this topic takes a model and nothing behind it", topic.value, f"'{name}'", hint=hint))
    question = _Question(subject, name, board, toolchain.value, optimize, svg)
    tree, shown = _TOPICS[topic](question)
    emit(tree, shown, as_json=json)


def _kernel(asked: _Question) -> Answer:
    by_name = {k.name: k for k in catalogue()}
    chosen = by_name[known_word("kernel", asked.subject, tuple(by_name), listed_by="edgekit kernels")]
    tables = {t.core: t.kernels[chosen.name] for t in costs.tables() if chosen.name in t.kernels}
    tree = kernel_json(chosen) | {"costs": {core: asdict(line) for core, line in tables.items()}}
    if not asked.name:
        return tree, report.kernel(chosen, tables)
    rows = _where_it_fits(asked, chosen)
    tree["layers"] = [{"layer": layer, "candidates": [o.json() for o in row]} for layer, row in rows]
    return tree, report.kernel_in_model(chosen, rows)


def _where_it_fits(asked: _Question, chosen: Kernel) -> list[tuple[str, tuple[Offer, ...]]]:
    """The layers of the model that the kernel could run."""
    names = [layer.name for layer in replace(asked, subject=asked.name).plan().layers]
    offered = zip(names, asked.offers(asked.name), strict=True)
    return [(name, row) for name, row in offered if chosen.name in {o.kernel for o in row}]


def _channels(asked: _Question) -> Answer:
    graph = edgekit.load(Path(asked.subject))
    found = removed(graph)
    return asdict(found) | {"model": model_json(graph)}, report.channels(found)


def _stack(asked: _Question) -> Answer:
    built = asked.build()
    whole = built.json()
    return {"model": whole["model"], "board": whole["board"], **whole["stack"]}, report.stack(built)


def _memory(asked: _Question) -> Answer:
    plan = asked.plan()
    if asked.svg is not None:
        write_whole(asked.svg, document(arena(plan, SVG_WIDTH)).encode())
    graph, target = edgekit.optimise(edgekit.load(Path(asked.subject))), board_files.load(asked.board).target
    with working() as progress:
        progress("looking for ways with less RAM")
        found, instructions = front(graph, target)
    kept = _part(plan, "title", "arena_bytes", "lower_bound", "slots", "steps")
    shown = Group(report.ArenaOverTime(plan), report.ways(found, instructions))
    return kept | {"ways": [_way(w, instructions) for w in found]}, shown


def _way(way: Way, instructions: int) -> dict[str, Any]:
    return {
        "arena_bytes": way.bytes, "lower_bound": way.lower_bound, "extra_instructions": way.extra,
        "instructions": instructions + way.extra, "instructions_how": "estimated", "steps": len(way.steps),
        "bands": [{"first": s.first, "last": s.last - 1, "rows": list(s.rows)} for s in way.segments],
    }  # fmt: skip


def _size(asked: _Question) -> Answer:
    built, reason = None, ""
    plan = asked.plan()
    try:
        built = asked.build()
    except MissingToolError as error:
        reason = str(error.problems[0])
    tree = _part(plan, "title", "arena_bytes", "constants", "layers") | {"board": asked.board}
    if built is not None:
        tree |= built.sizes.json()
        tree |= {"code": [p.json() for p in built.code_parts], "static": [p.json() for p in built.static_parts]}
    return tree, report.sizes(plan, asked.board, built, reason)


def _layer(asked: _Question) -> Answer:
    plan = asked.plan()
    index = _layer_index(plan, asked.name)
    offered = asked.offers(asked.subject)[index]
    tree = json_module.loads(plan.to_json())["layers"][index] | {"candidates": [o.json() for o in offered]}
    return tree, report.layer(plan, index, offered)


def _part(plan: Plan, *names: str) -> dict[str, Any]:
    tree = json_module.loads(plan.to_json())
    return {k: tree[k] for k in names}


def _layer_index(plan: Plan, name: str) -> int:
    names = [layer.name for layer in plan.layers]
    if name.isdecimal() and int(name) < len(names):
        return int(name)
    if name in names:
        return names.index(name)
    what = "there is no such layer" if name else "which layer?"
    allowed = f"0 to {len(names) - 1}, or one of {', '.join(names)}"
    hint = nearest(name, names) if name else "Name it behind the model: edgekit explain layer MODEL 0"
    raise UsageError(Problem(what, found=f"'{name}'" if name else "no name", allowed=allowed, hint=hint))


_TOPICS: dict[Topic, Callable[[_Question], Answer]] = {
    Topic.LAYER: _layer,
    Topic.KERNEL: _kernel,
    Topic.CHANNELS: _channels,
    Topic.MEMORY: _memory,
    Topic.SIZE: _size,
    Topic.STACK: _stack,
}
