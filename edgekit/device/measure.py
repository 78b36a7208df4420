"""Running, checking and timing a model on a board through its link.

Nothing here knows the compiler: a plan says where tensors lie and which step computes them, and the caller brings the
reference values.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from edgekit.device import tensors
from edgekit.device.link import RUNS_MAX, WINDOW_MAX
from edgekit.device.results import LayerCost, Run, TensorCheck, Verification
from edgekit.errors import DataError, InternalError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from edgekit.device.link import Progress, Quiet, Session
    from edgekit.device.results import How
    from edgekit.plan.plan import Layer, Plan, Slot, Step

    Array = NDArray[Any]
    Reference = Callable[[Sequence[Array]], Mapping[str, Array]]
    """From one sample's inputs to the value of every tensor, by the plan's tensor names."""


_LAYER_ROUNDS = 5
"""A real board times its layers this often; the median counts."""


class Count(Protocol):
    """What an emulator counted in one place; cycles are None where it has no model of the core."""

    @property
    def instructions(self) -> int:
        """Executed, exactly."""
        ...

    @property
    def cycles(self) -> int | None:
        """Estimated."""
        ...


class Counts(Protocol):
    """Counts by C function, and ``inside`` the whole inference."""

    @property
    def regions(self) -> Mapping[str, Count]:
        """By function name, with what each calls."""
        ...

    @property
    def inside(self) -> Count:
        """From entry to return of the inference."""
        ...


class Counter(Protocol):
    """An emulated board's counters, as ``edgekit.emulate`` gives them."""

    def reset_counts(self) -> None:
        """Set all counters to zero."""
        ...

    def counts(self) -> Counts:
        """What ran since the last reset; asked while the board is idle."""
        ...


def run(session: Session, plan: Plan, inputs: Sequence[Array]) -> list[Array]:
    """The model's outputs for one array per input; shapes and types are the plan's.

    Raises:
        DataError: if an array does not fit its input.

    """
    tensors.load(session, plan, inputs)
    session.run()
    return tensors.outputs(session, plan)


def verify(
    session: Session,
    plan: Plan,
    reference: Reference,
    samples: Sequence[Sequence[Array]],
    *,
    how: How = "measured",
    progress: Progress | None = None,
) -> Verification:
    """Compare every output of every layer, and the outputs of one uninterrupted inference, byte by byte.

    Each sample is run step by step; the rows a step computed are fetched before the next can overwrite them.
    ``progress`` is told steps done and their number over all samples.

    Raises:
        DataError: if there is no sample, or one does not fit the model.

    """
    if not samples:
        raise DataError(Problem("there is nothing to verify with", plan.title, "no samples", "at least one"))
    layers: dict[tuple[int, int], _Tally] = {
        (i, slot): _Tally(layer.name, layer.op, plan.slots[slot])
        for i, layer in enumerate(plan.layers)
        for slot in layer.outputs
    }
    outputs = [_Tally("", "", plan.slots[i]) for i in plan.outputs]
    total = len(plan.steps) * len(samples)
    for number, sample in enumerate(samples):
        values = reference(sample)
        tensors.load(session, plan, sample)
        for index, step in enumerate(plan.steps):
            session.step(index)
            layer = plan.layers[step.layer]
            for slot in layer.outputs:
                begin, end = _written(layer, step, plan.slots[slot])
                layers[step.layer, slot].compare(session, values, begin, end)
            if progress is not None:
                progress(number * len(plan.steps) + index + 1, total)
        tensors.load(session, plan, sample)
        session.run()
        for tally in outputs:
            tally.compare(session, values, 0, tally.slot.rows)
    return _verification(list(layers.values()), outputs, len(samples), how)


def _written(layer: Layer, step: Step, slot: Slot) -> tuple[int, int]:
    """The rows of an output that a step has finished."""
    if layer.accumulates:
        return (0, slot.rows) if step.end == layer.rows else (0, 0)
    return (step.begin, step.end) if layer.rowwise else (0, slot.rows)


def _verification(layers: list[_Tally], outputs: list[_Tally], samples: int, how: How) -> Verification:
    every = [*layers, *outputs]
    missing = tuple(dict.fromkeys(t.slot.tensor for t in every if t.missing))
    divergent = [t for t in every if t.mismatches]
    return Verification(
        how=how,
        samples=samples,
        bytes_compared=sum(t.bytes for t in every),
        exact=not missing and not divergent,
        first_divergent=(divergent[0].layer or divergent[0].slot.tensor) if divergent else None,
        missing=missing,
        layers=tuple(t.result() for t in layers),
        outputs=tuple(t.result() for t in outputs),
    )


