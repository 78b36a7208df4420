"""What a compression does, in which order: read strictly from one TOML file.

::

    seed = 1                      # of everything random
    teacher = "self"              # fine-tuning also follows the model as it came, or a .keras file; "" for none
    alpha = 0.5                   # the teacher's share of the loss
    temperature = 4.0

    [channels]                    # channels leave for good; see edgekit.compress.channels
    ratio = 0.5                   # or: target = "parameters" | "weights" | "ram", with limit = 12000
    criterion = "l2"
    epochs = 20

    [weights]                     # weights become zero; see edgekit.compress.prune
    form = "block"
    sparsity = 0.75
    epochs = 20

    [int8]                        # always the last; ptq if the table is absent
    how = "qat"                   # rounding is trained; or "ptq": ranges from samples only
    epochs = 5
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgekit.compress.calibrate import CALIBRATORS
from edgekit.compress.channels import CRITERIA, SCOPES, Choice
from edgekit.compress.prune import FORMS, Sparsity
from edgekit.compress.qat import RANGES
from edgekit.compress.training import Budget
from edgekit.errors import Problem, UsageError, nearest

TARGETS = ("", "parameters", "weights", "ram")
"""What a limit is on: parameters of the Keras model; on the board bytes of constants in flash, or of the arena."""


@dataclass(frozen=True)
class Channels:
    """The stage that removes channels: ``ratio`` of them, or as few as bring ``target`` under ``limit``."""

    ratio: float = 0.5
    criterion: str = "l2"
    scope: str = "layer"
    multiple: int = 1
    target: str = ""
    limit: int = 0
    epochs: int = 10
    rate: float = 1e-3
    batch: int = 64


@dataclass(frozen=True)
class Weights:
    """The stage that makes weights zero while it trains."""

    form: str = "single"
    sparsity: float = 0.5
    threshold: float = 0.0
    scope: str = "layer"
    n: int = 2
    m: int = 4
    block: int = 4
    epochs: int = 10
    rate: float = 1e-3
    batch: int = 64


@dataclass(frozen=True)
class Int8:
    """The stage that ends in an int8 model."""

    how: str = "ptq"
    calibrator: str = "minmax"
    ranges: str = "learned"
    epochs: int = 5
    rate: float = 2e-4
    batch: int = 64


@dataclass(frozen=True)
class Recipe:
    """All stages; those that are None are left out."""

    seed: int = 1
    teacher: str = ""
    alpha: float = 0.5
    temperature: float = 4.0
    channels: Channels | None = None
    weights: Weights | None = None
    int8: Int8 = field(default_factory=Int8)


_TABLES: Mapping[str, type[Channels | Weights | Int8]] = {"channels": Channels, "weights": Weights, "int8": Int8}
_WORDS: Mapping[str, tuple[str, ...]] = {
    "channels.criterion": CRITERIA, "channels.scope": SCOPES, "channels.target": TARGETS, "weights.form": FORMS,
    "weights.scope": ("layer", "global"), "int8.how": ("ptq", "qat"), "int8.calibrator": CALIBRATORS,
    "int8.ranges": RANGES,
}  # fmt: skip


def read(path: Path) -> Recipe:
    """The recipe in a file.

    Raises:
        UsageError: it cannot be read, or everything in it that is not known or not allowed.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(Problem(f"the recipe cannot be read: {error}", str(path))) from error
    return parse(tree, path.name)


def parse(tree: Mapping[str, Any], source: str = "recipe") -> Recipe:
    """The recipe in a tree of tables, as ``read`` does."""
    wrong: list[Problem] = []
    plain = {k: v for k, v in tree.items() if k not in _TABLES}
    made = _filled(Recipe, plain, "", source, wrong)
    for name, kind in _TABLES.items():
        if name in tree and not isinstance(tree[name], dict):
            wrong.append(Problem("it is a table", f"{source}, {name}", repr(tree[name]), f"[{name}]"))
        elif name in tree:
            made[name] = kind(**_filled(kind, tree[name], f"{name}.", source, wrong))
    if wrong:
        raise UsageError(*wrong)
    recipe = Recipe(**made)
    _check(recipe, source)
    return recipe


def _filled(kind: Any, tree: Mapping[str, Any], prefix: str, source: str, wrong: list[Problem]) -> dict[str, Any]:
    """The values of ``tree`` that fit the fields of ``kind``; the others go to ``wrong``."""
    defaults = {f.name: f.default for f in dataclasses.fields(kind) if f"{prefix}{f.name}" not in _TABLES}
    made: dict[str, Any] = {}
    for key, value in tree.items():
        where = f"{source}, {prefix}{key}"
        if key not in defaults:
            wrong.append(
                Problem("there is no such key", where, allowed=", ".join(defaults), hint=nearest(key, defaults))
            )
            continue
        wanted: type = type(defaults[key])
        fits = isinstance(value, (int, float) if wanted is float else wanted) and not isinstance(value, bool)
        words = _WORDS.get(f"{prefix}{key}", ())
        if not fits:
            wrong.append(Problem("it is of another kind", where, repr(value), wanted.__name__))
        elif words and value not in words:
            allowed = ", ".join(w for w in words if w)
            wrong.append(Problem("there is no such word", where, repr(value), allowed, nearest(value, words)))
        else:
            made[key] = wanted(value)
    return made


def _check(recipe: Recipe, source: str) -> None:
    """Raise UsageError with all numbers that make no sense, before anything is trained."""
    wrong: list[Problem] = []
    if not 0 <= recipe.alpha <= 1 or not recipe.temperature > 0:
        found = f"alpha {recipe.alpha}, temperature {recipe.temperature}"
        wrong.append(Problem("nothing can be distilled so", source, found, "alpha 0 to 1, temperature above 0"))
    c, w = recipe.channels, recipe.weights
    if c is not None and bool(c.target) != bool(c.limit > 0):
        wrong.append(Problem("target and limit go together", f"{source}, channels", f"'{c.target}' and {c.limit}"))
    tried: list[Any] = [lambda s=s: Budget(s.epochs, s.rate, s.batch) for s in (c, w, recipe.int8) if s is not None]
    tried += [lambda: choice(c)] if c is not None else []
    tried += [lambda: sparsity(w)] if w is not None else []
    for attempt in tried:
        try:
            attempt()
        except UsageError as error:
            wrong.extend(error.problems)
    if wrong:
        raise UsageError(*wrong)


def choice(stage: Channels) -> Choice:
    """How the stage chooses channels."""
    return Choice(stage.ratio, stage.criterion, stage.scope, stage.multiple)


def sparsity(stage: Weights) -> Sparsity:
    """Which weights the stage makes zero."""
    return Sparsity(stage.form, stage.sparsity, stage.threshold, stage.scope, stage.n, stage.m, stage.block)


def budget(stage: Channels | Weights | Int8, seed: int) -> Budget:
    """How long the stage trains."""
    return Budget(stage.epochs, stage.rate, stage.batch, seed)
