"""Tensors that share bytes because a kernel may write its output over its input, and groups held as rings of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.plan.flow import Flow, Work
from edgekit.plan.lives import Bytes, Lives, mask
from edgekit.plan.plan import Step


@dataclass(frozen=True, eq=False)
class Group:
    """Tensors at one place: per step, bytes [lo, hi) of it are alive.

    ``ring`` is how many rows are held, 0 if it is whole; then ``lo`` and ``hi`` are 0 and ``size`` while it is alive.
    """

    members: tuple[str, ...]
    size: int
    ring: int
    lo: Bytes
    hi: Bytes
    mask: int


def groups_of(flow: Flow, lives: Lives, steps: Sequence[Step]) -> tuple[Group, ...]:
    """Every tensor in one group."""
    owner = {name: name for name in flow.roots}
    count = [0] * len(flow.works)
    for step in steps:
        count[step.layer] += 1
    for work in flow.works:
        source = _overwritten(flow, lives, work, count[work.number])
        if source:
            owner[work.writes[0]] = owner[source]
    members: dict[str, list[str]] = {}
    for name, root in owner.items():
        members.setdefault(root, []).append(name)
    return tuple(_group(flow, lives, names) for names in members.values())


def _overwritten(flow: Flow, lives: Lives, work: Work, steps: int) -> str:
    """The input that the output of ``work`` takes the place of; empty: none."""
    kernel, ints = work.choice.kernel, work.choice.lowered.ints
    anyhow = kernel.holds(kernel.inplace, ints)
    if not anyhow and not (steps == 1 and kernel.holds(kernel.inplace_whole, ints)):
        return ""
    output = flow.roots[work.writes[0]]
    for read in work.reads:
        source = flow.roots[read.root]
        alike = (source.rows, source.pitch) == (output.rows, output.pitch) or steps == 1
        once = sum(r.root == read.root for r in work.reads) == 1
        pitch = source.bytes // work.rows
        dead = all(use.others >= use.end * pitch for use in lives.uses[work.number, read.root])
        if source.bytes == output.bytes and alike and once and dead:
            return read.root
        if not anyhow:
            break
    return ""


def _group(flow: Flow, lives: Lives, names: Sequence[str]) -> Group:
    alive = np.zeros(len(lives.lo[names[0]]), np.bool_)
    lo = np.full(len(alive), 1 << 40, np.int64)
    hi = np.zeros(len(alive), np.int64)
    for name in names:
        mine = lives.hi[name] > lives.lo[name]
        alive |= mine
        lo[mine] = np.minimum(lo[mine], lives.lo[name][mine])
        hi[mine] = np.maximum(hi[mine], lives.hi[name][mine])
    lo[~alive] = 0
    roots = [flow.roots[name] for name in names]
    size = max(root.bytes for root in roots)
    pitch, rows = roots[0].pitch, roots[0].rows
    ring = 0
    if all(root.rings and root.pitch == pitch and root.rows == rows for root in roots) and pitch and alive.any():
        kept = int((-(-hi // pitch) - lo // pitch)[alive].max())
        if kept < rows:
            ring, size = kept, kept * pitch
            lo, hi = np.zeros_like(lo), np.where(alive, size, 0)
    return Group(tuple(names), size, ring, lo, hi, mask(alive))
