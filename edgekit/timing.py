"""Cycles and latency of a profile: a real board's by its own timer, an emulated one's by the cycle model."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from edgekit import resources
from edgekit.board import Board
from edgekit.costs import Cycles, Latency
from edgekit.device.link import Quiet
from edgekit.device.results import How, Run
from edgekit.emulate.cycles import for_target

_TIMER = re.compile(r"^ \* Timer: (.+) \*/$", re.MULTILINE)
_CLOCK_ERROR = 0.05
"""Beyond this the two clocks disagree; the request and its reply are below a hundredth of a window."""


@cache
def timer(port: str) -> str:
    """What a port's clock reads: the line "Timer:" of the comment that its file begins with."""
    path = resources.firmware() / "port" / port / "port.c"
    said = _TIMER.search(path.read_text(encoding="utf-8")) if path.is_file() else None
    return said[1] if said else "the board's own timer"


def counts_cycles(board: Board, run: Run) -> bool:
    """Whether the board's timer counts the core's own cycles: it runs on bare metal and at the core's clock."""
    return board.target.bare_metal and run.cycle_hz == board.target.clock_hz


def cycles(board: Board, how: How, run: Run) -> Cycles:
    """Cycles by the emulator's model; a real board's counter, or its time at the core's clock."""
    if how == "measured":
        if not board.target.bare_metal:
            return Cycles(None, None, "unknown")
        if counts_cycles(board, run):
            return Cycles(run.cycles_median, 0.0, "measured")
        value = round(run.cycles_median * board.target.clock_hz / run.cycle_hz)
        return Cycles(value, 1 / max(run.cycles_median, 1), "measured")
    model = for_target(board.target)
    if run.counted_cycles is None or model is None:
        return Cycles(None, None, "unknown")
    if model.error_percent is None:
        return Cycles(run.counted_cycles, None, "indicative", model.basis)
    return Cycles(run.counted_cycles, model.error_percent / 100, "estimated", model.basis)


def latency(board: Board, how: How, run: Run, found: Cycles) -> Latency:
    """Durations by the board's timer where it is real; on an emulated one, ``found`` cycles at the board's clock."""
    if how == "measured":
        return Latency(
            samples=tuple(c * 1e6 / run.cycle_hz for c in run.cycles),
            how="measured",
            warmups=run.warmups,
            timer=f"{timer(board.port)}, {run.cycle_hz / 1e6:g} MHz by the board",
            overhead_us=run.timer_overhead * 1e6 / run.cycle_hz,
        )
    if found.value is None:
        return Latency((), "unknown")
    clock = board.target.clock_hz
    return Latency(
        samples=tuple(c * 1e6 / clock for c in run.counted),
        how=found.how,
        warmups=run.warmups,
        error=found.error,
        timer=f"the cycle model at {clock / 1e6:g} MHz",
    )


def with_window(latency: Latency, quiet: Quiet, elapsed_s: float) -> Latency:
    """``latency`` with a window of back-to-back inferences, which took ``elapsed_s`` by this computer's clock."""
    return replace(
        latency,
        sustained=quiet.elapsed_us / quiet.runs,
        clock_error=quiet.elapsed_us / 1e6 / elapsed_s - 1 if elapsed_s > 0 else None,
    )


def notes(latency: Latency) -> tuple[str, ...]:
    """What a user should know of the clocks."""
    if latency.clock_error is None or abs(latency.clock_error) <= _CLOCK_ERROR:
        return ()
    how = f"a window took {latency.clock_error:+.0%} by the board's clock against this computer's"
    why = "the clock in the board file is wrong, or the board behind the port is emulated: do not trust its times"
    return (f"{how}; {why}",)
