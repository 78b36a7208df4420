"""What computing a layer band by band costs, and the kernel that suits bands of so many rows.

A band is priced as a layer of that many rows by the core's cost table; where there is none, by what the kernel's header
says of one call more.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from edgekit.board import Target
from edgekit.plan import costs
from edgekit.plan.kernels import Choice, Kernel, catalogue, taking_rows

_WORTH = 0.1
"""Share of a layer's instructions in bands that another kernel than the one for the whole layer has to save."""


def suited(choice: Choice, rows: int, target: Target) -> Choice:
    """The layer with the kernel that computes it best in bands of ``rows`` rows; 0: of any number."""
    taken = taking_rows(choice, target)
    if taken is not choice or not choice.banded or not 0 < rows < choice.rows:
        return taken
    best, least = choice, instructions(choice, rows, target)
    for kernel in _for_bands(target.isas):
        other = Choice(choice.view, choice.lowered, kernel)
        if least is None or kernel.family != choice.kernel.family or not kernel.applies(choice.lowered.ints):
            continue
        found = instructions(other, rows, target)
        if found is not None and found < (1 - _WORTH) * least:
            best, least = other, found
    return best


def instructions(choice: Choice, rows: int, target: Target) -> int | None:
    """Predicted, of one band of ``rows`` rows in the middle of the image; None if the kernel was never counted."""
    table = costs.table(target.core)
    if table is None or choice.accumulates:
        return None
    return table.instructions(choice.kernel, choice.view, choice.lowered, rows)


def added(whole: Choice, used: Choice, heights: Sequence[int], target: Target) -> int:
    """Instructions beyond those of ``whole`` in one step, if bands of these heights are computed with ``used``."""
    least = len(heights) - 1
    if least <= 0:
        return 0
    prices = {rows: instructions(used, rows, target) for rows in set(heights)}
    before = instructions(whole, whole.rows, target)
    known = [price for rows in heights if (price := prices[rows]) is not None]
    if before is None or len(known) < len(heights):
        return least * used.kernel.call_instructions(used.ints(max(heights)))
    return max(least, sum(known) - before)


@cache
def _for_bands(isas: Sequence[str]) -> tuple[Kernel, ...]:
    return tuple(kernel for kernel in catalogue() if kernel.bands_only and kernel.isa in isas)
