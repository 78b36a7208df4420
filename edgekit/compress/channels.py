# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false
"""Channels and neurons leave a Keras model for good: a smaller model comes out, batch norms kept for fine-tuning.

What is removed is chosen unit by unit (see ``channel_groups``), by one of ``CRITERIA``. The small model computes what
the large one would with those channels' weights, biases and batch norms at zero.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.compress import backend
from edgekit.compress.channel_groups import ALONG, IN, OUT, Part, Structure, structure
from edgekit.compress.training import ends_in_softmax
from edgekit.errors import DataError, Problem, UnsupportedError, UsageError, known_word
from edgekit.frontends.keras.walk import leaves, walk
from edgekit.ir.graph import Array

CRITERIA = ("l1", "l2", "batch_norm", "activation", "taylor")
"""Sum or root of squares of a unit's filters; its batch norm's scale; its mean absolute activation over samples; the
change of the loss that its filters' gradients foretell (squared, averaged over batches of samples with labels)."""

SCOPES = ("layer", "global")
_BATCH = 64
_TINY = 1e-12


@dataclass(frozen=True)
class Choice:
    """How units are chosen.

    ``ratio`` of the units of every group go (scope ``layer``), or of all units together (``global``). Groups keep a
    multiple of ``multiple`` units where they have as many, and never fewer than one.
    """

    ratio: float = 0.5
    criterion: str = "l2"
    scope: str = "layer"
    multiple: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.ratio < 1:
            raise UsageError(Problem("such a share of the channels cannot go", "ratio", str(self.ratio), "[0, 1)"))
        if self.multiple < 1:
            raise UsageError(Problem("channels come in whole numbers", "multiple", str(self.multiple), "1 or more"))
        known_word("criterion", self.criterion, CRITERIA)
        known_word("scope", self.scope, SCOPES)


@dataclass(frozen=True, eq=False)
class Shrunk:
    """The small model, and by group how many units it had and has."""

    model: Any
    removed: frozenset[int]
    before: Mapping[str, int]
    after: Mapping[str, int]


def shrink(model: Any, choice: Choice, samples: Array | None = None, labels: Array | None = None) -> Shrunk:
    """``model`` without the units that ``choice`` takes; the model given is not changed.

    Raises:
        UnsupportedError: no channel can be removed.
        UsageError: the criterion needs samples or labels that are not given.
        DataError: the samples are not finite.
    """
    found = _prunable(model)
    return taken(model, found, chosen(found, importance(model, found, choice.criterion, samples, labels), choice))


def shrink_to(
    model: Any,
    cost: Callable[[Any], float],
    limit: float,
    choice: Choice,
    *,
    samples: Array | None = None,
    labels: Array | None = None,
    tolerance: float = 0.01,
) -> Shrunk:
    """The largest model of ``choice``'s kind whose ``cost`` is at most ``limit``: parameters, bytes, cycles.

    The share is found by halving an interval until it is ``tolerance`` wide; ``choice.ratio`` is not read.

    Raises:
        UnsupportedError: even the smallest is above the limit; the best reached is named.
    """
    found = _prunable(model)
    scores = importance(model, found, choice.criterion, samples, labels)

    def at(ratio: float) -> Shrunk:
        turned = Choice(ratio, choice.criterion, choice.scope, choice.multiple)
        return taken(model, found, chosen(found, scores, turned))

    if cost(model) <= limit:
        return at(0.0)
    low, high, best = 0.0, 1 - 1e-9, at(1 - 1e-9)
    reached = cost(best.model)
    if reached > limit:
        hint = "take a smaller model, or one whose layers' channels depend less on each other"
        raise UnsupportedError(
            Problem("the target cannot be reached by removing channels", "", f"{reached:,.0f} at the least",
                    f"{limit:,.0f}", hint)
        )  # fmt: skip
    while high - low > tolerance:
        middle = (low + high) / 2
        candidate = at(middle)
        if cost(candidate.model) <= limit:
            high, best = middle, candidate
        else:
            low = middle
    return best


def _prunable(model: Any) -> Structure:
    found = structure(model)
    if not any(len(g.units) > 1 for g in found.groups):
        hint = "every channel is tied to an input, an output or a layer that edgekit cannot make smaller"
        raise UnsupportedError(Problem("no channel of it can be removed", f"model '{model.name}'", hint=hint))
    return found


