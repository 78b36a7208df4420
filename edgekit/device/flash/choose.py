"""Which way an image takes: the one that was asked for, else the first of the board file that is plugged in.

Only a device that says itself which board it is is flashed unasked; what merely can be the board is named instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.board import Board
from edgekit.device import ssh
from edgekit.device.deploy import Image
from edgekit.device.discovery.found import Device, Found
from edgekit.device.flash import openocd, pyocd
from edgekit.device.flash.emulator import OnEmulator
from edgekit.device.flash.openocd import ByOpenocd
from edgekit.device.flash.pyocd import ByPyocd
from edgekit.device.flash.ssh import BySsh
from edgekit.device.flash.volume import ByVolume
from edgekit.device.flash.way import Way
from edgekit.errors import FlashError, Problem, UsageError

WAYS = ("volume", "pyocd", "openocd", "ssh", "emulator")


@dataclass(frozen=True)
class Wish:
    """What the user said; empty: choose. ``volume`` is a folder, ``probe`` a debug probe's serial number.

    For pyOCD the number may be in its own form (``remote:host:port``).
    """

    via: str = ""
    port: str = ""
    volume: Path | None = None
    probe: str = ""


@dataclass(frozen=True)
class Choice:
    """The way to go, why this one, the serial port to ask afterwards, and what runs there now (if it was asked)."""

    way: Way
    why: str
    port: str = ""
    running: str = ""


Look = Callable[[], Found]
"""Finds what is plugged in; called only if it matters."""


def choose(board: Board, image: Image, wish: Wish, look: Look, *, dry_run: bool = False) -> Choice:
    """The way to ``board``. ``dry_run`` also gives ways whose other end is not there.

    Raises:
        UsageError: the way is unknown, or not the board's, or several boards can be meant.
        FlashError: what the way needs is not plugged in.
    """
    by_port = "ssh" if wish.port.startswith(ssh.SCHEME) else ""
    via = wish.via or ("volume" if wish.volume else "pyocd" if wish.probe else by_port)
    if via:
        return _asked_for(board, image, wish, via, look, dry_run=dry_run)
    if wish.port:
        raise UsageError(_which_way(board))
    devices = look().devices
    sure = [d for d in devices if d.board == board.name and d.sure]
    for method in board.flash.methods:
        able = [d for d in sure if _reaches(d, board, method)]
        if len(able) > 1:
            raise _several(board, able)
        if able and method in WAYS:
            return _with_port(_way(board, image, method, able[0]), able[0], _known(able[0]))
    if maybe := [d for d in devices if board.name in d.boards]:
        raise UsageError(_may_be(board, maybe))
    if not board.emulator:
        raise FlashError(Problem("this board is not plugged in, and it has no emulator", board.name, hint=_how(board)))
    if board.emulator == "native":
        return Choice(OnEmulator(board, image), "the board is this computer: nothing is flashed, nothing is emulated")
    return Choice(OnEmulator(board, image), "nothing that is this board is plugged in: the EMULATED board is used")


def _asked_for(board: Board, image: Image, wish: Wish, via: str, look: Look, *, dry_run: bool) -> Choice:
    allowed = (*(m for m in board.flash.methods if m in WAYS), *(["emulator"] if board.emulator else []))
    if via not in allowed:
        raise UsageError(Problem("this board is not flashed that way", board.name, f"'{via}'", ", ".join(allowed)))
    if via == "emulator":
        return Choice(OnEmulator(board, image), "as asked for")
    if (way := _told(board, image, wish, via, dry_run=dry_run)) is not None:
        return Choice(way, "as asked for", wish.port)
    devices = look().devices
    able = [d for d in devices if board.name in d.boards and _reaches(d, board, via)]
    if len(able) > 1:
        raise _several(board, able)
    if able:
        return _with_port(_way(board, image, via, able[0]), able[0], "as asked for", wish.port)
    if via == "pyocd":
        return Choice(ByPyocd(board, image), "as asked for", wish.port)  # the only probe there is, or its error
    if via == "openocd":
        if others := [d for d in devices if _has_probe(d, board)]:
            raise UsageError(_another(board, others))  # OpenOCD would take the first
        return Choice(ByOpenocd(board, image), "as asked for", wish.port)
    if dry_run:
        return Choice(ByVolume(board, image, Path("DRIVE")), "as asked for", wish.port)
    raise FlashError(Problem(f"there is no {via} of this board; nothing was written", board.name, hint=_how(board)))


def _told(board: Board, image: Image, wish: Wish, via: str, *, dry_run: bool) -> Way | None:
    """The way whose other end the user named, or need not name in a dry run; None if it has to be looked for."""
    match via:
        case "ssh":
            if not wish.port.startswith(ssh.SCHEME):
                raise UsageError(Problem("ssh needs the board's address", board.name, hint="--port ssh://USER@HOST"))
            return BySsh(board, image, ssh.parse(wish.port))
        case "pyocd" if wish.probe or dry_run:
            return ByPyocd(board, image, wish.probe)
        case "openocd" if wish.probe:
            return ByOpenocd(board, image, wish.probe)
        case "volume" if wish.volume is not None:
            return ByVolume(board, image, wish.volume)
        case _:
            return None


def _reaches(device: Device, board: Board, method: str) -> bool:
    match method:
        case "volume":
            return bool(device.volumes)
        case "pyocd":
            return pyocd.installed() and bool(device.probes)
        case "openocd":
            return openocd.installed() and _has_probe(device, board)
        case _:
            return False


def _has_probe(device: Device, board: Board) -> bool:
    """Whether it has a debug probe of the board's kind; a probe shows by its serial port where pyOCD lists none."""
    return bool(device.probes) or any((p.vid, p.pid) in board.usb for p in device.ports)


