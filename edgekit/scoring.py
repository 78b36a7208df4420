"""How often a classifier is right: accuracy, how sure that is, and what is taken for what."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Z95 = 1.959963984540054
"""Standard deviations that hold 95 % of a normal distribution."""
MATRIX_MAX = 100
"""Classes up to which the whole confusion matrix is kept."""


@dataclass(frozen=True)
class Accuracy:
    """Labelled samples that the board's outputs got right.

    ``confusion`` has how often each (label, answer) occurred, where it was counted; ``classes`` are names, maybe none.
    """

    right: int
    total: int
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[tuple[int, int], int], ...] = ()

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.right / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % confidence interval of the share."""
        return wilson(self.right, self.total)

    @property
    def matrix(self) -> tuple[tuple[int, ...], ...]:
        """``matrix[label][answer]``; empty if nothing was counted or there are more than MATRIX_MAX classes."""
        size = 1 + max((max(pair) for pair, _ in self.confusion), default=-1)
        size = max(size, len(self.classes)) if size else 0
        if not 0 < size <= MATRIX_MAX:
            return ()
        counts = dict(self.confusion)
        return tuple(tuple(counts.get((i, j), 0) for j in range(size)) for i in range(size))

    def json(self) -> dict[str, Any]:
        """The ``accuracy`` part of the contract."""
        low, high = self.interval
        return {
            "right": self.right,
            "total": self.total,
            "share": round(self.share, 4),
            "low": round(low, 4),
            "high": round(high, 4),
            "classes": list(self.classes),
            "confusion": [list(row) for row in self.matrix],
        }


def score(labels: Sequence[int], answers: Sequence[int], classes: Sequence[str] = ()) -> Accuracy:
    """The accuracy of ``answers``, one for each label."""
    counts = Counter(zip(labels, answers, strict=True))
    right = sum(n for (label, answer), n in counts.items() if label == answer)
    return Accuracy(right, len(labels), tuple(classes), tuple(sorted(counts.items())))


def wilson(right: int, total: int, z: float = Z95) -> tuple[float, float]:
    """Bounds of the true share when ``right`` of ``total`` were seen: Wilson's score interval.

    Unlike the normal approximation it stays inside 0 to 1 and holds for few samples. Source: E. B. Wilson,
    "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if not total:
        return 0.0, 1.0
    share, z2 = right / total, z * z
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = z / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return max(0.0, middle - half), min(1.0, middle + half)
