"""Where tensors lie: byte offsets in one arena, from sizes and the steps at which they are alive.

Two blocks alive together must be apart: the one above begins at least the lower one's size above it, or less where a
caller knows that the lower one's end and the upper one's beginning are never alive together. Greedy placement at the
lowest free offset, over several orders of the blocks and a deterministic local search; it stops when it reaches the
lower bound.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SEARCH_ROUNDS = 1500
_SEARCH_WORK = 3_000_000


@dataclass(frozen=True)
class Block:
    """Bytes that must exist at some steps: bit k of ``alive`` is set if they are alive at step k."""

    size: int
    alive: int
    align: int = 4

    def meets(self, other: Block) -> bool:
        """Whether both are alive at some step."""
        return bool(self.alive & other.alive)


def during(first: int, last: int) -> int:
    """The steps from ``first`` to ``last``, both included, as ``Block.alive`` wants them."""
    return ((1 << (last - first + 1)) - 1) << first


@dataclass(frozen=True)
class Layout:
    """Offsets, one a block, and the bytes they need."""

    offsets: tuple[int, ...]
    size: int


Closer = Mapping[tuple[int, int], int]
"""For blocks (i, j), how far j must begin above i if it lies above it, where that is not i's size."""


def lay_out(blocks: Sequence[Block], bound: int = 0, closer: Closer | None = None, effort: float = 1.0) -> Layout:
    """Offsets for ``blocks`` such that no two blocks alive together come too close.

    The search ends early at ``bound`` bytes; ``effort`` scales how long it goes on.
    """
    problem = _Problem(blocks, closer or {})
    best = min((problem.place(order) for order in problem.orders()), key=problem.size)
    generator = random.Random(0)  # noqa: S311 - a search order, not a secret
    order = sorted(range(len(blocks)), key=lambda i: best[i])
    rounds = min(_SEARCH_ROUNDS, _SEARCH_WORK // max(1, len(blocks) ** 2)) if len(blocks) > 1 else 0
    for _ in range(int(rounds * effort)):
        if problem.size(best) <= bound:
            break
        candidate = list(order)
        a, b = generator.sample(range(len(blocks)), 2)
        candidate.insert(a, candidate.pop(b))
        offsets = problem.place(candidate)
        if problem.size(offsets) <= problem.size(best):
            best, order = offsets, candidate
    return Layout(tuple(best), problem.size(best))


def lower_bound(blocks: Sequence[Block]) -> int:
    """The largest sum of block sizes alive at one step."""
    steps = range(max((b.alive.bit_length() for b in blocks), default=0))
    return max((sum(_up(b.size, b.align) for b in blocks if b.alive >> s & 1) for s in steps), default=0)


class _Problem:
    """Blocks and how far apart those that meet must be."""

    def __init__(self, blocks: Sequence[Block], closer: Closer) -> None:
        self.blocks = blocks
        self.meets: list[list[tuple[int, int, int]]] = []
        """For each block: another, how far that one must be above it, and how far below."""
        for i, block in enumerate(blocks):
            self.meets.append(
                [
                    (j, closer.get((i, j), block.size), closer.get((j, i), other.size))
                    for j, other in enumerate(blocks)
                    if j != i and block.alive & other.alive
                ]
            )

    def orders(self) -> list[list[int]]:
        """Orders to place the blocks in that are worth a try."""
        blocks, index = self.blocks, range(len(self.blocks))
        first = [(b.alive & -b.alive).bit_length() for b in blocks]
        last = [b.alive.bit_length() for b in blocks]
        return [
            sorted(index, key=lambda i: (-blocks[i].size, first[i])),
            sorted(index, key=lambda i: (first[i], -blocks[i].size)),
            sorted(index, key=lambda i: (-last[i], -blocks[i].size)),
            sorted(index, key=lambda i: (first[i] - last[i], -blocks[i].size)),
            sorted(index, key=lambda i: -blocks[i].size * (last[i] - first[i] + 1)),
        ]

    def size(self, offsets: Sequence[int]) -> int:
        """Bytes from the first to the last."""
        return max((o + b.size for o, b in zip(offsets, self.blocks, strict=True)), default=0)

    def place(self, order: Sequence[int]) -> list[int]:
        """Each block in this order at the lowest offset that is free."""
        offsets = [-1] * len(self.blocks)
        for i in order:
            align = self.blocks[i].align
            taken = sorted(
                (offsets[j] - above, offsets[j] + below) for j, above, below in self.meets[i] if offsets[j] >= 0
            )
            offset = 0
            for begin, end in taken:
                if offset <= begin:
                    break
                if offset < end:
                    offset = _up(end, align)
            offsets[i] = offset
        return offsets


def _up(value: int, align: int) -> int:
    return -(-value // align) * align
