"""The quantisation doctor: remedies tried one after the other on a float graph, each kept only if it helps.

What counts is the error of the outputs on samples that the remedies were not fitted to; accuracy is measured by the
caller, on samples seen by neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from edgekit.compress import bias, calibrate, equalize, noise, rounding
from edgekit.compress.noise import LayerNoise
from edgekit.compress.quantize import prepared, ranged
from edgekit.ir.graph import Array, Graph

Tell = Callable[[str, int, int], None]

FITTED = 128
JUDGED = 128
LOOKED_AT = 48
WORST = 4
WORTH = 0.95
"""A remedy is kept if it leaves at most this share of the error: smaller gains are chance."""
_ENOUGH = 1e-5
"""With an error this far below the signal nothing more is tried."""


@dataclass(frozen=True)
class Trial:
    """A remedy that was tried: the share of the outputs' power that is error before and after."""

    remedy: str
    before: float
    after: float
    kept: bool


@dataclass(frozen=True, eq=False)
class Treatment:
    """``stages`` are the int8 graphs by the remedy that made each of the one before, the plain one first.

    ``sick`` and ``healed`` have the layers of the first and of the last, the worst first.
    """

    stages: tuple[tuple[str, Graph], ...]
    trials: tuple[Trial, ...]
    sick: tuple[LayerNoise, ...]
    healed: tuple[LayerNoise, ...]


@dataclass(frozen=True, eq=False)
class _State:
    """A float graph, the ranges of its tensors, what is done to its int8 form, and that form."""

    fused: Graph
    ranges: Mapping[str, tuple[float, float]]
    small: Graph
    error: float


class _Doctor:
    """One treatment of one model."""

    def __init__(self, graph: Graph, columns: Sequence[Array], tell: Tell) -> None:
        self.columns = list(columns)
        self.fit = [c[::2][:FITTED] for c in columns]
        self.judge = [c[1::2][:JUDGED] for c in columns]
        self.look = [c[:LOOKED_AT] for c in columns]
        self.fused = prepared(graph)
        self.seen: dict[int, dict[str, calibrate.Observed]] = {}
        self.trials: list[Trial] = []
        self.stages: list[tuple[str, Graph]] = []
        self.tell = tell

    def observed(self, fused: Graph) -> dict[str, calibrate.Observed]:
        """What the tensors of a graph hold, looked up once."""
        if id(fused) not in self.seen:
            self.seen[id(fused)] = calibrate.observe(fused, self.columns)
        return self.seen[id(fused)]

    def ranges(self, fused: Graph, calibrator: str) -> dict[str, tuple[float, float]]:
        """The range of every tensor by one calibrator."""
        return {n: calibrate.limits(o, calibrator) for n, o in self.observed(fused).items()}

    def state(self, fused: Graph, ranges: Mapping[str, tuple[float, float]], small: Graph | None = None) -> _State:
        """An int8 form with its error."""
        made = ranged(fused, ranges) if small is None else small
        return _State(fused, ranges, made, noise.error(fused, made, self.judge))

    def best(self, now: _State, options: Mapping[str, Callable[[], _State]]) -> _State:
        """``now``, or the best of some alternatives if that is worth it; none is tried if ``now`` is good enough."""
        if now.error < _ENOUGH:
            return now
        chosen, chosen_name = now, ""
        results: list[tuple[str, float]] = []
        for i, (name, make) in enumerate(options.items()):
            self.tell(f"trying {name}", i, len(options))
            state = make()
            results.append((name, state.error))
            if state.error < chosen.error * WORTH:
                chosen, chosen_name = state, name
        self.trials += [Trial(n, now.error, error, n == chosen_name) for n, error in results]
        if chosen_name:
            self.stages.append((chosen_name, chosen.small))
        return chosen


def treat(graph: Graph, columns: Sequence[Array], calibrator: str, tell: Tell) -> Treatment:
    """Try equalisation, calibrators for all and for the worst layers, adaptive rounding and bias correction.

    ``columns`` has float samples (samples, ...) for each input: ranges come from all, other remedies are fitted to some
    and judged by others. ``tell`` is told what is tried.

    Raises:
        DataError, UnsupportedError, UsageError: as ``quantize`` does.
    """
    calibrate.check(graph, columns)
    d = _Doctor(graph, columns, tell)
    now = d.state(d.fused, d.ranges(d.fused, calibrator))
    d.stages.append(("int8", now.small))
    sick = noise.layers(now.fused, now.small, d.look)
    if equalize.groups(d.fused):
        even = equalize.equalize(d.fused, d.fit)
        now = d.best(now, {"evener channels": lambda: d.state(even, d.ranges(even, calibrator))})
    others = [c for c in calibrate.CALIBRATORS if c != calibrator]
    start = now
    now = d.best(now, {f"{c} ranges": lambda c=c: d.state(start.fused, d.ranges(start.fused, c)) for c in others})
    now = _worst_layers(d, now)
    after = now
    now = d.best(
        now,
        {
            "adaptive rounding": lambda: d.state(
                after.fused, after.ranges, rounding.adapt(after.fused, after.small, d.fit)
            )
        },
    )
    last = now
    now = d.best(
        now, {"corrected biases": lambda: d.state(last.fused, last.ranges, bias.correct(last.fused, last.small, d.fit))}
    )
    healed = noise.layers(now.fused, now.small, d.look)
    return Treatment(tuple(d.stages), tuple(d.trials), sick, healed)


def _worst_layers(d: _Doctor, now: _State) -> _State:
    """Other ranges for single layers, the worst first."""
    for layer in noise.layers(now.fused, now.small, d.look)[:WORST]:
        name = next(n.outputs[0] for n in now.fused.nodes if n.name == layer.layer)
        limits = {c: calibrate.limits(d.observed(now.fused)[name], c) for c in calibrate.CALIBRATORS}
        others = {c: limit for c, limit in limits.items() if limit != now.ranges[name]}
        now = d.best(
            now,
            {f"{c} range of '{layer.layer}'": partial(_narrowed, d, now, name, limit) for c, limit in others.items()},
        )
    return now


def _narrowed(d: _Doctor, now: _State, name: str, limit: tuple[float, float]) -> _State:
    return d.state(now.fused, {**now.ranges, name: limit})
