"""Which bytes of every tensor are alive at every step of a schedule: those written that some later step still reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgekit.plan.flow import Flow, Root, Work
from edgekit.plan.plan import Step

Bytes = NDArray[np.int64]
_NEVER = 1 << 40
"""Beyond every tensor: the first byte still read of what nothing reads any more."""


@dataclass(frozen=True)
class Use:
    """A step of a work that reads a root: ``others`` is the first byte that another work still reads of it then."""

    step: int
    begin: int
    end: int
    others: int


@dataclass(frozen=True)
class Lives:
    """Per root and step, bytes [lo, hi) are alive; what a step reads or writes is alive while it runs.

    ``uses`` holds the steps of a work for each input it reads, by the work's number and the root.
    """

    lo: dict[str, Bytes]
    hi: dict[str, Bytes]
    uses: dict[tuple[int, str], list[Use]]

    def span(self, root: str) -> tuple[int, int]:
        """First and last step at which some byte of a root is alive."""
        alive = np.flatnonzero(self.hi[root] > self.lo[root])
        return (int(alive[0]), int(alive[-1])) if len(alive) else (0, 0)


@dataclass
class _State:
    """One root as the steps go by."""

    lo: Bytes
    hi: Bytes
    written: int = 0
    readers: dict[int, int] = field(default_factory=dict[int, int])
    kept: bool = False

    @property
    def needed(self) -> int:
        """The first byte still read."""
        return 0 if self.kept else min(self.readers.values(), default=_NEVER)

    def others(self, work: int) -> int:
        """The same without one of the readers."""
        return 0 if self.kept else min((at for who, at in self.readers.items() if who != work), default=_NEVER)


def lives_of(flow: Flow, steps: Sequence[Step]) -> Lives:
    """Play ``steps`` through and write down what is alive."""
    length = max(1, len(steps))  # a model without layers has inputs and outputs that live at once
    states = {name: _state(flow, name, length) for name in flow.roots}
    uses: dict[tuple[int, str], list[Use]] = {}
    for t, step in enumerate(steps):
        work = flow.works[step.layer]
        for name in work.writes:
            _write(states[name], flow.roots[name], work, t, step)
        for read in work.reads:
            state = states[read.root]
            state.lo[t] = min(state.needed, state.lo[t])
            uses.setdefault((work.number, read.root), []).append(
                Use(t, step.begin, step.end, state.others(work.number))
            )
        over = step.end >= work.rows
        at = [_NEVER if over else f[step.end] * r.pitch for r, f in zip(work.reads, work.firsts, strict=True)]
        for read in work.reads:
            first = min(a for a, r in zip(at, work.reads, strict=True) if r.root == read.root)
            states[read.root].readers[work.number] = first
        for name in {*work.writes, *(read.root for read in work.reads)}:
            states[name].lo[t + 1 :] = states[name].needed
            states[name].hi[t + 1 :] = states[name].written
    for state in states.values():
        np.minimum(state.lo, state.hi, out=state.lo)
    return Lives({n: s.lo for n, s in states.items()}, {n: s.hi for n, s in states.items()}, uses)


def _state(flow: Flow, name: str, steps: int) -> _State:
    root = flow.roots[name]
    state = _State(np.zeros(steps, np.int64), np.zeros(steps, np.int64), kept=root.is_output)
    state.readers = {work.number: 0 for work, _ in flow.readers[name]}
    if root.is_input:
        state.written = root.bytes
        state.hi[:] = root.bytes
        state.lo[:] = state.needed
        state.lo[:1] = 0  # all inputs are there before the first step, read or not
    return state


def _write(state: _State, root: Root, work: Work, t: int, step: Step) -> None:
    before = state.written
    if work.accumulates:
        state.written = root.bytes if step.end >= work.rows else 0
    elif work.banded:
        state.written = root.pitch * step.end
    else:
        state.written = root.bytes
    state.lo[t] = min(state.needed, before)
    state.hi[t] = state.written


def mask(alive: NDArray[np.bool_]) -> int:
    """The steps at which something is alive, as bits of a number."""
    return int.from_bytes(np.packbits(alive, bitorder="little").tobytes(), "little")
