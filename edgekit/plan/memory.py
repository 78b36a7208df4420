"""Arena slots for every tensor and scratch for every layer, from what is alive at each step.

Tensors that a kernel may write over their input share a group. A group that is never needed whole becomes a ring of
rows; one that is may overlap another while it grows and that one shrinks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.ir.graph import Graph, image_rows
from edgekit.plan import arena
from edgekit.plan.flow import Flow, Work
from edgekit.plan.groups import Group, groups_of
from edgekit.plan.lives import Bytes, Lives, lives_of
from edgekit.plan.plan import Slot, Step

WORD = 4
_NOTHING = 1 << 40


@dataclass(frozen=True)
class Memory:
    """Slots of the tensors, scratch (offset, bytes) of the layers, and how good the layout is.

    ``lower_bound`` is what no layout of these steps can go below: the most bytes alive at one of them.
    """

    slots: tuple[Slot, ...]
    scratch: tuple[tuple[int, int], ...]
    size: int
    lower_bound: int

    def index(self, tensor: str) -> int:
        """Position of a tensor's slot, -1 for a constant."""
        return next((i for i, s in enumerate(self.slots) if s.tensor == tensor), -1)


@dataclass(frozen=True)
class Demand:
    """What a schedule asks of the arena: groups of tensors, scratch by layer, where two may come closer.

    ``alive``: bytes that must exist at each step.
    """

    flow: Flow
    lives: Lives
    groups: tuple[Group, ...]
    scratch: tuple[arena.Block, ...]
    closer: Mapping[tuple[int, int], int]
    alive: Bytes

    @property
    def bound(self) -> int:
        """The most bytes alive at one step."""
        return int(self.alive.max(initial=0))

    def blocks(self, align: int) -> list[arena.Block]:
        """Groups, then scratch."""
        held = [arena.Block(g.size, g.mask, align) for g in self.groups]
        return [*held, *self.scratch]


def bands(flow: Flow, steps: Sequence[Step]) -> list[int]:
    """The most rows that each layer computes in one step."""
    most = [1] * len(flow.works)
    for step in steps:
        most[step.layer] = max(most[step.layer], step.end - step.begin)
    return most


def demand(flow: Flow, steps: Sequence[Step]) -> Demand:
    """What ``steps`` ask of the arena."""
    lives = lives_of(flow, steps)
    groups = groups_of(flow, lives, steps)
    most = bands(flow, steps)
    scratch = tuple(_scratch(work, most[work.number], steps) for work in flow.works)
    overlaps = _Overlaps(flow, lives, groups, scratch, max(1, len(steps)))
    return Demand(flow, lives, groups, scratch, overlaps.closer(), overlaps.alive())


def plan_memory(graph: Graph, flow: Flow, steps: Sequence[Step], align: int, effort: float = 1.0) -> Memory:
    """Give every computed tensor of ``graph`` a slot; ``align`` is that of slots in bytes."""
    wanted = demand(flow, steps)
    blocks = wanted.blocks(align)
    layout = arena.lay_out(blocks, wanted.bound, wanted.closer, effort)
    place = {name: (layout.offsets[i], group.ring) for i, group in enumerate(wanted.groups) for name in group.members}
    used = layout.offsets[len(wanted.groups) :]
    return Memory(
        slots=tuple(
            _slot(graph, name, place[root], wanted.lives.span(root), len(steps)) for name, root in flow.root_of.items()
        ),
        scratch=tuple((o, b.size) for o, b in zip(used, wanted.scratch, strict=True)),
        size=layout.size,
        lower_bound=wanted.bound,
    )


def _scratch(work: Work, band: int, steps: Sequence[Step]) -> arena.Block:
    """Alive while the layer runs; from its first to its last step where sums stay in it."""
    kernel = work.choice.kernel
    mine = [k for k, step in enumerate(steps) if step.layer == work.number]
    alive = arena.during(mine[0], mine[-1]) if kernel.accumulates else sum(1 << k for k in mine)
    size = kernel.scratch_bytes(work.choice.ints(band))
    return arena.Block(size, alive if size else 0, max(kernel.align, WORD))