@dataclass
class _Tally:
    """The comparison of one tensor as it goes on over bands and samples."""

    layer: str
    op: str
    slot: Slot
    bytes: int = 0
    mismatches: int = 0
    largest: float = 0.0
    missing: bool = False

    def compare(self, session: Session, values: Mapping[str, Array], begin: int, end: int) -> None:
        """Fetch rows [begin, end) and hold them against the reference, if it has this tensor."""
        value = values.get(self.slot.tensor)
        if value is None:
            self.missing = True
            return
        if self.slot.channels:
            value = value[..., list(self.slot.channels)]
        expected = tensors.raw(value)
        size = self.slot.images * self.slot.rows * self.slot.row_bytes
        if len(expected) != size or value.dtype.name != self.slot.dtype:
            found, allowed = f"{len(expected)} bytes of {value.dtype.name}", f"{size} of {self.slot.dtype}"
            what = "the reference value is not of the tensor's size and type"
            raise InternalError(Problem(what, f"tensor '{self.slot.tensor}'", found, allowed))
        for offset, data in tensors.rows(session, self.slot, begin, end):
            self._hold_against(data, expected[offset : offset + len(data)])

    def _hold_against(self, data: bytes, expected: bytes) -> None:
        self.bytes += len(data)
        if data == expected:
            return
        kind = tensors.little_endian(self.slot)
        got, want = np.frombuffer(data, kind), np.frombuffer(expected, kind)
        unlike = (got.view(np.uint8).reshape(len(got), -1) != want.view(np.uint8).reshape(len(got), -1)).any(axis=1)
        self.mismatches += int(unlike.sum())
        differences = np.abs(got[unlike].astype(np.float64) - want[unlike].astype(np.float64))
        self.largest = max(self.largest, float(np.nan_to_num(differences, nan=np.inf).max()))

    def result(self) -> TensorCheck:
        """The tally as plain data."""
        elements = self.bytes // tensors.little_endian(self.slot).itemsize
        return TensorCheck(self.layer, self.op, self.slot.tensor, elements, self.bytes, self.mismatches, self.largest)


def profile(
    session: Session,
    plan: Plan,
    inputs: Sequence[Array],
    *,
    runs: int = 10,
    warmups: int = 1,
    how: How = "measured",
    counter: Counter | None = None,
    progress: Progress | None = None,
) -> Run:
    """Time ``runs`` whole inferences, each layer's steps, and take the stack's high-water mark.

    ``warmups`` is at most 32. With an emulated board's ``counter`` as many more are counted, each on its own.
    ``progress`` is told inferences done and their number; the steps and the stack are one each.

    Raises:
        DataError: if an array does not fit its input.

    """
    counted = runs if counter is not None else 0
    whole = runs + 2 + counted
    overhead = session.info.timer_overhead
    cycles: list[int] = []
    while len(cycles) < runs:
        tensors.load(session, plan, inputs)
        some = session.run(min(RUNS_MAX, runs - len(cycles)), 0 if cycles else warmups)
        cycles += [max(0, c - overhead) for c in some]
        _tell(progress, len(cycles), whole)
    rounds = [_layers(session, plan, inputs) for _ in range(min(runs, _LAYER_ROUNDS) if counter is None else 1)]
    layer_cycles = [round(statistics.median(some)) for some in zip(*rounds, strict=True)]
    _tell(progress, runs + 1, whole)
    tensors.load(session, plan, inputs)
    stack = session.stack()
    _tell(progress, runs + 2, whole)
    counts: list[Counts] = []
    for i in range(counted):
        counts.append(_count(session, plan, inputs, cast("Counter", counter)))
        _tell(progress, runs + 3 + i, whole)
    first = counts[0] if counts else None
    return Run(
        how=how,
        cycle_hz=session.info.cycle_hz,
        timer_overhead=overhead,
        warmups=warmups,
        cycles=tuple(cycles),
        stack=stack,
        instructions=first.inside.instructions if first else None,
        counted=tuple(c.inside.cycles for c in counts if c.inside.cycles is not None),
        layers=tuple(_cost(plan, i, layer_cycles[i], first) for i in range(len(plan.layers))),
    )


def sustained(session: Session, plan: Plan, inputs: Sequence[Array], seconds: float) -> tuple[Quiet, float]:
    """A window of inferences that takes about ``seconds``, and how long it took by this computer's clock.

    The latter has the request and its reply in it, milliseconds on a serial line.
    """
    tensors.load(session, plan, inputs)
    trial = session.window(1, 1)
    runs = min(max(1, round(seconds * 1e6 / max(trial.elapsed_us, 1))), WINDOW_MAX)
    tensors.load(session, plan, inputs)
    begin = time.monotonic()
    quiet = session.window(runs, expected_s=seconds)
    return quiet, time.monotonic() - begin


def _layers(session: Session, plan: Plan, inputs: Sequence[Array]) -> list[int]:
    """Cycles of each layer in one inference, timed step by step."""
    tensors.load(session, plan, inputs)
    cycles = [0] * len(plan.layers)
    for first in range(0, len(plan.steps), RUNS_MAX):
        steps = plan.steps[first : first + RUNS_MAX]
        for step, taken in zip(steps, session.steps(first, len(steps)), strict=True):
            cycles[step.layer] += max(0, taken - session.info.timer_overhead)
    return cycles


def _tell(progress: Progress | None, done: int, whole: int) -> None:
    if progress is not None:
        progress(done, whole)


def _count(session: Session, plan: Plan, inputs: Sequence[Array], counter: Counter) -> Counts:
    tensors.load(session, plan, inputs)
    counter.reset_counts()
    session.run()
    return counter.counts()


def layer_function(plan: Plan, layer: int) -> str:
    """Name of the C function that computes a layer; the emulator counts by it."""
    return f"{plan.model}_layer_{layer:02d}"


def _cost(plan: Plan, index: int, cycles: int, counts: Counts | None) -> LayerCost:
    layer = plan.layers[index]
    count = counts.regions.get(layer_function(plan, index)) if counts else None
    return LayerCost(
        name=layer.name,
        op=layer.op,
        macs=layer.macs,
        cycles=cycles,
        instructions=count.instructions if count else None,
        counted_cycles=count.cycles if count else None,
    )
