"""A generated project: whole or absent, the same for the same input, built by every toolchain for every board."""

import dataclasses
import errno
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from support import need, tiny
from support.models import every_weighted_kernel

from edgekit import board
from edgekit.errors import BuildError, FitError, MissingToolError, UsageError, UserError
from edgekit.passes import optimise
from edgekit.plan.make import make
from edgekit.toolchain import compilers, elf, footprint, image, placement, project

GCC = {"host": "gcc", "cortex-a72": "aarch64-linux-gnu-gcc", "cortex-a76": "aarch64-linux-gnu-gcc",
       "cortex-a78ae": "aarch64-linux-gnu-gcc"}  # fmt: skip
MARKER = project.MARKER


def compiler_of(toolchain, target):
    if toolchain == "gcc":
        need.need(GCC.get(target.core, "arm-none-eabi-gcc"))
    return compilers.find(toolchain, target)


@pytest.fixture(scope="module")
def l4(tmp_path_factory):
    """A real small network built for the first board by zig."""
    target = board.load("nucleo-l4r5zi")
    plan = make(optimise(every_weighted_kernel()), target.target)
    made = project.write_project(plan, target, tmp_path_factory.mktemp("l4") / "out")
    steps = []
    build = project.build(made, lambda *step: steps.append(step))
    return plan, build, steps


TWINS = {"mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547", "raspberry-pi-5", "jetson-orin-nano"}
"""Boards that differ from another only in memories: building them with the first toolchain says enough."""
BOARDS = [(name, toolchain) for name in board.names() for toolchain in compilers.TOOLCHAINS[: 1 + (name not in TWINS)]]


@pytest.mark.parametrize(("name", "toolchain"), BOARDS)
def test_every_board_is_built_without_a_warning_by_every_toolchain(name, toolchain, tmp_path):
    target = board.load(name)
    compiler = compiler_of(toolchain, target.target)
    made = tiny.build(target, tmp_path / "out", toolchain)
    assert made.project.compiler == compiler
    assert "warning" not in made.log.read_text(encoding="utf-8").lower()
    assert made.build_id.encode() in made.elf.read_bytes()
    if target.target.bare_metal:
        found = elf.read(made.elf)
        ram = target.target.banks("ram")[0]
        flash = target.target.banks("flash")[0]
        assert found.addresses["__vectors"] == flash.origin + target.vector_offset
        assert found.addresses["__stack_limit"] == ram.origin, "an overflow must leave the memory"
        assert found.addresses["__stack_top"] == ram.origin + target.stack_bytes
        assert {"ek_fault", "Reset_Handler", "__arena_start"} <= found.addresses.keys()


def test_the_floating_point_unit_of_a_core_that_has_one_is_used_and_switched_on(tmp_path):
    for name, fpu in (("emu-m4", True), ("emu-m7", True), ("emu-m33", True), ("emu-m3", False)):
        build = tiny.build(name, tmp_path / name)
        names = {symbol.name for symbol in elf.read(build.elf).symbols}
        assert ("__aeabi_fmul" in names) is not fpu


def test_the_same_plan_gives_the_same_files_and_the_same_build_id():
    target = board.load("emu-m4")
    compiler = compilers.find("zig", target.target)
    assert project.project_files(tiny.plan("cortex-m4"), target, compiler) == project.project_files(
        tiny.plan("cortex-m4"), target, compiler
    )


def test_the_build_id_depends_on_plan_board_and_compiler():
    target = board.load("emu-m4")
    compiler = compilers.find("zig", target.target)
    ids = [
        project.project_files(plan, on, by)[1]
        for plan, on, by in (
            (tiny.plan("cortex-m4"), target, compiler),
            (tiny.plan("cortex-m4", arena_bytes=512), target, compiler),
            (tiny.plan("cortex-m4"), board.load("mps2-an386"), compiler),
            (tiny.plan("cortex-m4"), target, dataclasses.replace(compiler, version="0.0")),
        )
    ]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[0-9a-f]{16}", build_id) for build_id in ids)


