"""The arrays in .npy and .npz files, trusting nothing in them: a file is checked before anything is unpacked.

Numbers only: pickled objects are refused. Every kind of damage is one DataError.
"""

from __future__ import annotations

import lzma
import math
import struct
import tokenize
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from edgekit.errors import DataError, Problem
from edgekit.ir.graph import Array

MAX_BYTES = 1 << 30
_SUFFIXES = (".npy", ".npz")
_MAX_RANK = 32
_AGAIN = "write it with numpy.save or numpy.savez"
# What NumPy and zipfile raise for a damaged file; RuntimeError covers encryption and unknown compression.
_DAMAGE = (
    OSError, ValueError, EOFError, RuntimeError, MemoryError, OverflowError, TypeError, KeyError, IndexError,
    SyntaxError, AttributeError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip


def read(path: Path) -> dict[str, Array]:
    """The arrays by name; that of a .npy file is called ``inputs``.

    Raises:
        DataError: the file cannot be read, is damaged, holds objects, or unpacks to more than a gibibyte.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise DataError(Problem("samples must be NumPy files", str(path), path.suffix or "no suffix", ".npy or .npz"))
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(_too_large("the file is too large", path, path.stat().st_size))
        if path.suffix.lower() == ".npz":
            return _archive(path)
        with path.open("rb") as file:
            return {"inputs": _array(file, path.stat().st_size, path.name)}
    except _DAMAGE as error:
        raise DataError(_unreadable(path, error)) from error


def _archive(path: Path) -> dict[str, Array]:
    """The arrays of an archive whose contents are bounded before they are unpacked."""
    with zipfile.ZipFile(path) as archive:
        entries = [e for e in archive.infolist() if e.filename.endswith(".npy")]
        total = sum(entry.file_size for entry in entries)
        if total > MAX_BYTES:
            raise DataError(_too_large("the archive unpacks to too much", path, total))
        arrays: dict[str, Array] = {}
        for entry in entries:
            name = entry.filename.removesuffix(".npy")
            with archive.open(entry) as file:
                arrays[name] = _array(file, entry.file_size, f"array '{name}'")
                if file.read(1):  # reading to the end also checks the checksum
                    raise ValueError(f"array '{name}' goes on behind its end")
        return arrays


def _array(file: IO[bytes], size: int, what: str) -> Array:
    """One array; its header must promise exactly what the remaining bytes of ``size`` hold."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # files of Python 2 are read all the same
        version = np.lib.format.read_magic(file)
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in readers:
            raise ValueError(f"{what} has format version {version}, which plain numbers do not need")
        shape, by_columns, dtype = readers[version](file)
    if dtype.hasobject:
        raise ValueError(f"{what} holds pickled objects")
    left = size - file.tell()
    if len(shape) > _MAX_RANK or min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != left:
        raise ValueError(f"{what} has a header that promises {dtype} {shape}, but {left} bytes follow it")
    data = file.read(left)
    if len(data) != left:
        raise EOFError(f"{what} ends early")
    flat = np.frombuffer(data, dtype, math.prod(shape)) if left else np.empty(0, dtype)
    return flat.reshape(shape, order="F" if by_columns else "C").copy()


def _too_large(what: str, path: Path, size: int) -> Problem:
    return Problem(what, str(path), f"{size:,} bytes", f"at most {MAX_BYTES:,} bytes", "give fewer samples")


def _unreadable(path: Path, error: Exception) -> Problem:
    if isinstance(error, OSError) and error.strerror:
        hint = "Give the path of a .npy or .npz file that can be read."
        return Problem(f"the file cannot be read: {error.strerror}", str(path), hint=hint)
    if "pickled" in str(error):
        hint = "save plain numeric arrays with numpy.save or numpy.savez"
        return Problem("the file holds pickled objects, which edgekit never loads", str(path), hint=hint)
    why = str(error) or type(error).__name__
    return Problem(f"this is not a sound NumPy file: {why}", str(path), hint=_AGAIN)
