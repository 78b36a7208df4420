"""Jetperch Joulescope JS110 and JS220 by their maker's package pyjoulescope_driver, an extra.

Topics, streams and their loss are those of Jetperch's joulescope_driver 2.2 (``doc/js220.txt``, ``js110_usb.c``,
``js220_usb.c``). Sample numbers count at 2 MHz; a stream has every second of them or all: current and voltage come as
floats, at 2 MHz from a JS110 and at 1 MHz from a JS220, an input as packed bits, the first one lowest. What a JS110
loses comes as NaN, what a JS220 loses as a jump of the numbers. Here 10 us of them make one mean, without a filter, so
that current and pin stay where they were.
"""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from edgekit.device.meter import About, Capture
from edgekit.errors import MeterError, MissingToolError, Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]

RATE_HZ = 100_000
INPUTS = {"js110": (0, 1), "js220": (0, 1, 2, 3)}
"""Models that are known, and their general purpose inputs."""
MOST_A, MOST_V = 9.5, 14.5
"""5 % below the largest ranges, 10 A and 15 V: where exactly a converter ends depends on its calibration."""

_FULL_HZ = 2_000_000
_BIN = _FULL_HZ // RATE_HZ
_OPEN_S, _LINGER_S = 5.0, 0.3
"""Time to open an instrument; messages come 20 times a second, so what was sampled last is here after the second."""
_SETUP = {
    "js110": {"s/i/range/select": "auto", "s/v/range/select": "15 V"},
    "js220": {"s/i/range/mode": "auto", "s/v/range/mode": "auto"},
}
_JS110_PIN = {0: ("s/i/lsb_src", "gpi0"), 1: ("s/v/lsb_src", "gpi1")}
"""A JS110 sends its inputs in the lowest bits of current and voltage, if it is told to."""