def test_no_file_of_a_project_names_a_path_of_this_machine_or_a_date():
    target = board.load("nucleo-l4r5zi")
    files, _ = project.project_files(tiny.plan("cortex-m4"), target, compilers.find("zig", target.target))
    home = str(project.resources.share())
    for path, text in files.items():
        assert home not in text, path
        assert not re.search(r"\b20[2-9]\d-\d\d-\d\d\b", text), path


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="not a project"):
        project.write_project(tiny.plan("cortex-m4"), board.load("emu-m4"), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("name", ["a<b", "a>b", "a;b", 'a"b'])
def test_a_folder_whose_name_cmake_would_misread_is_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(UserError, match="of this name"):
        project.write_project(tiny.plan("cortex-m4"), board.load("emu-m4"), tmp_path / name / "out")
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_way_is_left_alone(tmp_path):
    out = tmp_path / "out"
    out.write_text("not a folder")
    with pytest.raises(UserError):
        project.write_project(tiny.plan("cortex-m4"), board.load("emu-m4"), out)
    assert out.read_text() == "not a folder"


def test_a_failure_on_the_way_leaves_the_old_project_whole_and_no_rest(tmp_path, monkeypatch):
    target = board.load("emu-m4")
    out = tmp_path / "out"
    project.write_project(tiny.plan("cortex-m4"), target, out)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    write, count = project._write, []

    def full_disk(*arguments):
        count.append(1)
        if len(count) > 5:
            raise OSError(28, "No space left on device")
        write(*arguments)

    monkeypatch.setattr(project, "_write", full_disk)
    with pytest.raises(UserError, match="No space left"):
        project.write_project(tiny.plan("cortex-m4", arena_bytes=512), target, out)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_writing_a_project_again_keeps_what_did_not_change(tmp_path):
    out = tmp_path / "out"
    first = tiny.build("emu-m4", out)
    times = {p: p.stat().st_mtime_ns for p in out.rglob("*.c")}
    steps = []
    again = project.write_project(tiny.plan("cortex-m4"), first.project.board, out)
    project.build(again, lambda *step: steps.append(step[2]))
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*.c")} == times
    assert not [what for what in steps if what.startswith("Building")]


def test_another_compiler_starts_from_an_empty_build_folder(tmp_path):
    need.need("arm-none-eabi-gcc")
    out = tmp_path / "out"
    tiny.build("emu-m4", out, "zig")
    tiny.build("emu-m4", out, "gcc")
    cache = (out / "build" / "CMakeCache.txt").read_text(encoding="utf-8")
    assert "gcc.cmake" in cache
    assert "zig.cmake" not in cache


def test_a_build_folder_of_tools_that_are_gone_is_made_anew(tmp_path):
    made = tiny.build(board.load("emu-m3"), tmp_path / "out", "zig")
    folder = made.project.path / "build"
    stamp = folder / "configured.json"
    stamp.write_text(stamp.read_text().replace("cmake", "gone/cmake"))
    for name in ("CMakeCache.txt", "build.ninja"):
        (folder / name).write_text("set by tools that are gone\n")
    assert project.build(made.project).elf.is_file()


def test_progress_is_told_step_by_step(l4):
    _, _, steps = l4
    done, total, _ = steps[-1]
    assert done == total > 10


def test_the_project_builds_without_python_and_where_it_is_taken_to(l4, tmp_path):
    _, build, _ = l4
    away = tmp_path / "taken" / "away"
    shutil.copytree(build.project.path, away, ignore=shutil.ignore_patterns("build"))
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in (compilers.cmake(), compilers.ninja(), compilers.zig()):
        (tools / tool.path.name).symlink_to(tool.path)
    variables = {k: v for k, v in compilers.environment().items() if k.startswith("ZIG_") or k == "HOME"}
    environment = {**variables, "PATH": str(tools)}
    cmake = str(compilers.cmake().path)
    configure = [cmake, "-B", "build", "-G", "Ninja", "-DCMAKE_TOOLCHAIN_FILE=cmake/zig.cmake"]
    for command in (configure, [cmake, "--build", "build"]):
        subprocess.run(command, cwd=away, env=environment, check=True, capture_output=True)
    assert elf.read(away / "build" / build.elf.name).segments == elf.read(build.elf).segments


@pytest.mark.parametrize("has_package", [True, False])
def test_a_project_finds_the_compiler_of_the_python_package_by_itself(l4, tmp_path, has_package):
    _, build, _ = l4
    away = tmp_path / "away"
    shutil.copytree(build.project.path, away, ignore=shutil.ignore_patterns("build"))
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "ninja").symlink_to(compilers.ninja().path)
    python = tools / "python3"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" {"" if has_package else "-S"} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    environment = {k: v for k, v in compilers.environment().items() if k.startswith("ZIG_") or k == "HOME"}
    configure = [str(compilers.cmake().path), "-B", "build", "-G", "Ninja", "-DCMAKE_TOOLCHAIN_FILE=cmake/zig.cmake"]
    path = {**environment, "PATH": str(tools)}
    done = subprocess.run(configure, cwd=away, env=path, check=False, capture_output=True, text=True)
    if has_package:
        assert done.returncode == 0, done.stderr
        assert "ziglang/zig" in (away / "build" / "CMakeCache.txt").read_text(encoding="utf-8")
    else:
        assert "pip install ziglang" in done.stderr


