"""The process that is an emulated board: ``python -m edgekit.emulate.worker``, started by ``EmulatedBoard``.

Standard input brings one line of JSON, the job, and its end ends the board. Standard output says, one line of JSON
each: that the board is up, that it was reset, why it stopped.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.board import Board, Memory, Target
from edgekit.emulate import image, symbols
from edgekit.emulate.counters import Counters
from edgekit.emulate.fault import Fault
from edgekit.emulate.line import Channel, Line, Transport, open_channel
from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Job:
    """What to emulate.

    ``kind`` is "cortex-m", "aarch64" (both in unicorn) or "process"; ``command`` is the program and its
    arguments; ``counters`` a file made by ``counters.create``; ``library`` the native hooks or empty; ``trigger`` the
    file that gets a line, cycle and level, for each change of the trigger pin (emulated Cortex-M only).
    """

    kind: str
    board: Board
    image: str
    elf: str
    command: tuple[str, ...]
    counters: str
    regions: tuple[str, ...]
    scale: float | None
    transport: Transport
    library: str
    trigger: str = ""

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))


def job_from_json(text: str) -> Job:
    """The job read back from ``to_json`` text."""
    tree: dict[str, Any] = json.loads(text)
    board: dict[str, Any] = tree.pop("board")
    target: dict[str, Any] = board["target"]
    memories = tuple(Memory(**m) for m in target.pop("memories"))
    kept = {k: board[k] for k in ("name", "title", "port", "emulator", "vector_offset")}
    lists = {k: tuple(tree.pop(k)) for k in ("command", "regions")}
    return Job(board=Board(target=Target(memories=memories, **target), **kept), **lists, **tree)


def _say(**message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _note(file: str, line: str) -> None:
    if file:
        with Path(file).open("a", encoding="ascii") as log:
            log.write(line)


def _end_with_parent(stop: Callable[[], None]) -> None:
    def watch() -> None:
        sys.stdin.read()
        stop()
        os._exit(0)  # the engine may be deep in C code that never returns

    threading.Thread(target=watch, daemon=True).start()


def _run_cortex_m(job: Job, channel: Channel) -> Fault | None:
    from edgekit.emulate.cortex_m import Machine, Setup  # noqa: PLC0415 - only this kind needs unicorn

    setup = Setup(
        board=job.board,
        image=image.read(Path(job.image), job.board.target.banks("flash")[0].origin),
        symbols=symbols.read(Path(job.elf)),
        counters=Counters(Path(job.counters), job.regions, job.scale),
        line=Line(channel, lambda: _say(url=channel.url)),
        library=Path(job.library) if job.library else None,
        on_trigger=lambda cycle, level: _note(job.trigger, f"{cycle} {level}\n"),
    )
    machine = Machine(setup)
    while (fault := machine.run()) is None:
        _say(reset=True)
        setup.counters.restart()
        machine = Machine(setup)
    setup.line.flush()
    return fault


def _run_aarch64(job: Job, channel: Channel) -> Fault | None:
    from edgekit.emulate.aarch64 import Machine  # noqa: PLC0415 - only this kind needs unicorn

    counters = Counters(Path(job.counters), job.regions, job.scale)
    library = Path(job.library) if job.library else None
    line = Line(channel, lambda: _say(url=channel.url))
    while (fault := Machine(job.board, Path(job.image), counters, line, library).run()) is None:
        _say(reset=True)
    line.flush()
    return fault


def _run_process(job: Job, channel: Channel) -> Fault | None:
    from edgekit.emulate.process import Program  # noqa: PLC0415 - the other kinds start no program

    counters = Counters(Path(job.counters), job.regions, job.scale) if job.counters else None

    def on_idle(idle: bool) -> None:
        if counters is not None:
            counters.set_idle(idle=idle)

    running = [Program(job.command, channel, on_idle)]
    _end_with_parent(lambda: running[0].kill())  # noqa: PLW0108 - not always the same program
    running[0].wait_for_banner()
    _say(url=channel.url)
    while (fault := running[0].run()) is None:
        _say(reset=True)
        running[0] = Program(job.command, channel, on_idle)
    found = counters.fault() if counters is not None else None
    if found is not None:
        where = symbols.read(Path(job.elf)).where(found[1])
        return Fault("the firmware gave up (ek_fault)", found[1], where)
    return fault


def main() -> int:
    """Be a board until standard input ends or the firmware faults."""
    job = job_from_json(sys.stdin.readline())
    channel = open_channel(job.transport)
    if job.kind != "process":
        _end_with_parent(lambda: None)
    run = {"cortex-m": _run_cortex_m, "aarch64": _run_aarch64, "process": _run_process}[job.kind]
    try:
        fault = run(job, channel)
    except EdgekitError as error:
        _say(error=str(error))
        return error.exit_code
    if fault is not None:
        _say(fault=fault.to_json())
    channel.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
