"""From a model or a project folder to a board that runs its image."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgekit import board as board_files
from edgekit import execution
from edgekit.board import Board
from edgekit.device.deploy import Image
from edgekit.device.discovery import match
from edgekit.device.discovery.ask import ask
from edgekit.device.discovery.found import Found
from edgekit.device.flash import run
from edgekit.device.flash.choose import Wish, choose
from edgekit.device.flash.emulator import OnEmulator
from edgekit.device.flash.run import Flashed
from edgekit.errors import Problem, ToolError, UsageError, UserError
from edgekit.execution import Job, Progress
from edgekit.toolchain import compilers, project

FlashProgress = Callable[[str, int, int], None]
"""Called with a phase of flashing, bytes done of it and bytes in all (0: unknown)."""


@dataclass(frozen=True)
class Order:
    """What to do with the image: how to reach the board, and whether to write at all."""

    wish: Wish
    dry_run: bool = False
    force: bool = False


def model(job: Job, order: Order, on_bytes: FlashProgress) -> Flashed:
    """Build a planned model and flash it; a dry run builds nothing either."""
    with execution.alone(job):
        built = execution.build(job, dry_run=order.dry_run)
        elf = built.elf or built.out / "build" / f"{job.plan.model}_bench.elf"
        image = Image(built.image or elf, elf, built.build_id)
        done = _flash(job.board, image, order, on_bytes)
    return replace(done, commands=(*built.commands, *done.commands)) if order.dry_run else done


def folder(path: Path, board: Board, order: Order, progress: Progress, on_bytes: FlashProgress) -> Flashed:
    """Flash the image of a project that ``build`` wrote."""
    return _flash(board, _image(path, board, progress, dry_run=order.dry_run), order, on_bytes)


def first(board: Board, wish: Wish, on_bytes: FlashProgress) -> Callable[[Image], str]:
    """What puts an image onto the board, unless it runs there already, and gives the port to reach it by afterwards."""

    def put(image: Image) -> str:
        done = _flash(board, image, Order(wish), on_bytes)
        if not done.port and not done.emulated:
            hint = "Run the same again with --port."
            raise UsageError(
                Problem("the image is on the board, but its serial port is not known", done.place, hint=hint)
            )
        return done.port

    return put


@contextmanager
def staying(path: Path, board: Board, progress: Progress) -> Generator[str]:
    """The port of the emulated board that runs a project's image, while the block runs."""
    image = _image(path, board, progress, dry_run=False)
    with OnEmulator(board, image).running(progress) as port:
        yield port


def _flash(board: Board, image: Image, order: Order, on_bytes: FlashProgress) -> Flashed:
    def look() -> Found:
        on_bytes("looking for the board", 0, 0)
        known = [b for name in board_files.names() if (b := board_files.load(name)).name != board.name]
        return match.find([board, *known], ask=None if order.dry_run or order.wish.port else ask)

    choice = choose(board, image, order.wish, look, dry_run=order.dry_run)
    if order.dry_run:
        return run.plan(board, image, choice)
    return run.flash(board, image, choice, on_bytes, force=order.force)


def _no_project(path: Path, board: Board, error: Exception) -> Problem:
    hint = "Give a .tflite file, or the folder that `edgekit build -o` made."
    if not isinstance(error, FileNotFoundError):
        hint = "Make the project again with `edgekit build`."
        return Problem(f"the project's {project.MARKER} cannot be used: {error}", str(path), hint=hint)
    if source := _source_of(path):
        hint = (
            f"Give that project's own folder: edgekit flash {source} --board {board.name} (it builds what it flashes)."
        )
        return Problem("this is a build folder of CMake's, not a project of edgekit's", str(path), hint=hint)
    return Problem("this is no project of edgekit's", str(path), f"no {project.MARKER} in it", hint=hint)


def _source_of(path: Path) -> str:
    """The project that a build folder of CMake's belongs to; empty if it is none."""
    cache = path / "CMakeCache.txt"
    lines = cache.read_text(encoding="utf-8", errors="replace").splitlines() if cache.is_file() else []
    return next((line.partition("=")[2] for line in lines if line.startswith("CMAKE_HOME_DIRECTORY:")), "")


def _image(path: Path, board: Board, progress: Progress, *, dry_run: bool) -> Image:
    """The image of a project folder, built if it was not yet."""
    try:
        marker: dict[str, Any] = json.loads((path / project.MARKER).read_text(encoding="utf-8"))
        name, made_for, build_id, compiler = (str(marker[k]) for k in ("model", "board", "build_id", "compiler"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(_no_project(path, board, error)) from error
    if made_for != board.name:
        hint = f"Build it for {board.name}: edgekit build MODEL --board {board.name}"
        raise UsageError(Problem("this project was built for another board", str(path), made_for, board.name, hint))
    elf = path / "build" / f"{name}_bench.elf"
    if not dry_run:
        tool = compilers.find(compiler.split()[0], board.target)
        if tool.identity != compiler:
            hint = "Build the project again with `edgekit build`."
            raise ToolError(
                Problem("the compiler is not the one the project names", str(path), tool.identity, compiler, hint)
            )
        made = project.Project(path.resolve(), name, board, tool, build_id)
        built = project.build(made, lambda done, whole, _what: progress("building", done, whole))
        return Image(built.bin or built.hex or built.elf, built.elf, build_id)
    return Image(elf.with_suffix(".bin") if board.target.bare_metal else elf, elf, build_id)
