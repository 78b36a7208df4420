"""What all commands share: arguments, the two output streams, progress, JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TransferSpeedColumn
from rich.progress import Progress as Bars

from edgekit import report
from edgekit.errors import Problem, UserError
from edgekit.ir.graph import Graph
from edgekit.plan.select import Objective

QUIET_S = 5.0
"""Without a terminal, a stage is spoken of no more often than this, when another quarter of it is done."""
ALIVE_S = 60.0
"""Without a terminal, whatever goes on is spoken of at least this often."""
LEFT_AFTER_S = 2.0
"""The time left is told of what has taken, and will take, longer than this."""

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="An int8 .tflite file.", show_default=False)]
BoardName = Annotated[
    str,
    typer.Option("--board", "-b", metavar="BOARD", help="A name `edgekit boards` lists, or a path to a .toml file."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else there.")]


class Toolchain(StrEnum):
    """Compilers that build the firmware."""

    ZIG = "zig"
    GCC = "gcc"


ToolchainName = Annotated[
    Toolchain,
    typer.Option(
        "--toolchain", help="zig: from the ziglang wheel. gcc: the cross compiler on PATH (see `edgekit doctor`)."
    ),
]
OptimizeFor = Annotated[
    Objective,
    typer.Option(
        "--optimize",
        help="What is wanted most. speed: fewest instructions; size: least flash; ram: least RAM, layers band by band; "
        "balanced: speed that is worth its bytes.",
    ),
]
SamplesFile = Annotated[
    Path | None,
    typer.Option(
        "--samples",
        metavar="FILE",
        help="A .npz with `inputs` (and maybe `labels`), or a .npy. Without it inputs are made up from a seed.",
    ),
]
Count = Annotated[
    int,
    typer.Option(
        "--count",
        min=0,
        metavar="N",
        help="Use only the first N samples of the file (0: all); without a file, N random ones and the extremes.",
    ),
]
FirstOf = Annotated[
    int, typer.Option("--count", min=0, metavar="N", help="Use only the first N samples of the file (0: all).")
]
Family = Annotated[
    str, typer.Option("--family", metavar="NAME", help="Only the kernels of one family: conv_2d, pool ...")
]
LayersOf = Annotated[
    int,
    typer.Option("--layers-of", min=0, metavar="N", help="Compare the layers of the first N samples only (0: all)."),
]
Port = Annotated[
    str,
    typer.Option(
        "--port",
        metavar="PORT",
        help="Serial port, pyserial URL or ssh://USER@HOST of a board that you flashed; else it is emulated.",
    ),
]
OutDir = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", help="Keep the generated project here (else in edgekit's cache)."),
]

BundleDir = Annotated[
    Path | None,
    typer.Option(
        "--bundle", metavar="DIR", help="Keep the result in this folder: an HTML page, JSON, single readings, plan."
    ),
]


def paragraphs(doc: str) -> str:
    """A docstring whose lines end at its paragraphs only; the terminal's width breaks the rest."""
    return "\n\n".join(" ".join(p.split()) for p in doc.split("\n\n"))


def model_json(graph: Graph) -> dict[str, Any]:
    """A model as every ``--json`` names it: as its file has it, before any pass."""
    return {"name": graph.name, "sha256": graph.sha256, "macs": graph.macs}


def emit(tree: Mapping[str, Any], renderable: RenderableType, *, as_json: bool) -> None:
    """Print a result: JSON if asked for, else for people.

    Raises:
        UserError: what stdout goes to takes no more.
    """
    try:
        if as_json:
            sys.stdout.write(json.dumps(tree, indent=2, allow_nan=False) + "\n")
        else:
            report.show(renderable)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _give_up_stdout()
        raise UserError(Problem(f"the result cannot be printed: {error.strerror or error}", "stdout")) from error


def _give_up_stdout() -> None:
    """Send what is left for stdout nowhere, so that it does not fail a second time when Python ends."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class ByteProgress:
    """Phases of a transfer: in a terminal a bar with bytes and rate, else a line a phase."""

    def __init__(self) -> None:
        console = report.console(sys.stderr)
        self._bars: Bars | None = None
        if console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
            self._bars = Bars(*columns, console=console)
        self._console = console
        self._phase = ""
        self._task = TaskID(0)

    def __call__(self, phase: str, done: int, whole: int) -> None:
        """``done`` of ``whole`` bytes (0: unknown) of a phase."""
        fresh, self._phase = phase != self._phase, phase
        if self._bars is None:
            if fresh:
                self._console.print(f"... {phase}" + (f" {whole:,} bytes" if whole else ""))
            return
        self._bars.start()
        if fresh:
            self._task = self._bars.add_task(phase, total=whole or None)
        self._bars.update(self._task, completed=done, total=whole or None)

    def stop(self) -> None:
        """Leave the bars as they are."""
        if self._bars is not None:
            self._bars.stop()

    close = stop


class Progress:
    """Says on stderr what is going on: a live line in a terminal, else a plain line for whatever takes long.

    Called as the verbs want it: with a stage, what is done of it and its whole (0: unknown).
    """

    def __init__(self) -> None:
        self._console = report.console(sys.stderr)
        self._live = self._console.is_terminal
        self._status = self._console.status("") if self._live else None
        self._stage = ""
        self._said = 0.0
        self._quarter = 0
        self._began = (0.0, 0)

    def __call__(self, stage: str, done: int = 0, whole: int = 0) -> None:
        """Say it."""
        now = time.monotonic()
        if stage != self._stage:
            self._began = (now, done)
        share = ""
        if whole:
            left = time_left(now - self._began[0], done - self._began[1], whole - done)
            share = f" {done * 100 // whole} %{left}"
        if self._status is not None:
            self._status.update(f"{stage}{share}")
            self._status.start()
        elif self._tells(stage, now, done * 4 // whole if whole else 0):
            self._console.print(f"... {stage}{share if stage == self._stage else ''}")
            self._said = now
        self._stage = stage

    def _tells(self, stage: str, now: float, quarter: int) -> bool:
        """Whether a line is due without a terminal: a stage begins, or was silent for long."""
        if stage != self._stage:
            self._quarter = quarter
            return True
        due = now - self._said > (QUIET_S if quarter > self._quarter else ALIVE_S)
        self._quarter = quarter if due else self._quarter
        return due

    def stop(self) -> None:
        """Take the live line away."""
        if self._status is not None:
            self._status.stop()


def time_left(seconds: float, done: int, left: int) -> str:
    """What is left at the pace so far, in words; nothing before there is a pace, or when it is soon over."""
    if done <= 0 or seconds < LEFT_AFTER_S or left * seconds < LEFT_AFTER_S * done:
        return ""
    rest = round(left * seconds / done)
    minutes, hours = rest // 60, rest // 3600
    if hours:
        return f", {hours} h {minutes % 60} min left"
    return f", {minutes} min {rest % 60} s left" if minutes else f", {rest} s left"


@contextmanager
def working() -> Generator[Progress]:
    """Progress that is gone when the block ends, however it ends."""
    progress = Progress()
    try:
        yield progress
    finally:
        progress.stop()
