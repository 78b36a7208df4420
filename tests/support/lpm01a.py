"""An ST X-NUCLEO-LPM01A on a pseudo terminal: commands, and samples in ASCII or binary, from a known current."""

from __future__ import annotations

import math
import os
import select
import threading
import tty
from dataclasses import dataclass, field

import numpy as np
from support.ppk2 import Waveform

REFUSED = "error"


def ascii_sample(amperes: float) -> bytes:
    exponent = math.floor(math.log10(amperes)) - 3 if amperes > 0 else -9
    mantissa = round(amperes / 10.0**exponent)
    if mantissa == 10_000:
        mantissa, exponent = 1000, exponent + 1
    return b"%04d%c%02d\r\n" % (mantissa, b"+-"[exponent < 0], abs(exponent))


def binary_sample(amperes: float) -> bytes:
    exponent = 0
    while exponent < 14 and amperes * 16.0 ** (exponent + 1) < 4095.5:
        exponent += 1
    value = round(amperes * 16.0**exponent)
    return bytes([exponent << 4 | value >> 8, value & 255])


@dataclass
class Simulator:
    """The instrument. The pin falls at every even entry of ``edges`` (seconds) and rises at the others."""

    waveform: Waveform = field(default_factory=Waveform)
    edges: tuple[float, ...] = ()
    length_s: float = 1.0
    drop: tuple[int, ...] = ()
    refuse: str = ""
    complaint: bytes = b""

    def __post_init__(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self.commands: list[str] = []
        self.truth: list[float] = []
        self.volts = 0.0
        self.done = threading.Event()
        self._rate, self._binary = 10_000, False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)

    def _run(self) -> None:
        text = b""
        while not self._stop.is_set():
            if not select.select([self._master], [], [], 0.01)[0]:
                continue
            text += os.read(self._master, 256)
            *whole, text = text.split(b"\n")
            for line in whole:
                self._obey(line.decode())

    def _obey(self, command: str) -> None:
        self.commands.append(command)
        word, _, value = command.partition(" ")
        if word == "stop":
            self._write(b"PowerShield > Acquisition completed\r\n" if not self._binary else b"\xf0\xf4\xff\xff")
            return
        if word == self.refuse:
            self._write(f"PowerShield > error {command}\r\nError detail: not now\r\n".encode())
            return
        if word == "freq":
            self._rate = int(value[:-1]) * 1000
        elif word == "format":
            self._binary = value == "bin_hexa"
        elif word == "volt":
            self.volts = int(value[:-1]) / 1000
        answer = " simulated 1.0" if word == "version" else ""
        self._write(f"PowerShield > ack {command}{answer}\r\n".encode())
        if word == "start":
            self._send()

    def _send(self) -> None:
        seconds = np.arange(round(self.length_s * self._rate)) / self._rate
        low = np.searchsorted(self.edges, seconds, side="right") % 2 == 1
        amperes = self.waveform.at(seconds, low)
        steps = np.flatnonzero(np.diff(np.concatenate(([0], low.astype(int), [0]))))
        falls = set(steps[::2].tolist())
        pairs = zip(steps[::2], steps[1::2], strict=True)
        self.truth = [float(amperes[b:e].sum()) * self.volts / self._rate for b, e in pairs]
        pieces: list[bytes] = []
        for number, value in enumerate(amperes):
            if number % (self._rate // 10) == 0:
                pieces.append(self._stamp(number * 1000 // self._rate))
            if number in falls and not self._binary and "eventsrc d7 fal" in self.commands:
                pieces.append(b"event 1 ris\r\n")
            if number not in self.drop:
                pieces.append(binary_sample(value) if self._binary else ascii_sample(value))
        self._write(b"".join(pieces) + self.complaint)
        self.done.set()

    def _stamp(self, ms: int) -> bytes:
        if self._binary:
            return b"\xf0\xf3" + ms.to_bytes(4, "big") + b"\x05\xff\xff"
        return b"TimeStamp: %03ds %03dms, buff 05%%\r\n" % divmod(ms, 1000)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not self._stop.is_set():
            if select.select([], [self._master], [], 0.1)[1]:
                view = view[os.write(self._master, view) :]
