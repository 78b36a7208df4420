"""ST X-NUCLEO-LPM01A (PowerShield) over its USB serial port; it feeds the board with 1.8 to 3.3 V.

Commands, replies and sample formats are those of ST's UM2269 as public programs use them (the MLPerf Tiny runner among
them). ASCII gives 10,000 samples a second with a line for each falling edge on D7, hence windows from the pin; the
binary format gives 100,000 without any mark that is publicly described, hence windows by this computer's clock.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edgekit.device.meter import About, Capture
from edgekit.device.meters.recorder import Recorder
from edgekit.errors import MeterError, Problem, UsageError

if TYPE_CHECKING:
    from edgekit.device.transport import Stream

VID, PID, BAUD = 0x0483, 0x5740, 3_686_400
LEAST_V, MOST_V = 1.8, 3.3
MOST_A = 0.05
"""The instrument's largest current; its dynamic range ends there."""
_RATES = {"ascii": 10_000, "binary": 100_000}
_QUIET_S, _ANSWER_S = 0.3, 3.0
_SAMPLE = re.compile(rb"(\d{4})([+-]\d{2})")
_TIME = re.compile(rb"(?:(\d+) *s)? *(\d+) *ms")
_META, _ERROR, _INFO, _STAMP, _END, _OVERCURRENT, _POWER_DOWN, _VOLTAGE = 0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7
_CLOSE = b"\xff\xff"


@dataclass
class Received:
    """What came in a recording: ``amperes``, edges and time stamps (ms) at their places in it, and complaints."""

    amperes: list[float] = field(default_factory=list[float])
    falls: list[int] = field(default_factory=list[int])
    stamps: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    complaints: list[str] = field(default_factory=list[str])

    def lost(self, rate_hz: int) -> tuple[int, ...]:
        """Samples before which others are missing: there are fewer between two time stamps than there should be."""
        gaps: list[int] = []
        for (at, ms), (later, later_ms) in zip(self.stamps, self.stamps[1:], strict=False):
            wanted = (later_ms - ms) * rate_hz / 1000
            if later - at < wanted - max(2, rate_hz / 1000):  # a stamp is whole milliseconds
                gaps.append(later)
        return tuple(gaps)


def parse_ascii(data: bytes) -> Received:
    """Lines of ASCII: ``6409-07`` is 640.9 uA, ``event N ris`` an edge, ``TimeStamp: 003s 519ms`` a time."""
    found = Received()
    for line in data.split(b"\n"):
        text = line.strip().removeprefix(b"PowerShield > ").strip()
        if sample := _SAMPLE.fullmatch(text):
            found.amperes.append(int(sample[1]) * 10.0 ** int(sample[2]))
        elif text.startswith(b"event"):
            found.falls.append(len(found.amperes))
        elif text.lower().startswith(b"timestamp") and (stamp := _TIME.search(text)):
            found.stamps.append((len(found.amperes), int(stamp[1] or 0) * 1000 + int(stamp[2])))
        elif text.lower().startswith((b"error", b"overcurrent")):
            found.complaints.append(text.decode("ascii", "replace"))
        elif text[:1].isdigit():
            found.complaints.append(f"a damaged sample: {text[:20].decode('ascii', 'replace')}")
    return found


def parse_binary(data: bytes) -> Received:
    """A binary recording: two bytes a sample, exponent of 1/16 and 12 bits, and messages that begin with F0.

    It begins behind the text that answers ``start``.
    """
    found = Received()
    at = 0
    while at + 1 < len(data):
        if data[at] != _META:
            if data[at] >> 4 == 0xF:  # noqa: PLR2004 - the exponent that no sample has
                found.complaints.append(f"damaged bytes at {at}")
                break
            found.amperes.append(((data[at] & 0xF) << 8 | data[at + 1]) * 16.0 ** -(data[at] >> 4))
            at += 2
            continue
        kind = data[at + 1]
        length = {_STAMP: 5, _VOLTAGE: 2}.get(kind, 0)
        end = data.find(_CLOSE, at + 2 + length)
        if end < 0:
            break
        body = data[at + 2 : end]
        at = end + len(_CLOSE)
        if kind == _STAMP:
            found.stamps.append((len(found.amperes), int.from_bytes(body[:4], "big") & 0x7FFF_FFFF))
        elif kind in (_ERROR, _OVERCURRENT, _POWER_DOWN):
            name = {_ERROR: "error", _OVERCURRENT: "overcurrent", _POWER_DOWN: "the board was switched off"}[kind]
            found.complaints.append(f"{name} {body.decode('ascii', 'replace')}".strip())
        elif kind == _END:
            break
    return found


