"""Which kernel runs each layer of a model: fast ones, small ones, or those that are worth their bytes.

Costs come from the core's table (see costs): predicted instructions, bytes of code. Constants are packed and weighed.
Code is paid once however many layers share it, so kernels are chosen for the whole model at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from edgekit.board import Target
from edgekit.ir.graph import Graph
from edgekit.plan import costs, kernels
from edgekit.plan.costs import Code, CostTable
from edgekit.plan.kernels import Choice

_REASONABLE, _SLACK, _PRICE, _CLOSE = 1.5, 1024, 1 / 3, 0.03
_RESERVE = 24 * 1024
"""Flash kept for what is neither constants nor kernels: start-up, protocol, bench harness, layer functions."""


class Objective(StrEnum):
    """What kernels, and the way a model is computed, are chosen for.

    ``SPEED``: fewest instructions, whatever flash they take of the board's. ``SIZE``: fewest bytes of constants and
    code. ``BALANCED``: speed, unless a kernel costs flash unreasonably. That is so if its constants take more than
    one and a half times the bytes of the layer's smallest kernel and a kilobyte; and of the rest a kernel is taken in
    place of a smaller one only if the share of the model's instructions it saves is at least a third of the share of
    the model's flash it costs, both counted on the fastest choice. Layers weigh in together where they share code.
    ``RAM``: kernels as for ``BALANCED``; then the least RAM (see ``plan.search``).
    """

    SPEED = "speed"
    SIZE = "size"
    BALANCED = "balanced"
    RAM = "ram"


@dataclass(frozen=True)
class Candidate:
    """A kernel that could run a layer, and what it would cost there.

    ``instructions`` are predicted; ``code`` is of its routine as the table's toolchain compiles it.
    """

    choice: Choice
    instructions: int
    code: Code

    @cached_property
    def constants(self) -> Mapping[bytes, int]:
        """Bytes of each constant array by a digest of its content: equal ones are stored once."""
        raw = [np.ascontiguousarray(a).tobytes() for a in self.choice.packed.values()]
        return {hashlib.blake2b(r, digest_size=16).digest(): len(r) for r in raw}

    @property
    def constant_bytes(self) -> int:
        """Flash of the packed constants."""
        return sum(self.constants.values())

    @property
    def routine(self) -> tuple[str, tuple[int, ...]]:
        """What layers must agree on to share the routine: the kernel and its literals."""
        kernel, ints = self.choice.kernel, self.choice.lowered.ints
        return kernel.name, tuple(ints[name] for name in kernel.specialise)


@dataclass(frozen=True)
class Total:
    """Predicted instructions of one inference, and bytes of constants and kernels."""

    instructions: int
    flash: int


Assignment = tuple[int, ...]
"""Which candidate each layer takes, by position."""
Layers = Sequence[Sequence[Candidate]]


def choose(
    graph: Graph, target: Target, objective: Objective, forced: Mapping[str, str] | None = None
) -> tuple[Choice, ...]:
    """A kernel for every layer that needs one; ``forced`` names one by family.

    On a core without a cost table the priority in the kernels' headers decides, whatever the objective.

    Raises:
        UnsupportedError: if a layer has no kernel on this target.
    """
    fitting = [kernels.candidates(v, target, forced or {}) for v in graph.views() if v.node.op.FAMILY]
    table = costs.table(target.core)
    if table is None or all(len(choices) == 1 for choices in fitting):
        return tuple(choices[0] for choices in fitting)
    priced = [_priced(choices, table) for choices in fitting]
    known = [layer for layer in priced if layer]
    found = iter(zip(known, assign(known, objective, capacity(target)), strict=True))
    return tuple(
        choices[0] if not layer else _taken(*next(found)) for choices, layer in zip(fitting, priced, strict=True)
    )


def offers(graph: Graph, target: Target) -> list[tuple[Candidate, ...]]:
    """Per layer that needs a kernel, everything that could run it, cheapest first; empty without a cost table."""
    table = costs.table(target.core)
    fitting = [kernels.candidates(v, target, {}) for v in graph.views() if v.node.op.FAMILY]
    if table is None:
        return [() for _ in fitting]
    return [tuple(sorted(_priced(c, table), key=lambda x: x.instructions)) for c in fitting]


def _taken(layer: Sequence[Candidate], index: int) -> Choice:
    return layer[index].choice


def _priced(choices: Sequence[Choice], table: CostTable) -> tuple[Candidate, ...]:
    """The choices that the table knows; a kernel that was never counted cannot be compared.

    Predictions closer than ``_CLOSE`` say nothing: there the kernel with the higher priority, which is the special
    case of the other, counts as cheaper by as much.
    """
    found: list[Candidate] = []
    for choice in choices:
        instructions = table.instructions(choice.kernel, choice.view, choice.lowered)
        if instructions is not None:
            above = [c.instructions for c in found if c.choice.kernel.priority > choice.kernel.priority]
            close = [n for n in above if instructions > (1 - _CLOSE) * n]
            instructions = max([instructions, *(round((1 + _CLOSE) * n) for n in close if instructions < n)])
            literals = {name: choice.lowered.ints[name] for name in choice.kernel.specialise}
            found.append(Candidate(choice, instructions, table.kernels[choice.kernel.name].code_for(literals)))
    return tuple(found)


def capacity(target: Target) -> int:
    """Bytes that constants and kernels may take: the largest flash bank without the reserve; 0 is no limit."""
    if not target.bare_metal:
        return 0
    return max((bank.size for bank in target.banks("flash")), default=_RESERVE) - _RESERVE


def total(layers: Layers, assignment: Assignment) -> Total:
    """What an assignment costs: constants and helpers once, routines once for each set of literals."""
    taken = [layer[i] for layer, i in zip(layers, assignment, strict=True)]
    constants: dict[bytes, int] = {}
    helpers: dict[str, int] = {}
    routines: dict[tuple[str, tuple[int, ...]], int] = {}
    arguments = 0
    for one in taken:
        constants |= one.constants
        helpers |= one.code.helpers
        routines[one.routine] = one.code.own
        arguments += 4 * (len(one.choice.kernel.fields) + len(one.choice.kernel.arrays))
    flash = sum(constants.values()) + sum(helpers.values()) + sum(routines.values()) + arguments
    return Total(sum(one.instructions for one in taken), flash)


def assign(layers: Layers, objective: Objective, capacity: int = 0) -> Assignment:
    """The candidate of each layer; where ``capacity`` is not 0 constants and kernels stay within it if any can."""
    fastest = tuple(_best(layer, lambda c: (c.instructions, c.constant_bytes)) for layer in layers)
    if objective is Objective.SPEED:
        found = fastest
    elif objective is Objective.SIZE:
        smallest = tuple(_best(layer, lambda c: (c.constant_bytes + c.code.total, c.instructions)) for layer in layers)
        found = _descend(layers, smallest, lambda t: (t.flash, t.instructions))
    else:
        found = _balanced(layers, fastest)
    return _within(layers, found, capacity) if capacity else found


def _balanced(layers: Layers, fastest: Assignment) -> Assignment:
    """See ``Objective``: the least sum of both shares, flash at its price, among the reasonable candidates."""
    limits = [reasonable(layer) for layer in layers]
    allowed = [
        [i for i, c in enumerate(layer) if c.constant_bytes <= limit]
        for layer, limit in zip(layers, limits, strict=True)
    ]
    kept = [[layer[i] for i in indices] for layer, indices in zip(layers, allowed, strict=True)]
    start = tuple(_best(layer, lambda c: (c.instructions, c.constant_bytes)) for layer in kept)
    whole = total(layers, fastest)

    def shares(t: Total) -> tuple[float, float]:
        return t.instructions / max(whole.instructions, 1) + _PRICE * t.flash / max(whole.flash, 1), 0.0

    found = _descend(kept, start, shares)
    return tuple(indices[i] for indices, i in zip(allowed, found, strict=True))


def reasonable(layer: Sequence[Candidate]) -> float:
    """The most bytes of constants that ``BALANCED`` lets a kernel of this layer have."""
    return _REASONABLE * min(c.constant_bytes for c in layer) + _SLACK


def _best(layer: Sequence[Candidate], key: Callable[[Candidate], tuple[float, ...]]) -> int:
    return min(range(len(layer)), key=lambda i: (*key(layer[i]), i))


def _moves(layers: Layers, assignment: Assignment) -> Iterator[Assignment]:
    """Assignments one step away: another candidate for one layer, or one kernel for another in all layers."""
    for at, layer in enumerate(layers):
        for i in range(len(layer)):
            if i != assignment[at]:
                yield (*assignment[:at], i, *assignment[at + 1 :])
    names = [[c.choice.kernel.name for c in layer] for layer in layers]
    used = {row[i] for row, i in zip(names, assignment, strict=True)}
    for gone in sorted(used):
        affected = [row for row, i in zip(names, assignment, strict=True) if row[i] == gone]
        for other in sorted({name for row in affected for name in row} - {gone}):
            yield tuple(
                row.index(other) if row[i] == gone and other in row else i
                for row, i in zip(names, assignment, strict=True)
            )


def _descend(layers: Layers, start: Assignment, value: Callable[[Total], tuple[float, float]]) -> Assignment:
    """Take the best move until none lowers ``value``."""
    best, worth = start, value(total(layers, start))
    while True:
        tried = [(value(total(layers, move)), move) for move in _moves(layers, best)]
        lowest, move = min(tried, default=(worth, best))
        if lowest >= worth:
            return best
        best, worth = move, lowest


def _within(layers: Layers, start: Assignment, capacity: int) -> Assignment:
    """Smaller kernels, those first that lose the fewest instructions a byte, until ``capacity`` holds them.

    If nothing does, the smallest found: placement and linker say what is missing.
    """
    found, now = start, total(layers, start)
    while now.flash > capacity:
        smaller = [(total(layers, move), move) for move in _moves(layers, found)]
        smaller = [(t, move) for t, move in smaller if t.flash < now.flash]
        if not smaller:
            break
        before = now
        now, found = min(
            smaller, key=lambda x: ((x[0].instructions - before.instructions) / (before.flash - x[0].flash), x[1])
        )
    return found
