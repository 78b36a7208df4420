"""What recipes keep of the accuracy on real data: the figures of docs/results/compression.json.

Every cell is one training; those that are done are kept in a folder, so that making all of them can be stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from support import trained
from support.datasets import Dataset

from edgekit import compressing
from edgekit.compress import Options, channels, training
from edgekit.compress.channels import Choice
from edgekit.compress.recipe import Channels, Distill, Int8, Recipe, Weights
from edgekit.compress.training import Budget
from edgekit.compressing import stages
from edgekit.compressing.data import Data
from edgekit.ir.graph import Graph

BOARD = "nucleo-l4r5zi"
COPIES = 4
"""Augmented copies of the training samples that a file for the command holds; an epoch goes over all of them."""
EPOCHS = {"watch": 5, "digits": 3}
RATE = 3e-3
LIMIT = 12_000
ENOUGH = 0.1


def epochs_from_scratch(data: Dataset) -> int:
    """As many passes over the samples as the first training and the fine-tuning make together."""
    return round(trained.EPOCHS[data.name] / COPIES) + EPOCHS[data.name]


def recipes(data: Dataset, seed: int) -> dict[str, Recipe]:
    """What is measured, by name."""
    long = EPOCHS[data.name]
    plain = Recipe(seed=seed)
    taught = replace(plain, teacher="self")

    def sparse(share: float) -> Recipe:
        return replace(taught, weights=Weights(sparsity=share, scope="global", epochs=long, rate=RATE))

    def narrow(stage: Channels) -> Recipe:
        return replace(taught, channels=replace(stage, epochs=long, rate=RATE))

    best = narrow(Channels(target="weights", limit=LIMIT))
    return {
        "int8": plain,
        "channels 50": narrow(Channels(0.5)),
        "channels 75": narrow(Channels(0.75)),
        "under 12 KB": replace(best, int8=Int8("qat", epochs=1)),
        "magnitude 75": sparse(0.75),
        "magnitude 90": sparse(0.9),
    }


def written(data: Dataset, path: Path) -> None:
    """The file for the command: augmented training samples and the test samples."""
    from edgekit.demo import make

    generator = np.random.default_rng(5)
    parts: list[tuple[Any, Any]] = []
    for _ in range(COPIES):
        if data.name == "watch":
            fresh = make.augmented(make.Windows(data.train.x, data.train.y), generator)
            parts.append((fresh.x, fresh.y))
        else:
            parts.append(trained.shifted(data.train.x, data.train.y, generator))
    x, y = (np.concatenate(side) for side in zip(*parts, strict=True))
    np.savez(path, inputs=x, labels=y, test_inputs=data.test.x, test_labels=data.test.y)


class Bench:
    """All cells of one data set and seed; those whose figures are in ``folder`` are not made again."""

    def __init__(self, data: Dataset, seed: int, base: Path, folder: Path) -> None:
        self.data, self.seed, self.base, self.folder = data, seed, base, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "data.npz"
        if not self.file.exists():
            written(data, self.file)
        self.recipes = recipes(data, seed)

    def cells(self) -> dict[str, Callable[[], dict[str, Any]]]:
        """By name what makes each; what is compared with another comes behind it."""
        made: dict[str, Callable[[], dict[str, Any]]] = {n: (lambda n=n: self.cooked(n)) for n in self.recipes}
        made["student, distilled"] = lambda: self.cooked("student, distilled")
        made["student, from scratch"] = lambda: self.scratch("student, from scratch", self.student)
        for name in ("channels 50", "channels 75"):
            made[f"{name}, from scratch"] = lambda name=name: self.scratch(
                f"{name}, from scratch", lambda: self.shape(name)
            )
        return made

    def row(self, name: str) -> dict[str, Any]:
        """A cell's figures, made now if they are not there."""
        if not self.done(name):
            self._kept(name).write_text(json.dumps(self.cells()[name]()), encoding="utf-8")
        return json.loads(self._kept(name).read_text(encoding="utf-8"))

    def done(self, name: str) -> bool:
        """Whether a cell's figures are there."""
        return self._kept(name).exists()

    def _kept(self, name: str) -> Path:
        return self.folder / f"{name.replace(' ', '_').replace(',', '')}.json"

    def order(self, name: str) -> tuple[Path, Recipe, Path, str, Path]:
        """What the command is given for a recipe."""
        if name == "student, distilled":
            small = self.folder / "student.keras"
            if not small.exists():
                self.student().save(small)
            long = Distill(epochs_from_scratch(self.data), RATE)
            recipe = Recipe(self.seed, str(self.base), distill=long)
            return small, recipe, self.file, BOARD, self.folder / "out"
        return self.base, self.recipes[name], self.file, BOARD, self.folder / "out"

    def cooked(self, name: str) -> dict[str, Any]:
        work = compressing.prepared(*self.order(name))
        found, graph = work.cook()
        return self.figures(name, found[-1].parameters, found[-1].nonzero, graph, work.data)

    def student(self) -> Any:
        """The same kind of network with a tenth of the parameters, untrained."""
        import keras

        keras.utils.set_random_seed(self.seed)
        whole = keras.models.load_model(self.base, compile=False)
        limit = ENOUGH * whole.count_params()
        small = channels.shrink_to(whole, lambda m: float(m.count_params()), limit, Choice(0.5))
        return keras.models.clone_model(small.model)

    def shape(self, name: str) -> Any:
        """A pruned network's shape with fresh weights."""
        import keras

        keras.utils.set_random_seed(self.seed)
        whole = keras.models.load_model(self.base, compile=False)
        stage = self.recipes[name].channels
        assert stage is not None
        return keras.models.clone_model(channels.shrink(whole, Choice(stage.ratio)).model)

    def scratch(self, name: str, make: Callable[[], Any]) -> dict[str, Any]:
        given = compressing.labelled.read(self.file, self.seed)
        model = make()
        training.fit(model, given.x, given.y, Budget(epochs_from_scratch(self.data), RATE, 64, self.seed))
        parameters = int(model.count_params())
        return self.figures(name, parameters, parameters, stages.int8(model, given, Options()), given)

    def figures(self, name: str, parameters: int, nonzero: int, graph: Graph, data: Data) -> dict[str, Any]:
        from edgekit import verbs

        plan = verbs.make_plan(verbs.optimise(graph), BOARD)
        share = stages.judged(graph, data).share
        return {"set": self.data.name, "seed": self.seed, "what": name, "accuracy": round(100 * share, 2),
                "parameters": parameters, "nonzero": nonzero, "weight_bytes": plan.weight_bytes}  # fmt: skip

    def on_board(self, name: str) -> dict[str, Any]:
        """What the command says of a recipe on the emulated board, before and after."""
        found = compressing.run(*self.order(name))
        sides: dict[str, Any] = {}
        for side, of in (("before", found.before), ("after", found.after)):
            p = of.profile
            assert p.exact
            sides[side] = {"instructions": p.instructions, "cycles": p.cycles.value, "flash": p.sizes.flash,
                           "ram": p.sizes.ram, "macs": p.model.macs}  # fmt: skip
        return {"set": self.data.name, "seed": self.seed, "what": name, "board": BOARD, **sides}

    def real(self) -> dict[str, Any]:
        """The float network itself."""
        import keras

        model = keras.models.load_model(self.base, compile=False)
        share = training.accuracy(model, self.data.test.x, self.data.test.y)
        parameters = int(model.count_params())
        return {"set": self.data.name, "seed": self.seed, "what": "float", "accuracy": round(100 * share, 2),
                "parameters": parameters, "nonzero": parameters, "weight_bytes": 4 * parameters}  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """What a mean over seeds has to reach: that of ``against`` plus ``more`` points, or ``more`` if there is none."""

    data: str
    what: str
    more: float
    against: str = ""

    def json(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Held against the rows, by the seeds that both have: mean, spread (largest less smallest), whether it is met.

        ``met`` is None where nothing was measured.
        """
        own, other = ({r["seed"]: r["accuracy"] for r in rows if (r["set"], r["what"]) == (self.data, name)}
                      for name in (self.what, self.against))  # fmt: skip
        seeds = sorted(own if not self.against else own.keys() & other)
        mean = float(np.mean([own[s] for s in seeds])) if seeds else None
        base = float(np.mean([other[s] for s in seeds])) if seeds and self.against else 0.0
        wanted = f"{self.against} {self.more:+g}".strip() if self.against else f"{self.more:g}"
        spread = max(own[s] for s in seeds) - min(own[s] for s in seeds) if len(seeds) > 1 else None
        return {
            "set": self.data, "what": self.what, "wanted": wanted, "seeds": seeds, "mean": _rounded(mean),
            "spread": _rounded(spread), "against": _rounded(base) if seeds and self.against else None,
            "met": None if mean is None else mean >= base + self.more - 1e-9,
        }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


BARS = (
    *(Bar("watch", w, m, "float") for w, m in (("magnitude 75", -0.5), ("magnitude 90", -1.5), ("channels 50", -0.5),
                                               ("channels 75", -2.5))),
    *(Bar("digits", w, m, "float") for w, m in (("magnitude 75", -0.5), ("magnitude 90", -2.0), ("channels 50", -0.5),
                                                ("channels 75", -2.0), ("under 12 KB", -0.7))),
    Bar("watch", "under 12 KB", 86.0),
    *(Bar(s, w, 0.0, f"{w}, from scratch") for s in ("watch", "digits") for w in ("channels 50", "channels 75")),
    Bar("watch", "student, distilled", 1.0, "student, from scratch"),
    Bar("digits", "student, distilled", 0.5, "student, from scratch"),
)  # fmt: skip
