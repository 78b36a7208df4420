"""Kernel programs as images of emulated boards: built by CMake, run in the emulator, read over serial."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import serial
from support.kernel_program import Entry, write_program

from edgekit.board import Board
from edgekit.emulate import EmulatedBoard
from edgekit.toolchain import compilers, image, project

_TIMEOUT_S = 120.0


def run_on_board(items: Sequence[Entry], board: Board, toolchain: str, folder: Path) -> str:
    """Build the program of ``items`` for ``board``, run it and return what it prints."""
    elf = _build(items, board, toolchain, folder)
    binary, _ = image.write(elf)
    with EmulatedBoard(board, binary or elf, elf) as emulated:
        return _listen(emulated)


def _build(items: Sequence[Entry], board: Board, toolchain: str, folder: Path) -> Path:
    plan = items[0].plan
    compiler = compilers.find(toolchain, board.target)
    files, _ = project.project_files(plan, board, compiler)
    kept = {n: t for n, t in files.items() if not n.startswith("model/") and not project._is_harness(n)}
    cmake = re.sub(r"set\(EK_MODEL.*?\)", "set(EK_MODEL model/driver.c)", kept["CMakeLists.txt"], flags=re.DOTALL)
    kept["CMakeLists.txt"] = re.sub(r"set\(EK_HARNESS.*?\)", "set(EK_HARNESS)", cmake, flags=re.DOTALL)
    for name, text in kept.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "model").mkdir()
    write_program(folder / "model", items)
    build = folder / "build"
    build.mkdir()
    target = f"{plan.model}_bench"
    ninja = compilers.require(compilers.ninja())
    configure = project._configure(project.Project(folder, plan.model, board, compiler, ""), build, ninja)
    for command in (configure, [str(ninja), "-C", str(build), target]):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=compilers.environment())
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return build / f"{target}.elf"


def _listen(emulated: EmulatedBoard) -> str:
    text = ""
    deadline = time.monotonic() + _TIMEOUT_S
    with serial.serial_for_url(emulated.url, timeout=1) as port:
        while "DONE" not in text or not text.endswith("\n"):
            if not text:
                port.write(b"g")  # a byte that comes before the board listens is lost
            text += port.read(max(port.in_waiting, 1)).decode("ascii", "replace")
            emulated.check()
            assert time.monotonic() < deadline, f"the board does not finish; it said {text[-500:]!r}"
    return text
