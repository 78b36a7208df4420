"""Copying an image onto the drive that a board shows: ST-LINK, J-Link and DAPLink debuggers, UF2 boot loaders.

The drive is no disk: the debugger writes what arrives into the board's flash, restarts the board, and takes the drive
away and brings it back. What went wrong it says in FAIL.TXT. A UF2 boot loader's drive goes away for good.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgekit.board import Board
from edgekit.device.deploy import Image
from edgekit.device.discovery import volumes
from edgekit.device.flash.way import Progress, Written, image_file, interrupted
from edgekit.errors import FlashError, Problem

_CHUNK = 16_384
_POLL_S = 0.05


@dataclass(frozen=True)
class Patience:
    """How long to wait for the drive to go, and then for it to come back."""

    leave_s: float = 15.0
    return_s: float = 10.0


@dataclass(frozen=True)
class ByVolume:
    """The way over the drive in ``folder``."""

    board: Board
    image: Image
    folder: Path
    patience: Patience = Patience()
    name: str = "volume"

    @property
    def place(self) -> str:
        """The drive."""
        return str(self.folder)

    @property
    def _kind(self) -> str:
        return self.board.volume.image if self.board.volume else "bin"

    @property
    def commands(self) -> tuple[str, ...]:
        """The copy."""
        return (f"cp {self.image.elf.with_suffix('.' + self._kind)} {self.folder}/",)

    def write(self, progress: Progress) -> Written:
        """Copy, wait until the board has restarted, and look for a complaint."""
        file = image_file(self.board, self.image, self._kind)
        before = volumes.read(self.folder)
        if before is None:
            hint = "Plug it in and wait until the drive is there."
            if self._kind == "uf2":
                hint = "Hold the button BOOTSEL down while you plug the board in."
            raise FlashError(Problem("the board's drive is not there; nothing was written", self.place, hint=hint))
        size = self._copy(file, progress)
        progress("waiting for the board to restart", 0, 0)
        self._wait(lambda: not self._present() or self._complaint() != before.note, self.patience.leave_s)
        left = not self._present()
        if self._kind == "uf2":
            return self._uf2_written(size, left=left)
        back = left and self._wait(self._present, self.patience.return_s)
        complaint = self._complaint()
        if complaint and (back or complaint != before.note):
            raise self._refused(complaint)
        if not left:
            return Written(size, notes=("the drive did not restart after the copy: the image may not be in flash",))
        return Written(size, notes=() if back else ("the drive has not come back yet",))

    def _copy(self, file: Path, progress: Progress) -> int:
        """Write the file so that every chunk is on its way to the board before the next."""
        data = file.read_bytes()
        done = 0
        try:
            target = os.open(self.folder / file.name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            try:
                while done < len(data):
                    done += os.write(target, data[done : done + _CHUNK])
                    self._flush(target, last=done == len(data))
                    progress("copying", done, len(data))
            finally:
                with contextlib.suppress(OSError):  # the drive is gone; what was written decides what that means
                    os.close(target)
        except OSError as error:
            hint = f"Check the cable, wait until {self.folder} is there again, and flash again."
            raise interrupted(self.place, done, len(data), str(error), hint) from error
        return len(data)

    @staticmethod
    def _flush(target: int, *, last: bool) -> None:
        try:
            os.fsync(target)
        except OSError:
            if not last:  # after its last block a boot loader takes the drive away without a word
                raise

    def _present(self) -> bool:
        return volumes.read(self.folder) is not None

    def _complaint(self) -> str:
        """What FAIL.TXT says, if it is there."""
        now = volumes.read(self.folder)
        return now.note if now is not None else ""

    def _refused(self, complaint: str) -> FlashError:
        hint = "The board's own words are above. Unplug it, plug it in again, and flash again."
        what = "the board refused the image (FAIL.TXT); it may hold none now"
        return FlashError(Problem(what, self.place, " ".join(complaint.split()), hint=hint))

    def _uf2_written(self, size: int, *, left: bool) -> Written:
        if left:
            return Written(size, notes=("the boot loader took every block and started the image",))
        hint = "Unplug the board, hold BOOTSEL down, plug it in again, and flash again."
        what = "the boot loader still waits: it did not take the whole image, so the board does not run it"
        raise FlashError(Problem(what, self.place, hint=hint))

    @staticmethod
    def _wait(happened: Callable[[], bool], seconds: float) -> bool:
        """Whether it happened in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if happened():
                return True
            time.sleep(_POLL_S)
        return False
