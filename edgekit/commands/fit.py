"""The command fit: one table of all boards, before anything is built or bought."""

from __future__ import annotations

from typing import Annotated

import typer

import edgekit
from edgekit import board as board_files
from edgekit import fits, passes, report
from edgekit.commands.common import Json, Model, emit, model_json, working


def fit(
    model: Model,
    board: Annotated[
        str, typer.Option("--board", "-b", metavar="BOARD", help="Only this board; exit code 1 if it does not fit.")
    ] = "",
    json: Json = False,
) -> None:
    """Show for every board whether a model fits, what is short by how much, and which option makes it fit.

    RAM is the planned arena and the board's stack reserve, flash the packed weights and an estimate of the code.

    Examples: edgekit fit model.tflite · edgekit fit model.tflite --board nucleo-f446re --json
    """
    boards = [board_files.load(name) for name in ((board,) if board else board_files.names())]
    with working() as progress:
        graph = edgekit.load(model)
        optimised = passes.optimise(graph, "")
        found: list[fits.Answer] = []
        stage = f"planning for {boards[0].name}" if board else "planning for every board"
        progress(stage, 0, len(boards))
        for answer in fits.answers(optimised, boards):
            found.append(answer)
            progress(stage, len(found), len(boards))
    tree = {"model": model_json(graph), "boards": [a.json() for a in found]}
    emit(tree, report.fits(graph.name, found), as_json=json)
    if board and not found[0].best.fits:
        raise typer.Exit(1)
