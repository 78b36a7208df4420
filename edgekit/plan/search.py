"""How a model is computed: layer by layer, or runs of layers band by band. The front of RAM against instructions.

For a RAM limit the best way to cut a model into runs and whole layers follows from what each of them needs and costs,
both estimated quickly; a few limits give a few ways, which are then planned in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from edgekit.board import Target
from edgekit.ir.graph import Graph
from edgekit.plan import bands, costs, memory, schedule
from edgekit.plan.flow import Flow, Work, flow_of
from edgekit.plan.kernels import Choice
from edgekit.plan.memory import plan_memory
from edgekit.plan.plan import Step
from edgekit.plan.schedule import Segment, even
from edgekit.plan.select import Objective

_ALONE, _TOGETHER = (1, 2, 3, 4, 6, 8, 12, 16), (1, 2, 3, 4, 8)
"""Rows that are tried of a layer alone, and of the last layer of a run."""
_DOUBTS = (1.0, 0.8)
"""Factors on the estimated bytes of runs of several layers: rings share more than is estimated."""
_LEVELS = 8
"""Limits that are tried between the whole plan's RAM and the least there seems to be."""
_LONGEST = 40
"""Layers of a run at most, so that models of hundreds of layers are planned in seconds."""
_QUICK = 0.1
"""Effort of a layout that is only compared."""
_WORTH = 0.001
"""Share of the instructions that a balanced plan gives up for RAM, about."""
_PER_MAC, _PLAIN = {"mve": 0.2, "dsp": 1.0, "thumb": 3.0}, 5.0
"""Instructions for a MAC, roughly, on cores without a cost table."""


@dataclass(frozen=True)
class Way:
    """A way to compute a model. ``extra`` instructions are those that bands add, estimated; ``bytes`` of the arena."""

    segments: tuple[Segment, ...]
    flow: Flow
    steps: tuple[Step, ...]
    bytes: int
    lower_bound: int
    extra: int


@dataclass(frozen=True)
class _Run:
    """A segment, or a whole layer as a segment without rows, with what it needs and costs; both estimated."""

    segment: Segment
    bytes: int
    extra: int

    def weighed(self, doubt: float) -> float:
        """Bytes, times ``doubt`` if it is of several layers."""
        return self.bytes * (doubt if self.segment.last > self.segment.first + 1 else 1.0)


def front(graph: Graph, choices: Sequence[Choice], target: Target, align: int) -> tuple[Way, ...]:
    """Ways that no other one beats in both RAM and instructions, fastest first; the first computes layer by layer."""
    search = _Search(graph, tuple(choices), target, align)
    ways = [search.way(()), *(search.way(segments) for segments in search.proposals())]
    found: list[Way] = []
    for way in sorted(ways, key=lambda w: (w.extra, w.bytes)):
        if not found or way.bytes < found[-1].bytes:
            found.append(way)
    return tuple(found)


def pick(ways: Sequence[Way], choices: Sequence[Choice], target: Target, objective: Objective, room: int = 0) -> Way:
    """The way that suits an objective.

    ``RAM``: the smallest. Else the fastest with an arena of at most ``room`` bytes (0: not limited), and the smallest
    where none is; ``BALANCED`` gives up ``_WORTH`` of the instructions for RAM.
    """
    fitting = [way for way in ways if not room or way.bytes <= room]
    least = min(ways, key=lambda w: w.bytes)
    if objective is Objective.RAM or not fitting:
        return least
    spare = _WORTH * instructions(choices, target) if objective is Objective.BALANCED and target.bare_metal else 0
    fast = min(way.extra for way in fitting) + spare
    return min((way for way in fitting if way.extra <= fast), key=lambda w: w.bytes)


def instructions(choices: Sequence[Choice], target: Target) -> int:
    """Of an inference layer by layer: predicted by the core's cost table, or guessed from the MACs."""
    table = costs.table(target.core)
    if table is None:
        guess = next((n for isa, n in _PER_MAC.items() if isa in target.isas), _PLAIN)
        return int(guess * sum(c.view.node.op.macs(c.view) for c in choices))
    return sum(table.instructions(c.kernel, c.view, c.lowered) or 0 for c in choices)


