"""The native hooks, built once by the zig wheel and kept in the user's cache under a hash of their source."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_SOURCES = Path(__file__).parent / "csrc"
_FLAGS = ("-shared", "-O2", "-Wall", "-Wextra", "-Werror")
_TIMEOUT_S = 300


def cache_folder() -> Path:
    """Folder for built hooks: EDGEKIT_CACHE_DIR, or edgekit's own place in the user's cache."""
    if chosen := os.environ.get("EDGEKIT_CACHE_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "edgekit"


def build(name: str) -> Path | None:
    """The shared library of csrc/<name>.c for this machine; None if it cannot be built here.

    Without it emulated boards still run, but count only what a slow Python hook can.
    """
    sources = sorted(_SOURCES.glob("*.[ch]"))
    about = [*_FLAGS, sys.platform, os.uname().machine if hasattr(os, "uname") else ""]
    digest = hashlib.sha256("\0".join(about).encode())
    for path in sources:
        digest.update(path.read_bytes())
    suffix = ".dll" if sys.platform == "win32" else ".so"
    library = cache_folder() / "native" / f"{name}-{digest.hexdigest()[:16]}{suffix}"
    if library.is_file():
        return library
    if importlib.util.find_spec("ziglang") is None:
        return None
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            fresh = Path(folder) / library.name
            if not _compile(_SOURCES / f"{name}.c", fresh):
                return None
            fresh.replace(library)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return library


def _compile(source: Path, output: Path) -> bool:
    position = () if sys.platform == "win32" else ("-fPIC",)
    undefined = ("-Wl,-undefined,dynamic_lookup",) if sys.platform == "darwin" else ()
    command = [sys.executable, "-m", "ziglang", "cc", *_FLAGS, *position, *undefined]
    zig_cache = {f"ZIG_{kind}_CACHE_DIR": str(cache_folder() / "zig") for kind in ("GLOBAL", "LOCAL")}
    done = subprocess.run(
        [*command, str(source), "-o", str(output)],
        env={**zig_cache, **os.environ},
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
