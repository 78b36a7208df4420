"""Graph to Graph passes, each exact: every remaining output keeps its bytes."""

from __future__ import annotations

from collections.abc import Callable

from edgekit.ir.graph import Graph
from edgekit.passes.dead_channels import remove_dead_channels
from edgekit.passes.fold import fold_constants

Pass = Callable[[Graph], Graph]

PASSES: dict[str, Pass] = {
    "fold": fold_constants,
    "dead_channels": remove_dead_channels,
}
"""Every pass by name, in the order they run."""


def optimise(graph: Graph, last: str = "") -> Graph:
    """``graph`` after all passes, or after those up to and including ``last``."""
    for name, run in PASSES.items():
        graph = run(graph)
        if name == last:
            break
    return graph
