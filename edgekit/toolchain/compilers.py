"""Finding the tools a build needs: CMake, Ninja and a C compiler, each with its version.

The embedded default is zig (clang and lld in a wheel), which needs no installation of its own; GNU compilers are used
when asked for. Nothing here runs a build; see project.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from edgekit import resources
from edgekit.board import Target
from edgekit.errors import MissingToolError, Problem, UsageError

TOOLCHAINS = ("zig", "gcc")


@dataclass(frozen=True)
class Tool:
    """A program edgekit runs; ``path`` is None if it was not found, or does not run: ``broken`` says how."""

    name: str
    purpose: str
    install: str
    path: Path | None = None
    version: str = ""
    required: bool = False
    broken: str = ""


@dataclass(frozen=True)
class Compiler:
    """A C compiler for one target. ``toolchain`` names firmware/cmake/<toolchain>.cmake."""

    toolchain: str
    path: Path
    version: str

    @property
    def identity(self) -> str:
        """What goes into a build id: the same text means the same machine code."""
        return f"{self.toolchain} {self.version}"


def find(toolchain: str, target: Target) -> Compiler:
    """The compiler of a toolchain (``zig`` or ``gcc``) for a target.

    Raises:
        UsageError: there is no such toolchain.
        MissingToolError: it is not installed.
    """
    if toolchain not in TOOLCHAINS:
        raise UsageError(Problem("there is no such toolchain", found=toolchain, allowed=", ".join(TOOLCHAINS)))
    tool = zig() if toolchain == "zig" else gcc(target.core)
    if tool.path is None:
        raise MissingToolError(Problem(f"{tool.name} was not found ({tool.purpose})", hint=tool.install))
    return Compiler(toolchain, tool.path, tool.version)


@cache
def zig() -> Tool:
    """The zig of the ziglang wheel, else of PATH."""
    name = "zig.exe" if os.name == "nt" else "zig"
    path = _in_package("ziglang", name) or _on_path("zig")
    tool = Tool("zig", "compiles firmware for every board", "pip install ziglang", required=True)
    return _with_version(tool, path, ["version"])


@cache
def gcc(core: str) -> Tool:
    """The GNU compiler for a core; this computer's own compiler for the host."""
    if core == "host":
        tool = Tool("cc", "--toolchain gcc on the host", "apt-get install gcc, or use the zig toolchain")
        return _with_version(tool, _on_path("cc") or _on_path("gcc"), ["--version"])
    if core.startswith("cortex-a"):
        purpose = "--toolchain gcc on 64-bit Linux boards"
        tool = Tool("aarch64-linux-gnu-gcc", purpose, "apt-get install gcc-aarch64-linux-gnu, or use the zig toolchain")
    else:
        install = "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi, or use the zig toolchain"
        tool = Tool("arm-none-eabi-gcc", "--toolchain gcc on Cortex-M", install)
    return _with_version(tool, _on_path(tool.name), ["--version"])


@cache
def cmake() -> Tool:
    """CMake, from its wheel or from PATH."""
    name = "cmake.exe" if os.name == "nt" else "cmake"
    path = _in_package("cmake", f"data/bin/{name}") or _beside_python(name) or _on_path("cmake")
    tool = Tool("cmake", "configures the generated project", "pip install cmake", required=True)
    return _with_version(tool, path, ["--version"])


@cache
def ninja() -> Tool:
    """Ninja, from its wheel or from PATH."""
    name = "ninja.exe" if os.name == "nt" else "ninja"
    path = _in_package("ninja", f"data/bin/{name}") or _beside_python(name) or _on_path("ninja")
    tool = Tool("ninja", "builds the generated project", "pip install ninja", required=True)
    return _with_version(tool, path, ["--version"])


def require(tool: Tool) -> Path:
    """The tool's path.

    Raises:
        MissingToolError: it was not found.
    """
    if tool.path is None:
        raise MissingToolError(Problem(f"{tool.name} was not found ({tool.purpose})", hint=tool.install))
    return tool.path


def tools() -> tuple[Tool, ...]:
    """Everything a build can use, found or not, for ``edgekit doctor``."""
    return (cmake(), ninja(), zig(), gcc("cortex-m4"), gcc("cortex-a72"), gcc("host"))


def environment() -> dict[str, str]:
    """This process's environment, with zig's caches in a folder of edgekit's unless the user chose others."""
    variables = dict(os.environ)
    cache_dir = str(resources.user_cache() / "zig")
    variables.setdefault("ZIG_GLOBAL_CACHE_DIR", cache_dir)
    variables.setdefault("ZIG_LOCAL_CACHE_DIR", cache_dir)
    return variables


def _in_package(package: str, relative: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec is not None else None
    candidates = [Path(folder) / relative for folder in folders or ()]
    return next((path for path in candidates if path.is_file()), None)


def _beside_python(name: str) -> Path | None:
    path = Path(sys.executable).parent / name
    return path if path.is_file() else None


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


def _with_version(tool: Tool, path: Path | None, arguments: list[str]) -> Tool:
    if path is None:
        return tool
    try:
        result = subprocess.run([str(path), *arguments], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return replace(tool, broken=f"does not run: {error}")
    version = re.search(r"\d+\.\d+(\.\d+)?", result.stdout)
    if result.returncode or version is None:
        return replace(tool, broken=f"does not run: exit code {result.returncode}")
    return replace(tool, path=path, version=version.group())
