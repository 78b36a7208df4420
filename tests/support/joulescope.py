"""Jetperch's package pyjoulescope_driver with instruments that are simulated: topics, values and streams.

It knows nothing of edgekit's reader. Topics and their options are those that joulescope_driver 2.2 publishes for a
JS110 and a JS220 (``js110_usb.c``, ``js220_usb.c``, ``doc/js220.txt``), messages those of its Python binding: a
dictionary of ``sample_id`` (always at 2 MHz), ``sample_rate``, ``decimate_factor`` and ``data``.
"""

from __future__ import annotations

import threading
import time
import types
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
from support.ppk2 import Waveform
from support.trigger_log import windows

FULL_HZ = 2_000_000
OHM = 0.3
"""Resistance in front of the board: its voltage falls with its current."""
_BOOL = (0, 1)
TOPICS = {
    "js110": {
        "h/fs": (2_000_000, 1_000_000, 500_000, 200_000, 100_000),
        "s/i/range/select": ("auto", "10 A", "2 A", "180 mA", "18 mA", "1.8 mA", "180 µA", "18 µA", "off"),
        "s/v/range/select": ("15 V", "5 V"),
        "s/i/lsb_src": ("normal", "gpi0", "gpi1"),
        "s/v/lsb_src": ("normal", "gpi0", "gpi1"),
        **{f"s/{x}/ctrl": _BOOL for x in ("i", "v", "p", "gpi/0", "gpi/1")},
    },
    "js220": {
        "h/fs": (2_000_000, 1_000_000, 500_000, 200_000, 100_000),
        "s/i/range/mode": ("auto", "manual", "off"),
        "s/v/range/mode": ("auto", "manual"),
        **{f"s/{x}/ctrl": _BOOL for x in ("i", "v", "p", "gpi/0", "gpi/1", "gpi/2", "gpi/3", "gpi/7")},
    },
}
"""What is understood, and the values that are allowed."""


@dataclass
class Instrument:
    """One instrument. ``edges`` are seconds at which the pin on input ``pin`` changes, falling first; or ``follow``.

    ``length_s`` is sent as fast as it can be; without it, idle samples at the real rate until a followed board's pin
    falls. ``lost`` are spans of sample numbers, counted from the first, that get lost on the way, ``lost_bits`` those
    of the input alone; ``restarts`` is a sample number at which it begins to count anew.
    """

    model: str = "js220"
    serial: str = "simulated"
    waveform: Waveform = field(default_factory=Waveform)
    edges: tuple[float, ...] = ()
    length_s: float = 0.0
    pin: int = 0
    volts: float = 3.0
    lost: tuple[tuple[int, int], ...] = ()
    lost_bits: tuple[tuple[int, int], ...] = ()
    restarts: int = 0
    clock_hz: int = 0
    log: Path | None = None

    def __post_init__(self) -> None:
        self.path = f"u/{self.model}/{self.serial}"
        self.open = False
        self.values: dict[str, float | str] = {}
        self.truth: list[tuple[float, float]] = []
        self.done = threading.Event()
        self._seen = self._made = 0
        self._begun = 0.0
        self._tails: dict[str, tuple[int, np.ndarray]] = {}

    def follow(self, log: Path, clock_hz: int) -> None:
        """Take the trigger pin from an emulated board's log."""
        self.log, self.clock_hz = log, clock_hz

    def streaming(self) -> bool:
        return self.open and any(value == 1 for topic, value in self.values.items() if topic.endswith("/ctrl"))

    def begin(self) -> None:
        """Streaming was switched on: what the pin did before nobody saw."""
        _, self._seen = windows(self.log, self._seen)
        self._tails, self._begun = {}, time.monotonic()
        self._made = 0 if self.model == "js110" else 0x1_2345_6780

    def step(self, send) -> None:
        """Send what there is to send by now."""
        if self.length_s and not self.done.is_set():
            seconds = np.arange(round(self.length_s * FULL_HZ)) / FULL_HZ
            self._emit(np.searchsorted(self.edges, seconds, side="right") % 2 == 1, send)
            self.done.set()
        elif not self.length_s:
            pairs, self._seen = windows(self.log, self._seen)
            for fell, rose in pairs:
                count = round((rose - fell) / self.clock_hz * FULL_HZ / 16) * 16
                self._emit(np.concatenate([np.zeros(8000, bool), np.ones(count, bool), np.zeros(8000, bool)]), send)
            due = round((time.monotonic() - self._begun) * FULL_HZ) // 16 * 16
            self._begun = time.monotonic()
            self._emit(np.zeros(min(due, 100_000), bool), send)

    def _emit(self, low, send) -> None:
        numbers = self._made + np.arange(len(low))
        amperes = self.waveform.at(numbers / FULL_HZ, low)
        volts = self.volts - OHM * amperes
        steps = np.flatnonzero(np.diff(np.concatenate(([0], low.astype(int), [0]))))
        for begin, end in zip(steps[::2], steps[1::2], strict=True):
            joules = float((amperes[begin:end] * volts[begin:end]).sum()) / FULL_HZ
            self.truth.append(((end - begin) / FULL_HZ, joules))
        kept = np.ones(len(low), bool)
        for first, last in self.lost:
            kept[first:last] = False
        bits_kept = kept.copy()
        for first, last in self.lost_bits:
            bits_kept[first:last] = False
        if self.length_s:
            bits_kept[:7_003] = False  # its stream was switched on last
        if self.model == "js110":
            amperes, volts = (np.where(kept, x, np.nan) for x in (amperes, volts))
            low, kept, bits_kept = low | ~kept, np.ones(len(low), bool), bits_kept | ~kept  # what is missing reads 0
        decimate = 1 if self.model == "js110" else 2
        for topic, data in (("s/i", amperes), ("s/v", volts)):
            each = data.reshape(-1, decimate).mean(axis=1).astype(np.float32)
            self._stream(topic, numbers[::decimate], each, kept[::decimate], send)
        for pin in range(4):
            level = ~low if pin == self.pin else np.ones(len(low), bool)
            if self.model == "js110" and self.values.get(f"s/{'iv'[pin % 2]}/lsb_src") != f"gpi{pin}":
                level = numbers % 2 == 0  # the lowest bit of a converter, which nobody told to carry the input
            self._stream(f"s/gpi/{pin}", numbers, level, bits_kept, send)
        self._made += len(low)

    def _stream(self, topic: str, numbers, data, kept, send) -> None:
        """Send one stream in messages of odd lengths, a new one after each gap; bits in whole bytes."""
        if self.values.get(f"{topic}/ctrl") != 1:
            self._tails.pop(topic, None)
            return
        begin, tail = self._tails.get(topic, (int(numbers[0]), data[:0]))
        data, numbers = np.concatenate((tail, data)), np.concatenate((begin + np.arange(len(tail)), numbers))
        kept = np.concatenate((np.ones(len(tail), bool), kept))
        whole = 8 if "gpi" in topic else 1
        changes = np.flatnonzero(np.diff(np.concatenate(([0], kept.astype(int), [0]))))
        for first, last in zip(changes[::2], changes[1::2], strict=True):
            for at in range(first, last, 9_992 + whole):
                end = min(at + 9_992 + whole, last)
                end -= (end - at) % whole
                piece = data[at:end]
                payload = np.packbits(piece, bitorder="little") if whole == 8 else piece.copy()
                number = int(numbers[at])
                if self.restarts and number >= self.restarts:
                    number -= self.restarts
                if len(piece):
                    decimate = 2 if self.model == "js220" and whole == 1 else 1
                    send(f"{self.path}/{topic}/!data", {
                        "sample_id": number, "utc": 0, "field_id": 1, "index": 0, "sample_rate": FULL_HZ,
                        "decimate_factor": decimate, "time_map": {}, "data": payload,
                    })  # fmt: skip
        rest = (len(data) - int(changes[-2])) % whole if kept[-1] else 0
        if rest:
            self._tails[topic] = (int(numbers[-rest]), data[-rest:])
        else:
            self._tails.pop(topic, None)


