"""Nordic Power Profiler Kit II over its USB serial port: 100,000 samples a second, the trigger pin on D0.

Commands, words and terms of the conversion are those of Nordic's nRF Connect Power Profiler (pc-nrfconnect-ppk) and
of IRNAS' ppk2-api; the decoder is vectorised. A word is 32 bits, little-endian: bits 0-13 the converter, 14-16 the
range, 18-23 a counter, 24-31 the pins D0 to D7.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.device.meter import About, Capture
from edgekit.device.meters.recorder import Recorder
from edgekit.errors import MeterError, Problem, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgekit.device.transport import Stream

    Array = NDArray[Any]

RATE_HZ = 100_000
VID, PID = 0x1915, 0xC00A
LEAST_V, MOST_V, MOST_A = 0.8, 5.0, 1.0
"""The instrument's limits by its data sheet."""

_START, _STOP, _POWER, _REGULATOR, _MODE, _METADATA = 0x06, 0x07, 0x0C, 0x0D, 0x11, 0x19
_AMPERE, _SOURCE = 1, 2
_ADC_AMPERES_OHM = 1.8 / 163840
_RANGES = 5
_COUNTER = 64
_CONVERTER_MAX = 0x3FFF
_QUIET_S, _ANSWER_S, _SETTLE_S = 0.15, 2.0, 0.3
_SETTLING = 3
"""Samples after a change of range that the spike filter replaces."""
_ALPHA, _ALPHA_HIGH = 0.18, 0.06
"""Weight of the newest sample in the spike filter's mean; the second in the highest range."""


@dataclass(frozen=True)
class Calibration:
    """Per-range terms of one instrument, as its metadata has them: arrays of five."""

    resistance: Array
    offset: Array
    gain_square: Array
    gain: Array
    voltage_slope: Array
    bias: Array
    user_gain: Array
    hardware: str = ""
    simulated: bool = False

    def amperes(self, converter: Array, ranges: Array, volts: float) -> Array:
        """Currents of converter readings (0 to 16383) in their ranges at a supply of ``volts``."""
        raw = (converter.astype(np.float64) * 4 - self.offset[ranges]) * (_ADC_AMPERES_OHM / self.resistance[ranges])
        bent = raw * (self.gain_square[ranges] * raw + self.gain[ranges])
        return self.user_gain[ranges] * (bent + self.voltage_slope[ranges] * volts + self.bias[ranges])


def parse_metadata(text: str, port: str = "") -> Calibration:
    """The calibration in an instrument's metadata.

    A resistance of 0, which some instruments have, becomes the nominal one. Raises MeterError if terms are missing.
    """
    found = {key: value.strip() for key, value in re.findall(r"^(\w+): (.*)$", text, re.MULTILINE)}
    nominal = (1031.64, 101.65, 10.15, 0.94, 0.043)
    missing: list[str] = []

    def terms(letter: str) -> Array:
        values: list[float] = []
        for i in range(_RANGES):
            try:
                values.append(float(found[f"{letter}{i}"]))
            except (KeyError, ValueError):
                missing.append(f"{letter}{i}")
                values.append(0.0)
        return np.array(values)

    resistance = terms("R")
    calibration = Calibration(
        resistance=np.where(resistance > 0, resistance, nominal),
        offset=terms("O"),
        gain_square=terms("GS"),
        gain=terms("GI"),
        voltage_slope=terms("S"),
        bias=terms("I"),
        user_gain=terms("UG"),
        hardware=found.get("HW", ""),
        simulated=found.get("Simulated") == "1",
    )
    if missing:
        what = "the instrument's metadata has no usable calibration"
        raise MeterError(
            Problem(what, port, f"no {', '.join(missing)}", hint="Is this a PPK2? Unplug it and try again.")
        )
    return calibration


@dataclass(frozen=True)
class Decoded:
    """Words taken apart; ``lost`` are the samples before which the counter jumped."""

    converter: Array
    ranges: Array
    pins: Array
    lost: tuple[int, ...]


