"""Energy meters: what an instrument gives, where the inferences lie in it, and when its figures are refused.

A meter is one file in ``meters/`` with a class that has ``about``, ``start``, ``stop`` and ``close``. The board does
windows of inferences while its trigger pin is low; a meter that records the pin finds them itself, others get them
by the clock of this computer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from edgekit.errors import MeterError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

Gate = Literal["level", "falling", "clock"]
"""How windows are found: the pin's level in every sample; its falling edges, each window then being as long as the
board says; or this computer's clock, for instruments that see no pin."""

_LENGTH_ERROR = 0.01
_LEAST_SAMPLES = {"level": 100, "falling": 100, "clock": 10}
_TRIM = 0.05
"""Share of a window that is left out at either end where this computer's clock finds it."""


@dataclass(frozen=True)
class About:
    """An instrument; ``error`` is its stated relative accuracy, None if its maker states none that fits.

    ``simulated`` is its own declaration. ``wire`` says in words what connects it to the board's trigger pin.
    """

    name: str
    port: str
    gate: Gate
    wire: str = ""
    simulated: bool = False
    error: float | None = None


@dataclass(frozen=True)
class Capture:
    """What a meter recorded: one current, and voltage, per entry of ``seconds``, which are evenly ``period_s`` apart.

    Meters that are asked have uneven ``seconds`` and a ``period_s`` of 0. ``started`` is this computer's monotonic
    time at second 0. ``low`` is true where the trigger pin was low, ``falls`` are the samples at which it fell.
    ``lost`` are the samples before which others are missing, ``clipped`` those at the end of the range;
    ``complaints`` the instrument's own.
    """

    seconds: Array
    amperes: Array
    volts: Array
    period_s: float
    started: float
    low: Array | None = None
    falls: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()
    clipped: tuple[int, ...] = ()
    complaints: tuple[str, ...] = ()

    @property
    def watts(self) -> Array:
        """Power of every sample."""
        return self.amperes * self.volts


class Meter(Protocol):
    """An instrument that is connected and set up."""

    @property
    def about(self) -> About:
        """What it is."""
        ...

    def start(self) -> None:
        """Begin to record; raises MeterError, PortError."""
        ...

    def stop(self) -> Capture:
        """End recording and give all of it; raises MeterError, PortError."""
        ...

    def close(self) -> None:
        """Give the instrument back, powered as it was found."""
        ...


@dataclass(frozen=True)
class Expected:
    """A window by the board: ``elapsed_s`` by its clock; ``begin`` and ``end`` by this computer's, request to reply."""

    runs: int
    elapsed_s: float
    begin: float
    end: float


@dataclass(frozen=True)
class Window:
    """A window found in a capture: samples [begin, end), and its energy, mean and peak current, mean voltage."""

    begin: int
    end: int
    begin_s: float
    end_s: float
    runs: int
    joules: float
    mean_a: float
    peak_a: float
    volts: float

    @property
    def joules_per_run(self) -> float:
        """Energy of one inference."""
        return self.joules / self.runs


@dataclass(frozen=True)
class Reading:
    """What a meter says of the windows; ``idle_w`` is the mean power of the board between them, None if unknown.

    ``gate`` says how the windows were found and how well their length agrees with the board's clock.
    """

    about: About
    windows: tuple[Window, ...]
    samples: int
    gate: str
    idle_w: float | None
    capture: Capture = field(repr=False)


def read(capture: Capture, about: About, expected: Sequence[Expected]) -> Reading:
    """Energy of every expected window.

    Raises:
        MeterError: all reasons not to trust the capture: edges that are missing or too many, windows of another
            length than the board's, lost or clipped samples, complaints of the instrument, too few samples.

    """
    problems = [Problem(f"the meter says: {text}", about.port) for text in capture.complaints]
    spans = _spans(capture, about, expected, problems)
    if len(spans) == len(expected):
        for number, (span, wanted) in enumerate(zip(spans, expected, strict=True), 1):
            problems += _faults(capture, about, span, wanted, f"{about.port}, window {number}")
    if problems:
        raise MeterError(Problem("no energy is reported: the recording cannot be trusted", about.name), *problems)
    windows = tuple(_window(capture, about, b, e, w) for (b, e), w in zip(spans, expected, strict=True))
    samples = sum(end - begin for begin, end in spans)
    return Reading(about, windows, samples, _gate(about, windows, expected), _idle(capture, spans), capture)


