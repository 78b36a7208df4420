"""Boards and targets, read strictly from boards/<name>.toml.

A Target is what the compiler may know; a Board is a target and how to reach it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Isa = Literal["scalar", "dsp", "mve", "neon"]

_ISAS: dict[str, tuple[str, ...]] = {
    "cortex-m0plus": ("scalar",),
    "cortex-m3": ("scalar",),
    "cortex-m4": ("scalar", "dsp"),
    "cortex-m7": ("scalar", "dsp"),
    "cortex-m33": ("scalar", "dsp"),
    "cortex-m55": ("scalar", "dsp", "mve"),
    "cortex-a72": ("scalar",),
    "cortex-a76": ("scalar",),
    "cortex-a78ae": ("scalar",),
    "host": ("scalar",),
}


@dataclass(frozen=True)
class Memory:
    """A bank of flash or RAM."""

    name: str
    kind: Literal["flash", "ram"]
    origin: int
    size: int


@dataclass(frozen=True)
class Target:
    """What the compiler may know of a board: core, memories, clock and flash wait states."""

    core: str
    memories: tuple[Memory, ...]
    clock_hz: int
    flash_wait_states: int = 0

    @property
    def isas(self) -> tuple[str, ...]:
        """Instruction sets whose kernels run on this core, plainest first."""
        return _ISAS[self.core]
