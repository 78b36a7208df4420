"""What every way to get an image onto a board has, and the errors they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edgekit.board import Board
from edgekit.device.deploy import Image
from edgekit.errors import FlashError, Problem

Progress = Callable[[str, int, int], None]
"""Called with a phase, bytes done of it and bytes in all (0: unknown)."""


@dataclass(frozen=True)
class Written:
    """What a way did. ``verified`` says how it knows that the board holds the image, empty if it does not know."""

    bytes: int
    verified: str = ""
    notes: tuple[str, ...] = ()


class Way(Protocol):
    """A way to a board, with the image for it."""

    @property
    def name(self) -> str:
        """What --via calls it."""
        ...

    @property
    def place(self) -> str:
        """Where the image goes: a folder, a probe, a computer."""
        ...

    @property
    def commands(self) -> tuple[str, ...]:
        """What is done, as one would type it."""
        ...

    def write(self, progress: Progress) -> Written:
        """Do it.

        Raises:
            FlashError: it failed; the message says in which state the board is.
            MissingToolError: the tool for this way is not installed.
        """
        ...


def interrupted(where: str, done: int, whole: int, why: str, hint: str) -> FlashError:
    """The error of an image that went over in part only."""
    what = f"flashing stopped after {done:,} of {whole:,} bytes: the board holds part of an image and does not run it"
    return FlashError(Problem(what, where, found=why, hint=hint))


def image_file(board: Board, image: Image, kind: str) -> Path:
    """The image as a file of a kind: bin, hex, uf2 or elf.

    Raises:
        FlashError: there is none of this kind, as a .bin of an image that lies in several memories.
    """
    path = image.elf.with_suffix(f".{kind}")
    if not path.is_file():
        hint = "Choose another way with --via." if kind == "bin" else "Build it again."
        what = f"there is no .{kind} of this image"
        if kind == "bin":
            what += ": it lies in memories too far apart for one"
        raise FlashError(Problem(what, board.name, str(path), hint=hint))
    return path
