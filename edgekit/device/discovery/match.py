"""Which of the board files a device is: by USB id, then by its volume's code or its firmware's own name.

What remains ambiguous is told as that: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgekit.board import Board
from edgekit.device.discovery import usb, volumes
from edgekit.device.discovery.ask import ask as ask_port
from edgekit.device.discovery.found import Device, Firmware, Found, Probe, SerialPort, Volume

Ask = Callable[[str, int], Firmware | None]
"""Asks what runs behind a port at a baud rate."""


@dataclass
class _Group:
    """Ports, volumes and probes of one USB device while they are gathered."""

    ports: list[SerialPort] = field(default_factory=list[SerialPort])
    volumes: list[Volume] = field(default_factory=list[Volume])
    probes: list[Probe] = field(default_factory=list[Probe])


def find(
    boards: Sequence[Board], *, ask: Ask | None = ask_port, urls: Sequence[str] = (), folders: Sequence[Path] = ()
) -> Found:
    """What is plugged in, matched to ``boards``.

    ``urls`` are ports to ask that no list shows, as ``rfc2217://`` ones; ``folders`` are looked in for volumes.
    Only ports that can be a board's are asked, and none if ``ask`` is None.
    """
    serial_ports = usb.ports()
    probes, note = usb.probes()
    mounted = volumes.find(folders)
    devices = match(boards, serial_ports, mounted, probes, ask=ask)
    remote = tuple(_named(boards, url, ask) for url in urls)
    return Found((*devices, *remote), usb.meters(serial_ports), (note,) if note else ())


def match(
    boards: Sequence[Board],
    serial_ports: Sequence[SerialPort],
    mounted: Sequence[Volume],
    probes: Sequence[Probe],
    *,
    ask: Ask | None,
) -> tuple[Device, ...]:
    """Devices put together of what belongs to one USB port or has one serial number, each with its boards."""
    groups: dict[str, _Group] = {}
    for port in serial_ports:
        if not usb.is_meter(port):
            groups.setdefault(port.place or port.name, _Group()).ports.append(port)
    for volume in mounted:
        groups.setdefault(volume.place or str(volume.path), _Group()).volumes.append(volume)
    for probe in probes:
        same = (g for g in groups.values() if any(_same_serial(p.serial, probe.uid) for p in g.ports))
        (next(same, None) or groups.setdefault(f"probe {probe.uid}", _Group())).probes.append(probe)
    devices = [_device(boards, group, ask) for group in groups.values()]
    return tuple(sorted(devices, key=lambda d: (not d.boards, d.boards, [p.name for p in d.ports])))


def _same_serial(one: str, other: str) -> bool:
    """J-Link's serial numbers have leading zeros on USB and none in tools."""
    return bool(one) and one.lstrip("0").lower() == other.lstrip("0").lower()


def _device(boards: Sequence[Board], group: _Group, ask: Ask | None) -> Device:
    device = Device((), "", ports=tuple(group.ports), volumes=tuple(group.volumes), probes=tuple(group.probes))
    by_usb = [b for b in boards if any((p.vid, p.pid) in b.usb for p in group.ports)]
    by_code = [b for b in boards if b.volume and any(v.code == b.volume.code for v in group.volumes)]
    if by_usb:
        ids = ", ".join(dict.fromkeys(p.usb_id for p in group.ports))
        device = replace(device, boards=_names(by_usb), how=f"USB id {ids}, which other boards may have too")
    if by_code:
        codes = ", ".join(dict.fromkeys(v.code for v in group.volumes))
        device = replace(device, boards=_names(by_code), how=f"its volume says {codes}", sure=len(by_code) == 1)
    if ask is None or not by_usb:
        return device
    for port in group.ports:
        for baud in dict.fromkeys(b.serial.baud for b in by_usb):
            if (firmware := ask(port.name, baud)) is not None:
                return _with_firmware(device, firmware, settled=len(by_code) == 1)
    return device


def _with_firmware(device: Device, firmware: Firmware, *, settled: bool) -> Device:
    """The firmware's own name decides what the volume did not; if they contradict each other, that is said."""
    if not settled:
        return replace(device, boards=(firmware.board,), how="its firmware says so", sure=True, firmware=firmware)
    if firmware.board in device.boards:
        return replace(device, firmware=firmware)
    how = f"{device.how}; but its firmware was built for {firmware.board}"
    return replace(device, how=how, sure=False, firmware=firmware)


def _named(boards: Sequence[Board], url: str, ask: Ask | None) -> Device:
    """The board behind a port that was named."""
    rates = list(dict.fromkeys(b.serial.baud for b in boards))
    port = SerialPort(url)
    for baud in rates if ask is not None else []:
        if ask is not None and (firmware := ask(url, baud)) is not None:
            return Device((firmware.board,), "its firmware says so", sure=True, ports=(port,), firmware=firmware)
    return Device((), "no edgekit firmware answers", ports=(port,))


def _names(boards: Sequence[Board]) -> tuple[str, ...]:
    return tuple(b.name for b in boards)