class Driver:
    """As pyjoulescope_driver.Driver; the class attribute ``plugged`` says what is plugged in."""

    plugged: tuple[Instrument, ...] = ()

    def __init__(self, timeout=None):  # noqa: ARG002 - the real one's arguments
        self._subscribers: list[tuple[str, object]] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def finalize(self, timeout=None):  # noqa: ARG002
        self._stop.set()
        self._thread.join()

    def device_paths(self, timeout=None):  # noqa: ARG002
        return sorted(i.path for i in self.plugged)

    def open(self, device_prefix, mode=None, timeout=None):  # noqa: ARG002
        found = self._instrument(device_prefix + "/")
        if found is None:
            raise TimeoutError(f"jsdrv_open timed out | {device_prefix}")
        if found.open:
            raise RuntimeError(f"jsdrv_open failed 21 | {device_prefix}")
        found.open, found.values = True, {}

    def close(self, device_prefix, timeout=None):  # noqa: ARG002
        found = self._instrument(device_prefix + "/")
        if found is None:
            raise TimeoutError(f"jsdrv_close timed out | {device_prefix}")
        found.open = False

    def publish(self, topic: str, value, timeout=None):  # noqa: ARG002
        found = self._instrument(topic)
        if found is None:
            raise TimeoutError(f"jsdrv_publish timed out | {topic}")
        name = topic.removeprefix(found.path + "/")
        if not found.open:
            raise RuntimeError(f"jsdrv_publish failed 22 | {topic}")
        if name not in TOPICS[found.model]:
            raise RuntimeError(f"jsdrv_publish failed 20 | {topic}")
        if value not in TOPICS[found.model][name]:
            raise RuntimeError(f"jsdrv_publish failed 5 | {topic}")
        with self._lock:
            before = found.streaming()
            found.values[name] = value
            if found.streaming() and not before:
                found.begin()

    def subscribe(self, topic: str, flags, fn, timeout=None):  # noqa: ARG002
        assert flags == "pub"
        self._subscribers.append((topic, fn))

    def unsubscribe(self, topic, fn, timeout=None):  # noqa: ARG002
        if (topic, fn) not in self._subscribers:
            raise RuntimeError(f"jsdrv_unsubscribe failed 16 | {topic}")
        self._subscribers.remove((topic, fn))

    def _instrument(self, topic: str) -> Instrument | None:
        return next((i for i in self.plugged if topic.startswith(i.path + "/")), None)

    def _send(self, topic: str, value) -> None:
        for wanted, fn in tuple(self._subscribers):
            if wanted == topic:
                fn(topic, value)

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            for found in self.plugged:
                with self._lock:
                    wanted = [v for k, v in found.values.items() if k.endswith("/ctrl")]
                    if found.open and wanted.count(1) >= 3:
                        found.step(self._send)


def package(*plugged: Instrument) -> types.ModuleType:
    """The package with these instruments plugged in, to be put into ``sys.modules``."""
    module: Any = types.ModuleType("pyjoulescope_driver")
    module.__spec__ = ModuleSpec(module.__name__, None)
    module.Driver = type("Driver", (Driver,), {"plugged": plugged})
    return module
