"""What a compression does, in which order: read strictly from one TOML file.

::

    seed = 1                      # of everything random
    teacher = "self"              # all training also follows the model as it came, or a .keras file; "" for none
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

    [distill]                     # training with a teacher and nothing else: of a small model, or after the others
    epochs = 20

    [int8]                        # always the last; ptq if the table is absent
    how = "qat"                   # rounding is trained; or "ptq": ranges from samples only
    epochs = 5
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

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
class Distill:
    """The stage that trains with the teacher and changes nothing else; zeros stay zeros."""

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
    distill: Distill | None = None
    int8: Int8 = field(default_factory=Int8)


Settings = Channels | Weights | Distill | Int8

_TABLES: Mapping[str, type[Settings]] = {"channels": Channels, "weights": Weights, "distill": Distill, "int8": Int8}
_WORDS: Mapping[str, tuple[str, ...]] = {
    "channels.criterion": CRITERIA, "channels.scope": SCOPES, "channels.target": TARGETS, "weights.form": FORMS,
    "weights.scope": ("layer", "global"), "int8.how": ("ptq", "qat"), "int8.calibrator": CALIBRATORS,
    "int8.ranges": RANGES,
}  # fmt: skip
_KINDS: Mapping[type[Any], str] = {int: "a whole number", float: "a number", str: "a text in quotes"}


def read(path: Path) -> Recipe:
    """The recipe in a file; the teacher's file is looked for beside it.

    Raises:
        UsageError: it cannot be read, or everything in it that is not known or not allowed.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(Problem(f"the recipe cannot be read: {error}", str(path))) from error
    return parse(tree, path.name, path.parent)


def parse(tree: Mapping[str, Any], source: str = "recipe", folder: Path = Path()) -> Recipe:
    """The recipe in a tree of tables, as ``read`` does."""
    wrong: list[Problem] = []
    plain = {k: v for k, v in tree.items() if k not in _TABLES}
    made = _filled(Recipe, plain, "", source, wrong)
    for name, kind in _TABLES.items():
        if name in tree and not isinstance(tree[name], dict):
            wrong.append(Problem("it is a table", f"{source}, {name}", repr(tree[name]), f"[{name}]"))
        elif name in tree:
            made[name] = kind(**_filled(kind, tree[name], f"{name}.", source, wrong))
    if made.get("teacher", "") not in {"", "self"}:
        made["teacher"] = _teacher(made["teacher"], source, folder, wrong)
    recipe = Recipe(**made)
    wrong += _problems(recipe, source)
    if wrong:
        raise UsageError(*wrong)
    return recipe


def _teacher(name: str, source: str, folder: Path, wrong: list[Problem]) -> str:
    path = folder / name
    if not path.is_file():
        hint = nearest(name, ["self"]) or "its path is seen from the recipe"
        wrong.append(Problem("there is no such file", f"{source}, teacher", f"'{name}'", "self, a .keras file", hint))
    return str(path)


def _filled(kind: Any, tree: Mapping[str, Any], prefix: str, source: str, wrong: list[Problem]) -> dict[str, Any]:
    """The values of ``tree`` that fit the fields of ``kind``; the others go to ``wrong``."""
    defaults: dict[str, Any] = {f.name: f.default for f in dataclasses.fields(kind) if prefix or f.name not in _TABLES}
    known = [*defaults, *(() if prefix else _TABLES)]
    made: dict[str, Any] = {}
    for key, value in tree.items():
        where = f"{source}, {prefix}{key}"
        if key not in defaults:
            hint = nearest(key, known)
            wrong.append(Problem("there is no such key", where, allowed=", ".join(known), hint=hint))
            continue
        wanted = cast("type[Any]", type(defaults[key]))
        words = _WORDS.get(f"{prefix}{key}", ())
        if isinstance(value, bool) or not isinstance(value, (int, float) if wanted is float else wanted):
            wrong.append(Problem("it is of another kind", where, repr(value), _KINDS[wanted]))
        elif wanted is float and not math.isfinite(value):
            wrong.append(Problem("it is no number", where, repr(value)))
        elif words and value not in words:
            allowed = ", ".join(w for w in words if w)
            hint = nearest(str(cast("object", value)), words)
            wrong.append(Problem("there is no such word", where, repr(value), allowed, hint))
        else:
            made[key] = wanted(value)
    return made


def _problems(recipe: Recipe, source: str) -> list[Problem]:
    """All numbers that make no sense, found before anything is trained."""
    wrong: list[Problem] = []
    if not 0 <= recipe.alpha <= 1 or not recipe.temperature > 0:
        found = f"alpha {recipe.alpha}, temperature {recipe.temperature}"
        wrong.append(Problem("nothing can be distilled so", source, found, "alpha 0 to 1, temperature above 0"))
    if not 0 <= recipe.seed < 1 << 32:
        wrong.append(Problem("it is no seed", f"{source}, seed", str(recipe.seed), "0 to 4294967295"))
    c, w, d = recipe.channels, recipe.weights, recipe.distill
    if d is not None and not recipe.teacher:
        wrong.append(Problem("nobody teaches", f"{source}, distill", hint='name a teacher: "self" or a .keras file'))
    if c is not None and bool(c.target) != bool(c.limit > 0):
        hint = "give both or neither"
        wrong.append(
            Problem("target and limit go together", f"{source}, channels", f"'{c.target}' and {c.limit}", hint=hint)
        )
    named = {"channels": c, "weights": w, "distill": d, "int8": recipe.int8}
    tried: list[tuple[str, Callable[[], object]]] = [
        (name, lambda s=s: budget(s, recipe.seed)) for name, s in named.items() if s is not None
    ]
    tried += [("channels", lambda: choice(c))] if c is not None else []
    tried += [("weights", lambda: sparsity(w))] if w is not None else []
    for name, attempt in tried:
        try:
            attempt()
        except UsageError as error:
            wrong.extend(dataclasses.replace(p, where=f"{source}, {name}") for p in error.problems)
    return wrong


def choice(stage: Channels) -> Choice:
    """How the stage chooses channels."""
    return Choice(stage.ratio, stage.criterion, stage.scope, stage.multiple)


def sparsity(stage: Weights) -> Sparsity:
    """Which weights the stage makes zero."""
    return Sparsity(stage.form, stage.sparsity, stage.threshold, stage.scope, stage.n, stage.m, stage.block)


def budget(stage: Settings, seed: int) -> Budget:
    """How long the stage trains."""
    return Budget(stage.epochs, stage.rate, stage.batch, seed)
