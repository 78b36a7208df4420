"""Meters that are asked: a sensor of the board itself, read as text on this computer or over ssh.

They see no trigger pin, so their windows are cut by this computer's clock, and reading them costs the board power and
time: what they say includes that, and all else that runs on the board.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.device.meter import About, Capture
from edgekit.errors import MeterError, Problem

Run = Callable[[Sequence[str]], str]
"""Runs a command and gives its output; raises MeterError."""

_COMMAND_S = 20.0


@dataclass(frozen=True)
class Power:
    """One reading; where only a power is known, the current is what it would be at ``volts``."""

    amperes: float
    volts: float


def runner(where: str) -> Run:
    """Commands on this computer, or with the system's ssh on ``where``, a destination as ssh takes it."""
    prefix = ["ssh", "-o", "BatchMode=yes", "--", where] if where else []

    def run(argv: Sequence[str]) -> str:
        command = [*prefix, *argv]
        try:
            done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_COMMAND_S)
        except FileNotFoundError as error:
            raise MeterError(Problem(f"'{command[0]}' is not installed", where or "this computer")) from error
        except subprocess.SubprocessError as error:
            found = str(getattr(error, "stderr", "") or error).strip()
            hint = f"Does `{' '.join(command)}` work in a terminal, without a password?"
            place = where or "this computer"
            raise MeterError(Problem("the board's power cannot be read", place, found, hint=hint)) from error
        return done.stdout

    return run


class Polled:
    """Asks ``ask`` for a reading again and again, at most every ``pause_s``."""

    def __init__(self, about: About, ask: Callable[[], Power], pause_s: float = 0.0) -> None:
        """Ask once, so that what is not there is said before anything is built.

        Raises:
            MeterError: there is no such sensor, or it says nonsense.
        """
        self.about = about
        self._ask, self._pause_s = ask, pause_s
        self._ask()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: MeterError | None = None
        self._rows: list[tuple[float, float, float]] = []
        self._started = 0.0

    def start(self) -> None:
        """Begin to ask."""
        self._rows, self._error = [], None
        self._stop.clear()
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                before = time.monotonic()
                power = self._ask()
                middle = (before + time.monotonic()) / 2
                self._rows.append((middle - self._started, power.amperes, power.volts))
                self._stop.wait(self._pause_s)
        except MeterError as error:
            self._error = error

    def stop(self) -> Capture:
        """End asking; all readings at the middle of the time each took.

        Raises:
            MeterError: a reading failed.

        """
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error
        seconds, amperes, volts = np.array(self._rows, float).reshape(-1, 3).T
        return Capture(seconds, amperes, volts, period_s=0.0, started=self._started)

    def close(self) -> None:
        """Stop asking."""
        self._stop.set()