def chosen(found: Structure, scores: Mapping[int, float], choice: Choice) -> frozenset[int]:
    """The units that go: the least important."""
    wanted = {g: math.floor(len(g.units) * choice.ratio + 0.5) for g in found.groups}
    if choice.scope == "global":
        units = sorted((u for g in found.groups for u in g.units), key=lambda u: (scores[u], u))
        low = set(units[: math.floor(len(units) * choice.ratio + 0.5)])
        wanted = {g: sum(u in low for u in g.units) for g in found.groups}
    removed: set[int] = set()
    for group, count in wanted.items():
        order = sorted(group.units, key=lambda u: (scores[u], u))
        removed.update(order[: len(order) - _rounded(len(order), len(order) - count, choice.multiple)])
    return frozenset(removed)


def _rounded(whole: int, keep: int, multiple: int) -> int:
    """How many of ``whole`` units stay if ``keep`` should: a multiple, at least one of it, at most all."""
    if multiple > 1:
        keep = max(multiple, round(keep / multiple) * multiple)
    return min(whole, max(1, keep))


def importance(
    model: Any, found: Structure, criterion: str, samples: Array | None = None, labels: Array | None = None
) -> dict[int, float]:
    """A score for every unit of every group; comparable within a group, and over the mean of 1 between groups."""
    known_word("criterion", criterion, CRITERIA)
    if criterion in {"activation", "taylor"}:
        _check(criterion, samples, labels)
    raw = np.zeros(len(found.root))
    if criterion in {"l1", "l2"}:
        _norms(found, raw, 1 if criterion == "l1" else 2)
    elif criterion == "batch_norm":
        _scales(found, raw)
    elif criterion == "activation":
        _activations(model, found, raw, samples)
    else:
        _taylor(model, found, raw, samples, labels)
    scores: dict[int, float] = {}
    for group in found.groups:
        values = raw[list(group.units)]
        scores |= dict(zip(group.units, (values / max(float(values.mean()), _TINY)).tolist(), strict=True))
    return scores


def _check(criterion: str, samples: Array | None, labels: Array | None) -> None:
    if samples is None or (criterion == "taylor" and labels is None):
        needs = "samples" if criterion == "activation" else "samples with labels"
        raise UsageError(Problem(f"the criterion {criterion} needs {needs}", hint="give them, or take l2"))
    if not np.isfinite(samples).all():
        raise DataError(Problem("the samples hold values that are not finite", "samples", "NaN or infinity"))


def _slices(part: Part) -> Array:
    """The weight with the part's axis first, the rest flat."""
    values = np.asarray(getattr(part.layer, part.weight))
    return np.moveaxis(values, part.axis, 0).reshape(values.shape[part.axis], -1)


def _filters(found: Structure) -> list[Part]:
    return [p for p in found.parts if p.role == OUT and p.weight.endswith("kernel")]


def _add(found: Structure, raw: Array, channels: Array, values: Array) -> None:
    """Add a layer's scores, brought to a mean of 1 so that no layer of a group outweighs the others."""
    np.add.at(raw, found.root[channels], values / max(float(np.mean(values)), _TINY))


def _norms(found: Structure, raw: Array, order: int) -> None:
    for part in _filters(found):
        _add(found, raw, part.channels, np.linalg.norm(_slices(part).astype(np.float64), order, axis=1))


def _scales(found: Structure, raw: Array) -> None:
    scaled: set[int] = set()
    for part in found.parts:
        if part.weight == "gamma":
            _add(found, raw, part.channels, np.abs(_slices(part)[:, 0]))
            scaled.update(found.root[part.channels].tolist())
    rest = np.zeros_like(raw)
    _norms(found, rest, 2)
    others = np.array([u not in scaled for u in range(len(raw))])
    raw[others] = rest[others]  # layers without a batch norm are judged by their filters