def decode(data: bytes) -> Decoded:
    """Take whole words apart; bytes of an unfinished last word are left out.

    The counter shows every loss but one of a multiple of 64 samples, which the comparison of the window's length with
    the board's clock is for.
    """
    words = np.frombuffer(data[: len(data) // 4 * 4], "<u4")
    counter = (words >> 18 & (_COUNTER - 1)).astype(np.int16)
    jumps = np.flatnonzero(np.diff(counter) % _COUNTER != 1) + 1
    return Decoded(
        converter=words & _CONVERTER_MAX,
        ranges=np.minimum(words >> 14 & 7, _RANGES - 1).astype(np.intp),
        pins=(words >> 24).astype(np.uint8),
        lost=tuple(jumps.tolist()),
    )


def without_spikes(amperes: Array, ranges: Array) -> Array:
    """Put a running mean in the place of the samples just after a change of range.

    As Nordic's application does by default; there the mean stands still at times, here it always goes on.
    """
    changes = np.flatnonzero(np.diff(ranges)) + 1
    places = np.unique((changes[:, np.newaxis] + np.arange(_SETTLING)).reshape(-1))
    places = places[places < len(amperes)]
    result = amperes.copy()
    for alpha, chosen in ((_ALPHA, ranges[places] < _RANGES - 1), (_ALPHA_HIGH, ranges[places] == _RANGES - 1)):
        span = round(8 / alpha)
        at = places[chosen][:, np.newaxis] - np.arange(span)
        weights = np.where(at >= 0, alpha * (1 - alpha) ** np.arange(span), 0.0)
        if len(at):
            result[places[chosen]] = (amperes[np.maximum(at, 0)] * weights).sum(axis=1) / weights.sum(axis=1)
    return result


class Ppk2:
    """A PPK2 that supplies the board with ``supply`` volts, or measures what flows from a supply of ``voltage``."""

    def __init__(
        self, stream: Stream, *, supply: float | None, voltage: float | None, spike_filter: bool = False
    ) -> None:
        """Read the calibration, set mode and voltage, and connect the board.

        Raises:
            UsageError: unless exactly one voltage within the instrument's range is given.
            MeterError: if no PPK2 answers.
        """
        self._stream = stream
        self._volts = _volts(supply, voltage, stream.name)
        self._spike_filter = spike_filter
        self._recorder: Recorder | None = None
        self._send(_STOP)
        self._drain(_QUIET_S)
        self._calibration = self._metadata()
        self.about = About(
            name="Nordic PPK2"
            + (", simulated" if self._calibration.simulated else "")
            + (", spikes smoothed" if spike_filter else ""),
            port=stream.name,
            gate="level",
            wire="the board's trigger pin to D0",
            simulated=self._calibration.simulated,
        )
        self._send(_MODE, _AMPERE if supply is None else _SOURCE)
        millivolts = round(self._volts * 1000) - 800 + 32
        self._send(_REGULATOR, 3 + millivolts // 256, millivolts % 256)
        self._send(_POWER, 1)
        time.sleep(_SETTLE_S)

    def start(self) -> None:
        """Begin to record."""
        self._recorder = Recorder(self._stream)
        self._send(_START)

    def stop(self) -> Capture:
        """End recording; the currents of all samples with D0."""
        recorder = self._recorder
        if recorder is None:
            raise MeterError(Problem("the recording was not started", self._stream.name))
        self._send(_STOP)
        data = recorder.finish(_QUIET_S)
        self._recorder = None
        if not data:
            hint = "Unplug the PPK2 and plug it in again; newer firmware has two ports: use the lower one."
            raise MeterError(Problem("the meter sent no samples", self._stream.name, hint=hint))
        words = decode(data)
        amperes = self._calibration.amperes(words.converter, words.ranges, self._volts)
        if self._spike_filter:
            amperes = without_spikes(amperes, words.ranges)
        count = len(amperes)
        clipped = (words.converter == _CONVERTER_MAX) | (amperes >= MOST_A)
        return Capture(
            seconds=np.arange(count) / RATE_HZ,
            amperes=amperes,
            volts=np.full(count, self._volts),
            period_s=1 / RATE_HZ,
            started=recorder.begun,
            low=words.pins & 1 == 0,
            lost=words.lost,
            clipped=tuple(np.flatnonzero(clipped).tolist()),
        )

    def close(self) -> None:
        """Stop and give the port back; the board stays powered, as its firmware may be talking."""
        self._send(_STOP)
        self._stream.close()

    def _send(self, *data: int) -> None:
        self._stream.write(bytes(data))

    def _drain(self, quiet_s: float) -> None:
        end = time.monotonic() + _ANSWER_S
        while time.monotonic() < end and self._stream.read(quiet_s):
            pass

    def _metadata(self) -> Calibration:
        self._send(_METADATA)
        text, end = b"", time.monotonic() + _ANSWER_S
        while b"END" not in text and (left := end - time.monotonic()) > 0:
            text += self._stream.read(left)
        if b"END" not in text:
            found = repr(text[-60:].decode("ascii", "replace")) if text else "nothing"
            hint = "Is this the PPK2's port, and no other program on it? Of its two ports the lower one is right."
            raise MeterError(Problem("no PPK2 answers", self._stream.name, found, "its metadata", hint))
        return parse_metadata(text.decode("ascii", "replace"), self._stream.name)


def _volts(supply: float | None, voltage: float | None, port: str) -> float:
    """The one voltage that is given, within what the instrument can do."""
    if (supply is None) == (voltage is None):
        found = "neither" if supply is None else "both"
        hint = "--supply 3.0 lets the PPK2 power the board; --voltage 3.0 says what another supply has."
        raise UsageError(Problem("the PPK2 needs to know the voltage", port, found, "--supply or --voltage", hint))
    volts = supply if supply is not None else voltage if voltage is not None else 0.0
    if not LEAST_V <= volts <= MOST_V:
        raise UsageError(Problem("the voltage is out of the PPK2's range", port, f"{volts} V", "0.8 to 5.0 V"))
    return volts
