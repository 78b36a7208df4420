"""edgekit's cache in the user's own: what lies there, how large it is, and taking it away.

Everything in it can be made again. Only what edgekit itself puts there is ever removed, since the folder may have
been chosen by the user and hold other things.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit import resources
from edgekit.errors import Problem, UserError

if sys.platform != "win32":
    import fcntl

_BUILDS = "builds"
_KINDS = {
    _BUILDS: "projects and images built without --out",
    "evaluations": "accuracies of whole data sets that can be resumed",
    "native": "the emulator's counting hook",
    "zig": "zig's compiled parts: without them the next build takes a minute longer",
}


@dataclass(frozen=True)
class Kept:
    """One kind of what is kept: where, how many bytes in files, what it is good for."""

    name: str
    path: Path
    bytes: int
    purpose: str


@dataclass(frozen=True)
class Cache:
    """The cache as it was found. ``busy`` are builds that another edgekit works on, which stay."""

    path: Path
    kept: tuple[Kept, ...]
    busy: tuple[Path, ...] = ()
    cleared: bool = False

    @property
    def bytes(self) -> int:
        """All of it."""
        return sum(k.bytes for k in self.kept)

    def json(self) -> dict[str, Any]:
        """The ``cache`` part of ``doctor --json``."""
        return {
            "path": str(self.path),
            "bytes": self.bytes,
            "kept": [{"name": k.name, "bytes": k.bytes, "purpose": k.purpose} for k in self.kept],
            "busy": [str(p) for p in self.busy],
            "cleared": self.cleared,
        }


def look() -> Cache:
    """What is kept now."""
    root = resources.user_cache()
    found = [Kept(name, root / name, _bytes(root / name), purpose) for name, purpose in _KINDS.items()]
    return Cache(root, tuple(k for k in found if k.path.is_dir() and not k.path.is_symlink()), _busy(root / _BUILDS))


def clear() -> Cache:
    """Take away what is kept, but for builds that are under way; what there was.

    Raises:
        UserError: something cannot be removed.
    """
    found = look()
    for kept in found.kept:
        for path in sorted(kept.path.iterdir()):
            if path not in found.busy:
                _remove(path)
    return Cache(found.path, found.kept, found.busy, cleared=True)


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        hint = "Close what uses it, or remove it by hand."
        raise UserError(Problem("the cache cannot be cleared", str(path), error.strerror or "", hint=hint)) from error


def _busy(builds: Path) -> tuple[Path, ...]:
    """Builds whose lock another process holds, and their locks."""
    held: list[Path] = []
    for lock in sorted(builds.glob(".*.lock")) if sys.platform != "win32" else ():
        if _is_held(lock):
            held += [lock, builds / lock.name[1 : -len(".lock")]]
    return tuple(held)


def _is_held(lock: Path) -> bool:
    """Whether another process holds a lock; what is no plain file, or has gone meanwhile, is none of edgekit's."""
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return False
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _bytes(folder: Path) -> int:
    """Of all plain files; another edgekit may take files and folders away meanwhile, which then do not count."""
    total = 0
    for place, _, names in os.walk(folder):  # unlike rglob it goes on where a folder has vanished
        for name in names:
            with suppress(OSError):
                found = (Path(place) / name).lstat()
                total += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return total
