"""Commands about boards on the desk: what is plugged in, and putting an image onto it."""

from __future__ import annotations

import contextlib
import time
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

import edgekit
from edgekit import board as board_files
from edgekit import flashing, report
from edgekit.commands.common import (
    BoardName,
    ByteProgress,
    Json,
    OptimizeFor,
    OutDir,
    Progress,
    Toolchain,
    ToolchainName,
    emit,
    working,
)
from edgekit.device.discovery import match
from edgekit.device.discovery.ask import ask as ask_port
from edgekit.device.discovery.found import Device, Found
from edgekit.device.flash.choose import Wish
from edgekit.errors import Problem, UsageError
from edgekit.plan.select import Objective

Folders = Annotated[
    list[Path] | None,
    typer.Option("--volumes", metavar="DIR", help="Look for board volumes in this folder too; may be repeated."),
]


def devices(
    *,
    port: Annotated[
        list[str] | None,
        typer.Option("--port", metavar="URL", help="Ask this port or pyserial URL too (rfc2217://host:port)."),
    ] = None,
    volumes: Folders = None,
    ask: Annotated[
        bool, typer.Option("--ask/--no-ask", help="Ask ports that can be a board's which firmware they run.")
    ] = True,
    json: Json = False,
) -> None:
    """List what is plugged in: boards with their ports, volumes and debug probes, and meters.

    A board is known by its USB id, then by its volume's code or its firmware's own name; if several board files
    fit, all are shown. Example: edgekit devices
    """
    boards = [board_files.load(name) for name in board_files.names()]
    with working() as progress:
        progress("looking for boards")
        found = match.find(boards, ask=ask_port if ask else None, urls=port or (), folders=volumes or ())
    emit(_tree(found), report.devices(found), as_json=json)


def _tree(found: Found) -> dict[str, Any]:
    return {
        "devices": [_device(d) for d in found.devices],
        "meters": [asdict(m) for m in found.meters],
        "notes": list(found.notes),
    }


def _device(d: Device) -> dict[str, Any]:
    return {
        "board": d.board or None,
        "can_be": list(d.boards),
        "known_by": d.how or None,
        "sure": d.sure,
        "ports": [asdict(p) | {"usb_id": p.usb_id or None} for p in d.ports],
        "volumes": [asdict(v) | {"path": str(v.path)} for v in d.volumes],
        "probes": [asdict(p) for p in d.probes],
        "firmware": asdict(d.firmware) if d.firmware else None,
    }


class Via(StrEnum):
    """Ways to get an image onto a board."""

    VOLUME = "volume"
    PYOCD = "pyocd"
    OPENOCD = "openocd"
    SSH = "ssh"
    EMULATOR = "emulator"


def flash(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL|FOLDER", help="A .tflite file, or what `build` wrote.", show_default=False)
    ],
    board: BoardName,
    *,
    via: Annotated[Via | None, typer.Option("--via", help="How (else: what is plugged in).")] = None,
    port: Annotated[
        str, typer.Option("--port", metavar="PORT", help="Where to ask which image it runs; ssh://USER@HOST of Linux.")
    ] = "",
    volume: Annotated[
        Path | None, typer.Option("--volume", metavar="DIR", help="The board's drive, if it is not found by itself.")
    ] = None,
    probe: Annotated[
        str, typer.Option("--probe", metavar="ID", help="The debug probe's serial number (see `edgekit devices`).")
    ] = "",
    stay: Annotated[
        bool, typer.Option("--stay", help="Leave the emulated board on, with its port, until Ctrl-C.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write even if the board runs this image already.")] = False,
    toolchain: ToolchainName = Toolchain.ZIG,
    optimize: OptimizeFor = Objective.BALANCED,
    out: OutDir = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be built and run; build and write nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Put a model onto a board: build its image, write it, ask the board whether it runs it.

    Without --via the way is the first of the board's that is plugged in; if nothing is, the emulated board takes
    the image, and the report says so. A board that runs this very image already is left alone.

    Example: edgekit flash model.tflite --board nucleo-l4r5zi
    """
    bytes_shown = ByteProgress()
    with working() as progress:

        def on_bytes(phase: str, done: int, whole: int) -> None:
            progress.stop()
            bytes_shown(phase, done, whole)

        if stay:
            if via is not Via.EMULATOR:
                raise UsageError(Problem("--stay is for the emulated board", hint="Add --via emulator."))
            where = model
            if not model.is_dir():
                where = edgekit.build(
                    model, board, out, toolchain=toolchain.value, optimize=optimize.value, progress=progress
                ).out
            _stay(where, board, progress)
            return
        try:
            done = edgekit.flash(
                model, board, wish=Wish(via.value if via else "", port, volume, probe), toolchain=toolchain.value,
                optimize=optimize.value, progress=progress, on_bytes=on_bytes, out=out, dry_run=dry_run, force=force,
            )  # fmt: skip
        finally:
            bytes_shown.stop()
    emit(done.json(), report.flashed(done), as_json=json)


def _stay(where: Path, board: str, progress: Progress) -> None:
    """Have the emulated board run a project's image until somebody presses Ctrl-C."""
    target = board_files.load(board)
    with flashing.staying(where, target, progress) as port:
        progress.stop()
        how = "on this computer itself" if target.emulator == "native" else "EMULATED"
        report.console().print(f"{board} is on, {how}, at {port}\nCtrl-C switches it off")
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(1)
