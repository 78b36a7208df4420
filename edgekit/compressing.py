"""A recipe cooked: a float Keras model becomes a small int8 one, and both are built, verified and profiled on a board.

Every stage's result lies in a folder of its own, named by a hash of all it came from: model, data, settings and the
stages before it. It gets its name when it is whole, so a run that was killed goes on behind the last whole stage.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import __version__, sample_files, verbs
from edgekit.compress import Options, backend, channels, prune, qat, quantize, training
from edgekit.compress.distill import Distillation
from edgekit.compress.recipe import Channels, Int8, Recipe, Weights, budget, choice, sparsity
from edgekit.errors import DataError, Problem
from edgekit.execution import Progress, silent
from edgekit.frontends import keras as frontend
from edgekit.frontends import tflite_writer
from edgekit.frontends.keras.walk import functional
from edgekit.ir import batch
from edgekit.ir.graph import Array, Graph
from edgekit.results import Profile
from edgekit.samples import Samples
from edgekit.scoring import Accuracy, score

CALIBRATION = 500
ON_BOARD = 3
"""Samples of which every layer's bytes are compared on the board."""
_TEST_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Data:
    """Labelled float samples in two parts: trained on, judged by. ``note`` says how they were parted."""

    x: Array
    y: Array
    test_x: Array
    test_y: Array
    sha256: str
    note: str


@dataclass(frozen=True)
class Stage:
    """A stage's end: where its files lie, whether they were there already, and what it reached."""

    name: str
    folder: Path
    reused: bool
    parameters: int
    nonzero: int
    accuracy: Accuracy


@dataclass(frozen=True, eq=False)
class Compression:
    """Before, stage by stage, after."""

    board: str
    note: str
    stages: tuple[Stage, ...]
    before: Profile
    after: Profile
    before_accuracy: Accuracy
    after_accuracy: Accuracy
    model: Path

    def json(self) -> dict[str, Any]:
        """For other tools."""
        stages = [
            {"name": s.name, "folder": str(s.folder), "reused": s.reused, "parameters": s.parameters,
             "nonzero": s.nonzero, "accuracy": s.accuracy.json()} for s in self.stages
        ]  # fmt: skip
        sides = {"before": (self.before, self.before_accuracy), "after": (self.after, self.after_accuracy)}
        return {
            "edgekit": __version__, "kind": "compression", "board": self.board, "data": self.note, "stages": stages,
            "model": str(self.model), **{k: {"accuracy": a.json(), "profile": p.json()} for k, (p, a) in sides.items()},
        }  # fmt: skip


