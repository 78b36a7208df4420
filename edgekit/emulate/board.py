"""An emulated board: a process that owns a serial port, reached as a real board is."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from edgekit.emulate import counters as counting
from edgekit.emulate import cycles, fault, native, symbols
from edgekit.emulate import image as images
from edgekit.emulate.qemu import command as qemu_command
from edgekit.emulate.worker import Job
from edgekit.errors import BoardError, InternalError, Problem, TargetFaultError, ToolError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from edgekit.board import Board
    from edgekit.emulate.line import Transport

_START_S = 60.0
_STOP_S = 5.0
_GRACE_S = 0.2
_QEMU_CPUS = {"cortex-a72": "cortex-a72", "cortex-a76": "cortex-a76", "cortex-a78ae": "cortex-a76"}
_CALLERS = ("_invoke", "_step")


class EmulatedBoard:
    """A board that runs ``image``, the very bytes that would be flashed; ``elf`` gives only names.

    An image is raw (``.bin``, from the first flash address on) or Intel HEX (``.hex``); a Linux board's is its program.

    ``regions`` are functions to count apart: layer functions, and the functions that call them, which are told by
    their names' end (``_invoke``, ``_step``). Use as a context manager.

    Raises:
        BoardError: the board has no emulator.
        FitError: the image is larger than the board's flash.
        UserError: the ELF file is none, or was stripped.
        MissingToolError: the board's emulator is not installed.
        ToolError: the emulator did not start.
        TargetFaultError: the firmware faults before it first looks for input.

    """

    def __init__(
        self,
        board: Board,
        image: Path,
        elf: Path,
        regions: Sequence[str] = (),
        transport: Transport | None = None,
    ) -> None:
        self.board = board
        self.cycle_model = cycles.for_target(board.target)
        self._fault: fault.Fault | None = None
        self._said: queue.Queue[dict[str, Any]] = queue.Queue()
        with contextlib.ExitStack() as opening:
            self._folder = Path(opening.enter_context(tempfile.TemporaryDirectory(prefix="edgekit-")))
            self._errors = opening.enter_context(tempfile.TemporaryFile())
            job = self._job(image, elf, regions, transport)
            self._counters: counting.Counters | None = None
            if job.counters:
                self._counters = counting.Counters(Path(job.counters), job.regions, job.scale)
                opening.callback(self._counters.close)
            self._process = self._start(job)
            self._opened = opening.pop_all()
        self.url = self._wait_until_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def fault(self) -> fault.Fault | None:
        """Why the board stopped, or None while it runs; looks for a moment, as it may just be about to say."""
        end = time.monotonic() + _GRACE_S
        while self._fault is None and (left := end - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                self._note(self._said.get(timeout=left))
        return self._fault

    def check(self) -> None:
        """Do nothing while the board runs.

        Raises:
            TargetFaultError: the firmware stopped; says where and why.

        """
        if (found := self.fault) is not None:
            raise TargetFaultError(found.problem(self.board.name))

    @property
    def trigger_log(self) -> Path:
        """A file with a line, cycle and level, for each change of the trigger pin; emulated Cortex-M only."""
        return self._folder / "trigger"

    @property
    def is_counting(self) -> bool:
        """Whether instructions are counted: not for programs of this machine, nor where no hook could be built."""
        return self._counters is not None

    def counts(self) -> counting.Counts:
        """Counters since they were last reset; read them while the board is idle.

        Raises:
            InternalError: nothing is counted here; ask ``is_counting`` first.

        """
        if self._counters is None:
            raise InternalError(Problem("this board counts no instructions", where=self.board.name))
        return self._counters.read()

    def reset_counts(self) -> None:
        """Set the counters to zero; do so while the board is idle."""
        if self._counters:
            self._counters.reset()

    def close(self) -> None:
        """Switch the board off."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._opened.close()

    def _job(self, image: Path, elf: Path, regions: Sequence[str], transport: Transport | None) -> Job:
        kind, command = _backend(self.board, image)
        if self.board.target.bare_metal:
            images.check(self.board, images.read(image, self.board.target.banks("flash")[0].origin))
        job = Job(
            kind=kind,
            board=self.board,
            image=str(image),
            elf=str(elf),
            command=command,
            counters="",
            regions=tuple(r for r in regions if not r.endswith(_CALLERS)),
            scale=None,
            transport=transport or ("pty" if os.name == "posix" else "tcp"),
            library="",
            trigger=str(self.trigger_log),
        )
        if self.board.emulator == "native":
            return job
        library = native.build("qemu_plugin" if command else "unicorn_hook")
        if command and library is None:
            return job
        file = self._folder / "counters"
        found = symbols.read(elf)
        callers = tuple(r for r in regions if r.endswith(_CALLERS))
        counting.create(file, self._layout(found, job.regions, callers), found)
        if command:
            command = (command[0], "-plugin", f"{library},counters={file}", *command[1:])
        scale = self.cycle_model.scale if self.cycle_model and library else None
        return replace(job, counters=str(file), scale=scale, library=str(library or ""), command=command)

    def _layout(self, found: symbols.Symbols, layers: tuple[str, ...], callers: tuple[str, ...]) -> counting.Layout:
        callers = (*callers, "ek_model_invoke", "ek_model_step")
        if not self.board.target.bare_metal:
            return counting.Layout(layers, callers, None, flags=counting.FLAG_ARM64)
        bank = self.board.target.banks("flash")[0]
        trap = found.named(("ek_fault",))
        return counting.Layout(
            regions=layers,
            callers=callers,
            model=self.cycle_model,
            flash=(bank.origin, bank.size),
            stack_limit=found.marks.get("__stack_limit", 0),
            trap=trap[0].start if trap else 0,
            flags=counting.FLAG_STRICT if self.board.target.core == "cortex-m0plus" else 0,
        )

    def _start(self, job: Job) -> subprocess.Popen[str]:
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "edgekit.emulate.worker"],  # -P: nothing from the folder it is started in
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._reader = threading.Thread(target=self._read, args=(process,), daemon=True)
        self._reader.start()
        if process.stdin is not None:
            process.stdin.write(job.to_json() + "\n")
            process.stdin.flush()
        return process

    def _read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self._said.put(json.loads(line))
        self._said.put({"ended": True})

    def _wait_until_up(self) -> str:
        try:
            message = self._said.get(timeout=_START_S)
        except queue.Empty:
            message = {"error": f"no answer within {_START_S:.0f} s"}
        if "url" in message:
            return cast("str", message["url"])
        if "fault" in message:
            self._fault = fault.from_json(message["fault"])
            self.close()
            self.check()
        why = str(message.get("error") or self._error_text())
        self.close()
        raise ToolError(Problem("the emulated board did not start", where=self.board.name, found=why))

    def _note(self, message: dict[str, Any]) -> None:
        if "fault" in message:
            self._fault = fault.from_json(message["fault"])
        elif "ended" in message and self._fault is None:
            self._fault = fault.Fault(f"the emulator ended: {self._error_text()}", 0, "nowhere")

    def _error_text(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "without a word"


def _backend(board: Board, image: Path) -> tuple[str, tuple[str, ...]]:
    """Kind of emulation, and the command of an emulator that is a program of its own."""
    if board.emulator == "unicorn":
        return "cortex-m", ()
    if board.emulator == "native":
        return "process", (str(image),)
    if board.emulator.startswith("qemu:"):
        return "process", qemu_command(board, image)
    if board.emulator == "qemu-aarch64":
        if found := shutil.which("qemu-aarch64"):
            cpu = _QEMU_CPUS.get(board.target.core, "max")
            return "process", (found, "-cpu", cpu, str(image))
        return "aarch64", ()
    raise BoardError(Problem("no emulator for this board", where=board.name, hint="Use a real one"))


def launch(
    board: Board,
    image: Path,
    elf: Path,
    regions: Sequence[str] = (),
    transport: Transport | None = None,
) -> EmulatedBoard:
    """Switch on an emulated board; see ``EmulatedBoard``."""
    return EmulatedBoard(board, image, elf, regions, transport)