def test_the_marker_and_the_plan_go_with_the_project(l4):
    plan, build, _ = l4
    marker = json.loads((build.project.path / MARKER).read_text())
    assert marker["build_id"] == build.build_id
    assert json.loads((build.project.path / "plan.json").read_text())["model"] == plan.model


def test_binary_and_hex_hold_the_bytes_objcopy_would_write(l4, tmp_path):
    objcopy = need.need("arm-none-eabi-gcc").replace("-gcc", "-objcopy")
    _, build, _ = l4
    for kind, ours in (("binary", build.bin), ("ihex", build.hex)):
        theirs = tmp_path / kind
        subprocess.run([objcopy, "-O", kind, build.elf, theirs], check=True)
        if kind == "binary":
            assert ours.read_bytes() == theirs.read_bytes()
        back = tmp_path / f"{kind}.bin"
        origin = "binary" if kind == "binary" else "ihex"
        subprocess.run([objcopy, "-I", origin, "-O", "binary", ours, back], check=True)
        assert back.read_bytes() == build.bin.read_bytes()


def test_hex_lines_do_not_cross_a_64_kilobyte_border_and_their_sums_are_right():
    lines = list(image.hex_lines([elf.Segment(0x0800_FFF0, bytes(range(64)))]))
    assert lines[0] == ":020000040800F2"
    assert lines[2] == ":020000040801F1"
    assert lines[-1] == ":00000001FF"
    for line in lines:
        assert sum(bytes.fromhex(line[1:])) % 256 == 0


def test_an_image_in_two_places_has_no_binary(tmp_path, monkeypatch):
    image_file = tmp_path / "a.elf"
    parts = (elf.Segment(0x1000_0000, b"abc"), elf.Segment(0x1100_0000, b"def"))
    monkeypatch.setattr(elf, "read", lambda path: elf.Image(path, 0, (), parts, (), {}, ()))
    binary, hexadecimal = image.write(image_file)
    assert binary is None
    assert hexadecimal.read_text().count("\n") == 5


def test_footprint_is_of_the_model_without_harness(l4):
    plan, build, _ = l4
    sizes = footprint.measure(build, plan.weight_bytes, plan.arena_bytes)
    assert sizes.flash_total == sizes.flash_weights + sizes.flash_code
    assert plan.weight_bytes <= sizes.flash_weights <= plan.weight_bytes + 16 * len(plan.constants)
    assert sizes.ram_arena == plan.arena_bytes
    assert sizes.stack_reserved == build.project.board.stack_bytes
    assert sizes.image_flash > sizes.flash_total
    assert sizes.image_ram >= sizes.ram_arena + sizes.ram_static + sizes.stack_reserved
    names = {part.name for part in sizes.code_parts}
    assert f"{plan.model}_invoke" in names
    assert not [name for name in names if "mlperf" in name or "frame" in name]


