"""The stages of a recipe, one after the other, each kept on disk when it is whole.

A stage's folder is named by a hash of all it came from: model, data, settings, seed and the stages before it. It gets
its name when every byte of it is written, so a run that was killed goes on behind the last whole stage.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import __version__, verbs
from edgekit.board import Board
from edgekit.compress import Options, backend, channels, prune, qat, quantize, training
from edgekit.compress.distill import Distillation
from edgekit.compress.recipe import Channels, Distill, Int8, Recipe, Settings, Weights, budget, choice, sparsity
from edgekit.compressing.data import Data
from edgekit.errors import ModelError, Problem, UserError
from edgekit.execution import Progress
from edgekit.files import write_whole
from edgekit.frontends import keras as frontend
from edgekit.ir import batch
from edgekit.ir.graph import Array, Graph
from edgekit.samples import quantise
from edgekit.scoring import Accuracy, score

_Extra = dict[str, str]


@dataclass(frozen=True)
class Stage:
    """A stage's end: where its files lie, whether they were there already, and what it reached.

    ``nonzero`` counts the parameters that are not zero. Accuracy is that of the float model, of the int8 graph in the
    last stage.
    """

    name: str
    folder: Path | None
    reused: bool
    parameters: int
    nonzero: int
    accuracy: Accuracy

    def json(self) -> dict[str, Any]:
        """As part of the result."""
        folder = str(self.folder) if self.folder else None
        return {**dataclasses.asdict(self), "folder": folder, "accuracy": self.accuracy.json()}


@dataclass(frozen=True)
class Step:
    """A stage that trains, before it is run."""

    name: str
    settings: Settings
    folder: Path

    @property
    def done(self) -> bool:
        """Whether it is there with every byte it was written with."""
        try:
            sums = json.loads((self.folder / "stage.json").read_text(encoding="utf-8"))
            return all(hashlib.sha256((self.folder / n).read_bytes()).hexdigest() == s for n, s in sums.items())
        except (OSError, ValueError, AttributeError):
            return False

    def json(self) -> dict[str, Any]:
        """As part of a dry run."""
        return {"name": self.name, "settings": dataclasses.asdict(self.settings), "folder": str(self.folder),
                "done": self.done}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Work:
    """What is compressed, with what, for which board, where."""

    model: Any
    sha256: str
    recipe: Recipe
    data: Data
    board: Board
    out: Path
    progress: Progress
    distillation: Distillation | None

    def steps(self) -> list[Step]:
        """The stages that train, in their order."""
        recipe = self.recipe
        key = f"{self.sha256} {self.data.sha256} {__version__} {recipe.seed} {_teacher_key(recipe)}"
        wanted: list[tuple[str, Settings | None]] = [
            ("channels", recipe.channels), ("weights", recipe.weights), ("distill", recipe.distill),
            ("int8", recipe.int8 if recipe.int8.how == "qat" else None),
        ]  # fmt: skip
        found: list[Step] = []
        for name, settings in wanted:
            if settings is None:
                continue
            said = json.dumps(dataclasses.asdict(settings), sort_keys=True)
            where = self.board.name if isinstance(settings, Channels) and settings.target else ""
            key = hashlib.sha256(f"{key} {name} {said} {where}".encode()).hexdigest()
            found.append(Step(name, settings, self.out / "stages" / f"{len(found) + 1}-{name}-{key[:12]}"))
        return found

    def cook(self) -> tuple[list[Stage], Graph]:
        """All stages, the model as it came first, and the int8 graph of the last."""
        stages = [self._reached("float, as given", self.model, None, reused=False)]
        model, limits = self.model, None
        for step in self.steps():
            reused = step.done
            self.progress(f"{step.name}: " + ("taken from disk" if reused else "training"), 0, 0)
            if not reused:
                _keep(step, *self._work(step, model))
            model = backend.load().models.load_model(step.folder / "model.keras", compile=False)
            if isinstance(step.settings, Int8):
                read = json.loads((step.folder / "ranges.json").read_text(encoding="utf-8"))
                limits = {n: (float(low), float(high)) for n, (low, high) in read.items()}
            stages.append(self._reached(step.name, model, step.folder, reused=reused))
        self.progress("int8: rounding", 0, 0)
        if limits is None:
            graph = int8(model, self.data, Options(self.recipe.int8.calibrator))
            last = dataclasses.replace(stages[-1], folder=None, reused=False)
        else:
            graph = qat.exported(model, self.data.few[0], limits)
            last = stages.pop()
        stages.append(
            dataclasses.replace(last, name=f"int8 ({self.recipe.int8.how})", accuracy=judged(graph, self.data))
        )
        return stages, graph

    def _reached(self, name: str, model: Any, folder: Path | None, *, reused: bool) -> Stage:
        answers = training.answers(model, self.data.test_x)
        accuracy = score(self.data.test_y.tolist(), answers.tolist())
        left, whole = prune.density(model)
        parameters = int(model.count_params())
        return Stage(name, folder, reused, parameters, parameters - whole + left, accuracy)

    def _work(self, step: Step, model: Any) -> tuple[Any, _Extra]:
        settings = step.settings
        if isinstance(settings, Channels):
            made = self._channels(model, settings)
        elif isinstance(settings, Weights):
            made = self._weights(model, settings)
        elif isinstance(settings, Distill):
            made = self._distill(model, settings)
        else:
            made = self._rounding(model, settings)
        if not all(np.isfinite(w).all() for w in made[0].get_weights()):
            hint = "take a lower rate in the recipe"
            raise ModelError(Problem("training went astray: weights are not finite", f"stage {step.name}", hint=hint))
        return made

    def _fit(self, name: str, settings: Settings, model: Any, *callbacks: Any) -> None:
        chosen = budget(settings, self.recipe.seed)
        training.fit(model, self.data.x, self.data.y, chosen, distillation=self.distillation,
                     callbacks=[*callbacks, self._told(name, chosen.epochs)])  # fmt: skip

    def _told(self, name: str, epochs: int) -> Any:
        return training.epochs_told(lambda done: self.progress(f"{name}: epochs", done, epochs))

    def _channels(self, model: Any, stage: Channels) -> tuple[Any, _Extra]:
        x, y = self.data.few
        if stage.target:
            small = channels.shrink_to(model, self._cost(stage.target), stage.limit, choice(stage), samples=x, labels=y)
        else:
            small = channels.shrink(model, choice(stage), x, y)
        self._fit("channels", stage, small.model)
        kept = {"before": dict(small.before), "after": dict(small.after)}
        return small.model, {"channels.json": json.dumps(kept, indent=2)}

    def _cost(self, target: str) -> Callable[[Any], float]:
        """What a limit is on, of any model: planned for the board, nothing compiled."""

        def planned(model: Any) -> float:
            plan = verbs.make_plan(verbs.optimise(int8(model, self.data, Options())), self.board)
            return float(plan.arena_bytes if target == "ram" else plan.weight_bytes)

        return (lambda m: float(m.count_params())) if target == "parameters" else planned

    def _weights(self, model: Any, stage: Weights) -> tuple[Any, _Extra]:
        steps = stage.epochs * -(-len(self.data.x) // stage.batch)
        self._fit("weights", stage, model, prune.pruner(model, sparsity(stage), steps))
        return model, {}

    def _distill(self, model: Any, stage: Distill) -> tuple[Any, _Extra]:
        self._fit("distill", stage, model, prune.pruner(model, None, 1))
        return model, {}

    def _rounding(self, model: Any, stage: Int8) -> tuple[Any, _Extra]:
        chosen = budget(stage, self.recipe.seed)
        done = qat.train(model, self.data.x, self.data.y, chosen, distillation=self.distillation,
                         callbacks=[self._told("int8", chosen.epochs)], ranges=stage.ranges)  # fmt: skip
        return done.model, {"ranges.json": json.dumps(dict(done.limits), indent=2)}


def loaded(path: Path) -> Any:
    """The Keras model of a file, known to be one that firmware can be made of."""
    frontend.read(path)  # all layers that edgekit does not have are named before anything is trained
    return backend.load().models.load_model(path, compile=False)


def teaching(recipe: Recipe, model: Any) -> Distillation | None:
    """The recipe's teacher, seen to fit the model; None if there is none."""
    if not recipe.teacher:
        return None
    if recipe.teacher == "self":
        teacher = backend.load().models.clone_model(model)
        teacher.set_weights(model.get_weights())
    else:
        teacher = loaded(Path(recipe.teacher))
    made = Distillation(teacher, recipe.alpha, recipe.temperature)
    made.check(model)
    return made


