"""The cycle model: estimates of what an image would take on silicon, and what is known of their error.

Per instruction the model costs a Cortex-M4 (csrc/count.h); flash adds wait states through the part's line
buffers. It was fitted on three published CMSIS-NN results of one board, the NUCLEO-L4R5ZI, and misses them by +9 %
(kws), -10 % (ic) and -13 % (ad). That is the error of the fit, not one found on other results, models or parts: no
estimate was ever checked against a measurement it was not fitted on. Cortex-M33 and Cortex-M7 are coarse factors on
what that board would take, from published results too. Where nothing was compared at all the numbers are only
indicative.

The flash of an STM32L4 or L4+ keeps 32 lines of 4 x 64 bits of instructions and 8 such lines of data (ST's HAL driver
stm32l4xx_hal_flash.c, "FLASH main features"). The model keeps the same 1 KB and 256 bytes in the units it refills:
16 bytes of instructions, whose second half is prefetched, and 8 bytes of data; first in, first out, where the part
replaces the least recently used. The fit was made with 64 bytes of data and was not repeated: kernels that stream a
layer's filter for every few pixels, as those of the fit do, hardly differ (edgekit's own by 0.2 % at most).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.board import Target


@dataclass(frozen=True)
class CycleModel:
    """Parameters of the model and how far to trust it.

    ``scale`` multiplies the Cortex-M4's cycles. ``error_percent`` is the error of the fit, rounded up: the largest
    deviation from the few published results the model was fitted on, which ``basis`` names. It is no bound for other
    models and parts; None if nothing was ever compared ("indicative"). A line of flash that is not in its buffer costs
    ``wait_states``; lines are powers of two.
    """

    how: str
    error_percent: int | None = None
    basis: str = "never compared with this core's silicon: for orders of magnitude only"
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


_FIT = "the fitting error on three published results of one board (NUCLEO-L4R5ZI)"
_L4R5 = CycleModel(
    how="Cortex-M4 instruction costs and flash wait states",
    error_percent=15,
    basis=f"{_FIT}; not checked on other results or parts",
    wait_states=5,
    instruction_lines=64,
    data_lines=32,
)
_MISSES = "what the cache of its external flash misses is not counted"
_FACTORS = {"cortex-m33": (0.81, 20), "cortex-m7": (0.54, 25)}


def for_target(target: Target) -> CycleModel | None:
    """The model of a target; None where none exists (Linux boards and the host)."""
    if target.core == "cortex-m4":
        if target.flash_wait_states:
            return replace(_L4R5, wait_states=target.flash_wait_states)
        how = "Cortex-M4 instruction costs, no flash wait states"
        return CycleModel(how, error_percent=15, basis=f"{_FIT}, here without its wait states: not checked")
    if target.core in _FACTORS:
        scale, error = _FACTORS[target.core]
        how = f"{scale} of a Cortex-M4 at 120 MHz with 5 flash wait states"
        basis = f"a factor of {scale} on a Cortex-M4's estimate, from published results; not checked on this part"
        if target.external_flash:
            return replace(_L4R5, how=how, scale=scale, error_percent=None, basis=f"{basis}; {_MISSES}")
        return replace(_L4R5, how=how, scale=scale, error_percent=error, basis=basis)
    if target.core == "cortex-m55":
        return CycleModel("one cycle an instruction, two for a taken branch")
    if target.core.startswith("cortex-m"):
        return CycleModel("Cortex-M4 instruction costs, no flash wait states")
    return None