def test_the_arena_goes_to_the_first_bank_that_holds_it():
    h7 = board.load("nucleo-h743zi2")
    assert placement.place(50_000, 1000, h7) == placement.Place("flash", "flash", "dtcm", "dtcm")
    assert placement.place(200_000, 1000, h7).arena == "axi"
    assert placement.place(1000, 600_000, board.load("mps3-an547")).weights == "sram"


def test_a_model_too_large_is_refused_with_the_bytes_that_are_missing():
    small = board.load("nucleo-f446re")
    with pytest.raises(FitError) as error:
        placement.place(200_000, 600_000, small)
    text = str(error.value)
    assert f"{200_000 - (128 * 1024 - 4096 - 512):,} over" in text
    assert f"{600_000 - (512 * 1024 - 4096):,} over" in text
    assert len(error.value.problems) == 2


@pytest.mark.parametrize("toolchain", compilers.TOOLCHAINS)
@pytest.mark.parametrize("kind", ["flash", "ram"])
def test_an_image_too_large_is_refused_with_the_bytes_the_linker_counts(kind, toolchain, tmp_path):
    target = board.load("emu-m4")
    compiler_of(toolchain, target.target)
    size = 5000 if kind == "flash" else 4880
    # RAM for the stack, the arena and placement's allowance, but not for all of the harness.
    memories = tuple(dataclasses.replace(m, size=size) if m.kind == kind else m for m in target.target.memories)
    small = dataclasses.replace(target, target=dataclasses.replace(target.target, memories=memories))
    with pytest.raises(FitError, match=rf"{kind} bank .* bytes over \(allowed {size:,} bytes\)"):
        tiny.build(small, tmp_path / "out", toolchain)


def test_c_that_does_not_compile_is_one_error_with_the_first_message(tmp_path):
    target = board.load("emu-m4")
    made = project.write_project(tiny.plan("cortex-m4"), target, tmp_path / "out")
    (made.path / "model" / "tiny.c").write_text("int here = nowhere;\n")
    with pytest.raises(BuildError, match=r"nowhere"):
        project.build(made)


def test_an_unknown_toolchain_is_a_usage_error():
    with pytest.raises(UsageError, match="zig, gcc"):
        compilers.find("keil", board.load("emu-m4").target)


def test_a_missing_compiler_says_how_to_get_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    compilers.gcc.cache_clear()
    try:
        with pytest.raises(MissingToolError, match="gcc-arm-none-eabi"):
            compilers.find("gcc", board.load("emu-m4").target)
    finally:
        compilers.gcc.cache_clear()


def test_a_compiler_that_does_not_run_counts_as_missing(monkeypatch, tmp_path):
    broken = tmp_path / "arm-none-eabi-gcc"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.environ["PATH"])
    compilers.gcc.cache_clear()
    try:
        assert compilers.gcc("cortex-m4").path is None
    finally:
        compilers.gcc.cache_clear()


def test_all_tools_of_the_wheels_are_found():
    found = {tool.name: tool for tool in compilers.tools()}
    for name in ("cmake", "ninja", "zig"):
        assert found[name].path is not None
        assert re.match(r"\d+\.\d+", found[name].version)


def test_zigs_caches_lie_in_a_folder_of_edgekit_unless_the_user_says_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("ZIG_LOCAL_CACHE_DIR", raising=False)
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", "/elsewhere")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    variables = compilers.environment()
    assert variables["ZIG_GLOBAL_CACHE_DIR"] == "/elsewhere"
    assert variables["ZIG_LOCAL_CACHE_DIR"] == str(tmp_path / "edgekit" / "zig")


def test_a_full_disk_is_said_to_be_full(tmp_path, monkeypatch):
    made = project.write_project(tiny.plan("cortex-m4"), board.load("emu-m4"), tmp_path / "out")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(project, "_run", full)
        with pytest.raises(UserError, match="No space left on device"):
            project.build(made)
    said = "print('ninja: Entering directory'); print('ninja: fatal: write(): No space left on device'); exit(1)"
    monkeypatch.setattr(project, "commands", lambda *_: ([sys.executable, "-c", said],) * 2)
    with pytest.raises(BuildError, match="No space left on device"):
        project.build(made)
