"""Plan to a C project of its own, and the project to images.

``write_project`` puts everything into a temporary folder beside the target and renames it, so that a folder is either
whole or as it was; unchanged files keep their times and ``build/`` stays, so that building again is quick.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2

from edgekit import resources
from edgekit.board import Board
from edgekit.codegen.render import render
from edgekit.errors import BuildError, FitError, Problem, UserError
from edgekit.plan.plan import Plan
from edgekit.toolchain import compilers, image, placement
from edgekit.toolchain.compilers import Compiler

MARKER = ".edgekit.json"
_NO_ID = "0" * 16
_NOT_IN_PATHS = '<>;"'
"""Characters that CMake 4 takes for something else in the path of a project; builds fail, tried one by one."""
_RUNTIME = ("arith.c", "bare.c", "float32.c", "libc.c")
"""Sources of firmware/src that are not the bench harness."""

_TELLING = re.compile(r"\berror\b|undefined reference|CMake Error|cannot ", re.IGNORECASE)

Progress = Callable[[int, int, str], None]
"""Called with steps done, steps in all (0: not known yet) and what is being done."""


@dataclass(frozen=True)
class Project:
    """A generated project on disk and the compiler its build id speaks of."""

    path: Path
    model: str
    board: Board
    compiler: Compiler
    build_id: str


@dataclass(frozen=True)
class Build:
    """Images of a project. ``hex`` and ``bare`` (the model alone) are None for Linux and the host.

    ``bin`` starts at the first flash address; it is None too where an image lies in more than one place.
    """

    project: Project
    elf: Path
    bin: Path | None
    hex: Path | None
    bare: Path | None
    log: Path

    @property
    def build_id(self) -> str:
        """Identifies plan, sources and compiler; the firmware reports the same."""
        return self.project.build_id


def write_project(plan: Plan, board: Board, out: Path, *, toolchain: str = "zig", task: str = "") -> Project:
    """Write the stand-alone C project of a plan for a board to folder ``out``.

    Raises:
        UserError: ``out`` exists and is not a project of edgekit's, has a name CMake cannot take, or cannot be written.
        FitError: weights or arena are larger than the board's memories.
        MissingToolError: the compiler is not installed.
    """
    compiler = compilers.find(toolchain, board.target)
    wrong = sorted(set(_NOT_IN_PATHS) & set(str(out.resolve())))
    if wrong:
        hint = "Give a folder without them with -o"
        raise UserError(Problem("CMake cannot build in a folder of this name", str(out), " ".join(wrong), hint=hint))
    files, build_id = project_files(plan, board, compiler, task)
    try:
        _replace(out, files)
    except OSError as error:
        hint = "Give another folder with -o"
        why = error.strerror or str(error)
        raise UserError(Problem(f"the project cannot be written: {why}", str(out), hint=hint)) from error
    return Project(out.resolve(), plan.model, board, compiler, build_id)


def project_files(plan: Plan, board: Board, compiler: Compiler, task: str = "") -> tuple[dict[str, str], str]:
    """Every file of a project as text by path, and the build id: a hash over the compiler and all but the README."""
    place = placement.place(plan.arena_bytes, plan.weight_bytes, board)
    files = {**render(plan, _NO_ID, task), **_firmware(board)}
    sources = {
        "model": sorted(p for p in files if p.startswith("model/") and p.endswith(".c")),
        "platform": sorted(p for p in files if re.match(r"firmware/(cortex_m|hosted)/.*\.c$", p)),
        "harness": sorted(p for p in files if _is_harness(p)),
    }
    context = {
        "plan": plan,
        "board": board,
        "place": place,
        "sources": sources,
        "toolchain": compiler.toolchain,
        "sample_bytes": _sample_bytes(plan, task or plan.model),
    }
    files["CMakeLists.txt"] = _template("project.cmake.j2", context)
    files["cmake/board.cmake"] = _template("board.cmake.j2", context)
    if board.target.bare_metal:
        files["memory.ld"] = _template("memory.ld.j2", context)
    digest = hashlib.sha256(compiler.identity.encode())
    for path in sorted(files):
        digest.update(f"{path}\0{len(files[path])}\0{files[path]}".encode())
    build_id = digest.hexdigest()[:16]
    info = f"model/{plan.model}_info.c"
    files[info] = files[info].replace(f'"{_NO_ID}"', f'"{build_id}"')
    files["README.md"] = _template("project.md.j2", context)
    marker = {"model": plan.model, "board": board.name, "build_id": build_id, "compiler": compiler.identity}
    files[MARKER] = json.dumps(marker, indent=1) + "\n"
    return files, build_id


def build(project: Project, progress: Progress | None = None) -> Build:
    """Configure and build a project with CMake and Ninja in ``<project>/build``.

    Raises:
        BuildError: with the first message of the compiler or the linker; ``build/log.txt`` has all of them.
        FitError: the linker ran out of a memory.
        MissingToolError: CMake or Ninja is not installed.
        UserError: the folder cannot be written to, or its disk is full.
    """
    try:
        return _build(project, progress)
    except OSError as error:
        raise UserError(Problem(f"cannot build the project: {error}", where=str(project.path))) from error


def _build(project: Project, progress: Progress | None) -> Build:
    folder = project.path / "build"
    report = progress or _silent
    configure, make = commands(project.path, project.compiler)
    stamp = folder / "configured.json"
    wanted = json.dumps(configure)
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)  # made with tools of another place, which may be gone
    folder.mkdir(exist_ok=True)
    log = folder / "log.txt"
    log.write_text("", encoding="utf-8")
    report(0, 0, "cmake")
    if not stamp.is_file():
        _run(configure, log, project.board, report)
        stamp.write_text(wanted, encoding="utf-8")
    _run(make, log, project.board, report)
    elf = folder / f"{project.model}_bench.elf"
    if not project.board.target.bare_metal:
        return Build(project, elf, None, None, None, log)
    binary, hexadecimal = image.write(elf)
    image.write_uf2(elf, project.board)
    return Build(project, elf, binary, hexadecimal, folder / f"{project.model}_bare.elf", log)


def _silent(_done: int, _all: int, _what: str) -> None:
    """Report nothing."""


def commands(path: Path, compiler: Compiler) -> tuple[list[str], list[str]]:
    """What configures the project in folder ``path`` and what builds it then, in ``path``/build.

    Raises:
        MissingToolError: CMake or Ninja is not installed.
    """
    folder, ninja = path / "build", compilers.require(compilers.ninja())
    configure = [str(compilers.require(compilers.cmake())), "-S", str(path), "-B", str(folder), "-G", "Ninja"]
    configure += [f"-DCMAKE_MAKE_PROGRAM={ninja}", f"-DCMAKE_TOOLCHAIN_FILE=cmake/{compiler.toolchain}.cmake"]
    if compiler.toolchain == "zig":
        configure += [f"-DEK_ZIG={compiler.path}"]
    return configure, [str(ninja), "-C", str(folder)]


def _firmware(board: Board) -> dict[str, str]:
    root = resources.firmware()
    platform = "cortex_m" if board.target.bare_metal else "hosted"
    if not (root / "port" / board.port / "port.c").is_file():
        known = ", ".join(sorted(p.parent.name for p in root.glob("port/*/port.c")))
        raise UserError(Problem("the board's port does not exist", f"board {board.name}", board.port, known))
    patterns = ["include/ek/*.h", "src/*.c", f"{platform}/*", f"port/{board.port}/*"]
    patterns += ["port/linux/*"] if board.port == "host" else []  # zig builds without a C library where it can
    paths = [p for pattern in patterns for p in sorted(root.glob(pattern))]
    if board.target.bare_metal:
        paths += sorted(root.glob("port/common/*.h"))
    files = {f"firmware/{p.relative_to(root).as_posix()}": p.read_text(encoding="utf-8") for p in paths}
    cmake = {f"cmake/{p.name}": p.read_text(encoding="utf-8") for p in sorted(root.glob("cmake/*.cmake"))}
    return {**files, **cmake}


def _sample_bytes(plan: Plan, task: str) -> int:
    """RAM the bench harness needs for one sample; see firmware/include/ek/sample.h."""
    inputs = -(-sum(plan.slots[i].bytes for i in plan.inputs) // 4) * 4
    floats = 4 * plan.slots[plan.inputs[0]].bytes if task == "ad01" else 0
    return inputs + floats


def _is_harness(path: str) -> bool:
    return path.startswith("firmware/src/") and path.endswith(".c") and Path(path).name not in _RUNTIME


def _template(name: str, context: Mapping[str, object]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the output is CMake and linker script, not HTML
    )
    return environment.get_template(name).render(context)


def _replace(out: Path, files: Mapping[str, str]) -> None:
    """Write ``files`` as folder ``out`` in one step, keeping its build folder and the times of what did not change."""
    if out.exists() and not (out / MARKER).is_file() and (not out.is_dir() or any(out.iterdir())):
        hint = "Give another folder with -o, or empty this one"
        raise UserError(Problem("the folder exists and is not a project of edgekit's", where=str(out), hint=hint))
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        for path, text in files.items():
            _write(fresh / path, text, out / path)
        fresh.chmod(0o755)  # mkdtemp makes folders private
        if out.exists():
            _swap(out, fresh)
        else:
            fresh.rename(out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _write(path: Path, text: str, before: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode("utf-8")
    path.write_bytes(data)
    if before.is_file() and before.read_bytes() == data:
        status = before.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _swap(out: Path, fresh: Path) -> None:
    """Put ``fresh`` in the place of ``out``; the build folder moves along if it was configured the same way."""
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent))
    try:
        setup = [path.relative_to(fresh) for path in (fresh / "CMakeLists.txt", *fresh.glob("cmake/*.cmake"))]
        same = all(_same(fresh / name, out / name) for name in setup)
        out.rename(old / "project")
        fresh.rename(out)
        if same and (old / "project" / "build").is_dir():
            (old / "project" / "build").rename(out / "build")
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _same(a: Path, b: Path) -> bool:
    return a.is_file() and b.is_file() and a.read_bytes() == b.read_bytes()


def _run(command: list[str], log: Path, board: Board, report: Progress) -> None:
    """Run a tool, its output to the log and its ``[done/all]`` lines to the reporter."""
    lines: list[str] = []
    with (
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=compilers.environment(),
        ) as process,
        log.open("a", encoding="utf-8") as sink,
    ):
        for line in process.stdout or ():
            sink.write(line)
            lines.append(line.rstrip())
            step = re.match(r"\[(\d+)/(\d+)\] (.*)", line)
            if step:
                report(int(step[1]), int(step[2]), step[3])
    if process.returncode:
        _fail(lines, log, board)


def _fail(lines: list[str], log: Path, board: Board) -> None:
    """Turn a tool's output into the error a user can act on."""
    over = [m for line in lines if (m := re.search(r"region [`'](\w+)'.*?overflowed by (\d+) bytes", line))]
    if over:
        raise FitError(*[placement.overflow(m[1], int(m[2]), board) for m in {m[1]: m for m in over}.values()])
    full = [line for line in lines if "No space left" in line]
    telling = full + [
        line for line in lines if _TELLING.search(line) and not line.startswith(("FAILED", "collect2", "ninja:"))
    ]
    message = (telling or lines or ["no output"])[0]
    raise BuildError(Problem("the C project does not build", where=str(log), found=message))
