"""What an emulated board's trigger pin did, for simulated meters that are wired to it."""

from __future__ import annotations

from pathlib import Path


def windows(log: Path | None, seen: int) -> tuple[list[tuple[int, int]], int]:
    """Whole windows after the first ``seen`` changes, as cycles of falling and rising; and the changes seen now."""
    if log is None or not log.exists():
        return [], seen
    changes = [(int(cycle), int(level)) for cycle, level in map(str.split, log.read_text().splitlines())]
    found: list[tuple[int, int]] = []
    while seen + 1 < len(changes):
        (fell, level), (rose, after) = changes[seen : seen + 2]
        whole = (level, after) == (0, 1)
        if whole:
            found.append((fell, rose))
        seen += 2 if whole else 1
    return found, seen
