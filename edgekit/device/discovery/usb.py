"""Serial ports and meters on USB, and debug probes where pyOCD is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from serial.tools import list_ports

from edgekit.device.discovery.found import Meter, Probe, SerialPort

DEVICES = Path("/sys/bus/usb/devices")

_METERS: dict[tuple[int, int], tuple[str, bool]] = {
    (0x1915, 0xC00A): ("Nordic PPK2", True),
    (0x0483, 0x5740): ("ST X-NUCLEO-LPM01A", False),  # ST's id of any virtual COM port
    (0x16D0, 0x0E88): ("Joulescope JS110", True),
    (0x16D0, 0x10BA): ("Joulescope JS220", True),
}
"""By USB vendor and product: the instrument, and whether nothing else has that id (Joulescope: 99-joulescope.rules)."""

_LPM01A = "PowerShield"
"""What the X-NUCLEO-LPM01A calls itself."""


def ports() -> tuple[SerialPort, ...]:
    """The serial ports of this computer."""
    return tuple(_port(entry) for entry in sorted(cast("Any", list_ports).comports(), key=lambda e: str(e.device)))


def _port(entry: Any) -> SerialPort:
    """The location that pyserial tells is the USB place, with the interface behind a colon."""
    return SerialPort(
        name=str(entry.device),
        title=str(entry.product or (entry.description if entry.description != "n/a" else "") or ""),
        vid=int(entry.vid or 0),
        pid=int(entry.pid or 0),
        serial=str(entry.serial_number or ""),
        place=str(entry.location or "").partition(":")[0],
    )


def meters(serial_ports: Sequence[SerialPort], devices: Path = DEVICES) -> tuple[Meter, ...]:
    """Meters among the serial ports, and on Linux those that have none."""
    found: dict[tuple[str, str, str], list[SerialPort]] = {}
    for port in serial_ports:
        if (port.vid, port.pid) in _METERS:
            found.setdefault((port.usb_id, port.serial, port.place), []).append(port)
    result: list[Meter] = []
    for (_, serial, _), group in found.items():
        name, sure = _METERS[group[0].vid, group[0].pid]
        sure = sure or any(_LPM01A.lower() in p.title.lower() for p in group)
        result.append(Meter(name, tuple(p.name for p in group), serial, sure))
    with_ports = {(group[0].vid, group[0].pid) for group in found.values()}
    for usb_id, serial in _usb_devices(devices):
        if usb_id in _METERS and usb_id not in with_ports:
            name, sure = _METERS[usb_id]
            result.append(Meter(name, (), serial, sure))
    return tuple(result)


def is_meter(port: SerialPort) -> bool:
    """Whether a port is a meter's."""
    return (port.vid, port.pid) in _METERS


def _usb_devices(devices: Path) -> list[tuple[tuple[int, int], str]]:
    """((vendor, product), serial number) of every USB device in Linux's /sys."""
    result: list[tuple[tuple[int, int], str]] = []
    for vendor in sorted(devices.glob("*/idVendor")):
        try:
            ids = int(vendor.read_text(), 16), int(vendor.with_name("idProduct").read_text(), 16)
            serial = vendor.with_name("serial")
            result.append((ids, serial.read_text().strip() if serial.is_file() else ""))
        except (OSError, ValueError):
            continue  # it was pulled out this moment
    return result


def probes() -> tuple[tuple[Probe, ...], str]:
    """Debug probes that pyOCD sees, and why there may be more that it does not."""
    if importlib.util.find_spec("pyocd") is None:
        return (), "debug probes are found with pyOCD, which is not installed: pip install 'edgekit[pyocd]'"
    from pyocd.core.helpers import ConnectHelper  # noqa: PLC0415 - an extra

    try:
        seen: list[Any] = cast("Any", ConnectHelper).get_all_connected_probes(blocking=False) or []
        return tuple(Probe(str(p.unique_id), str(p.description)) for p in seen), ""
    except Exception as error:  # noqa: BLE001 - whatever its USB libraries raise, ports and volumes are still shown
        return (), f"pyOCD cannot look for debug probes: {error}"