def _activations(model: Any, found: Structure, raw: Array, samples: Any) -> None:
    """Mean absolute values of what the layers that read the channels are given."""
    readers = {id(p.layer): p.channels for p in found.parts if p.role == IN or (p.role, p.weight) == (ALONG, "kernel")}
    sums = {key: np.zeros(len(channels)) for key, channels in readers.items()}

    def visit(layer: Any, _node: Any, arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> list[Any]:
        args, kwargs = arguments
        if id(layer) in readers:
            values = np.abs(np.asarray(args[0], np.float64))
            sums[id(layer)] += values.reshape(-1, values.shape[-1]).sum(0) / math.prod(values.shape[1:-1])
        return list(leaves([layer(*args, **kwargs)]))

    for start in range(0, len(samples), _BATCH):
        walk(model, [np.asarray(samples[start : start + _BATCH], np.float32)], visit)
    for key, channels in readers.items():
        _add(found, raw, channels, sums[key])


def _taylor(model: Any, found: Structure, raw: Array, samples: Any, labels: Any) -> None:
    keras = backend.load()

    if keras.backend.backend() != "tensorflow":
        hint = "set KERAS_BACKEND=tensorflow, or take another criterion"
        raise UsageError(Problem("the criterion taylor needs TensorFlow", found=keras.backend.backend(), hint=hint))
    import tensorflow as tf  # noqa: PLC0415  (heavy: only here)

    parts = _filters(found)
    for start in range(0, len(samples), _BATCH):
        with tf.GradientTape() as tape:
            out = model(np.asarray(samples[start : start + _BATCH], np.float32), training=False)
            wanted = np.asarray(labels[start : start + _BATCH])
            inner = out + 1e-7 if ends_in_softmax(model) else keras.ops.softmax(out)
            loss: Any = keras.ops.mean(keras.losses.sparse_categorical_crossentropy(wanted, inner))
        sources: list[Any] = [getattr(p.layer, p.weight).value for p in parts]
        gradients: Any = tape.gradient(loss, sources)
        change = np.zeros_like(raw)
        for part, gradient in zip(parts, gradients, strict=True):
            values = np.asarray(gradient) * np.asarray(getattr(part.layer, part.weight))
            flat = np.moveaxis(values, part.axis, 0).reshape(values.shape[part.axis], -1).sum(axis=1)
            np.add.at(change, found.root[part.channels], flat)
        raw += change**2


def zero(found: Structure, removed: frozenset[int]) -> None:
    """Set what makes the units ``removed`` to zero, in the model itself: filters, biases and batch norms."""
    for part in found.parts:
        if part.role not in {OUT, ALONG} or part.weight in {"moving_variance", "alpha"}:
            continue
        variable = getattr(part.layer, part.weight)
        values = np.asarray(variable).copy()
        gone = np.setdiff1d(np.arange(len(part.channels)), found.kept(part.channels, removed))
        values[(slice(None),) * part.axis + (gone,)] = 0
        variable.assign(values)


def taken(model: Any, found: Structure, removed: frozenset[int]) -> Shrunk:
    """A new model without the units ``removed``, with the weights that are left."""
    copies: dict[int, Any] = {}
    small = _copied(model, found, removed, copies)
    sliced: dict[tuple[int, str], Array] = {}
    for part in found.parts:
        key = (id(part.layer), part.weight)
        values = sliced.get(key, np.asarray(getattr(part.layer, part.weight)))
        sliced[key] = np.take(values, found.kept(part.channels, removed), axis=part.axis)
    names = {(id(getattr(p.layer, p.weight)), id(p.layer)): p.weight for p in found.parts}
    for key, copy in copies.items():
        layer = copy[0]
        for old, new in zip(layer.weights, copy[1].weights, strict=True):
            if old.dtype == new.dtype and "seed" not in old.path:
                weight = names.get((id(old), key))
                new.assign(np.asarray(old) if weight is None else sliced[key, weight])
    before = {g.name: len(g.units) for g in found.groups}
    after = {g.name: sum(u not in removed for u in g.units) for g in found.groups}
    return Shrunk(small, removed, before, after)


def _copied(model: Any, found: Structure, removed: frozenset[int], copies: dict[int, Any]) -> Any:
    """The model built again as one functional model, layers narrower; ``copies`` gets (old, new) of every layer."""
    keras = backend.load()

    names: set[str] = set()

    def copy(layer: Any) -> Any:
        config = layer.get_config()
        if id(layer) in found.widths:
            _narrow(config, len(found.kept(found.widths[id(layer)][1], removed)))
        if "name" in config:
            config["name"] = next(n for n in _numbered(layer.name) if n not in names)
            names.add(config["name"])
        return layer.__class__.from_config(config)

    def visit(layer: Any, _node: Any, arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> list[Any]:
        if id(layer) not in copies:
            copies[id(layer)] = (layer, copy(layer))
        return list(leaves([copies[id(layer)][1](*arguments[0], **arguments[1])]))

    inputs: list[Any] = [
        keras.Input(batch_shape=t.shape, dtype=t.dtype, name=t._keras_history.operation.name)  # noqa: SLF001
        for t in model.inputs
    ]
    outputs = walk(model, inputs, visit)
    for key in [k for k, (old, _) in copies.items() if not hasattr(old, "weights")]:
        del copies[key]  # a function
    made: Any = outputs[0] if len(outputs) == 1 else outputs
    return keras.Model(inputs[0] if len(inputs) == 1 else inputs, made, name=model.name)


def _numbered(name: str) -> Iterator[str]:
    """``name``, then with numbers: layers of nested models may be called alike."""
    yield name
    yield from (f"{name}_{n}" for n in itertools.count(2))


def _narrow(config: dict[str, Any], width: int) -> None:
    """Set the width in a layer's configuration."""
    if "target_shape" in config:
        config["target_shape"] = (*config["target_shape"][:-1], width)
        return
    config["units" if "units" in config else "filters"] = width
