"""The cycle model: estimates of what an image would take on silicon, with their error.

Per instruction the model costs a Cortex-M4 (csrc/count.h); flash adds wait states through the part's line
buffers. It was fitted on published CMSIS-NN results of a NUCLEO-L4R5ZI (kws +9 %, ic -10 %, ad -13 %); Cortex-M33 and
Cortex-M7 are factors on what that board would take. Where nothing was ever compared the numbers are only indicative.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.board import Target


@dataclass(frozen=True)
class CycleModel:
    """Parameters of the model and how far to trust it.

    ``scale`` multiplies the Cortex-M4's cycles. ``error_percent`` is the largest deviation seen on silicon, None if
    none was ever compared ("indicative"). A line of flash that is not in its buffer costs ``wait_states``; lines
    are powers of two.
    """

    how: str
    error_percent: int | None = None
    scale: float = 1.0
    wait_states: int = 0
    instruction_lines: int = 0
    data_lines: int = 0
    instruction_line_bytes: int = 16
    data_line_bytes: int = 8
    branch_penalty: int = 2

    @property
    def error(self) -> str:
        """The error in words: ``+-15 %`` or ``indicative``."""
        return "indicative" if self.error_percent is None else f"+-{self.error_percent} %"


_L4R5 = CycleModel(
    how="Cortex-M4 instruction costs and flash wait states",
    error_percent=15,
    wait_states=5,
    instruction_lines=64,
    data_lines=8,
)
_FACTORS = {"cortex-m33": (0.81, 20), "cortex-m7": (0.54, 25)}


def for_target(target: Target) -> CycleModel | None:
    """The model of a target; None where none exists (Linux boards and the host)."""
    if target.core == "cortex-m4":
        if target.flash_wait_states:
            return replace(_L4R5, wait_states=target.flash_wait_states)
        return CycleModel("Cortex-M4 instruction costs, no flash wait states", error_percent=15)
    if target.core in _FACTORS:
        scale, error = _FACTORS[target.core]
        how = f"{scale} of a Cortex-M4 at 120 MHz with 5 flash wait states"
        return replace(_L4R5, how=how, scale=scale, error_percent=error)
    if target.core == "cortex-m55":
        return CycleModel("one cycle an instruction, two for a taken branch")
    if target.core.startswith("cortex-m"):
        return CycleModel("Cortex-M4 instruction costs, no flash wait states")
    return None
