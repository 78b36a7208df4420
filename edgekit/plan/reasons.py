"""Why each layer runs its kernel: every kernel that could run it, what that would cost, why it was not taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgekit.board import Target
from edgekit.ir.graph import Graph
from edgekit.plan import costs, kernels, select
from edgekit.plan.kernels import Choice
from edgekit.plan.select import Candidate, Objective, Total

_WEIGHING = (Objective.BALANCED, Objective.RAM)
"""They choose kernels alike: bytes are weighed against instructions."""


@dataclass(frozen=True)
class Offer:
    """A kernel that could run a layer.

    ``instructions`` are predicted by the core's cost table, None where there is none; on the bench's layers the
    prediction was off by at most ``error`` percent. ``constants`` and ``code`` are bytes of flash if the layer were
    alone; ``more_instructions`` and ``more_flash`` what the whole model would take more, or less, with this kernel
    here and all else as it is: code and constants that layers share count once.
    """

    kernel: str
    summary: str
    chosen: bool
    reason: str
    instructions: int | None = None
    error: float | None = None
    constants: int | None = None
    code: int | None = None
    more_instructions: int | None = None
    more_flash: int | None = None

    def json(self) -> dict[str, Any]:
        """For ``explain layer --json``."""
        return {
            "kernel": self.kernel, "summary": self.summary, "chosen": self.chosen, "reason": self.reason,
            "instructions": self.instructions, "how": None if self.instructions is None else "estimated",
            "error_percent": self.error, "flash": {"constants": self.constants, "code": self.code},
            "whole_model": {"instructions": self.more_instructions, "flash": self.more_flash},
        }  # fmt: skip


@dataclass(frozen=True)
class _Model:
    """All layers with what was chosen; ``capacity`` in bytes, 0 is no limit."""

    layers: Sequence[Sequence[Candidate]]
    taken: tuple[int, ...]
    objective: Objective
    capacity: int

    def total(self, layer: int, candidate: int) -> Total:
        """What the model costs with this candidate in this layer."""
        return select.total(self.layers, (*self.taken[:layer], candidate, *self.taken[layer + 1 :]))


def offers(graph: Graph, target: Target, objective: Objective) -> tuple[tuple[Offer, ...], ...]:
    """For each layer that needs a kernel the kernels that could run it, the cheapest first.

    Raises:
        UnsupportedError: if a layer has no kernel on this target.
    """
    chosen = select.choose(graph, target, objective)
    priced = select.offers(graph, target)
    if not all(priced):
        return tuple(_by_rank(choice, target) for choice in chosen)
    names = [[c.choice.kernel.name for c in layer] for layer in priced]
    taken = tuple(row.index(choice.kernel.name) for row, choice in zip(names, chosen, strict=True))
    model = _Model(priced, taken, objective, select.capacity(target))
    table = costs.table(target.core)
    errors = {name: line.error for name, line in table.kernels.items()} if table else {}
    return tuple(
        tuple(_offer(model, i, k, errors[c.choice.kernel.name]) for k, c in enumerate(layer))
        for i, layer in enumerate(priced)
    )


def _by_rank(choice: Choice, target: Target) -> tuple[Offer, ...]:
    """Without a cost table of the core, or of a kernel that is new: priorities decide."""
    fitting = kernels.candidates(choice.view, target, {})
    return tuple(
        Offer(
            kernel=other.kernel.name,
            summary=other.kernel.summary,
            chosen=other.kernel is choice.kernel,
            reason=f"priority {other.kernel.priority}: nothing was counted on {target.core}",
            constants=sum(a.nbytes for a in other.packed.values()),
        )
        for other in fitting
    )


def _offer(model: _Model, layer: int, index: int, error: float) -> Offer:
    candidate = model.layers[layer][index]
    now, other = model.total(layer, model.taken[layer]), model.total(layer, index)
    taken = index == model.taken[layer]
    return Offer(
        kernel=candidate.choice.kernel.name,
        summary=candidate.choice.kernel.summary,
        chosen=taken,
        reason=_taken(model, layer) if taken else _left(model, layer, index),
        instructions=candidate.instructions,
        error=error,
        constants=candidate.constant_bytes,
        code=candidate.code.total,
        more_instructions=other.instructions - now.instructions,
        more_flash=other.flash - now.flash,
    )


def _taken(model: _Model, layer: int) -> str:
    row = model.layers[layer]
    if len(row) == 1:
        return "the only kernel that runs this layer on this core"
    if row[model.taken[layer]].instructions == min(c.instructions for c in row):
        return "fewest instructions"
    if model.objective is Objective.SIZE:
        return "least flash in the whole model"
    return "the faster ones cost more flash than they are worth, or than there is"


def _left(model: _Model, layer: int, index: int) -> str:
    """Why a candidate was not taken, from what the model would cost with it."""
    now, other = model.total(layer, model.taken[layer]), model.total(layer, index)
    row, worth = model.layers[layer], " than that is worth" if model.objective in _WEIGHING else ""
    limit = select.reasonable(row)
    faster, smaller = other.instructions < now.instructions, other.flash < now.flash
    if model.capacity and other.flash > model.capacity and not smaller:
        return f"the model's constants and kernels would exceed {model.capacity:,} B of flash"
    if not faster and not smaller:
        return "more instructions and no less flash"
    if model.objective in _WEIGHING and row[index].constant_bytes > limit:
        return f"more than {limit:,.0f} B of constants: the smallest kernel's, half as many again and a kilobyte"
    if not faster:
        return f"less flash, but more instructions{worth}"
    if smaller:
        return "better for this layer alone; the search over all layers did not find it"
    return f"fewer instructions, but more flash{worth}"
