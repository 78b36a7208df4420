"""Meters by name: what the user asks for, and the instrument opened and set up."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from serial.tools import list_ports

from edgekit.device.meters import hwmon, joulescope, lpm01a, pmic, polled, ppk2, tegrastats
from edgekit.device.transport import open_port
from edgekit.errors import MeterError, Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgekit.device.meter import Meter


@dataclass(frozen=True)
class Settings:
    """What to measure with, and how.

    ``where`` is a serial port or pyserial URL, an ssh destination, or empty: found by its USB ids, or this computer.
    ``supply``: volts the meter shall feed the board with; ``voltage``: of another supply. ``window_s`` of 0 takes
    10 s, on an emulated board a third of a second of its own time.
    """

    kind: str
    where: str = ""
    supply: float | None = None
    voltage: float | None = None
    spike_filter: bool = False
    windows: int = 3
    window_s: float = 0.0
    subtract_idle: bool = False


def _ppk2(settings: Settings) -> Meter:
    port = settings.where or _only_port("PPK2", ppk2.VID, ppk2.PID)
    return ppk2.Ppk2(
        open_port(port, 9600),
        supply=settings.supply,
        voltage=settings.voltage,
        spike_filter=settings.spike_filter,
    )


def _lpm01a(settings: Settings) -> Meter:
    form, port = ("binary", settings.where[7:]) if settings.where.startswith("binary,") else ("ascii", settings.where)
    port = port or _only_port("LPM01A", lpm01a.VID, lpm01a.PID)
    return lpm01a.Lpm01a(open_port(port, lpm01a.BAUD), supply=settings.supply, form=form)


def _joulescope(settings: Settings) -> Meter:
    return joulescope.open_joulescope(settings.where, supply=settings.supply, voltage=settings.voltage)


def _hwmon(settings: Settings) -> Meter:
    where, _, label = settings.where.partition("#")
    return hwmon.open_hwmon(polled.runner(where), where, label)


def _pmic(settings: Settings) -> Meter:
    return pmic.open_pmic(polled.runner(settings.where), settings.where)


def _tegrastats(settings: Settings) -> Meter:
    return tegrastats.open_tegrastats(polled.runner(settings.where), settings.where)


METERS: dict[str, tuple[str, Callable[[Settings], Meter]]] = {
    "ppk2": ("Nordic Power Profiler Kit II", _ppk2),
    "lpm01a": ("ST X-NUCLEO-LPM01A; binary,PORT for its binary format", _lpm01a),
    "joulescope": ("Jetperch Joulescope JS110 or JS220; WHERE is SERIAL#INPUT", _joulescope),
    "hwmon": ("INA2xx and INA3221 through Linux; WHERE#LABEL names a channel", _hwmon),
    "pmic": ("Raspberry Pi 5 power management chip", _pmic),
    "tegrastats": ("Jetson's own reading", _tegrastats),
}
"""By name: what it is, and what opens it."""


def parse(text: str) -> tuple[str, str]:
    """Name and place of ``NAME[:WHERE]``.

    Raises:
        UsageError: there is no such meter.

    """
    kind, _, where = text.partition(":")
    if kind not in METERS:
        close = difflib.get_close_matches(kind, METERS, n=1)
        hint = f"Did you mean '{close[0]}'?" if close else "NAME or NAME:PORT, for example ppk2:/dev/ttyACM1."
        raise UsageError(Problem("there is no such meter", found=f"'{kind}'", allowed=", ".join(METERS), hint=hint))
    return kind, where


def open_meter(settings: Settings) -> Meter:
    """The instrument, connected and set up.

    Raises:
        UsageError: the settings do not fit the instrument.
        MeterError, PortError: it is not there, silent, or says nonsense.

    """
    return METERS[settings.kind][1](settings)


def _only_port(name: str, vid: int, pid: int) -> str:
    """The port of the one instrument with these USB ids; of several interfaces the lowest."""
    found = [p for p in cast("Any", list_ports).comports() if (p.vid, p.pid) == (vid, pid)]
    instruments = {str(p.serial_number) for p in found}
    if len(instruments) == 1:
        return min(str(p.device) for p in found)
    ports = ", ".join(sorted(str(p.device) for p in found))
    by_port = f"give its port: --meter {name.lower()}:PORT."
    if not found:
        hint = f"Plug it in (`edgekit devices` lists meters), or {by_port}"
        raise MeterError(Problem(f"no {name} is plugged in", hint=hint))
    raise MeterError(
        Problem(f"more than one {name} is plugged in", found=ports, hint=f"Unplug the others, or {by_port}")
    )
