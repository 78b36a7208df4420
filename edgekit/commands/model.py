"""Commands that look at a model and need no board: analyze, dump."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

import edgekit
from edgekit import passes, report
from edgekit.commands.common import Json, Model, OptimizeFor, emit, model_json, working
from edgekit.errors import known_word
from edgekit.ir import dump as graph_text
from edgekit.ir.graph import Graph
from edgekit.plan.select import Objective


def analyze(
    model: Model,
    board: Annotated[
        str, typer.Option("--board", "-b", metavar="BOARD", help="Only this board; kernels are chosen for it.")
    ] = "",
    optimize: OptimizeFor = Objective.BALANCED,
    json: Json = False,
) -> None:
    """Show a model's layers, MACs, weights and arena, and which boards it fits; or all that is not supported.

    Example: edgekit analyze model.tflite --board nucleo-l4r5zi
    """
    with working() as progress:
        found = edgekit.analyze(model, board or None, optimize=optimize.value, progress=progress)
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
    read = edgekit.load(model)
    graph = edgekit.optimise(read, after=known_word("pass", after, passes_in_order()) if after else None)
    shown, last = graph_text.dump(graph), after or passes_in_order()[-1]
    emit(
        {"model": model_json(read), "after": last, "text": shown, "names": _shortened(graph)},
        Group(Text(shown.rstrip(), no_wrap=True, overflow="ignore")),  # lines stay whole, to be searched and compared
        as_json=json,
    )


def _shortened(graph: Graph) -> dict[str, str]:
    """Names of the dump that are not those of the file, with the file's."""
    return {short: name for name, short in graph_text.short_names(graph).items() if short != name}


def passes_in_order() -> tuple[str, ...]:
    """What --after takes."""
    return (edgekit.AS_READ, *passes.PASSES)