class _Overlaps:
    """How close blocks may come that are not alive in full all the time."""

    def __init__(
        self, flow: Flow, lives: Lives, groups: Sequence[Group], scratch: Sequence[arena.Block], steps: int
    ) -> None:
        self.flow, self.lives, self.groups, self.scratch, self.steps = flow, lives, groups, scratch, steps
        self.of = {name: i for i, group in enumerate(groups) for name in group.members}
        self.shared = np.zeros(steps, np.int64)
        """Bytes that count twice in a sum over the groups and scratch of a step, because two may share them."""

    def closer(self) -> dict[tuple[int, int], int]:
        """For pairs of blocks, how far the second must be above the first."""
        found: dict[tuple[int, int], int] = {}
        for i, lower in enumerate(self.groups):
            for j, upper in enumerate(self.groups):
                if i != j and not (lower.ring and upper.ring) and lower.mask & upper.mask:
                    found[i, j] = self._distance(lower.hi, upper.lo, lower, upper)
        for j, upper in enumerate(self.groups):
            if not upper.ring:
                for k, block in enumerate(self.scratch):
                    if block.alive & upper.mask:
                        steps = _bits(block.alive & upper.mask)
                        found[len(self.groups) + k, j] = block.size - int(upper.lo[steps].min())
                        found[j, len(self.groups) + k] = int(upper.hi[steps].max())
        for work in self.flow.works:
            self._over_its_input(work, found)
            self._in_its_scratch(work, found)
        return found

    def alive(self) -> Bytes:
        """Bytes alive at every step."""
        total = -self.shared
        for group in self.groups:
            total += np.where(group.hi > group.lo, group.hi - group.lo, 0)
        for block in self.scratch:
            if block.alive:
                total[_bits(block.alive)] += block.size
        return total

    @staticmethod
    def _distance(hi: Bytes, lo: Bytes, lower: Group, upper: Group) -> int:
        both = _bits(lower.mask & upper.mask)
        return int((hi[both] - lo[both]).max())

    def _over_its_input(self, work: Work, found: dict[tuple[int, int], int]) -> None:
        """A kernel that reads each pixel before it writes it: its output may begin below its input and overlap it."""
        if not work.choice.kernel.holds(work.choice.kernel.inplace, work.choice.lowered.ints):
            return
        output = work.writes[0]
        j = self.of[output]
        lower = self.groups[j]
        for read in work.reads:
            i = self.of[read.root]
            upper = self.groups[i]
            if i == j or lower.ring or upper.ring:
                continue
            lo = upper.lo.copy()
            least = -_NOTHING
            out_pitch = self.flow.roots[output].bytes // work.rows
            in_pitch = self.flow.roots[read.root].bytes // work.rows
            for use in self.lives.uses[work.number, read.root]:
                t = use.step
                lone = (
                    lower.hi[t] <= use.end * out_pitch
                    and self._lowest_of_others(lower, output, t) == _NOTHING
                    and upper.lo[t] == self.lives.lo[read.root][t]
                )
                if not lone:
                    continue
                lo[t] = min(use.others, self._lowest_of_others(upper, read.root, t))
                grows = out_pitch - in_pitch
                least = max(least, use.begin * grows, use.end * grows)
                self.shared[t] += min(int(upper.hi[t] - upper.lo[t]), (use.end - use.begin) * out_pitch)
            found[j, i] = max(self._distance(lower.hi, lo, lower, upper), least)

    def _lowest_of_others(self, group: Group, name: str, t: int) -> int:
        return min(
            (
                int(self.lives.lo[m][t])
                for m in group.members
                if m != name and self.lives.hi[m][t] > self.lives.lo[m][t]
            ),
            default=_NOTHING,
        )

    def _in_its_scratch(self, work: Work, found: dict[tuple[int, int], int]) -> None:
        """A kernel that unpacks its input into twice the bytes in order: the input may be the end of its scratch."""
        kernel = work.choice.kernel
        if not kernel.holds(kernel.eats_input, work.choice.lowered.ints):
            return
        root = work.reads[0].root
        i = self.of[root]
        group = self.groups[i]
        uses = self.lives.uses[work.number, root]
        dead = len(uses) == 1 and uses[0].others >= self.flow.roots[root].bytes
        block = self.scratch[work.number]
        if group.ring or not dead or self._lowest_of_others(group, root, uses[0].step) < _NOTHING:
            return
        half = block.size // 2
        found[len(self.groups) + work.number, i] = block.size - half
        self.shared[uses[0].step] += half


def _bits(value: int) -> NDArray[np.intp]:
    """The positions of the bits that are set."""
    data = value.to_bytes((value.bit_length() + 7) // 8 or 1, "little")
    return np.flatnonzero(np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little"))


def _slot(graph: Graph, name: str, place: tuple[int, int], alive: tuple[int, int], steps: int) -> Slot:
    tensor = graph.tensors[name]
    offset, ring = place
    first, last = alive
    images, rows, elements = image_rows(tensor.shape)
    return Slot(
        tensor=name,
        shape=tensor.shape,
        dtype=tensor.dtype.value,
        offset=offset,
        images=images,
        rows=rows,
        ring_rows=ring or rows,
        row_bytes=elements * tensor.dtype.size,
        first=first,
        last=steps if name in graph.outputs else last,
        scale=tensor.quant.scale[0] if tensor.quant else 0.0,
        zero_point=tensor.quant.zero_point[0] if tensor.quant else 0,
        channels=tensor.channels,
    )