def _spans(
    capture: Capture, about: About, expected: Sequence[Expected], problems: list[Problem]
) -> list[tuple[int, int]]:
    if about.gate == "clock":
        return [_by_clock(capture, wanted) for wanted in expected]
    if about.gate == "level" and capture.low is not None:
        every = _low(capture.low)
        spans = [span for span in every if span[0] > 0 and span[1] < len(capture.low)]
        begun_low = len(spans) < len(every)
    else:
        spans = [_from_edge(capture, at, w) for at, w in zip(capture.falls, expected, strict=False)]
        spans += [(at, at) for at in capture.falls[len(expected) :]]
        begun_low = False
    if len(spans) != len(expected) and capture.lost:
        problems.append(_lost(about.port, len(capture.lost)))
    if len(spans) != len(expected):
        found, allowed = f"{len(spans)} windows", f"{len(expected)}"
        stuck = " The pin was low at the beginning or end of the recording." if begun_low else ""
        hint = f"Is {about.wire or 'the trigger pin'} connected, and ground too?{stuck}"
        problems.append(Problem("edges of the trigger pin are missing or too many", about.port, found, allowed, hint))
    return spans


def _low(low: Array) -> list[tuple[int, int]]:
    """Runs of true values."""
    padded = np.concatenate(([0], low.astype(np.int8), [0]))
    steps = np.diff(padded)
    begins, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return [(int(b), int(e)) for b, e in zip(begins, ends, strict=True)]


def _from_edge(capture: Capture, at: int, wanted: Expected) -> tuple[int, int]:
    return at, min(at + round(wanted.elapsed_s / capture.period_s), len(capture.amperes))


def _by_clock(capture: Capture, wanted: Expected) -> tuple[int, int]:
    """The inner part of a window: it ended at about the time its reply came."""
    begin = wanted.end - wanted.elapsed_s + _TRIM * wanted.elapsed_s - capture.started
    end = wanted.end - _TRIM * wanted.elapsed_s - capture.started
    first, last = np.searchsorted(capture.seconds, (begin, end))
    return int(first), int(last)


def _faults(capture: Capture, about: About, span: tuple[int, int], wanted: Expected, where: str) -> list[Problem]:
    begin, end = span
    problems: list[Problem] = []
    least = _LEAST_SAMPLES[about.gate]
    if end - begin < least:
        hint = "Make the window longer: --window SECONDS."
        problems.append(Problem("the window holds too few samples", where, str(end - begin), f"at least {least}", hint))
    # Without the pin in every sample a loss anywhere shifts what follows.
    if lost := sum(begin < at < end or about.gate != "level" for at in capture.lost):
        problems.append(_lost(where, lost))
    if clipped := sum(begin <= at < end for at in capture.clipped):
        hint = "The board draws more than the instrument can measure; feed only the core, or take another meter."
        problems.append(Problem("the range was exceeded", where, f"{clipped} samples", "none", hint))
    length = (end - begin) * capture.period_s
    slack = _LENGTH_ERROR * wanted.elapsed_s + 2 * capture.period_s
    if about.gate != "clock" and abs(length - wanted.elapsed_s) > slack:
        found, allowed = f"{length * 1e3:.3f} ms", f"{wanted.elapsed_s * 1e3:.3f} ms +-1 %"
        hint = "Samples were lost unseen, or one of the two clocks is wrong."
        problems.append(Problem("the window is not as long as by the board's clock", where, found, allowed, hint))
    return problems


def _lost(where: str, gaps: int) -> Problem:
    hint = "Connect the meter directly, close other programs, and measure again."
    return Problem("samples were lost", where, f"{gaps} gaps", "none", hint)


def _window(capture: Capture, about: About, begin: int, end: int, wanted: Expected) -> Window:
    amperes, volts = capture.amperes[begin:end], capture.volts[begin:end]
    power = float(np.mean(amperes * volts))
    length = wanted.elapsed_s if about.gate == "clock" else (end - begin) * capture.period_s
    return Window(
        begin=begin,
        end=end,
        begin_s=float(capture.seconds[begin]),
        end_s=float(capture.seconds[end - 1]) + capture.period_s,
        runs=wanted.runs,
        joules=power * length,
        mean_a=float(np.mean(amperes)),
        peak_a=float(np.max(amperes)),
        volts=float(np.mean(volts)),
    )


def _gate(about: About, windows: Sequence[Window], expected: Sequence[Expected]) -> str:
    if about.gate == "clock":
        return "this computer's clock, without the first and last 5 %"
    if about.gate == "falling":
        return "falling edges of the trigger pin, as long as by the board's clock"
    off = max(abs((w.end_s - w.begin_s) / e.elapsed_s - 1) for w, e in zip(windows, expected, strict=True))
    return f"the trigger pin's level, as long as by the board's clock within {max(off, 1e-4):.2%}"


def _idle(capture: Capture, spans: Sequence[tuple[int, int]]) -> float | None:
    """Mean power outside the windows and their surroundings."""
    outside = np.ones(len(capture.amperes), bool)
    for begin, end in spans:
        margin = max(1, math.ceil((end - begin) * _TRIM))
        outside[max(0, begin - margin) : end + margin] = False
    outside[list(capture.clipped)] = False
    return float(np.mean(capture.watts[outside])) if outside.any() else None