def _way(board: Board, image: Image, method: str, device: Device) -> Way:
    match method:
        case "pyocd":
            return ByPyocd(board, image, device.probes[0].uid)
        case "openocd":
            return ByOpenocd(board, image, _serial(device, board))
        case _:
            return ByVolume(board, image, device.volumes[0].path)


def _serial(device: Device, board: Board) -> str:
    """The serial number of a device's debug probe, as its USB descriptor or pyOCD has it."""
    of_ports = (p.serial for p in device.ports if (p.vid, p.pid) in board.usb and p.serial)
    return next(of_ports, device.probes[0].uid if device.probes else "")


def _known(device: Device) -> str:
    return f"plugged in, known because {device.how}"


def _with_port(way: Way, device: Device, why: str, port: str = "") -> Choice:
    """The way to a device that was found, and the one serial port it has."""
    own = device.ports[0].name if len(device.ports) == 1 else ""
    running = device.firmware.build_id if device.firmware and own and port in ("", own) else ""
    return Choice(way, why, port or own, running)


def _how(board: Board) -> str:
    if board.volume is not None and board.volume.image == "uf2":
        return "Hold BOOTSEL down while you plug it in; `edgekit devices` shows what is there."
    return "Plug it in and look with `edgekit devices`; or say where it is with --volume."


def _which_way(board: Board) -> Problem:
    allowed = ", ".join(m for m in board.flash.methods if m in WAYS)
    hint = "The serial port is asked which image runs; the image itself goes another way."
    return Problem("with --port, say how to flash: --via", board.name, "no way", allowed, hint)


def _several(board: Board, devices: Sequence[Device]) -> UsageError:
    names = ", ".join(_place(d) for d in devices)
    hint = "Say which with --volume or --probe, or unplug the others."
    return UsageError(Problem("several of this board are plugged in", board.name, names, hint=hint))


def _another(board: Board, devices: Sequence[Device]) -> Problem:
    names = "; ".join(f"{_place(d)}: {d.how or 'no board file is like it'}" for d in devices)
    hint = "If it is the board nevertheless, name its debug probe with --probe."
    return Problem("the debug probe that is plugged in is another board's", board.name, names, hint=hint)


def _may_be(board: Board, devices: Sequence[Device]) -> Problem:
    names = "; ".join(f"{_place(d)}: {d.how}" for d in devices)
    hint = "If it is the board, say --via; `edgekit devices` shows more."
    return Problem(
        "something that may be this board is plugged in, but nothing says that it is", board.name, names, hint=hint
    )


def _place(device: Device) -> str:
    ports = (f"{p.name} (number {p.serial})" if p.serial else p.name for p in device.ports)
    return " with ".join((*(str(v.path) for v in device.volumes), *ports, *(p.uid for p in device.probes)))
