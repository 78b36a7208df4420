"""The native hooks, built once by the zig wheel and kept in the user's cache under a hash of their source."""

from __future__ import annotations

import ctypes
import hashlib
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from edgekit import resources
from edgekit.toolchain import compilers

_SOURCES = Path(__file__).parent / "csrc"
_FLAGS = ("-shared", "-O2", "-Wall", "-Wextra", "-Werror")
_TIMEOUT_S = 300


def build(name: str) -> Path | None:
    """The shared library of csrc/<name>.c for this machine; None if it cannot be built here.

    Without it emulated boards still run, but count only what a slow Python hook can.
    """
    sources = sorted(_SOURCES.glob("*.[ch]"))
    about = [*_FLAGS, sys.platform, platform.machine()]
    digest = hashlib.sha256("\0".join(about).encode())
    for path in sources:
        digest.update(path.read_bytes())
    suffix = ".dll" if sys.platform == "win32" else ".so"
    library = resources.user_cache() / "native" / f"{name}-{digest.hexdigest()[:16]}{suffix}"
    if library.is_file():
        return library
    zig = compilers.zig().path
    if zig is None:
        return None
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            fresh = Path(folder) / library.name
            if not _compile(zig, _SOURCES / f"{name}.c", fresh):
                return None
            fresh.replace(library)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return library


def _compile(zig: Path, source: Path, output: Path) -> bool:
    position = () if sys.platform == "win32" else ("-fPIC",)
    undefined = ("-Wl,-undefined,dynamic_lookup",) if sys.platform == "darwin" else ()
    # This process has a C library already; zig would compile its own run-time library first.
    alone = ("-nostdlib",) if sys.platform == "linux" else ()
    command = [str(zig), "cc", *_FLAGS, *position, *undefined, *alone, str(source), "-o", str(output)]
    done = subprocess.run(
        command,
        env=compilers.environment(),
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return done.returncode == 0 and output.is_file()


def load(library: Path) -> ctypes.CDLL:
    """The unicorn hooks with the types of their functions declared."""
    lib = ctypes.CDLL(str(library))
    pointer = ctypes.c_void_p
    lib.hooks_new.restype = pointer
    lib.hooks_new.argtypes = [pointer, pointer, pointer, pointer, ctypes.c_int, pointer]
    lib.hooks_free.restype = None
    lib.hooks_free.argtypes = [pointer]
    lib.hooks_timer_read.restype = None
    lib.hooks_timer_read.argtypes = [pointer]
    return lib
