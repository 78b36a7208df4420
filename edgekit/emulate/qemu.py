"""Boards that only QEMU emulates, and QEMU as a second opinion on the others."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from edgekit.errors import MissingToolError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.board import Board

PROGRAM = "qemu-system-arm"


def command(board: Board, image: Path) -> tuple[str, ...]:
    """Command line that runs an image with the serial line on standard input and output.

    Time is virtual: one instruction takes 64 ns, so that what the firmware measures is the same on every run.

    Raises:
        MissingToolError: QEMU is not installed.

    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise MissingToolError(
            Problem(
                f"{PROGRAM} is not installed",
                where=board.name,
                hint="apt-get install qemu-system-arm, or brew install qemu",
            )
        )
    place = "" if image.suffix == ".hex" else f",addr={board.target.banks('flash')[0].origin:#x},force-raw=on"
    return (
        program,
        *("-machine", board.emulator.removeprefix("qemu:")),
        *("-display", "none", "-monitor", "none", "-serial", "stdio"),
        *("-icount", "shift=6,align=off,sleep=off"),
        *("-device", f"loader,file={image}{place}"),
    )
