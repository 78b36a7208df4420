"""What one inference costs in time, cycles and energy, and how each number was got."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from edgekit.ir.graph import Array


@dataclass(frozen=True)
class Cycles:
    """CPU cycles of one inference.

    ``error`` is relative, None where the estimate was never calibrated; ``basis`` says in words what error it is.
    """

    value: int | None
    error: float | None
    how: Literal["estimated", "indicative", "measured", "unknown"]
    basis: str = ""


@dataclass(frozen=True)
class LayerProfile:
    """What one layer costs; ``instructions`` and ``cycles`` are None where nothing counts them."""

    name: str
    op: str
    kernel: str
    macs: int
    instructions: int | None
    cycles: int | None
    weights: int = 0

    @property
    def per_mac(self) -> float | None:
        """Instructions per multiply-accumulate; None for layers without any."""
        if self.instructions is None or not self.macs:
            return None
        return self.instructions / self.macs

    @property
    def cycles_per_mac(self) -> float | None:
        """Cycles per multiply-accumulate; None for layers without any."""
        return self.cycles / self.macs if self.cycles is not None and self.macs else None


@dataclass(frozen=True)
class Latency:
    """Durations of whole inferences in microseconds, after ``warmups``; ``samples`` holds every one of them.

    ``error`` is relative and of estimates, None where never calibrated or unknown. ``timer`` names the clock that was
    read, ``overhead_us`` what two readings of it with nothing between differ by, which was taken off.
    ``sustained`` is the mean of inferences that follow each other in a window without timers, and ``clock_error`` how
    much longer that window took by the board's clock than by this computer's (relative); None if not taken.
    """

    samples: tuple[float, ...]
    how: Literal["estimated", "indicative", "measured", "unknown"]
    warmups: int = 0
    error: float | None = None
    timer: str = ""
    overhead_us: float = 0.0
    sustained: float | None = None
    clock_error: float | None = None

    @property
    def runs(self) -> int:
        """Inferences timed."""
        return len(self.samples)

    @property
    def median(self) -> float | None:
        """Half of the inferences are quicker."""
        return statistics.median(self.samples) if self.samples else None

    @property
    def p95(self) -> float | None:
        """95 % of the inferences are no slower: the nearest rank, an inference that was timed."""
        return percentile(self.samples, 95) if self.samples else None

    def json(self) -> dict[str, Any]:
        """The ``latency`` part of the contract, in microseconds."""
        return {
            "min": _rounded(min(self.samples, default=None)),
            "median": _rounded(self.median),
            "p95": _rounded(self.p95),
            "max": _rounded(max(self.samples, default=None)),
            "runs": self.runs,
            "warmups": self.warmups,
            "how": self.how,
            "error": self.error,
            "timer": self.timer or None,
            "timer_overhead": _rounded(self.overhead_us),
            "sustained": _rounded(self.sustained),
            "clock_error": _rounded(self.clock_error),
            "samples": [_rounded(s) for s in self.samples],
        }


UNTIMED = Latency((), "unknown")
"""Nothing was timed."""


@dataclass(frozen=True)
class Trace:
    """Raw samples of a meter: time in seconds, current in amperes, and where the windows of inferences lie.

    ``windows`` are pairs of seconds. For drawing and for keeping; none of it is in the JSON.
    """

    seconds: Array
    amperes: Array
    windows: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Energy:
    """Energy of one inference in microjoules, with mean and peak current (mA) and power (mW) while inferring.

    ``how`` is "simulated" if board or instrument are. ``windows`` of ``inferences`` each were cut out of the
    ``samples``; the figures are their median (peak: the largest). ``error`` is relative, the instrument's or the
    estimate's, None if nobody states it; ``spread`` the relative width of the windows' results. ``idle_mw`` was
    taken off if ``idle_subtracted``. Where nothing is known, ``reason`` says why.
    """

    per_inference_uj: float | None = None
    mean_ma: float | None = None
    peak_ma: float | None = None
    mean_mw: float | None = None
    voltage: float | None = None
    samples: int = 0
    windows: int = 0
    inferences: int = 0
    how: Literal["measured", "simulated", "estimated", "indicative", "unknown"] = "unknown"
    error: float | None = None
    spread: float | None = None
    meter: str = ""
    gate: str = ""
    idle_subtracted: bool = False
    idle_mw: float | None = None
    reason: str = ""
    trace: Trace | None = None

    def json(self) -> dict[str, Any]:
        """The ``energy`` part of the contract."""
        return {
            "per_inference_uj": _rounded(self.per_inference_uj),
            "mean_ma": _rounded(self.mean_ma),
            "peak_ma": _rounded(self.peak_ma),
            "mean_mw": _rounded(self.mean_mw),
            "voltage": _rounded(self.voltage),
            "samples": self.samples,
            "windows": self.windows,
            "inferences": self.inferences,
            "how": self.how,
            "error": _rounded(self.error),
            "spread": _rounded(self.spread),
            "meter": self.meter or None,
            "gate": self.gate or None,
            "idle_subtracted": self.idle_subtracted,
            "idle_mw": _rounded(self.idle_mw),
            "reason": self.reason or None,
        }


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile of at least one value."""
    rank = -(-percent * len(values) // 100)
    return sorted(values)[max(rank, 1) - 1]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
