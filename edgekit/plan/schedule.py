"""The order of row bands: a static list of steps, worked out by asking for rows from the last layer of a segment.

A segment is a run of layers that is computed together: the next band of its last layer is asked for, and every layer
before it computes just the rows that are missing. Other layers are computed whole, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.board import Target
from edgekit.plan import bands
from edgekit.plan.flow import Flow, Work
from edgekit.plan.kernels import Choice
from edgekit.plan.plan import Step


@dataclass(frozen=True)
class Segment:
    """Layers [first, last) computed together; ``rows`` of each of them are computed at a time."""

    first: int
    last: int
    rows: tuple[int, ...]


def order(flow: Flow, segments: Sequence[Segment] = ()) -> tuple[Step, ...]:
    """All steps; ``segments`` must not overlap, follow each other and hold only layers that can be split."""
    run = _Run(flow)
    at = 0
    for segment in segments:
        run.whole(at, segment.first)
        run.stream(segment)
        at = segment.last
    run.whole(at, len(flow.works))
    return tuple(run.steps)


def streamed(choices: Sequence[Choice], segments: Sequence[Segment], target: Target) -> tuple[Choice, ...]:
    """The choices, inside of ``segments`` with the kernels that suit their bands."""
    rows = {i: s.rows[i - s.first] if s.rows else 0 for s in segments for i in range(s.first, s.last)}
    return tuple(bands.suited(c, rows[i], target) if i in rows else c for i, c in enumerate(choices))


def even(flow: Flow, first: int, last: int, rows: int) -> Segment:
    """Layers [first, last), ``rows`` rows of the last one at a time, of the others as many as those ask for."""
    found: dict[int, int] = {}
    for work in reversed(flow.works[first:last]):
        asked = [
            found[reader.number] * reader.strides[name]
            for name in work.writes
            for reader, _ in flow.readers[name]
            if reader.number in found
        ]
        found[work.number] = min(max(asked, default=rows), work.rows)
    return Segment(first, last, tuple(found[number] for number in range(first, last)))


class _Run:
    """The state of the list as it grows: rows done of every layer."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.steps: list[Step] = []
        self.done = [0] * len(flow.works)
        self.limit = [work.rows for work in flow.works]

    def whole(self, first: int, last: int) -> None:
        """Layers [first, last), each in one step."""
        for work in self.flow.works[first:last]:
            self.pull(work, work.rows)

    def stream(self, segment: Segment) -> None:
        """The layers of a segment in bands."""
        self.limit[segment.first : segment.last] = segment.rows
        works = self.flow.works[segment.first : segment.last]
        ends = [w for w in works[:-1] if not any(r.number < segment.last for n in w.writes for r, _ in self.readers(n))]
        last = works[-1]
        while self.done[last.number] < last.rows:
            self.pull(last, min(self.done[last.number] + segment.rows[-1], last.rows))
            for work in ends:
                self.follow(work)
        for work in works:
            self.pull(work, work.rows)

    def readers(self, name: str) -> tuple[tuple[Work, object], ...]:
        """The works that read a root."""
        return self.flow.readers[name]

    def pull(self, work: Work, rows: int) -> None:
        """Steps until ``rows`` rows of ``work`` are done, with all that they read."""
        while self.done[work.number] < rows:
            begin = self.done[work.number]
            end = min(rows, begin + self.limit[work.number])
            for maker, needed in self.asks(work, end):
                self.pull(maker, needed)
            self.emit(work, begin, end)

    def follow(self, work: Work) -> None:
        """Steps of ``work`` as far as what it reads is there."""
        while self.done[work.number] < work.rows:
            begin = self.done[work.number]
            end = min(begin + self.limit[work.number], work.rows)
            if any(self.done[maker.number] < needed for maker, needed in self.asks(work, end)):
                return
            self.emit(work, begin, end)

    def asks(self, work: Work, end: int) -> list[tuple[Work, int]]:
        """The layers that the first ``end`` rows of ``work`` read from, and how many of their rows must be done."""
        found: list[tuple[Work, int]] = []
        for read, lasts in zip(work.reads, work.lasts, strict=True):
            maker = self.flow.maker.get(read.root)
            if maker is None:
                continue
            pitch = self.flow.roots[read.root].pitch
            if maker.accumulates or not maker.banded or not pitch:
                found.append((maker, maker.rows))
            else:
                found.append((maker, min(-(-lasts[end] * read.pitch // pitch), maker.rows)))
        return found

    def emit(self, work: Work, begin: int, end: int) -> None:
        """The step itself."""
        self.steps.append(Step(work.number, begin, end))
        self.done[work.number] = end
