"""Flashing from beginning to end: skip what the board runs already, write, and ask the board afterwards."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from edgekit.board import Board
from edgekit.device.deploy import Image
from edgekit.device.flash.choose import Choice
from edgekit.device.flash.emulator import OnEmulator
from edgekit.device.flash.running import build_id_of, wait_for
from edgekit.device.flash.way import Progress, Way
from edgekit.errors import PortError

_ANSWER_S = 10.0
_ASKED = "the board says over its port that it runs this build"


@dataclass(frozen=True)
class Flashed:
    """What was done. ``verified`` has every way in which it is known that the board holds the image; none if it is not.

    ``skipped`` if the board ran this image already and nothing was written; ``planned`` if it was a dry run. ``step``
    says in words what no command line does.
    """

    board: str
    build_id: str
    via: str
    place: str
    why: str
    commands: tuple[str, ...]
    bytes: int = 0
    seconds: float = 0.0
    verified: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    port: str = ""
    skipped: bool = False
    planned: bool = False
    step: str = ""

    @property
    def emulated(self) -> bool:
        """Whether it was an emulated board; the host is this computer itself."""
        return self.via == "emulator" and self.place != "native"

    def json(self) -> dict[str, Any]:
        """The result as JSON takes it."""
        return {
            "board": self.board, "build_id": self.build_id, "via": self.via, "place": self.place, "why": self.why,
            "emulated": self.emulated, "dry_run": self.planned, "skipped": self.skipped,
            "bytes": self.bytes, "seconds": round(self.seconds, 3), "verified": list(self.verified),
            "port": self.port or None, "commands": list(self.commands), "step": self.step or None,
            "notes": list(self.notes),
        }  # fmt: skip


def plan(board: Board, image: Image, choice: Choice) -> Flashed:
    """What ``flash`` would do."""
    return Flashed(planned=True, **_head(board, image, choice))


def flash(
    board: Board, image: Image, choice: Choice, progress: Progress, *, force: bool = False, answer_s: float = _ANSWER_S
) -> Flashed:
    """Put the image onto the board, unless it runs it already (``force``: even then).

    Raises:
        FlashError: it is not there, or not known to be there whole.
        PortError, LinkError: it was written, but the board does not say over its port that it runs it.
        MissingToolError: the tool for this way is not installed.
    """
    head = _head(board, image, choice)
    if not force and _running(board, choice) == image.build_id:
        return Flashed(**head, verified=(_ASKED,), skipped=True)
    begin = time.monotonic()
    written = choice.way.write(progress)
    verified = (written.verified,) if written.verified else ()
    notes = written.notes
    if choice.port:
        progress("asking the board which image it runs", 0, 0)
        wait_for(choice.port, board.serial.baud, image.build_id, answer_s)
        verified += (_ASKED,)
    elif not verified:
        notes += ("whether the board runs it is not known: give its serial port with --port to have it asked",)
    seconds = time.monotonic() - begin
    return Flashed(**head, bytes=written.bytes, seconds=seconds, verified=verified, notes=notes)


def _running(board: Board, choice: Choice) -> str:
    """The build id the board runs now; empty if it cannot be asked."""
    if choice.running or not choice.port:
        return choice.running
    try:
        return build_id_of(choice.port, board.serial.baud)
    except PortError:
        return ""  # it may come with the board, which is not up yet; after flashing it is a fault


def _head(board: Board, image: Image, choice: Choice) -> dict[str, Any]:
    way: Way = choice.way
    return {
        "board": board.name, "build_id": image.build_id, "via": way.name, "place": way.place, "why": choice.why,
        "commands": way.commands, "port": choice.port, "step": way.step if isinstance(way, OnEmulator) else "",
    }  # fmt: skip
