"""What discovery yields: plain data. A ``place`` is a USB port, as Linux and pyserial name it (``1-4.2``)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SerialPort:
    """A serial port; the ids are 0 and the texts empty where it has none (a port that is not USB, a URL)."""

    name: str
    title: str = ""
    vid: int = 0
    pid: int = 0
    serial: str = ""
    place: str = ""

    @property
    def usb_id(self) -> str:
        """The ids as ``0483:374b``, or nothing."""
        return f"{self.vid:04x}:{self.pid:04x}" if self.vid else ""


@dataclass(frozen=True)
class Volume:
    """A mounted drive that belongs to a board. ``code`` begins its MBED.HTM id, or is its UF2 Board-ID.

    ``note`` is what the drive says of its last failure (FAIL.TXT), empty if it says nothing.
    """

    path: Path
    code: str
    title: str = ""
    place: str = ""
    note: str = ""


@dataclass(frozen=True)
class Probe:
    """A debug probe as pyOCD names it."""

    uid: str
    title: str


@dataclass(frozen=True)
class Meter:
    """An instrument that reads amperes; ``ports`` are its serial ports. ``sure`` if no other thing has its USB id."""

    name: str
    ports: tuple[str, ...]
    serial: str
    sure: bool


@dataclass(frozen=True)
class Firmware:
    """What edgekit's firmware says of itself over a port; ``build_id`` and ``model`` are empty if it did not."""

    board: str
    model: str = ""
    build_id: str = ""


@dataclass(frozen=True)
class Device:
    """One thing that may be a board: what of it is plugged in, and which board files it can be.

    ``boards`` has one name if it is known which, several if it is not, none if no board file is like it; ``how``
    says what that rests on; ``sure`` if the board itself says so and not only an id it shares with others.
    ``firmware`` is what answered, if anybody asked and edgekit's firmware runs.
    """

    boards: tuple[str, ...]
    how: str
    sure: bool = False
    ports: tuple[SerialPort, ...] = ()
    volumes: tuple[Volume, ...] = ()
    probes: tuple[Probe, ...] = ()
    firmware: Firmware | None = None

    @property
    def board(self) -> str:
        """The board's name, or empty if it is ambiguous or unknown."""
        return self.boards[0] if len(self.boards) == 1 else ""


@dataclass(frozen=True)
class Found:
    """Everything found; ``notes`` say what could not be looked at."""

    devices: tuple[Device, ...]
    meters: tuple[Meter, ...]
    notes: tuple[str, ...] = ()
