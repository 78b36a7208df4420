"""Energy of one inference: by a meter, or estimated from the board file's active power."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable

from edgekit.board import Board
from edgekit.costs import Energy, Latency, Trace
from edgekit.device.link import WINDOW_MAX, Session
from edgekit.device.meter import Expected, Meter, Reading, read
from edgekit.device.meters.registry import Settings
from edgekit.device.results import How
from edgekit.errors import Problem, UsageError

_UJ_PER_MW_US = 1e-3
_WINDOW_S, _EMULATED_WINDOW_S = 10.0, 0.3
_PAUSE_S = 0.3
"""The board idles so long before and after each window."""


def estimate(board: Board, latency: Latency) -> Energy:
    """Active power times the median latency; the relative errors of both add up.

    Without a power in the board file, or without a latency, nothing is estimated and the reason given.
    """
    if board.power is None:
        hint = "the board file has no active power (its table [power])"
        return Energy(reason=f"no instrument, and {hint}")
    if latency.median is None:
        return Energy(reason="no instrument, and no latency to multiply the board file's active power with")
    calibrated = latency.how == "measured" or latency.error is not None
    return Energy(
        per_inference_uj=board.power.active_mw * latency.median * _UJ_PER_MW_US,
        mean_mw=board.power.active_mw,
        how="estimated" if calibrated else "indicative",
        error=board.power.error + (latency.error or 0.0) if calibrated else None,
        reason=f"no instrument: active power of the board file ({board.power.source}) times latency",
    )


def measure(
    session: Session,
    meter: Meter,
    settings: Settings,
    *,
    board: Board,
    how: How,
    load: Callable[[], None],
    progress: Callable[[int, int], None],
) -> Energy:
    """Energy by ``meter`` over windows of inferences of what ``load`` puts into the inputs.

    ``progress`` is told windows done and their number. The result is "simulated" if the board or the meter is.

    Raises:
        UsageError: the meter watches the trigger pin and the board file names none.
        MeterError: the meter fails, or what it recorded cannot be trusted: then nothing is reported.

    """
    if meter.about.gate != "clock" and not board.trigger:
        hint = "Add [trigger] with a pin that the port sets, or use a meter that needs none."
        raise UsageError(Problem("the board has no trigger pin to mark the inferences with", board.name, hint=hint))
    load()
    trial = session.window(2, 1)
    each_s = max(trial.elapsed_us, 1) / trial.runs / 1e6
    window_s = settings.window_s or (_EMULATED_WINDOW_S if how == "emulated" else _WINDOW_S)
    runs = min(max(1, math.ceil(window_s / each_s)), WINDOW_MAX)
    expected: list[Expected] = []
    meter.start()
    time.sleep(_PAUSE_S)
    for number in range(settings.windows):
        load()
        begin = time.monotonic()
        quiet = session.window(runs, 1, expected_s=runs * each_s)
        expected.append(Expected(runs, quiet.elapsed_us / 1e6, begin, time.monotonic()))
        time.sleep(_PAUSE_S)
        progress(number + 1, settings.windows)
    reading = read(meter.stop(), meter.about, expected)
    simulated = how == "emulated" or meter.about.simulated
    return _result(reading, expected, settings.subtract_idle, simulated=simulated)


def _result(reading: Reading, expected: list[Expected], subtract_idle: bool, *, simulated: bool) -> Energy:
    idle_w = reading.idle_w if subtract_idle else None
    each = [
        w.joules_per_run - (idle_w or 0.0) * e.elapsed_s / e.runs
        for w, e in zip(reading.windows, expected, strict=True)
    ]
    middle = statistics.median(each)
    watts = [w.joules / e.elapsed_s for w, e in zip(reading.windows, expected, strict=True)]
    return Energy(
        per_inference_uj=middle * 1e6,
        mean_ma=statistics.median(w.mean_a for w in reading.windows) * 1e3,
        peak_ma=max(w.peak_a for w in reading.windows) * 1e3,
        mean_mw=statistics.median(watts) * 1e3,
        voltage=statistics.median(w.volts for w in reading.windows),
        samples=reading.samples,
        windows=len(reading.windows),
        inferences=expected[0].runs,
        how="simulated" if simulated else "measured",
        error=reading.about.error,
        spread=(max(each) - min(each)) / abs(middle) if middle else None,
        meter=reading.about.name,
        gate=reading.gate,
        idle_subtracted=idle_w is not None,
        idle_mw=None if reading.idle_w is None else reading.idle_w * 1e3,
        trace=Trace(
            seconds=reading.capture.seconds,
            amperes=reading.capture.amperes,
            windows=tuple((w.begin_s, w.end_s) for w in reading.windows),
        ),
    )
