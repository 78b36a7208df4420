"""Commands about boards on the desk: what is plugged in."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from edgekit import board as board_files
from edgekit import report
from edgekit.commands.common import Json, emit, working
from edgekit.device.discovery import match
from edgekit.device.discovery.ask import ask as ask_port
from edgekit.device.discovery.found import Device, Found

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
        "ports": [asdict(p) | {"usb_id": p.usb_id or None} for p in d.ports],
        "volumes": [asdict(v) | {"path": str(v.path)} for v in d.volumes],
        "probes": [asdict(p) for p in d.probes],
        "firmware": asdict(d.firmware) if d.firmware else None,
    }
