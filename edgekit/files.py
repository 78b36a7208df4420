"""Files of the user: read up to a limit, written whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from edgekit.errors import Problem, UserError


def read_at_most(path: Path, limit: int) -> bytes:
    """The bytes of a file, whatever kind it is of: a pipe or a device may say nothing of its size, or never end.

    Raises:
        OSError: it cannot be read, or holds more than ``limit`` bytes.
    """
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it holds more than {limit:,} bytes")
    return data


def write_whole(path: Path, data: bytes) -> int:
    """Write a file that is then there with all its bytes, or as it was before; the bytes written.

    A link keeps pointing where it does, and what is no plain file (a pipe, a device) is written to, never replaced.

    Raises:
        UserError: it cannot be written.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _replace(path.resolve(), data)
    except OSError as error:
        what = f"the file cannot be written: {error.strerror or error}"
        hint = "" if path.parent.is_dir() else f"There is no folder {path.parent}: make it, or give another path."
        raise UserError(Problem(what, str(path), hint=hint)) from error
    return len(data)


def _replace(path: Path, data: bytes) -> None:
    """Write beside ``path`` and put the new file in its place in one step; it keeps the rights of the old one."""
    rights = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(rights)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