def _teacher_key(recipe: Recipe) -> str:
    if not recipe.teacher:
        return ""
    who = recipe.teacher
    if who != "self":
        who = hashlib.sha256(Path(who).read_bytes()).hexdigest()
    return f"{who} {recipe.alpha} {recipe.temperature}"


def int8(model: Any, data: Data, options: Options) -> Graph:
    """The int8 graph of a Keras model with ranges from training samples."""
    return quantize(frontend.read(model), [data.few[0]], options)


def judged(graph: Graph, data: Data) -> Accuracy:
    """The accuracy of an int8 graph on the test samples: the very bytes that the firmware answers with."""
    return score(data.test_y.tolist(), answers(graph, data).tolist())


def answers(graph: Graph, data: Data) -> Array:
    """The class an int8 graph names for each test sample."""
    given = quantise(data.test_x, graph.tensors[graph.inputs[0]])
    return batch.outputs(graph, [given])[0].reshape(len(given), -1).argmax(axis=-1)


def _keep(step: Step, made: Any, extra: _Extra) -> None:
    """Write a stage beside its place, then give it its name."""
    part = step.folder.with_name(step.folder.name + ".part")
    with on_disk(step.folder):
        try:
            shutil.rmtree(part, ignore_errors=True)
            shutil.rmtree(step.folder, ignore_errors=True)
            part.mkdir(parents=True)
            made.save(part / "model.keras")
            for file, text in extra.items():
                write_whole(part / file, text.encode())
            sums = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(part.iterdir())}
            write_whole(part / "stage.json", json.dumps(sums, indent=2).encode())
            part.rename(step.folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)


@contextmanager
def on_disk(where: Path) -> Generator[None]:
    """What goes wrong in writing becomes one clear error."""
    try:
        yield
    except OSError as error:
        hint = "make room and run the same command again: finished stages are kept"
        why = error.strerror or str(error)
        raise UserError(Problem(f"it cannot be written: {why}", str(where), hint=hint)) from error
