"""INA219, 226, 228, 260 and 3221 through Linux' hwmon: in*_input in mV, curr*_input in mA, power*_input in uW.

The kernel's Documentation/hwmon/sysfs-interface.rst has the units; a Jetson's INA3221 names its channels VDD_IN (all
of the module), VDD_CPU_GPU_CV and VDD_SOC, older ones POM_5V_IN.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from edgekit.device.meter import About
from edgekit.device.meters.polled import Polled, Power, Run
from edgekit.errors import MeterError, Problem

_TOTALS = ("VDD_IN", "POM_5V_IN", "VIN_SYS_5V0")
_LIST = "grep -s . /sys/class/hwmon/hwmon*/name /sys/class/hwmon/hwmon*/in*_label; true"
_CHANNEL = re.compile(r"^(/sys/class/hwmon/hwmon\d+)/(?:name|in(\d+)_label):(.*)$", re.MULTILINE)


def channels(listing: str) -> dict[str, tuple[str, int]]:
    """Channels by label, ``ina226`` where there is none: (folder, number) in the output of the listing command."""
    found: dict[str, tuple[str, int]] = {}
    entries: list[tuple[str, str, str]] = _CHANNEL.findall(listing)
    sensors = {folder: text for folder, number, text in entries if not number and text.startswith("ina")}
    for folder, number, text in entries:
        if number and folder in sensors and not text.startswith("sum of"):
            found[text] = (folder, int(number))
    for folder, name in sensors.items():
        if folder not in {f for f, _ in found.values()}:
            found[name if name not in found else f"{name} {folder.rsplit('/', 1)[-1]}"] = (folder, 1)
    return found


def choose(found: dict[str, tuple[str, int]], label: str, where: str) -> str:
    """The channel asked for, the one that is all of the module, or the only one.

    Raises:
        MeterError: there is none, or it is not clear which.

    """
    if label and label in found:
        return label
    if not label and (total := next((t for t in _TOTALS if t in found), "")):
        return total
    if not label and len(found) == 1:
        return next(iter(found))
    what = f"there is no channel '{label}'" if label else "it is not clear which channel feeds the board"
    hint = "Name one: --meter hwmon:WHERE#LABEL." if found else "Is the INA's driver loaded and bound (dtoverlay, i2c)?"
    raise MeterError(Problem(what, where or "this computer", ", ".join(sorted(found)) or "no INA at all", hint=hint))


def open_hwmon(run: Run, where: str, label: str = "") -> Polled:
    """The INA channel ``label`` of the board ``run`` runs commands on."""
    found = channels(run(["sh", "-c", _LIST] if not where else [_LIST]))
    name = choose(found, label, where)
    folder, number = found[name]
    # hwmon counts currents of the INA219 family from 1; its in0 is the shunt, in1 the bus.
    command = f"cat {folder}/in{number}_input {folder}/curr{number}_input"
    argv = ["sh", "-c", command] if not where else [command]
    return Polled(About(f"{name} by hwmon", where or "this computer", "clock"), reader(run, argv, where))


def reader(run: Run, argv: list[str], where: str) -> Callable[[], Power]:
    """A function that reads millivolts and milliamperes, a line each."""

    def ask() -> Power:
        text = run(argv)
        try:
            millivolts, milliamperes = (float(line) for line in text.split())
        except ValueError as error:
            raise MeterError(Problem("hwmon gives no voltage and current", where, repr(text[:60]))) from error
        return Power(milliamperes / 1e3, millivolts / 1e3)

    return ask
