"""Kernel programs as images of emulated boards: built by CMake, run in the emulator, read over serial."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import serial
from support.kernel_program import Entry, write_program

from edgekit.board import Board
from edgekit.emulate import EmulatedBoard
from edgekit.plan.plan import Plan
from edgekit.toolchain import compilers, image, project

_TIMEOUT_S = 400.0
_CODE_BYTES = 4000  # of one entry, roughly
_RESERVE_BYTES = 64 << 10


def run_on_board(items: Sequence[Entry], board: Board, toolchain: str, folder: Path) -> str:
    """Build programs of ``items`` for ``board``, as many as its flash needs, run them; what they print."""
    said = ""
    for number, part in enumerate(_parts(items, board)):
        place = folder / str(number)
        elf = build_program(part[0].plan, partial(write_program, items=part), board, toolchain, place)
        binary, _ = image.write(elf)
        with EmulatedBoard(board, binary or elf, elf) as emulated:
            said += listen(emulated)
    return said


def _parts(items: Sequence[Entry], board: Board) -> list[list[Entry]]:
    """``items`` in groups whose images fit the board's first flash bank."""
    limit = board.target.banks("flash")[0].size - _RESERVE_BYTES
    parts: list[list[Entry]] = [[]]
    used = 0
    for item in items:
        data = sum(a.nbytes for inputs, outputs in item.samples for a in (*inputs, *outputs))
        size = data + item.plan.weight_bytes + _CODE_BYTES
        if parts[-1] and used + size > limit:
            parts.append([])
            used = 0
        parts[-1].append(item)
        used += size
    return parts


def build_program(plan: Plan, write: Callable[[Path], object], board: Board, toolchain: str, folder: Path) -> Path:
    """The image of a program that ``write`` puts into a folder as driver.c, in the project of ``plan``."""
    compiler = compilers.find(toolchain, board.target)
    files, _ = project.project_files(plan, board, compiler)
    kept = {n: t for n, t in files.items() if not n.startswith("model/") and not project._is_harness(n)}
    cmake = re.sub(r"set\(EK_MODEL.*?\)", "set(EK_MODEL model/driver.c)", kept["CMakeLists.txt"], flags=re.DOTALL)
    kept["CMakeLists.txt"] = re.sub(r"set\(EK_HARNESS.*?\)", "set(EK_HARNESS)", cmake, flags=re.DOTALL)
    for name, text in kept.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "model").mkdir(parents=True)
    write(folder / "model")
    build = folder / "build"
    build.mkdir()
    target = f"{plan.model}_bench"
    configure, make = project.commands(folder, compiler)
    for command in (configure, [*make, target]):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=compilers.environment())
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return build / f"{target}.elf"


def listen(emulated: EmulatedBoard) -> str:
    """What the program prints until it is done."""
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