class Lpm01a:
    """An LPM01A that feeds the board with ``supply`` volts; ``form`` is ``ascii`` or ``binary``."""

    def __init__(self, stream: Stream, *, supply: float | None, form: str = "ascii") -> None:
        """Take control, set voltage, rate and format, and switch the board on.

        Raises:
            UsageError: no supply voltage within the instrument's range, or no such format.
            MeterError: no LPM01A answers, or it refuses a command.
        """
        if supply is None or not LEAST_V <= supply <= MOST_V:
            found = "none" if supply is None else f"{supply} V"
            raise UsageError(
                Problem("the LPM01A needs to know the voltage to supply", stream.name, found, "--supply 1.8 to 3.3")
            )
        if form not in _RATES:
            raise UsageError(Problem("the LPM01A has no such format", stream.name, form, ", ".join(_RATES)))
        self._stream, self._volts, self._form, self._rate = stream, supply, form, _RATES[form]
        self._recorder: Recorder | None = None
        self._text = b""
        self._command("htc")
        simulated = b"simulated" in self._command("version").lower()
        for command in (
            "output current",
            f"format {'ascii_dec' if form == 'ascii' else 'bin_hexa'}",
            f"freq {self._rate // 1000}k",
            f"volt {round(supply * 1000)}m",
            "acqmode dyn",
            "acqtime inf",
            "trigsrc sw",
            *(("eventsrc d7 fal",) if form == "ascii" else ()),
            "pwr on",
        ):
            self._command(command)
        self.about = About(
            name="ST X-NUCLEO-LPM01A" + (", simulated" if simulated else ""),
            port=stream.name,
            gate="falling" if form == "ascii" else "clock",
            wire="the board's trigger pin to D7 of the LPM01A",
            simulated=simulated,
        )

    def start(self) -> None:
        """Begin to record."""
        self._command("start")
        self._recorder = Recorder(self._stream)

    def stop(self) -> Capture:
        """End recording; the currents of all samples with the falling edges of D7 where the format has them."""
        recorder = self._recorder
        if recorder is None:
            raise MeterError(Problem("the recording was not started", self._stream.name))
        self._stream.write(b"stop\n")
        data = self._text + recorder.finish(_QUIET_S)
        self._recorder, self._text = None, b""
        found = parse_ascii(data) if self._form == "ascii" else parse_binary(data)
        amperes = np.array(found.amperes)
        return Capture(
            seconds=np.arange(len(amperes)) / self._rate,
            amperes=amperes,
            volts=np.full(len(amperes), self._volts),
            period_s=1 / self._rate,
            started=recorder.begun,
            falls=tuple(found.falls),
            lost=found.lost(self._rate),
            clipped=tuple(np.flatnonzero(amperes >= MOST_A).tolist()),
            complaints=tuple(found.complaints),
        )

    def close(self) -> None:
        """Give control back and close the port; the board stays powered."""
        self._stream.write(b"stop\n")
        self._stream.write(b"hrc\n")
        self._stream.close()

    def _command(self, text: str) -> bytes:
        """Send a command; what came up to its acknowledgement. What follows that is kept."""
        self._text = b""
        self._stream.write(text.encode() + b"\n")
        end = time.monotonic() + _ANSWER_S
        word = text.split(maxsplit=1)[0].encode()
        reply = re.compile(rb"(?:ack|err\w*) " + word + rb"[^\n]*\n")
        while not (found := reply.search(self._text)) and (left := end - time.monotonic()) > 0:
            self._text += self._stream.read(left)
        if found is None:
            hint = "Is this the LPM01A's port (0483:5740), and no other program on it?"
            raise MeterError(Problem(f"no LPM01A answers '{text}'", self._stream.name, hint=hint))
        answer, self._text = self._text[: found.end()], self._text[found.end() :]
        if found[0].startswith(b"err"):
            raise MeterError(
                Problem(f"the LPM01A refuses '{text}'", self._stream.name, answer.decode("ascii", "replace"))
            )
        return answer
