"""Counting: items into images, images onto an emulated board, one count per item; code bytes from objects."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.bench.program import MODEL, Item, merged
from edgekit.board import Board
from edgekit.codegen.render import render
from edgekit.device.deploy import Image, deploy
from edgekit.device.link import Patience
from edgekit.device.measure import layer_function
from edgekit.errors import BuildError, InternalError, Problem, ToolError
from edgekit.plan.costs import Code
from edgekit.plan.plan import Plan
from edgekit.toolchain import compilers, elf, project
from edgekit.toolchain.project import Project

Progress = Callable[[str, int, int], None]

_ITEMS = 120
"""Layers in an image: more make the compiler's share of the time grow faster than the number of images falls."""
_CODE_BYTES = 3000
"""Roughly, of an item: a routine and the function of its layer."""
_HARNESS_BYTES = 64 * 1024
_ROUTINES = 6
"""Specialisations of a kernel that are compiled for their size."""
_PATIENCE = Patience(idle_s=20.0, work_s=600.0)
"""No real board answers here: what is slow is a busy computer that emulates."""
_UNWIND = (".ARM.exidx", ".ARM.extab")


@dataclass(frozen=True)
class Counted:
    """What an item took: instructions, exact for seeded random inputs; cycles estimated, None without a model."""

    item: Item
    instructions: int
    cycles: int | None


def count(items: Sequence[Item], board: Board, toolchain: str, progress: Progress) -> list[Counted]:
    """Run every item once on emulated ``board``.

    Raises:
        MissingToolError: the compiler or the board's emulator is missing.
        ToolError: nothing on this computer counts instructions.
        BuildError: a kernel does not build.
    """
    found: list[Counted] = []
    for part in _parts(items, board):
        progress(f"counting kernels on {board.target.core}", len(found), len(items))
        plan = merged(part, board.target)
        with tempfile.TemporaryDirectory(prefix="edgekit-bench-") as folder:
            written = project.write_project(plan, board, Path(folder) / MODEL, toolchain=toolchain)
            found += _run(part, plan, board, written)
    return found


def _parts(items: Sequence[Item], board: Board) -> Iterator[list[Item]]:
    """``items`` in groups whose images fit the board's first flash bank."""
    limit = board.target.banks("flash")[0].size - _HARNESS_BYTES
    part: list[Item] = []
    used = 0
    for one in items:
        need = one.plan.weight_bytes + _CODE_BYTES
        if part and (len(part) == _ITEMS or used + need > limit):
            yield part
            part, used = [], 0
        part.append(one)
        used += need
    if part:
        yield part


def _run(items: Sequence[Item], plan: Plan, board: Board, written: Project) -> list[Counted]:
    built = project.build(written)
    image = Image(built.bin or built.hex or built.elf, built.elf, built.build_id)
    with deploy(board, plan, image, patience=_PATIENCE) as bench:
        if bench.counter is None:
            hint = "A C compiler for this computer lets the hook be built: see `edgekit doctor`."
            raise ToolError(Problem("nothing counts instructions here", where=board.name, hint=hint))
        bench.counter.reset_counts()
        for number, one in enumerate(items):
            for offset, data in _inputs(one):
                bench.session.write(offset, data)
            bench.session.step(number)
        regions = bench.counter.counts().regions
    counts = [regions[layer_function(plan, i)] for i in range(len(items))]
    return [Counted(one, c.instructions, c.cycles) for one, c in zip(items, counts, strict=True)]


def _inputs(one: Item) -> Iterator[tuple[int, bytes]]:
    """Random inputs seeded by the layer's name, so that each kernel of a layer sees the same."""
    for index in one.layer.inputs:
        if index < 0:
            continue
        slot = one.plan.slots[index]
        rng = np.random.default_rng(zlib.crc32(f"{one.graph.name} {slot.tensor}".encode()))
        kind = np.dtype(slot.dtype)
        elements = slot.bytes // kind.itemsize
        if kind.kind == "f":
            yield slot.offset, rng.uniform(-4, 4, elements).astype("<f4").tobytes()
        else:
            limits = np.iinfo(kind)
            values = rng.integers(limits.min, limits.max, elements, dtype=kind, endpoint=True)
            yield slot.offset, values.astype(kind.newbyteorder("<")).tobytes()


def code(items: Sequence[Item], board: Board, toolchain: str, progress: Progress) -> dict[str, tuple[Code, ...]]:
    """Code bytes of each kernel's first few specialisations, compiled alone with the flags of a project for ``board``.

    Arithmetic the core has no instructions for (64-bit products on Cortex-M0+, say) is not in these numbers.
    """
    routines: dict[str, dict[tuple[int, ...], Item]] = {}
    for one in items:
        known = routines.setdefault(one.kernel.name, {})
        literals = tuple(one.layer.ints[name] for name in one.kernel.specialise)
        if len(known) < _ROUTINES:
            known.setdefault(literals, one)
    jobs = [one for known in routines.values() for one in known.values()]
    found: dict[str, tuple[Code, ...]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="edgekit-bench-") as folder,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        place = Path(folder)
        command = _command(jobs[0], board, toolchain, place / MODEL)
        places = [place / str(number) for number in range(len(jobs))]
        sizes = pool.map(_compiled, jobs, [command] * len(jobs), places)
        for number, (one, size) in enumerate(zip(jobs, sizes, strict=True)):
            found[one.kernel.name] = (*found.get(one.kernel.name, ()), size)
            progress(f"compiling kernels for {board.target.core}", number + 1, len(jobs))
    return found


def _command(one: Item, board: Board, toolchain: str, folder: Path) -> list[str]:
    """How a project's kernels are compiled, without source, object and dependency file."""
    plan = merged([one], board.target)
    written = project.write_project(plan, board, folder, toolchain=toolchain)
    built = project.build(written)
    ninja = compilers.require(compilers.ninja())
    listed = subprocess.run(
        [str(ninja), "-C", str(built.log.parent), "-t", "compdb"], capture_output=True, text=True, check=True
    )
    source = f"model/{MODEL}_kernels.c"
    entry = next(e for e in json.loads(listed.stdout) if e["file"].endswith(source) and " -c " in e["command"])
    words = shlex.split(entry["command"])
    for option, length in (("-MD", 1), ("-MT", 2), ("-MF", 2), ("-o", 2), ("-c", 2)):
        at = words.index(option) if option in words else -1
        words = words[:at] + words[at + length :] if at >= 0 else words
    return words


def _compiled(one: Item, command: Sequence[str], place: Path) -> Code:
    place.mkdir(parents=True, exist_ok=True)
    for name, text in render(one.plan).items():
        if name.endswith(("_kernels.c", "_kernels.h")):
            (place / Path(name).name).write_text(text, encoding="utf-8")
    source, target = place / f"{one.plan.model}_kernels.c", place / "kernels.o"
    words = [*command, f"-I{place}", "-c", str(source), "-o", str(target)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=compilers.environment())
    if done.returncode:
        raise BuildError(Problem("a kernel does not build", one.kernel.name, found=done.stderr.strip()[-400:]))
    read = elf.read(target)
    helpers = {s.name: s.size for s in read.symbols if s.function and s.name.startswith("ek_")}
    total = sum(s.size for s in read.sections if s.loaded and not s.name.startswith(_UNWIND))
    if total < sum(helpers.values()):
        raise InternalError(Problem("an object is smaller than its functions", one.kernel.name))
    literals = {name: one.layer.ints[name] for name in one.kernel.specialise}
    return Code(literals, total - sum(helpers.values()), dict(sorted(helpers.items())))