@dataclass
class Means:
    """A stream of floats as means of whole bins, with the places of the bins; what is not whole is left out."""

    bins: list[Array] = field(default_factory=list["Array"])
    values: list[Array] = field(default_factory=list["Array"])
    _rest: Array = field(default_factory=lambda: np.empty(0))
    _next: int = -1
    """Number of the sample that follows ``_rest``, which begins with a bin if there is any."""

    def add(self, message: dict[str, Any]) -> None:
        """Take in what the driver publishes."""
        step, at = int(message["decimate_factor"]), int(message["sample_id"])
        data = np.asarray(message["data"], np.float64)
        if at == self._next:
            data = np.concatenate((self._rest, data))
            at -= len(self._rest) * step
        skip = min(-at % _BIN // step, len(data))
        data, at = data[skip:], at + skip * step
        each = _BIN // step
        whole = len(data) // each
        self.bins.append(at // _BIN + np.arange(whole))
        self.values.append(data[: whole * each].reshape(whole, each).mean(axis=1))
        self._rest = data[whole * each :]
        self._next = at + len(data) * step

    def all(self) -> tuple[Array, Array]:
        """Places and means of all bins."""
        if not self.bins:
            return np.empty(0, np.int64), np.empty(0)
        return np.concatenate(self.bins), np.concatenate(self.values)


@dataclass
class Bits:
    """A stream of packed bits in pieces of consecutive samples."""

    starts: list[int] = field(default_factory=list[int])
    steps: list[int] = field(default_factory=list[int])
    pieces: list[Array] = field(default_factory=list["Array"])

    def add(self, message: dict[str, Any]) -> None:
        """Take in what the driver publishes."""
        self.starts.append(int(message["sample_id"]))
        self.steps.append(int(message["decimate_factor"]))
        self.pieces.append(np.asarray(message["data"], np.uint8))

    def at(self, samples: Array) -> tuple[Array, Array]:
        """Levels at sample numbers, and whether they are known."""
        if not self.pieces:
            return np.zeros(len(samples), bool), np.zeros(len(samples), bool)
        starts, steps = np.array(self.starts), np.array(self.steps)
        lengths = np.array([len(p) for p in self.pieces])
        piece = np.maximum(np.searchsorted(starts, samples, side="right") - 1, 0)
        offset = (samples - starts[piece]) // steps[piece]
        known = (offset >= 0) & (offset < 8 * lengths[piece])
        offset = np.where(known, offset, 0)
        packed = np.concatenate(self.pieces)[(np.cumsum(lengths) - lengths)[piece] + offset // 8]
        return (packed >> (offset % 8).astype(np.uint8) & 1).astype(bool), known


def capture(current: Means, voltage: Means, pin: Bits, started: float) -> Capture:
    """What was recorded, where all three streams are there; gaps between are losses."""
    places, amperes = current.all()
    volt_places, volts = voltage.all()
    complaints: tuple[str, ...] = ()
    if any((np.diff(x) <= 0).any() for x in (places, volt_places, np.array(pin.starts))):
        complaints = ("its sample numbers went backwards, as if it had been restarted",)
    common, of_amperes, of_volts = np.intersect1d(places, volt_places, return_indices=True)
    level, known = pin.at(common * _BIN)
    amperes, volts = amperes[of_amperes], volts[of_volts]
    good = known & np.isfinite(amperes) & np.isfinite(volts)
    common, amperes, volts, level = common[good], amperes[good], volts[good], level[good]
    return Capture(
        seconds=np.arange(len(common)) / RATE_HZ,
        amperes=amperes,
        volts=volts,
        period_s=1 / RATE_HZ,
        started=started,
        low=~level,
        lost=tuple((np.flatnonzero(np.diff(common) != 1) + 1).tolist()),
        clipped=tuple(np.flatnonzero((np.abs(amperes) >= MOST_A) | (np.abs(volts) >= MOST_V)).tolist()),
        complaints=complaints,
    )


class Joulescope:
    """A Joulescope between supply and board, the board's trigger pin on its general purpose input ``pin``."""

    def __init__(self, driver: Any, path: str, pin: int) -> None:
        """Open the instrument, which may switch the board off for a moment, and let it choose its ranges itself.

        Raises:
            MeterError: another program has it, or it refuses a setting.
        """
        self._driver, self._path, self._pin = driver, path, pin
        self._model, serial = path.split("/")[-2:]
        self._streams: dict[str, Means | Bits] = {}
        self._heard: list[tuple[str, Callable[[str, Any], None]]] = []
        self._started = 0.0
        self.about = About(
            name=f"Joulescope {self._model.upper()}" + (", simulated" if serial == "simulated" else ""),
            port=path,
            gate="level",
            wire=f"the board's trigger pin to input {pin} of the Joulescope"
            + (", and its Vref to the board's supply," if self._model == "js220" else ""),
            simulated=serial == "simulated",
        )
        self._call(driver.open, path, "defaults", timeout=_OPEN_S)
        settings = {"h/fs": _FULL_HZ, **_SETUP[self._model]}
        if self._model == "js110":
            topic, source = _JS110_PIN[pin]
            settings[topic] = source
        for topic, value in settings.items():
            self._publish(topic, value)

    def start(self) -> None:
        """Begin to record."""
        self._streams = {"s/i": Means(), "s/v": Means(), f"s/gpi/{self._pin}": Bits()}
        self._started = time.monotonic()
        for topic, stream in self._streams.items():
            self._hear(f"{self._path}/{topic}/!data", stream)
        for topic in self._streams:
            self._publish(f"{topic}/ctrl", 1)

    def stop(self) -> Capture:
        """End recording; means of current and voltage of every 10 us, with the input's level."""
        if not self._streams:
            raise MeterError(Problem("the recording was not started", self._path))
        time.sleep(_LINGER_S)
        self._silence()
        current, voltage, pin = self._streams.values()
        self._streams = {}
        found = capture(cast("Means", current), cast("Means", voltage), cast("Bits", pin), self._started)
        if not len(found.amperes):
            hint = "Unplug the Joulescope and plug it in again; is another program using it?"
            raise MeterError(Problem("the meter sent no samples", self._path, hint=hint))
        return found

    def close(self) -> None:
        """Give the instrument back; the board stays connected through it."""
        try:
            if self._streams:
                self._silence()
            self._call(self._driver.close, self._path)
        finally:
            self._driver.finalize()

    def _silence(self) -> None:
        for topic in self._streams:
            self._publish(f"{topic}/ctrl", 0)
        for topic, heard in self._heard:
            self._call(self._driver.unsubscribe, topic, heard)
        self._heard = []

    def _hear(self, topic: str, stream: Means | Bits) -> None:
        def heard(_topic: str, message: Any) -> None:
            if isinstance(message, dict):
                stream.add(cast("dict[str, Any]", message))

        self._heard.append((topic, heard))
        self._call(self._driver.subscribe, topic, "pub", heard)

    def _publish(self, topic: str, value: float | str) -> None:
        self._call(self._driver.publish, f"{self._path}/{topic}", value)

    def _call(self, function: Callable[..., Any], *args: Any, **options: Any) -> None:
        """Call the driver, whose errors are RuntimeError and TimeoutError."""
        try:
            function(*args, **options)
        except (RuntimeError, TimeoutError) as error:
            hint = "Close other programs that use the Joulescope, unplug it and plug it in again."
            raise MeterError(
                Problem("the Joulescope does not do what it is asked", self._path, str(error), hint=hint)
            ) from error


def open_joulescope(where: str, *, supply: float | None, voltage: float | None) -> Joulescope:
    """The instrument that ``SERIAL#INPUT`` names; both may be left out: the only one, input 0.

    Raises:
        UsageError: a voltage is given, which this instrument measures, or there is no such input.
        MissingToolError: pyjoulescope_driver is not installed.
        MeterError: there is no such instrument, there are several, or it cannot be opened.
    """
    if supply is not None or voltage is not None:
        hint = "It feeds no board and measures the voltage itself: leave out --supply and --voltage."
        raise UsageError(Problem("a Joulescope takes no voltage", where or "joulescope", hint=hint))
    wanted, _, number = where.partition("#")
    if importlib.util.find_spec("pyjoulescope_driver") is None:
        hint = "pip install 'edgekit[joulescope]'"
        raise MissingToolError(Problem("pyjoulescope_driver is not installed", "joulescope", hint=hint))
    import pyjoulescope_driver  # noqa: PLC0415 - an extra

    driver: Any = cast("Any", pyjoulescope_driver).Driver()
    try:
        path = _chosen([str(p) for p in driver.device_paths()], wanted)
        return Joulescope(driver, path, _input(path, number or "0"))
    except BaseException:
        driver.finalize()
        raise


def _chosen(paths: list[str], wanted: str) -> str:
    """The path (``u/js220/001234``) of the one instrument, or of the one with this serial number."""
    fitting = [p for p in paths if p.split("/")[-2] in INPUTS and (not wanted or wanted in (p, p.split("/")[-1]))]
    if len(fitting) == 1:
        return fitting[0]
    what = f"there is more than one Joulescope{f' {wanted}' if wanted else ''}"
    hint = "Give its serial number: --meter joulescope:001234."
    if not fitting:
        what = f"there is no Joulescope{f' {wanted}' if wanted else ''}"
        hint = "Plug a JS110 or JS220 in; on Linux, Jetperch's 99-joulescope.rules let users open it."
    raise MeterError(Problem(what, found=", ".join(paths) or "none", allowed="one", hint=hint))


def _input(path: str, number: str) -> int:
    allowed = INPUTS[path.split("/")[-2]]
    if not number.isdigit() or int(number) not in allowed:
        text = ", ".join(map(str, allowed))
        raise UsageError(Problem("the Joulescope has no such input", path, f"'#{number}'", text, "Write WHERE#INPUT."))
    return int(number)
