"""The emulated board: it is switched on with the image, which is as much flashing as it needs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from edgekit.board import Board
from edgekit.device.deploy import Image
from edgekit.device.flash.running import build_id_of
from edgekit.device.flash.way import Progress, Written
from edgekit.emulate import launch
from edgekit.errors import FlashError, Problem


@dataclass(frozen=True)
class OnEmulator:
    """The way onto the emulated board."""

    board: Board
    image: Image
    name: str = "emulator"

    @property
    def place(self) -> str:
        """What emulates it."""
        return self.board.emulator

    @property
    def commands(self) -> tuple[str, ...]:
        """None: edgekit does it itself, and nothing is done to the world."""
        return ()

    @property
    def step(self) -> str:
        """What ``write`` does, in words."""
        on = "start the image on this computer" if self._native else f"switch the EMULATED board on ({self.place})"
        return f"{on}, ask which build it runs, and end it (--via emulator --stay leaves it on)"

    @property
    def _native(self) -> bool:
        return self.board.emulator == "native"

    def write(self, progress: Progress) -> Written:
        """Switch it on, ask which image it runs, switch it off."""
        with self.running(progress):
            who = "this computer" if self._native else "the emulated board"
            return Written(self.image.binary.stat().st_size, f"{who} started it, and it says its build id")

    @contextmanager
    def running(self, progress: Progress) -> Generator[str]:
        """The port of the board while it is on with this image.

        Raises:
            FlashError: it runs something else.
            TargetFaultError: the firmware stops.
        """
        progress("starting the image" if self._native else "switching the emulated board on", 0, 0)
        with launch(self.board, self.image.binary, self.image.elf) as emulated:
            running = build_id_of(emulated.url, self.board.serial.baud)
            if running != self.image.build_id:
                emulated.check()
                raise FlashError(
                    Problem("what was started is another image", self.board.name, running, self.image.build_id)
                )
            yield emulated.url
