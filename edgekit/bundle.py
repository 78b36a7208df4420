"""Result bundles: a folder with everything a run found out, to keep, to render again and to compare.

::

    result.json   the JSON of --json, and under "bundle" what was run: image, build id, tools, options, hashes
    raw.npz       single readings, see RAW
    plan.json     order and arena of the model, without its weights
    report.html   the same for people, made from the others; it is not read and may be made anew

A bundle is written beside its place and moved there whole; whatever stops it leaves nothing half written.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from edgekit import contract
from edgekit.errors import EdgekitError, Problem, ResultError
from edgekit.files import read_at_most
from edgekit.ir.graph import Array
from edgekit.plan import plan as plans
from edgekit.plan.plan import Plan

SCHEMA = 1
"""Of a bundle's own part; a reader refuses other numbers."""

RESULT, RAW_FILE, PLAN, PAGE = "result.json", "raw.npz", "plan.json", "report.html"

RAW = {
    "latency_us": "microseconds of each inference",
    "layer_cycles": "cycles of each layer, read on the board",
    "layer_instructions": "instructions of each layer, counted by the emulator",
    "current_a": "current in amperes, one sample after the other",
    "current_s": "when each sample of current_a was taken, in seconds",
    "labels": "the true class of each sample",
    "answers": "the class that the board said of each sample",
    "windows_s": "begin and end of each measured window, in seconds",
}
"""What the arrays of raw.npz hold; only those that were read are there."""

_MAX_BYTES = 1 << 30
_NAMES = (RAW_FILE, PLAN)


@dataclass(frozen=True)
class Bundle:
    """A result with its single readings; ``result`` has the keys of the contract and, once stored, ``bundle``."""

    result: Mapping[str, Any]
    plan: Plan | None = None
    raw: Mapping[str, Array] = field(default_factory=dict[str, Array])

    @property
    def kind(self) -> str:
        """The command it comes from: profile, verify or evaluate."""
        return str(self.result["kind"])


@dataclass(frozen=True)
class Origin:
    """What a bundle says of its run beside the result; ``created`` is a time in ISO 8601."""

    created: str
    build_id: str
    image_name: str
    image_sha256: str
    image_bytes: int
    clock_hz: int
    tools: Sequence[tuple[str, str]]
    options: Sequence[tuple[str, str]]


def reserve(folder: Path) -> None:
    """See that a bundle can be written to ``folder`` before a long run is begun for it.

    Raises:
        ResultError: something else is there, or it cannot be written to.
    """
    if folder.exists() and not _replaceable(folder):
        hint = "Name a folder that does not exist, an empty one, or an older bundle to be replaced."
        raise ResultError(Problem("this is no bundle and will not be written over", str(folder), hint=hint))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        probe = _beside(folder, "probe")
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise ResultError(_unwritable(folder, error)) from error


def write(folder: Path, bundle: Bundle, origin: Origin, page: Callable[[Bundle], str] | None = None) -> Bundle:
    """Store ``bundle`` in ``folder``; what was stored. ``page`` makes the report for people from it.

    Raises:
        ResultError: ``folder`` holds something else, or cannot be written to; what was there is still there.
    """
    reserve(folder)
    files = {RAW_FILE: _npz(bundle.raw)}
    if bundle.plan is not None:
        files[PLAN] = bundle.plan.to_json().encode()
    stored = Bundle({**bundle.result, "bundle": _origin_json(origin, files)}, bundle.plan, bundle.raw)
    problems = contract.differences(stored.result["bundle"], contract.BUNDLE, RESULT)
    if problems:
        raise ResultError(*problems)
    files[RESULT] = (json.dumps(stored.result, indent=1, allow_nan=False) + "\n").encode()
    if page is not None:
        files[PAGE] = page(stored).encode()
    _place(folder, files)
    return stored


