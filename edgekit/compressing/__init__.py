"""A recipe cooked: a float Keras model becomes a small int8 one; both are built, verified and profiled on a board."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import __version__, verbs
from edgekit import board as boards
from edgekit.compress import Options, backend
from edgekit.compress.recipe import Recipe
from edgekit.compressing import data as labelled
from edgekit.compressing.data import Data
from edgekit.compressing.stages import Stage, Step, Work, answers, int8, judged, loaded, on_disk, teaching
from edgekit.errors import EdgekitError, Problem
from edgekit.execution import Progress, silent
from edgekit.files import write_whole
from edgekit.frontends import tflite_writer
from edgekit.frontends.keras.walk import functional
from edgekit.ir.graph import Graph
from edgekit.quantizing import Drop, paired
from edgekit.results import Profile
from edgekit.samples import Samples, quantise
from edgekit.scoring import Accuracy

ON_BOARD = 3
"""Test samples of which every layer's bytes are compared on the board."""


@dataclass(frozen=True, eq=False)
class Side:
    """One end of a compression: an int8 model, how often it is right, and what it costs on the board."""

    path: Path
    parameters: int
    accuracy: Accuracy
    profile: Profile

    def json(self) -> dict[str, Any]:
        """As part of the result."""
        return {"model": str(self.path), "parameters": self.parameters, "accuracy": self.accuracy.json(),
                "profile": self.profile.json()}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Compression:
    """Before, stage by stage, after. ``drop`` is the accuracy lost on the same test samples."""

    board: str
    note: str
    stages: tuple[Stage, ...]
    before: Side
    after: Side
    drop: Drop

    def json(self) -> dict[str, Any]:
        """For other tools."""
        drop = {"share": self.drop.share, "low": self.drop.low, "high": self.drop.high}
        return {
            "edgekit": __version__, "kind": "compression", "board": self.board, "data": self.note,
            "stages": [s.json() for s in self.stages], "before": self.before.json(), "after": self.after.json(),
            "drop": drop,
        }  # fmt: skip


@dataclass(frozen=True)
class Intended:
    """What a compression would do."""

    board: str
    note: str
    steps: tuple[Step, ...]
    out: Path

    def json(self) -> dict[str, Any]:
        """For other tools."""
        return {"edgekit": __version__, "kind": "compression-intended", "board": self.board, "data": self.note,
                "steps": [s.json() for s in self.steps], "out": str(self.out)}  # fmt: skip


def intended(model: Path, recipe: Recipe, data: Path, board: str, out: Path) -> Intended:
    """Check everything as ``run`` does, and say which stages it would train; nothing is written.

    Raises:
        UserError: as ``run`` does before it trains.
    """
    work = prepared(model, recipe, data, board, out)
    return Intended(work.board.name, work.data.note, tuple(work.steps()), out)


def run(
    model: Path,
    recipe: Recipe,
    data: Path,
    board: str,
    out: Path,
    *,
    toolchain: str = "zig",
    progress: Progress = silent,
) -> Compression:
    """Cook ``recipe``; results lie in ``out``, the int8 model as ``model.tflite`` in it.

    The model as it came is built and profiled first, so that what is wrong with board or tools is known before
    anything is trained. A run that was killed goes on with the same call.

    Raises:
        UserError: model, data, recipe or target are at fault, or the disk is full.
        ToolError: Keras or a compiler is missing or fails.
    """
    progress("reading model and data", 0, 0)
    work = prepared(model, recipe, data, board, out, progress=progress)
    with on_disk(out):
        out.mkdir(parents=True, exist_ok=True)
    plain = int8(work.model, work.data, Options())
    before = _side(work, plain, "before", work.model.count_params(), toolchain)
    stages, small = work.cook()
    after = _side(work, small, "model", stages[-1].parameters, toolchain)
    truth = work.data.test_y
    drop = paired(answers(plain, work.data) == truth, answers(small, work.data) == truth)
    found = Compression(work.board.name, work.data.note, tuple(stages), before, after, drop)
    write_whole(out / "compression.json", (json.dumps(found.json(), indent=2) + "\n").encode())
    return found


def prepared(path: Path, recipe: Recipe, data: Path, board: str, out: Path, *, progress: Progress = silent) -> Work:
    """Everything read and held against everything else; all that is wrong with data and teacher at once."""
    where = boards.load(board)
    backend.deterministic()
    model = loaded(path)
    functional(model)
    wrong: list[EdgekitError] = []
    given, distillation = None, None
    try:
        given = labelled.read(data, recipe.seed)
        labelled.check(model, given, str(data))
    except EdgekitError as error:
        wrong.append(error)
    try:
        distillation = teaching(recipe, model)
    except EdgekitError as error:
        wrong.append(error)
    if wrong or given is None:
        problems: list[Problem] = [p for error in wrong for p in error.problems]
        raise type(wrong[0])(*problems)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Work(model, sha256, recipe, given, where, out, progress, distillation)


def _side(work: Work, graph: Graph, name: str, parameters: int, toolchain: str) -> Side:
    def told(stage: str, done: int, whole: int) -> None:
        work.progress(f"{name}: {stage}", done, whole)

    path = work.out / f"{name}.tflite"
    write_whole(path, tflite_writer.write(graph))
    profile = verbs.profile(path, work.board, _few(graph, work.data), toolchain=toolchain, progress=told)
    return Side(path, int(parameters), judged(graph, work.data), profile)


def _few(graph: Graph, data: Data) -> Samples:
    """The first test samples, as the board is given them."""
    few = quantise(data.test_x[:ON_BOARD], graph.tensors[graph.inputs[0]])
    labels = tuple(int(v) for v in data.test_y[:ON_BOARD])
    return Samples(tuple((x[np.newaxis],) for x in few), "the first of the test samples", labels)
