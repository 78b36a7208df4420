"""Putting an image onto a board and opening a session with it.

An emulated board is switched on with the image; a real one is reached through its serial port, with the image
already on it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.device.link import connect
from edgekit.device.measure import layer_function
from edgekit.device.transport import open_port
from edgekit.emulate import launch
from edgekit.errors import DeviceError, Problem

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from edgekit.board import Board
    from edgekit.device.link import Patience, Session
    from edgekit.device.measure import Counter
    from edgekit.device.results import How
    from edgekit.plan.plan import Plan


@dataclass(frozen=True)
class Image:
    """A built image: the file a board runs, its ELF file with the symbols, and the build id inside."""

    binary: Path
    elf: Path
    build_id: str


@dataclass(frozen=True)
class Bench:
    """A board that runs the image. ``counter`` is None where nothing counts instructions."""

    session: Session
    how: How
    counter: Counter | None


@contextmanager
def deploy(
    board: Board,
    plan: Plan,
    image: Image,
    *,
    port: str = "",
    patience: Patience | None = None,
) -> Generator[Bench]:
    """A bench with the image's firmware, checked against the plan and its build id; put away afterwards.

    With ``port``, the serial port or pyserial URL of a board that was flashed before; without, the emulated board.

    Raises:
        DeviceError: if the board has no emulator and no port is given.
        PortError: if the port is absent, busy or vanishes.
        LinkError: if nothing answers, or another firmware.
        TargetFaultError: if the firmware of an emulated board stops, also later inside the ``with`` block.

    """
    if port:
        with connect(open_port(port, board.serial.baud), plan, image.build_id, patience) as session:
            yield Bench(session, "measured", None)
    elif board.emulator:
        yield from _emulated(board, plan, image, patience)
    else:
        raise DeviceError(_by_hand(board, image))


def _emulated(board: Board, plan: Plan, image: Image, patience: Patience | None) -> Generator[Bench]:
    layers = [layer_function(plan, i) for i in range(len(plan.layers))]
    callers = [f"{plan.model}_invoke", f"{plan.model}_step"]
    with launch(board, image.binary, image.elf, [*layers, *callers]) as emulated:
        try:
            with connect(open_port(emulated.url), plan, image.build_id, patience) as session:
                counter = emulated if emulated.is_counting else None
                how = "measured" if board.emulator == "native" else "emulated"
                yield Bench(session, how, counter)
        except DeviceError:
            emulated.check()  # a firmware that stopped is the cause of whatever the link then met
            raise


def _by_hand(board: Board, image: Image) -> Problem:
    methods = ", ".join(board.flash.methods) or "the vendor's tool"
    return Problem(
        "this board has no emulator, and no port of a real one is given",
        board.name,
        hint=f"Flash {image.binary} ({methods}; see `edgekit flash --help`), then say its --port.",
    )
