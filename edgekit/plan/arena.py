"""Where tensors lie: byte offsets in one arena, from sizes and lifetimes.

Greedy placement at the lowest free offset, over several orders of the blocks and a deterministic local search;
it stops when it reaches the lower bound, the largest sum of bytes alive at one step.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_SEARCH_ROUNDS = 300


@dataclass(frozen=True)
class Block:
    """Bytes that must exist from step ``first`` to step ``last``, both included."""

    size: int
    first: int
    last: int
    align: int = 4

    def meets(self, other: Block) -> bool:
        """Whether both are alive at some step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Layout:
    """Offsets, one a block, the bytes they need and the bytes no layout can go below."""

    offsets: tuple[int, ...]
    size: int
    lower_bound: int


def lay_out(blocks: Sequence[Block]) -> Layout:
    """Offsets for ``blocks`` such that no two blocks alive together overlap."""
    bound = lower_bound(blocks)
    best = min((_place(blocks, order) for order in _orders(blocks)), key=_size_of(blocks))
    size = _size_of(blocks)
    generator = random.Random(0)  # noqa: S311 - a search order, not a secret
    order = sorted(range(len(blocks)), key=lambda i: best[i])
    for _ in range(_SEARCH_ROUNDS if len(blocks) > 1 else 0):
        if size(best) <= bound:
            break
        candidate = list(order)
        a, b = generator.sample(range(len(blocks)), 2)
        candidate.insert(a, candidate.pop(b))
        offsets = _place(blocks, candidate)
        if size(offsets) <= size(best):
            best, order = offsets, candidate
    return Layout(tuple(best), size(best), bound)


def lower_bound(blocks: Sequence[Block]) -> int:
    """The largest sum of block sizes alive at one step."""
    steps = {b.first for b in blocks}
    return max((sum(_up(b.size, b.align) for b in blocks if b.first <= s <= b.last) for s in steps), default=0)


def _orders(blocks: Sequence[Block]) -> list[list[int]]:
    index = range(len(blocks))
    return [
        sorted(index, key=lambda i: (-blocks[i].size, blocks[i].first)),
        sorted(index, key=lambda i: (blocks[i].first, -blocks[i].size)),
        sorted(index, key=lambda i: (blocks[i].first - blocks[i].last, -blocks[i].size)),
        sorted(index, key=lambda i: -blocks[i].size * (blocks[i].last - blocks[i].first + 1)),
    ]


def _size_of(blocks: Sequence[Block]) -> Callable[[Sequence[int]], int]:
    def size(offsets: Sequence[int]) -> int:
        return max((o + b.size for o, b in zip(offsets, blocks, strict=True)), default=0)

    return size


def _place(blocks: Sequence[Block], order: Sequence[int]) -> list[int]:
    offsets = [0] * len(blocks)
    placed: list[int] = []
    for i in order:
        block = blocks[i]
        taken = sorted((offsets[j], offsets[j] + blocks[j].size) for j in placed if blocks[j].meets(block))
        offset = 0
        for begin, end in taken:
            if offset + block.size <= begin:
                break
            offset = max(offset, _up(end, block.align))
        offsets[i] = offset
        placed.append(i)
    return offsets


def _up(value: int, align: int) -> int:
    return -(-value // align) * align
