"""What checking and timing a model on a board yields: plain data, ready for JSON."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import Any, Literal

How = Literal["emulated", "measured"]
"""Where figures come from: an emulated board, or silicon."""


@dataclass(frozen=True)
class TensorCheck:
    """One tensor against its reference, over all samples.

    ``largest`` is the largest absolute difference of two elements (infinite if one is not a number).
    """

    layer: str
    op: str
    tensor: str
    elements: int
    bytes: int
    mismatches: int
    largest: float


@dataclass(frozen=True)
class Verification:
    """Layer-by-layer and whole-model comparison with the reference.

    ``layers`` holds every output of every layer in the order of computation, ``outputs`` the model's outputs after
    one uninterrupted inference. ``missing`` names tensors the reference did not have; ``exact`` is true only if
    there are none, at least one sample ran, and all bytes agree.
    """

    how: How
    samples: int
    bytes_compared: int
    exact: bool
    first_divergent: str | None
    missing: tuple[str, ...]
    layers: tuple[TensorCheck, ...]
    outputs: tuple[TensorCheck, ...]

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON takes it."""
        return asdict(self)


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs per inference.

    ``cycles`` are read on the board around the layer's steps; ``instructions`` and ``counted_cycles`` are the
    emulator's own, None on a real board.
    """

    name: str
    op: str
    macs: int
    cycles: int
    instructions: int | None
    counted_cycles: int | None


@dataclass(frozen=True)
class Run:
    """Timing of one model on one board; ``cycles`` of its counter at ``cycle_hz``, one number a run.

    The timer's overhead is taken off. ``stack`` is the high-water mark of one inference in bytes. ``instructions``
    and ``counted``, the cycles of whole inferences, are an emulator's counts: None and empty on a real board.
    """

    how: How
    cycle_hz: int
    timer_overhead: int
    warmups: int
    cycles: tuple[int, ...]
    stack: int
    instructions: int | None
    counted: tuple[int, ...]
    layers: tuple[LayerCost, ...]

    @property
    def runs(self) -> int:
        """Inferences timed."""
        return len(self.cycles)

    @property
    def cycles_median(self) -> int:
        """Median of the runs."""
        return round(statistics.median(self.cycles))

    @property
    def counted_cycles(self) -> int | None:
        """Median of the emulator's counts."""
        return round(statistics.median(self.counted)) if self.counted else None

    @property
    def latency_us(self) -> float:
        """Median duration of an inference in microseconds."""
        return self.cycles_median * 1e6 / self.cycle_hz

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON takes it."""
        return asdict(self) | {"latency_us": self.latency_us}
