"""A Nordic PPK2 on a pseudo terminal: metadata, modes, and the stream of words, from a current as function of time.

It knows nothing of edgekit's decoder: currents become converter readings by inverting the conversion Nordic
publishes, with the smallest range that holds them.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
import tty
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from support.trigger_log import windows

RATE_HZ = 100_000
ADC = 1.8 / 163840
TERMS = {
    "R": (1003.3506, 101.5865, 10.3027, 0.9636, 0.0564),
    "GS": (0.0, 2.0, 1.5, 0.7, 0.02),
    "GI": (1.0, 0.9695, 0.9519, 0.9582, 0.9652),
    "O": (112.789, 91.1642, 81.1228, 83.9472, 90.8116),
    "S": (1e-8, 4e-8, 5e-7, 4e-6, 6e-5),
    "I": (-1e-8, -1e-7, 1e-6, -1e-5, 2e-4),
    "UG": (1.0, 1.0, 1.0, 1.0, 1.0),
}
LIMITS = (50e-6, 500e-6, 5e-3, 60e-3)
"""The current at which the next higher range takes over."""


def metadata(*, simulated: bool = True) -> str:
    lines = ["Calibrated: 0", *(f"{k}{i}: {v:.12f}" for k, row in TERMS.items() for i, v in enumerate(row))]
    lines += ["VDD: 3000", "HW: 9173", "mode: 2", "IA: 56", *(["Simulated: 1"] if simulated else [])]
    return "\n".join([*lines, "END\n"])


def readings(amperes, volts: float):
    """Converter readings and ranges of currents; what is beyond the last range clips."""
    ranges = np.searchsorted(LIMITS, amperes)
    r, gs, gi, o, s, i = (np.array(TERMS[k])[ranges] for k in ("R", "GS", "GI", "O", "S", "I"))
    bent = amperes - s * volts - i
    raw = np.where(gs > 0, (-gi + np.sqrt(gi * gi + 4 * gs * bent)) / (2 * np.maximum(gs, 1e-12)), bent / gi)
    converter = np.rint((raw * r / ADC + o) / 4)
    return np.clip(converter, 0, 0x3FFF).astype(np.uint32), ranges.astype(np.uint32)


@dataclass
class Waveform:
    """Current over time: ``idle`` with a little ripple, ``active`` and a slow wave while the trigger is low."""

    idle: float = 2e-3
    active: float = 12e-3
    wave: float = 4e-3
    period_s: float = 0.01

    def at(self, seconds, low):
        swing = self.wave * np.sin(2 * np.pi * seconds / self.period_s)
        return np.where(low, self.active + swing, self.idle * (1 + 0.1 * np.sin(2 * np.pi * seconds / 0.003)))


@dataclass
class Simulator:
    """The instrument. ``edges`` are seconds at which the trigger pin changes, falling first; or ``follow`` a board.

    ``length_s`` of samples are sent as fast as they are taken; without it, idle samples at the real rate until a
    followed board's pin falls. ``drop`` are samples that get lost on the way, ``cut`` bytes by their place in the line.
    """

    waveform: Waveform = field(default_factory=Waveform)
    edges: tuple[float, ...] = ()
    length_s: float = 0.0
    drop: tuple[int, ...] = ()
    cut: tuple[int, ...] = ()
    simulated: bool = True
    clock_hz: int = 0
    log: Path | None = None

    def __post_init__(self) -> None:
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self._slave = slave
        os.set_blocking(self._master, False)
        self.port = os.ttyname(slave)
        self.commands: list[bytes] = []
        self.volts = 3.0
        self.sent = 0
        self.truth: list[tuple[float, float]] = []
        """Seconds and joules of every window, from the currents as they were before conversion."""
        self._made = 0
        self._running = False
        self._done_edges = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._stop = threading.Event()
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)

    def follow(self, log: Path, clock_hz: int) -> None:
        """Take the trigger pin's changes from an emulated board's log."""
        self.log, self.clock_hz = log, clock_hz

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            if select.select([self._master], [], [], 0.002)[0]:
                with contextlib.suppress(OSError):
                    self._obey(os.read(self._master, 256))
            if self._running and self.length_s:
                self._send_all()
            elif self._running:
                self._follow()
                due = round((time.monotonic() - self._idle_since) * RATE_HZ)
                self._idle_since = time.monotonic()
                self._emit(np.zeros(min(due, 5000), bool))

    def _obey(self, data: bytes) -> None:
        lengths = {0x0C: 2, 0x0D: 3, 0x11: 2}
        at = 0
        while at < len(data):
            command = data[at : at + lengths.get(data[at], 1)]
            at += len(command)
            self.commands.append(command)
            if command[0] == 0x19:
                self._write(metadata(simulated=self.simulated).encode())
            elif command[0] == 0x0D:
                self.volts = ((command[1] - 3) * 256 + command[2] - 32 + 800) / 1000
            elif command[0] == 0x06:
                self._follow(emit=False)  # what the pin did before nobody saw
                self._running, self._made, self._idle_since = True, 0, time.monotonic()
            elif command[0] == 0x07:
                if self._running and self.log:
                    self._follow()
                self._running = False

    def _send_all(self) -> None:
        seconds = np.arange(round(self.length_s * RATE_HZ)) / RATE_HZ
        low = np.searchsorted(self.edges, seconds, side="right") % 2 == 1
        self._emit(low)
        self._running = False

    def _follow(self, *, emit: bool = True) -> None:
        """Replay what the followed board's pin did since the last look; only whole windows."""
        pairs, self._done_edges = windows(self.log, self._done_edges)
        for fell, rose in pairs if emit else ():
            count = round((rose - fell) / self.clock_hz * RATE_HZ)
            self._emit(np.concatenate([np.zeros(300, bool), np.ones(count, bool), np.zeros(300, bool)]))

    def _emit(self, low) -> None:
        seconds = (self._made + np.arange(len(low))) / RATE_HZ
        amperes = self.waveform.at(seconds, low)
        steps = np.flatnonzero(np.diff(np.concatenate(([0], low.astype(int), [0]))))
        for begin, end in zip(steps[::2], steps[1::2], strict=True):
            joules = float(amperes[begin:end].sum()) * self.volts / RATE_HZ
            self.truth.append(((end - begin) / RATE_HZ, joules))
        converter, ranges = readings(amperes, self.volts)
        number = (self._made + np.arange(len(low))).astype(np.uint32)
        words = converter | ranges << 14 | (number & 63) << 18 | np.where(low, 0, 1).astype(np.uint32) << 24
        keep = ~np.isin(number, self.drop)
        self._made += len(low)
        data = words[keep].astype("<u4").tobytes()
        for at in sorted(self.cut, reverse=True):
            data = data[:at] + data[at + 1 :]
        self._write(data)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not self._stop.is_set():
            if select.select([], [self._master], [], 0.1)[1]:
                done = os.write(self._master, view)
                self.sent += done
                view = view[done:]
