"""Where templates/, firmware/ and boards/ are, in a checkout or in an installed wheel."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_FOLDERS = ("templates", "firmware", "boards")


def share() -> Path:
    """Folder that holds the three data folders: the checkout if there is one, else the wheel's share."""
    checkout = _PACKAGE.parent
    if all((checkout / name).is_dir() for name in _FOLDERS) and (checkout / "pyproject.toml").is_file():
        return checkout
    return _PACKAGE / "_share"


def templates() -> Path:
    """Folder of Jinja templates: kernels, model files and the CMake project."""
    return share() / "templates"


def firmware() -> Path:
    """Folder of the runtime, start-up code, ports and CMake toolchain files."""
    return share() / "firmware"


def user_cache() -> Path:
    """Folder for what can be made again: EDGEKIT_CACHE_DIR, or edgekit's own place in the user's cache."""
    if chosen := os.environ.get("EDGEKIT_CACHE_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "edgekit"


def boards() -> Path:
    """Folder of board TOML files."""
    return share() / "boards"