def read_data(path: Path, seed: int) -> Data:
    """``inputs`` and ``labels`` of a .npz, with ``test_inputs`` and ``test_labels`` or a fifth of them for these.

    Raises:
        DataError: everything that is missing or damaged.
    """
    arrays = sample_files.read(path)
    missing = [n for n in ("inputs", "labels") if n not in arrays]
    if ("test_inputs" in arrays) != ("test_labels" in arrays):
        missing.append("test_labels" if "test_inputs" in arrays else "test_inputs")
    if missing:
        hint = "write it with numpy.savez(file, inputs=..., labels=..., test_inputs=..., test_labels=...)"
        raise DataError(*(Problem(f"there is no array '{n}'", str(path), hint=hint) for n in missing))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    x, y = arrays["inputs"].astype(np.float32), arrays["labels"].reshape(-1)
    if len(x) != len(y):
        raise DataError(Problem("there is not one label a sample", str(path), str(len(y)), str(len(x))))
    if "test_inputs" in arrays:
        test_x, test_y = arrays["test_inputs"].astype(np.float32), arrays["test_labels"].reshape(-1)
        return Data(x, y, test_x, test_y, sha256, f"{len(x):,} to train, {len(test_x):,} of the file's own to judge")
    order = np.random.default_rng(seed).permutation(len(x))
    cut = max(1, int(len(x) * _TEST_SHARE))
    rest, judged = np.sort(order[cut:]), np.sort(order[:cut])
    note = f"{len(rest):,} to train, {cut:,} taken out at random to judge"
    return Data(x[rest], y[rest], x[judged], y[judged], sha256, note)


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

    Raises:
        UserError: model, data, recipe or target are at fault.
        ToolError: Keras or a compiler is missing or fails.
    """
    progress("reading model and data", 0, 0)
    float_model, given = _loaded(model), read_data(data, recipe.seed)
    training.check(float_model, given.x, given.y)
    training.check(float_model, given.test_x, given.test_y)
    kitchen = _Kitchen(float_model, model, recipe, given, board, out, progress)
    stages, graph = kitchen.cook()
    before = _int8(float_model, given, Options())
    made: dict[str, tuple[Profile, Accuracy]] = {}
    for name, small in (("before", before), ("after", graph)):
        path = out / ("model.tflite" if name == "after" else "before.tflite")
        path.write_bytes(tflite_writer.write(small))
        few = _as_samples(small, given)
        profile = verbs.profile(path, board, few, toolchain=toolchain, progress=_under(progress, name))
        made[name] = (profile, _judged(small, given))
    found = Compression(board, given.note, tuple(stages), made["before"][0], made["after"][0], made["before"][1],
                        made["after"][1], out / "model.tflite")  # fmt: skip
    (out / "compression.json").write_text(json.dumps(found.json(), indent=2) + "\n", encoding="utf-8")
    return found


def _under(progress: Progress, name: str) -> Progress:
    return lambda stage, done, whole: progress(f"{name}: {stage}", done, whole)


def _loaded(path: Path) -> Any:
    """The Keras model of a file, known to be one that firmware can be made of."""
    frontend.read(path)  # all layers that edgekit does not have are named before anything is trained
    return backend.load().models.load_model(path, compile=False)


def _int8(model: Any, data: Data, options: Options) -> Graph:
    return quantize(frontend.read(model), [data.x[:CALIBRATION]], options)


def _quantised(graph: Graph, x: Array) -> Array:
    tensor = graph.tensors[graph.inputs[0]]
    return (
        np.clip(np.rint(x / tensor.scale) + tensor.zero_point, -128, 127).astype(np.int8).reshape(-1, *tensor.shape[1:])
    )


def _judged(graph: Graph, data: Data) -> Accuracy:
    answers = batch.outputs(graph, [_quantised(graph, data.test_x)])[0].reshape(len(data.test_x), -1).argmax(axis=-1)
    return score(data.test_y.tolist(), answers.tolist())


def _as_samples(graph: Graph, data: Data) -> Samples:
    few = _quantised(graph, data.test_x[:ON_BOARD])
    return Samples(tuple((x[np.newaxis],) for x in few), "the first of the test samples",
                   tuple(int(v) for v in data.test_y[:ON_BOARD]))  # fmt: skip


class _Kitchen:
    """One recipe with its things; stages one after the other, those that are done already taken from disk."""

    def __init__(
        self, model: Any, path: Path, recipe: Recipe, data: Data, board: str, out: Path, progress: Progress
    ) -> None:
        self.model, self.recipe, self.data, self.board, self.out = model, recipe, data, board, out
        self.progress = progress
        self.key = hashlib.sha256(path.read_bytes()).hexdigest() + data.sha256 + __version__
        self.distillation = self._distillation()
        self.stages: list[Stage] = []

    def _distillation(self) -> Distillation | None:
        recipe = self.recipe
        if not recipe.teacher:
            return None
        name = recipe.teacher
        if name == "self":
            teacher = backend.load().models.clone_model(self.model)
            teacher.set_weights(self.model.get_weights())
        else:
            teacher = _loaded(Path(name))
            self.key += hashlib.sha256(Path(name).read_bytes()).hexdigest()
        made = Distillation(teacher, recipe.alpha, recipe.temperature)
        made.check(self.model)
        self.key += f"{recipe.teacher} {recipe.alpha} {recipe.temperature}"
        return made

    def cook(self) -> tuple[list[Stage], Graph]:
        """All stages, and the int8 graph of the last."""
        recipe = self.recipe
        functional(self.model)
        model = self.model
        if recipe.channels is not None:
            stage = recipe.channels
            model = self.stage("channels", stage, model, lambda m: self.channels(m, stage))
        if recipe.weights is not None:
            model = self.stage("weights", recipe.weights, model, lambda m: self.weights(m, recipe.weights or Weights()))
        if recipe.int8.how == "ptq":
            return self.stages, _int8(model, self.data, Options(recipe.int8.calibrator))
        tuned = self.stage("int8", recipe.int8, model, lambda m: self.rounding(m, recipe.int8))
        ranges = json.loads((self.stages[-1].folder / "ranges.json").read_text(encoding="utf-8"))
        limits = {n: (float(r[0]), float(r[1])) for n, r in ranges.items()}
        return self.stages, qat.exported(tuned, self.data.x[:CALIBRATION], limits)

    def stage(self, name: str, settings: Channels | Weights | Int8, model: Any, work: Callable[[Any], Any]) -> Any:
        """The model after a stage, from disk if it is there."""
        keras = backend.load()
        said = json.dumps(dataclasses.asdict(settings), sort_keys=True)
        where = self.board if isinstance(settings, Channels) and settings.target else ""
        self.key = hashlib.sha256(f"{self.key} {name} {said} {self.recipe.seed} {where}".encode()).hexdigest()
        folder = self.out / "stages" / f"{len(self.stages) + 1}-{name}-{self.key[:12]}"
        reused = _whole(folder)
        self.progress(f"{name}: " + ("taken from disk" if reused else "training"), 0, 0)
        if not reused:
            part = folder.with_name(folder.name + ".part")
            shutil.rmtree(part, ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)
            part.mkdir(parents=True)
            made, extra = work(model)
            made.save(part / "model.keras")
            for file, text in extra.items():
                (part / file).write_text(text, encoding="utf-8")
            sums = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(part.iterdir())}
            (part / "stage.json").write_text(json.dumps(sums, indent=2), encoding="utf-8")
            part.rename(folder)
        after = keras.models.load_model(folder / "model.keras", compile=False)
        right = training.answers(after, self.data.test_x)
        accuracy = score(self.data.test_y.tolist(), right.tolist())
        self.stages.append(Stage(name, folder, reused, after.count_params(), _nonzero(after), accuracy))
        return after

    def budget(self, name: str, settings: Channels | Weights | Int8) -> tuple[Any, Any]:
        chosen = budget(settings, self.recipe.seed)
        return chosen, training.epochs_told(lambda done: self.progress(f"{name}: epochs", done, chosen.epochs))

    def channels(self, model: Any, stage: Channels) -> tuple[Any, dict[str, str]]:
        x, y = self.data.x[:CALIBRATION], self.data.y[:CALIBRATION]
        if stage.target:
            small = channels.shrink_to(model, self.cost(stage.target), stage.limit, choice(stage), samples=x, labels=y)
        else:
            small = channels.shrink(model, choice(stage), x, y)
        chosen, told = self.budget("channels", stage)
        training.fit(small.model, self.data.x, self.data.y, chosen, distillation=self.distillation, callbacks=[told])
        kept = {"before": dict(small.before), "after": dict(small.after)}
        return small.model, {"channels.json": json.dumps(kept, indent=2)}

    def cost(self, target: str) -> Callable[[Any], float]:
        """What a limit is on, of any model: planned for the board, nothing compiled."""

        def planned(model: Any) -> float:
            plan = verbs.make_plan(verbs.optimise(_int8(model, self.data, Options())), self.board)
            return float(plan.arena_bytes if target == "ram" else plan.weight_bytes)

        return (lambda m: float(m.count_params())) if target == "parameters" else planned

    def weights(self, model: Any, stage: Weights) -> tuple[Any, dict[str, str]]:
        chosen, told = self.budget("weights", stage)
        steps = stage.epochs * -(-len(self.data.x) // stage.batch)
        pruner = prune.pruner(model, sparsity(stage), steps)
        training.fit(model, self.data.x, self.data.y, chosen, distillation=self.distillation, callbacks=[pruner, told])
        return model, {}

    def rounding(self, model: Any, stage: Int8) -> tuple[Any, dict[str, str]]:
        chosen, told = self.budget("int8", stage)
        done = qat.train(model, self.data.x, self.data.y, chosen, distillation=self.distillation, callbacks=[told],
                         ranges=stage.ranges)  # fmt: skip
        return done.model, {"ranges.json": json.dumps(done.limits, indent=2)}


def _nonzero(model: Any) -> int:
    left, whole = prune.density(model)
    return int(model.count_params()) - whole + left


def _whole(folder: Path) -> bool:
    """Whether a stage is there with every byte it was written with."""
    try:
        sums = json.loads((folder / "stage.json").read_text(encoding="utf-8"))
        return all(hashlib.sha256((folder / n).read_bytes()).hexdigest() == s for n, s in sums.items())
    except (OSError, ValueError, AttributeError):
        return False
