"""Which boards hold a model: on each the default plan, or else the option that makes it fit, or what is short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edgekit import analysis
from edgekit.analysis import CODE_ESTIMATE, Fit
from edgekit.board import Board
from edgekit.ir.graph import Graph
from edgekit.plan.select import Objective

_OTHERS = (Objective.RAM, Objective.SIZE)
"""What is tried where the default plan does not fit."""


@dataclass(frozen=True)
class Answer:
    """What a board says to a model: ``best`` is the plan that fits or comes nearest, made for ``objective``."""

    objective: Objective
    best: Fit

    @property
    def short_ram(self) -> int:
        """Bytes of RAM that the best plan is over by."""
        return _over(self.best.ram, self.best.ram_available)

    @property
    def short_flash(self) -> int:
        """Bytes of flash that the best plan is over by."""
        return _over(self.best.flash, self.best.flash_available)

    @property
    def advice(self) -> str:
        """The option that makes it fit, or what is in the way; nothing where the default plan fits."""
        if self.best.reason:
            return self.best.reason
        if self.best.fits:
            return "" if self.objective is Objective.BALANCED else f"--optimize {self.objective.value}"
        lacks = [f"{n:,} B of {kind}" for n, kind in ((self.short_ram, "RAM"), (self.short_flash, "flash")) if n]
        return f"lacks {' and '.join(lacks)}" if lacks else "no single memory bank holds the arena or the weights"

    def json(self) -> dict[str, Any]:
        """What ``fit --json`` prints of a board."""
        return {
            "board": self.best.board, "core": self.best.core, "fits": self.best.fits,
            "optimize": self.objective.value if self.best.fits else None,
            "ram": {"needed": self.best.ram, "available": self.best.ram_available or None, "short": self.short_ram},
            "flash": {
                "needed": self.best.flash, "available": self.best.flash_available or None, "short": self.short_flash,
                "how": f"weights and an estimate of {CODE_ESTIMATE} bytes for code",
            },
            "advice": self.advice or None,
        }  # fmt: skip


def answers(optimised: Graph, boards: Sequence[Board]) -> Iterator[Answer]:
    """What each board says to the model, in their order; plans are shared by boards that are alike."""
    plans: analysis.Plans = {}
    for board in boards:
        default = analysis.fit(optimised, board, Objective.BALANCED, plans)
        tried = [(Objective.BALANCED, default)]
        if not default.fits and not default.reason:
            tried += [(o, analysis.fit(optimised, board, o, plans)) for o in _OTHERS]
        objective, best = min(tried, key=lambda x: (not x[1].fits, _shortage(x[1])))
        yield Answer(objective, best)


def _shortage(fit: Fit) -> int:
    return _over(fit.ram, fit.ram_available) + _over(fit.flash, fit.flash_available)


def _over(needed: int, available: int) -> int:
    return max(needed - available, 0) if available else 0