def read(folder: Path) -> Bundle:
    """The bundle in ``folder``, every file held against its hash and the contract.

    Raises:
        ResultError: it is no bundle, of another schema, or everything about it that is damaged.
    """
    path = folder / RESULT
    try:
        text = read_at_most(path, _MAX_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        hint = "Bundles are written by profile, verify and evaluate with --bundle."
        raise ResultError(Problem(f"there is no bundle here: {error}", str(folder), hint=hint)) from error
    tree = contract.parse(text, str(path))
    part = cast("dict[str, Any]", tree.get("bundle")) if isinstance(tree.get("bundle"), dict) else {}
    schema: Any = part.get("schema")
    if schema != SCHEMA:
        hint = "Read it with the edgekit that wrote it, or make it again."
        raise ResultError(Problem("the bundle is of another schema", str(path), repr(schema), str(SCHEMA), hint))
    problems = contract.differences(part, contract.BUNDLE, f"{path}, 'bundle'", closed=True)
    if problems:
        raise ResultError(*problems)
    files = _files(folder, part["files"])
    return Bundle(tree, _plan(files.get(PLAN), folder), _arrays(files[RAW_FILE], folder / RAW_FILE))


def load(path: Path) -> Bundle:
    """A bundle's folder, or a file with what a command printed with --json.

    Raises:
        ResultError: it can be read as neither.
    """
    if path.is_dir():
        return read(path)
    if path.name == RESULT and path.with_name(RAW_FILE).exists():
        return read(path.parent)
    try:
        text = read_at_most(path, _MAX_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        hint = "Name a bundle's folder, or a file that a command wrote with --json."
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ResultError(Problem(f"the result cannot be read: {why}", str(path), hint=hint)) from error
    return Bundle(contract.parse(text, str(path)))


def _origin_json(origin: Origin, files: Mapping[str, bytes]) -> dict[str, Any]:
    image = {"name": origin.image_name, "sha256": origin.image_sha256, "bytes": origin.image_bytes}
    return {
        "schema": SCHEMA,
        "created": origin.created,
        "build_id": origin.build_id,
        "image": image,
        "clock_hz": origin.clock_hz,
        "tools": [{"name": name, "version": version} for name, version in origin.tools],
        "options": [{"name": name, "value": value} for name, value in origin.options],
        "files": [{"name": n, "sha256": _sha256(data), "bytes": len(data)} for n, data in files.items()],
    }


def _npz(raw: Mapping[str, Array]) -> bytes:
    unknown = sorted(set(raw) - set(RAW))
    if unknown:
        raise ResultError(Problem("unknown raw readings", RAW_FILE, ", ".join(unknown), ", ".join(RAW)))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **dict(raw))
    return buffer.getvalue()


def _replaceable(folder: Path) -> bool:
    """Whether it is an empty folder or a bundle: then it may be replaced."""
    if not folder.is_dir():
        return False
    names = {p.name for p in folder.iterdir()}
    if not names:
        return True
    try:
        return names <= {RESULT, RAW_FILE, PLAN, PAGE} and "bundle" in json.loads((folder / RESULT).read_text())
    except (OSError, ValueError):
        return False


def _beside(folder: Path, what: str) -> Path:
    return folder.parent / f".{folder.name}.{what}-{os.getpid()}"


def _place(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` to a new folder and put it in the place of ``folder`` in one step."""
    fresh, old = _beside(folder, "new"), _beside(folder, "old")
    try:
        fresh.mkdir()
        for name, data in files.items():
            with (fresh / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        if folder.exists():
            folder.rename(old)
        try:
            fresh.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    except OSError as error:
        raise ResultError(_unwritable(folder, error)) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _unwritable(folder: Path, error: OSError) -> Problem:
    return Problem(f"the bundle cannot be written: {error.strerror or error}", str(folder))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _files(folder: Path, listed: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    """The listed files' bytes, each as its hash says."""
    problems: list[Problem] = []
    found: dict[str, bytes] = {}
    hint = "The bundle was damaged or changed after it was written."
    for entry in listed:
        name, size = str(entry["name"]), int(entry["bytes"])
        if name not in _NAMES or size > _MAX_BYTES:
            problems.append(Problem("the bundle lists a file it cannot have", str(folder), f"'{name}', {size} bytes"))
            continue
        try:
            data = read_at_most(folder / name, _MAX_BYTES)
        except OSError as error:
            problems.append(Problem(f"a file cannot be read: {error.strerror}", str(folder / name), hint=hint))
            continue
        if _sha256(data) != entry["sha256"]:
            problems.append(Problem("a file is not the one that was written", str(folder / name), hint=hint))
        found[name] = data
    if not problems and RAW_FILE not in found:
        problems.append(Problem(f"the bundle lists no {RAW_FILE}", str(folder), hint=hint))
    if problems:
        raise ResultError(*problems)
    return found


def _plan(data: bytes | None, folder: Path) -> Plan | None:
    if data is None:
        return None
    try:
        return plans.from_json(data.decode())
    except (ValueError, KeyError, TypeError, AttributeError, EdgekitError) as error:
        raise ResultError(Problem(f"the plan cannot be read: {error!r}", str(folder / PLAN))) from error


def _arrays(data: bytes, path: Path) -> dict[str, Array]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
        if total > _MAX_BYTES:
            raise ResultError(Problem("the archive unpacks to too much", str(path), f"{total} bytes", f"{_MAX_BYTES}"))
        with np.load(io.BytesIO(data), allow_pickle=False) as loaded:
            return {name: loaded[name] for name in loaded.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ResultError(Problem(f"the raw readings cannot be read: {error}", str(path))) from error
