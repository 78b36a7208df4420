"""Which tools are here, in which version, what each is for, and how to get those that are missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from edgekit.cache import Cache
from edgekit.toolchain import compilers

Need = Literal["required", "optional"]
_TIMEOUT_S = 20


@dataclass(frozen=True)
class Check:
    """A tool that was looked for; ``version`` is empty if it is absent, or does not run: ``broken`` says how."""

    name: str
    purpose: str
    need: Need
    version: str
    where: str
    install: str
    broken: str = ""

    @property
    def found(self) -> bool:
        """Whether it is there."""
        return bool(self.version)


# distribution, module, what for, need
_PACKAGES: tuple[tuple[str, str, str, Need], ...] = (
    ("unicorn", "unicorn", "emulates Cortex-M boards", "required"),
    ("pyelftools", "elftools", "reads sizes and symbols of an image", "required"),
    ("capstone", "capstone", "disassembles, for stack depths and fault reports", "required"),
    ("pyserial", "serial", "talks to a board, real or emulated", "required"),
    ("tflite", "tflite", "reads .tflite files", "required"),
    ("numpy", "numpy", "computes references and packs weights", "required"),
    ("tflite-micro", "tflite_micro", "the reference that results are held against", "optional"),
    ("pyocd", "pyocd", "flashes over a debug probe; lists those that are plugged in", "optional"),
    ("pyjoulescope_driver", "pyjoulescope_driver", "reads a Joulescope: profile --meter joulescope", "optional"),
    ("tensorflow", "tensorflow", "Keras models and training; never needed for a .tflite", "optional"),
)
_EXTRAS = {"tflite-micro": "oracle", "pyocd": "pyocd", "tensorflow": "tensorflow"}
"""The extra of edgekit's that brings a distribution."""
# program, what for, Debian package, arguments that print its version
_PROGRAMS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("qemu-system-arm", "emulates the mps2 and mps3 boards, Cortex-M55 among them", "qemu-system-arm", ("--version",)),
    ("qemu-aarch64", "emulates 64-bit Linux boards", "qemu-user", ("--version",)),
    ("ssh", "Linux boards: --port ssh://USER@HOST", "openssh-client", ("-V",)),
    ("openocd", "flashes over a debug probe: flash --via openocd", "openocd", ("--version",)),
)


def examine() -> tuple[Check, ...]:
    """Look for everything edgekit can use."""
    python = Check("python", "runs edgekit", "required", platform.python_version(), sys.executable, "")
    built_with = [_tool(tool) for tool in compilers.tools()]
    return (python, *built_with, *(_package(*row) for row in _PACKAGES), *(_program(*row) for row in _PROGRAMS))


def missing(checks: Sequence[Check]) -> tuple[Check, ...]:
    """Required tools that are not there."""
    return tuple(c for c in checks if c.need == "required" and not c.found)


def as_json(checks: Sequence[Check], cache: Cache) -> dict[str, Any]:
    """What ``doctor --json`` prints."""
    return {
        "ok": not missing(checks),
        "system": platform.platform(),
        "tools": [
            {
                "name": c.name, "found": c.found, "version": c.version or None, "where": c.where or None,
                "need": c.need, "purpose": c.purpose, "install": c.install, "broken": c.broken or None,
            }
            for c in checks
        ],
        "cache": cache.json(),
    }  # fmt: skip


def _tool(tool: compilers.Tool) -> Check:
    need: Need = "required" if tool.required else "optional"
    where = str(tool.path) if tool.path else ""
    return Check(tool.name, tool.purpose, need, tool.version, where, tool.install, tool.broken)


def _package(distribution: str, module: str, purpose: str, need: Need) -> Check:
    extra = _EXTRAS.get(distribution)
    install = f"pip install 'edgekit[{extra}]'" if extra else f"pip install {distribution}"
    spec = importlib.util.find_spec(module)
    if spec is None:
        return Check(distribution, purpose, need, "", "", install)
    where = spec.origin or next(iter(spec.submodule_search_locations or ()), "")
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        version = "unknown version"
    return Check(distribution, purpose, need, version, where, install)


def _program(program: str, purpose: str, package: str, arguments: tuple[str, ...]) -> Check:
    install = f"apt-get install {package}"
    where = shutil.which(program)
    if where is None:
        return Check(program, purpose, "optional", "", "", install)
    version, broken = _program_version(where, arguments)
    return Check(program, purpose, "optional", version, where, install, broken)


def _program_version(path: str, arguments: tuple[str, ...]) -> tuple[str, str]:
    """The version a program prints, or why there is none."""
    try:
        result = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"does not run: {error}"
    lines = (result.stdout + result.stderr).strip().splitlines()
    if result.returncode or not lines:
        return "", f"does not run: exit code {result.returncode}"
    found = re.search(r"\d+\.\d+(\.\d+)?", re.sub(r"\([^)]*\)", "", lines[0]))
    return (found.group() if found else lines[0]), ""