def extra(flow: Flow, steps: Sequence[Step], choices: Sequence[Choice], target: Target) -> int:
    """Instructions that are spent because layers run in several steps, beyond those of ``choices`` in one each."""
    heights: list[list[int]] = [[] for _ in flow.works]
    for step in steps:
        heights[step.layer].append(step.end - step.begin)
    return sum(bands.added(choices[w.number], w.choice, heights[w.number], target) for w in flow.works)


class _Search:
    """One model on one target."""

    def __init__(self, graph: Graph, choices: tuple[Choice, ...], target: Target, align: int) -> None:
        self.graph, self.choices, self.target, self.align = graph, choices, target, align
        self.flows: dict[tuple[str, ...], Flow] = {}
        self.fitting: dict[tuple[int, int], Choice] = {}
        self.prices: dict[tuple[int, int], int] = {}
        everywhere = Segment(0, len(choices), ())
        self.banded = self.flow((everywhere,))
        """The flow with every kernel that takes in rows, where there is one."""

    def flow(self, segments: Sequence[Segment]) -> Flow:
        """The flow with these segments; the same one for the same kernels."""
        used = schedule.streamed(self.choices, segments, self.target)
        key = tuple(c.kernel.name for c in used)
        if key not in self.flows:
            self.flows[key] = flow_of(self.graph, used)
        return self.flows[key]

    def way(self, segments: tuple[Segment, ...]) -> Way:
        """What ``segments`` really need."""
        flow = self.flow(segments)
        steps = schedule.order(flow, segments)
        quick = plan_memory(self.graph, flow, steps, self.align, _QUICK)
        return Way(segments, flow, steps, quick.size, quick.lower_bound, extra(flow, steps, self.choices, self.target))

    def proposals(self) -> Iterator[tuple[Segment, ...]]:
        """Segments worth a try, each for another limit of RAM."""
        if not self.runs:
            return
        top = max(run.bytes for runs in self.whole.values() for run in runs)
        seen: set[tuple[Segment, ...]] = {()}
        for doubt in _DOUBTS:
            least = self.least(doubt)
            for level in range(_LEVELS):
                segments = self.cheapest(least + (top - least) * level / _LEVELS, doubt)
                if segments is not None and segments not in seen:
                    seen.add(segments)
                    yield segments

    @cached_property
    def whole(self) -> Mapping[int, list[_Run]]:
        """Every layer computed whole, by its number; bytes as they are in the plan that computes all of them so."""
        flow = self.flow(())
        alive = memory.demand(flow, schedule.order(flow)).alive
        return {i: [_Run(Segment(i, i + 1, ()), int(n), 0)] for i, n in enumerate(alive)}

    @cached_property
    def runs(self) -> Mapping[int, list[_Run]]:
        """The segments that begin at a layer."""
        found: dict[int, list[_Run]] = {}
        works = self.banded.works
        for first in range(len(works)):
            for last in range(first + 1, min(len(works), first + _LONGEST) + 1):
                if not works[last - 1].banded or works[last - 1].rows <= 1:
                    break
                heights = [h for h in (_ALONE if last == first + 1 else _TOGETHER) if h < works[last - 1].rows]
                for height in heights:
                    segment = even(self.banded, first, last, height)
                    found.setdefault(first, []).append(_Run(segment, *self.estimate(segment)))
        return found

    def options(self, first: int) -> list[_Run]:
        """Whatever can begin at a layer."""
        return [*self.whole[first], *self.runs.get(first, [])]

    def least(self, doubt: float) -> float:
        """The least limit that some way of cutting the model seems to keep."""
        count = len(self.choices)
        best = [0.0] * (count + 1)
        for first in reversed(range(count)):
            best[first] = min(max(run.weighed(doubt), best[run.segment.last]) for run in self.options(first))
        return best[0]

    def cheapest(self, limit: float, doubt: float) -> tuple[Segment, ...] | None:
        """The cut of fewest instructions that seems to keep a limit; None if none does."""
        count = len(self.choices)
        best: list[tuple[int, tuple[Segment, ...]] | None] = [None] * (count + 1)
        best[count] = 0, ()
        for first in reversed(range(count)):
            for run in self.options(first):
                rest = best[run.segment.last]
                if run.weighed(doubt) > limit or rest is None:
                    continue
                now = best[first]
                if now is None or run.extra + rest[0] < now[0]:
                    mine = (run.segment,) if run.segment.rows else ()
                    best[first] = run.extra + rest[0], (*mine, *rest[1])
        return best[0][1] if best[0] is not None else None

    def estimate(self, segment: Segment) -> tuple[int, int]:
        """Bytes and additional instructions of a segment: rings in the middle of the image, whole tensors beside."""
        flow = self.banded
        works = flow.works[segment.first : segment.last]
        height = dict(zip(range(segment.first, segment.last), segment.rows, strict=True))
        done = self.middle(works, height)
        rings: dict[str, int] = {}
        given, made, through = 0, 0, 0
        for name, root in flow.roots.items():
            maker = flow.maker.get(name)
            born = maker.number if maker is not None else -1
            readers = [w.number for w, _ in flow.readers[name]]
            dies = len(flow.works) if root.is_output else max(readers, default=born)
            if born >= segment.last or dies < segment.first:
                continue
            if born >= segment.first and dies < segment.last:
                ring = min(root.bytes, self.kept(name, done, height) * root.pitch)
                owner = self.owners[name]
                rings[owner] = max(rings.get(owner, 0), ring)
            elif born >= segment.first:
                made += root.bytes
            elif dies < segment.last:
                given += root.bytes
            else:
                through += root.bytes
        scratch = max(self.scratch(w, height[w.number]) for w in works)
        sums = sum(w.choice.kernel.scratch_bytes(w.choice.ints(1)) for w in works if w.accumulates)
        added = sum(self.added(w, height[w.number]) for w in works)
        parts = max(1, -(-works[-1].rows // segment.rows[-1]))
        ends = max(given + made // parts, made + given // parts)  # the one shrinks by a band as the other grows
        return sum(rings.values()) + ends + through + scratch + sums, added

    def suited(self, work: Work, rows: int) -> Choice:
        """The layer as bands of so many rows are computed."""
        key = work.number, rows
        if key not in self.fitting:
            self.fitting[key] = bands.suited(self.choices[work.number], rows, self.target)
        return self.fitting[key]

    def scratch(self, work: Work, rows: int) -> int:
        """Bytes of scratch of a layer in bands of so many rows."""
        choice = self.suited(work, rows)
        return choice.kernel.scratch_bytes(choice.ints(rows))

    def added(self, work: Work, rows: int) -> int:
        """Instructions that such bands cost, estimated."""
        key = work.number, rows
        if key not in self.prices:
            full, rest = divmod(work.rows, rows)
            heights = [rows] * full + [rest] * (rest > 0)
            self.prices[key] = bands.added(self.choices[work.number], self.suited(work, rows), heights, self.target)
        return self.prices[key]

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """The tensor whose place each may take, where a kernel may write over its input."""
        found = {name: name for name in self.banded.roots}
        for work in self.banded.works:
            kernel, output = work.choice.kernel, self.banded.roots[work.writes[0]]
            for read in work.reads if kernel.holds(kernel.inplace, work.choice.lowered.ints) else ():
                source = self.banded.roots[read.root]
                if (source.rows, source.pitch) == (output.rows, output.pitch):
                    found[output.name] = found[source.name]
                    break
        return found

    def middle(self, works: Sequence[Work], height: Mapping[int, int]) -> dict[int, int]:
        """How many rows of every layer are done when the last one has just computed its middle band."""
        last = works[-1]
        done = {w.number: 0 for w in works}
        bands = -(-last.rows // height[last.number])
        done[last.number] = min(last.rows, (bands // 2 + 1) * height[last.number])
        for work in reversed(works):
            for read, lasts in zip(work.reads, work.lasts, strict=True):
                maker = self.banded.maker.get(read.root)
                if maker is not None and maker.number in done and not maker.accumulates:
                    done[maker.number] = max(done[maker.number], min(lasts[done[work.number]], maker.rows))
        return done

    def kept(self, name: str, done: Mapping[int, int], height: Mapping[int, int]) -> int:
        """Rows of a tensor that are alive then."""
        first = min(
            (
                work.firsts[i][max(0, min(done[work.number] - height[work.number], work.rows - 1))]
                for work, _ in self.banded.readers[name]
                for i, read in enumerate(work.reads)
                if read.root == name
            ),
            default=0,
        )
        return max(1, done[self.banded.maker[name].number] - first)
