"""What ranges the tensors of a float graph take over samples, and which of it int8 shall hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.errors import DataError, Problem, UsageError
from edgekit.ir import batch
from edgekit.ir.graph import Array, DType, Graph

CALIBRATORS = ("minmax", "percentile", "mse", "entropy")
_BINS = 2048
_PERCENT = 99.99
_LEVELS = 256
_STEPS = 40
MIN_SAMPLES = 8
"""Fewer say nothing about the ranges of a model in use."""


@dataclass(frozen=True, eq=False)
class Observed:
    """A tensor's values: lowest, highest, and how many lie in each of equal bins between."""

    low: float
    high: float
    counts: Array

    def centres(self) -> Array:
        """The middle of each bin."""
        width = (self.high - self.low) / len(self.counts)
        return self.low + width * (np.arange(len(self.counts)) + 0.5)


def observe(graph: Graph, columns: Sequence[Array]) -> dict[str, Observed]:
    """What every computed float tensor holds over the samples: an array (samples, ...) per input.

    Raises:
        DataError: the samples do not fit, or a layer makes of them what is not finite.
    """
    check(graph, columns)
    names = [*graph.inputs, *(o for node in graph.nodes for o in node.outputs)]
    names = [n for n in names if graph.tensors[n].dtype is DType.FLOAT32]
    lows, highs = dict.fromkeys(names, np.inf), dict.fromkeys(names, -np.inf)
    for values in batch.runs(graph, columns):
        for n in names:
            lows[n], highs[n] = min(lows[n], float(values[n].min())), max(highs[n], float(values[n].max()))
    wrong = [n for n in names if not np.isfinite(lows[n]) or not np.isfinite(highs[n])]
    if wrong:
        raise DataError(Problem("it takes values that are not finite", f"tensor '{wrong[0]}'", hint="check the model"))
    counts = {n: np.zeros(_BINS, np.int64) for n in names}
    for values in batch.runs(graph, columns):
        for n in names:
            if highs[n] > lows[n]:
                counts[n] += np.histogram(values[n], _BINS, (lows[n], highs[n]))[0]
    return {n: Observed(lows[n], highs[n], counts[n]) for n in names}


def check(graph: Graph, columns: Sequence[Array]) -> None:
    """Raise DataError with everything about the samples that does not fit the graph."""
    tensors = [graph.tensors[n] for n in graph.inputs]
    if len(columns) != len(tensors):
        raise DataError(Problem("wrong number of inputs", graph.name, str(len(columns)), str(len(tensors))))
    wrong: list[Problem] = []
    for tensor, column in zip(tensors, columns, strict=True):
        where = f"input '{tensor.name}'"
        if column.shape[1:] != tensor.shape[1:] or len(column) != len(columns[0]) or not len(column):
            wrong.append(Problem("the samples do not fit", where, str(column.shape), f"(samples, {tensor.shape[1:]})"))
        elif not np.isfinite(column).all():
            wrong.append(Problem("the samples hold values that are not finite", where, "NaN or infinity"))
        elif float(column.min()) == float(column.max()):
            wrong.append(Problem("all samples hold one value", where, str(float(column.min())), hint="give real data"))
    if not wrong and len(columns[0]) < MIN_SAMPLES:
        hint = "give samples as the model meets them in use"
        found, allowed = str(len(columns[0])), f"at least {MIN_SAMPLES}, better 100 or more"
        wrong.append(Problem("so few samples cannot set ranges", graph.name, found, allowed, hint))
    if wrong:
        raise DataError(*wrong)


def limits(seen: Observed, calibrator: str) -> tuple[float, float]:
    """The range int8 shall hold, 0 inside.

    Raises:
        UsageError: there is no such calibrator.
    """
    if calibrator not in CALIBRATORS:
        raise UsageError(Problem("there is no such calibrator", "", f"'{calibrator}'", ", ".join(CALIBRATORS)))
    low, high = min(seen.low, 0.0), max(seen.high, 0.0)
    if calibrator == "minmax" or not seen.counts.sum():
        return low, high
    if calibrator == "percentile":
        share = np.cumsum(seen.counts) / seen.counts.sum()
        centres = seen.centres()
        outside = (1 - _PERCENT / 100) / 2
        below = float(centres[int(np.searchsorted(share, outside))])
        above = float(centres[min(int(np.searchsorted(share, 1 - outside)), _BINS - 1)])
        return min(max(low, below), 0.0), max(min(high, above), 0.0)
    cost = _squared if calibrator == "mse" else _divergence
    ranges = [(low * f, high * f) for f in np.linspace(1.0, 0.3, _STEPS)]
    return min(ranges, key=lambda r: cost(seen, *r))


def _rounded(seen: Observed, low: float, high: float) -> tuple[Array, Array]:
    step = (high - low) / (_LEVELS - 1) or 1.0
    places = np.rint(np.clip(seen.centres() - low, 0, high - low) / step).astype(np.int64)
    return places, low + step * places


def _squared(seen: Observed, low: float, high: float) -> float:
    """Squared error of all values, clipped and rounded."""
    return float((seen.counts * (seen.centres() - _rounded(seen, low, high)[1]) ** 2).sum())


def _divergence(seen: Observed, low: float, high: float) -> float:
    """Kullback-Leibler divergence of the values' distribution from what is left of it in 256 levels.

    Zeros, of which a ReLU makes many, are left out: one level is theirs exactly, whatever the range.
    """
    counts = seen.counts.copy()
    counts[min(max(int(-seen.low / (seen.high - seen.low) * _BINS), 0), _BINS - 1)] = 0
    if not counts.sum():
        return 0.0
    places, _ = _rounded(seen, low, high)
    mass = np.bincount(places, counts, _LEVELS)
    filled = np.bincount(places, counts > 0, _LEVELS)
    spread = np.where(counts > 0, mass[places] / np.maximum(filled[places], 1), 0)
    p = counts / counts.sum()
    clipped = (seen.centres() < low) | (seen.centres() > high)
    q = np.where(clipped, 1e-12, spread / counts.sum())
    some = counts > 0
    return float((p[some] * np.log(p[some] / np.maximum(q[some], 1e-12))).sum())
