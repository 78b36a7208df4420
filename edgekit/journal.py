"""What an evaluation has found out so far, on disk: one line a sample, so that a run that was killed can go on.

A journal is of one model, image, data set and way of measuring, whose hash is in its name and all of which stand in its
first line. A line that a kill has torn ends it; what comes before is kept.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from edgekit import resources
from edgekit.errors import Problem, UserError


@dataclass(frozen=True)
class Line:
    """One sample: the board's answer, the reference's, and for each output how many elements differ and by how much."""

    sample: int
    answer: int
    expected: int
    different: tuple[int, ...]
    largest: tuple[float, ...]


class Journal:
    """The lines there are, by sample; ``add`` writes another at once.

    Raises:
        UserError: the cache cannot be written to.
    """

    def __init__(self, head: Mapping[str, str], *, fresh: bool = False) -> None:
        first = json.dumps(dict(head), sort_keys=True) + "\n"
        key = hashlib.sha256(first.encode()).hexdigest()[:24]
        self.path = folder() / f"{key}.jsonl"
        self.lines: dict[int, Line] = {}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b", buffering=0)
            self._file.seek(0)
            sound = 0 if fresh else self._read(self._file.read(), first.encode())
            self._file.truncate(sound)
            if not sound:
                self._file.write(first.encode())
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, line: Line) -> None:
        """Keep a line; it is with the system when this returns."""
        self.lines[line.sample] = line
        try:
            self._file.write((json.dumps(asdict(line)) + "\n").encode())
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _read(self, data: bytes, first: bytes) -> int:
        """Take over every sound line; the bytes up to the first that is not."""
        if not data.startswith(first):
            return 0
        at = len(first)
        for raw in data[at:].splitlines(keepends=True):
            line = _line(raw)
            if line is None:
                break
            self.lines[line.sample] = line
            at += len(raw)
        return at


def folder() -> Path:
    """Where journals are."""
    return resources.user_cache() / "evaluations"


def remove(path: Path) -> None:
    """Forget a journal whose result is in good hands."""
    path.unlink(missing_ok=True)


def _line(raw: bytes) -> Line | None:
    try:
        tree: Any = json.loads(raw) if raw.endswith(b"\n") else None
        if not isinstance(tree, dict):
            return None
        tree = cast("dict[str, Any]", tree)
        counts = (tree["sample"], tree["answer"], tree["expected"], *tree["different"])
        if not all(isinstance(c, int) for c in counts) or tree["sample"] < 0:
            return None
        largest = tuple(float(v) for v in tree["largest"])
        if any(math.isnan(v) for v in largest) or len(largest) != len(tree["different"]):
            return None
        return Line(tree["sample"], tree["answer"], tree["expected"], tuple(tree["different"]), largest)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _unwritable(path: Path, error: OSError) -> UserError:
    hint = "Make room, or let EDGEKIT_CACHE_DIR name a folder that can be written to."
    return UserError(Problem(f"results cannot be kept: {error.strerror or error}", str(path), hint=hint))
