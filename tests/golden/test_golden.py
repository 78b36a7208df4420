"""The generated C of one small network, kept as text so that a change to a template shows in its own diff.

``EDGEKIT_UPDATE_GOLDEN=1 pytest tests/golden`` rewrites the files.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.models import every_weighted_kernel
from support.need import need

from edgekit import resources
from edgekit.board import Target
from edgekit.codegen.render import render
from edgekit.passes import optimise
from edgekit.plan.make import make
from edgekit.plan.select import Objective

HERE = Path(__file__).parent
CORES = {"cortex-m0plus": "eabi", "cortex-m4": "eabihf"}
OBJECTIVES = {"cortex-m0plus": Objective.BALANCED, "cortex-m4": Objective.RAM}
"""Layer by layer in one of them, band by band in the other."""
STRICT = [
    "-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wundef", "-Wvla", "-Werror",
]  # fmt: skip


def generated(core):
    plan = make(optimise(every_weighted_kernel()), Target(core, (), 0), objective=OBJECTIVES[core])
    return {Path(name).name: text for name, text in render(plan, "0123456789abcdef", "golden").items()}


@pytest.mark.parametrize("core", CORES)
def test_generated_files_are_as_kept(core):
    folder = HERE / core
    files = generated(core)
    if os.environ.get("EDGEKIT_UPDATE_GOLDEN"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    assert sorted(p.name for p in folder.iterdir()) == sorted(files)
    for name, text in files.items():
        assert (folder / name).read_text(encoding="utf-8") == text, f"{name} differs from the kept file"


@pytest.mark.parametrize("core", CORES)
def test_the_same_model_gives_the_same_bytes_again(core):
    assert generated(core) == generated(core)


def compiler(name, core):
    if name == "zig":
        mcpu = f"-mcpu={core.replace('-', '_')}"
        target = f"thumb-freestanding-{CORES[core]}"
        return [sys.executable, "-m", "ziglang", "cc", "-target", target, mcpu, "-fhosted", "-nostdlib"]
    return [need("arm-none-eabi-gcc"), f"-mcpu={core}", "-mthumb"]


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize("core", CORES)
def test_generated_c_compiles_without_a_warning(core, toolchain, tmp_path):
    include = resources.firmware() / "include"
    for source in sorted((HERE / core).glob("*.c")):
        command = [*compiler(toolchain, core), *STRICT, "-O3", f"-I{include}", "-c", str(source)]
        done = subprocess.run([*command, "-o", str(tmp_path / "object.o")], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("core", CORES)
def test_generated_c_is_formatted(core):
    command = [str(Path(sys.executable).parent / "clang-format"), "--dry-run", "-Werror"]
    files = [str(p) for p in sorted((HERE / core).glob("*.[ch]")) if not p.name.endswith("_weights.c")]
    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("core", CORES)
def test_generated_c_has_no_line_a_person_would_not_read(core):
    for path in sorted((HERE / core).glob("*.[ch]")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert len(line) <= 130, f"{path.name}:{number}"
            assert line == line.rstrip(), f"{path.name}:{number} ends in a space"
            assert "\t" not in line, f"{path.name}:{number} has a tab"
