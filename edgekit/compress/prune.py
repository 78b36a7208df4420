# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false
"""Weights of a Keras model become zero and stay so while it is trained on.

Filters are looked at in the order kernels read them, one output at a time, its input channels innermost. Depthwise
filters, biases and batch norms are left alone: they are small, and no kernel gains by zeros in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.compress import backend
from edgekit.errors import Problem, UnsupportedError, UsageError, known_word
from edgekit.ir.graph import Array

FORMS = ("single", "n:m", "block")
SCOPES = ("layer", "global")
_PRUNED = frozenset({"Dense", "Conv1D", "Conv2D"})


@dataclass(frozen=True)
class Sparsity:
    """Which weights go.

    ``single``: the smallest, so that a share of ``sparsity`` is zero, in every layer or over the whole model
    (``scope``), or all below ``threshold``. ``n:m``: all but the ``n`` largest of every ``m`` neighbours along the
    input channels; layers whose input channels ``m`` does not divide stay as they are. ``block``: runs of ``block``
    neighbours along the input channels (the last one of a row may be shorter), those of the smallest mean first.
    """

    form: str = "single"
    sparsity: float = 0.5
    threshold: float = 0.0
    scope: str = "layer"
    n: int = 2
    m: int = 4
    block: int = 4

    def __post_init__(self) -> None:
        known_word("form", self.form, FORMS)
        known_word("scope", self.scope, SCOPES)
        if not 0 <= self.sparsity < 1:
            raise UsageError(Problem("so many weights cannot go", "sparsity", str(self.sparsity), "[0, 1)"))
        if not 0 < self.n <= self.m or self.block < 1 or not self.threshold >= 0:
            found = f"{self.n}:{self.m}, blocks of {self.block}, threshold {self.threshold}"
            raise UsageError(Problem("such a pattern cannot be", "sparsity", found, "0 < n <= m, block >= 1, >= 0"))


@dataclass(frozen=True)
class Schedule:
    """When weights go: from the share ``begin`` of all steps to ``end``, ever slower, every ``every`` steps.

    s(t) = s_final + (s_initial - s_final) (1 - t)^3 (Zhu, Gupta 2017, arXiv:1710.01878).
    """

    begin: float = 0.0
    end: float = 0.6
    every: int = 20

    def share(self, done: float) -> float:
        """How much of the wanted sparsity is due after ``done`` (0 to 1) of all steps."""
        if self.end <= self.begin:
            return float(done >= self.begin)
        t = min(max((done - self.begin) / (self.end - self.begin), 0.0), 1.0)
        return 1 - (1 - t) ** 3


Masks = Mapping[str, Array]
"""By the path of a variable, what of it stays."""


def masks(model: Any, wanted: Sparsity, share: float = 1.0) -> dict[str, Array]:
    """What stays of every filter when ``share`` of ``wanted.sparsity`` is reached; n:m and thresholds know no share.

    Raises:
        UnsupportedError: no layer of the model can be pruned so.
    """
    filters = {layer.kernel.path: _rows(np.asarray(layer.kernel)) for layer in _layers(model, wanted)}
    if not filters:
        hint = f"{wanted.n}:{wanted.m} needs input channels that {wanted.m} divides" if wanted.form == "n:m" else ""
        raise UnsupportedError(Problem("no layer of it can be pruned so", f"model '{model.name}'", hint=hint))
    if wanted.form == "n:m":
        kept = {path: _best_of(rows, wanted.n, wanted.m) for path, rows in filters.items()}
    elif wanted.form == "single" and wanted.threshold > 0:
        kept = {path: np.abs(rows) >= wanted.threshold for path, rows in filters.items()}
    else:
        width = wanted.block if wanted.form == "block" else 1
        kept = _largest({p: _runs(r, width) for p, r in filters.items()}, wanted.sparsity * share, wanted.scope)
        kept = {p: np.repeat(k, width, axis=-1)[..., : filters[p].shape[-1]] for p, k in kept.items()}
    return {path: np.moveaxis(kept[path], 0, -1) for path in filters}


def _layers(model: Any, wanted: Sparsity) -> list[Any]:
    found = [w for w in model._flatten_layers(include_self=False) if type(w).__name__ in _PRUNED]  # noqa: SLF001
    if wanted.form == "n:m":
        found = [w for w in found if w.kernel.shape[-2] % wanted.m == 0]
    return found


def _rows(kernel: Array) -> Array:
    """A filter (..., inputs, outputs) as kernels read it: (outputs, ..., inputs)."""
    return np.moveaxis(kernel, -1, 0)


def _runs(rows: Array, width: int) -> Array:
    """Mean absolute value of every run of ``width`` along the last axis."""
    spare = -rows.shape[-1] % width
    padded = np.pad(np.abs(rows).astype(np.float64), [*[(0, 0)] * (rows.ndim - 1), (0, spare)])
    sums = padded.reshape(*rows.shape[:-1], -1, width).sum(axis=-1)
    counts = np.full(sums.shape[-1], width)
    counts[-1] -= spare
    return sums / counts


def _best_of(rows: Array, n: int, m: int) -> Array:
    grouped = np.abs(rows).reshape(*rows.shape[:-1], -1, m)
    place = np.argsort(np.argsort(-grouped, axis=-1, kind="stable"), axis=-1, kind="stable")
    return (place < n).reshape(rows.shape)


def _largest(scores: Mapping[str, Array], sparsity: float, scope: str) -> dict[str, Array]:
    """Where scores are above the share ``sparsity`` of the smallest; ties go in order."""
    if scope == "global":
        flat = np.concatenate([s.reshape(-1) for s in scores.values()])
        kept = _above(flat, sparsity)
        ends = np.cumsum([s.size for s in scores.values()])[:-1]
        parts = np.split(kept, ends)
        return {p: k.reshape(s.shape) for (p, s), k in zip(scores.items(), parts, strict=True)}
    return {p: _above(s.reshape(-1), sparsity).reshape(s.shape) for p, s in scores.items()}


def _above(values: Array, sparsity: float) -> Array:
    kept = np.ones(len(values), bool)
    kept[np.argsort(values, kind="stable")[: int(sparsity * len(values) + 0.5)]] = False
    return kept


def apply(model: Any, kept: Masks) -> None:
    """Set to zero what does not stay."""
    for variable in model.weights:
        if variable.path in kept:
            variable.assign(np.asarray(variable) * kept[variable.path])


def zeros(model: Any) -> Masks:
    """Masks that keep the zeros a model has: to hold them through further training."""
    layers = _layers(model, Sparsity())
    return {w.kernel.path: np.asarray(w.kernel) != 0 for w in layers}


def density(model: Any) -> tuple[int, int]:
    """Weights of layers that can be pruned that are not zero, and all of them."""
    kernels = [np.asarray(w.kernel) for w in _layers(model, Sparsity())]
    return sum(int(np.count_nonzero(k)) for k in kernels), sum(k.size for k in kernels)


def pruner(model: Any, wanted: Sparsity | None, steps: int, schedule: Schedule | None = None) -> Any:
    """A Keras callback that prunes ``model`` over ``steps`` of training and holds the zeros.

    Without ``wanted`` it holds the zeros the model has at the start.
    """
    keras = backend.load()

    plan = schedule or Schedule()

    class Pruner(keras.callbacks.Callback):
        """Masks after every step; new ones while the schedule runs."""

        def __init__(self) -> None:
            super().__init__()
            self.step = 0
            self.kept: list[tuple[Any, Any]] = []

        def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002  (Keras' own signature)
            self.set(zeros(model) if wanted is None else masks(model, wanted, plan.share(0.0)))
            self.hold()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002  (Keras' own signature)
            self.step += 1
            done, before = self.step / steps, (self.step - 1) / steps
            growing = before < plan.end and plan.begin <= done
            if wanted is not None and growing and (self.step % plan.every == 0 or done >= plan.end):
                self.set(masks(model, wanted, plan.share(done)))
            self.hold()

        def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002  (Keras' own signature)
            if wanted is not None:
                self.set(masks(model, wanted))  # the schedule may end between two steps
            self.hold()

        def set(self, kept: Masks) -> None:
            variables = {v.path: v for v in model.weights}
            self.kept = [(variables[p], keras.ops.convert_to_tensor(k.astype(np.float32))) for p, k in kept.items()]

        def hold(self) -> None:
            for variable, mask in self.kept:
                variable.assign(variable.value * mask)

    return Pruner()
