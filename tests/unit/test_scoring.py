from __future__ import annotations

import pytest

from edgekit.scoring import MATRIX_MAX, Accuracy, score, wilson


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [
        # 81 of 263 is the worked example of R. G. Newcombe, Statistics in Medicine 17 (1998), to four digits; with
        # none or all right the bounds are z^2 / (n + z^2) and its complement.
        (0, 10, 0.0, 0.2775327998628892),
        (10, 10, 0.7224672001371106, 1.0),
        (81, 263, 0.25525, 0.36625),
        (1, 1, 0.20654931, 1.0),
    ],
)
def test_the_interval_is_wilsons(right, total, low, high):
    assert wilson(right, total) == pytest.approx((low, high), abs=1e-4)


def test_nothing_seen_means_nothing_known():
    assert wilson(0, 0) == (0.0, 1.0)
    assert Accuracy(0, 0).share == 0.0


def test_a_score_counts_what_was_taken_for_what():
    found = score([0, 1, 2, 2], [0, 1, 1, 2], ("a", "b", "c"))
    assert (found.right, found.total) == (3, 4)
    assert found.matrix == ((1, 0, 0), (0, 1, 0), (0, 1, 1))
    tree = found.json()
    assert tree["confusion"] == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert tree["low"] < tree["share"] == 0.75 < tree["high"]


def test_a_matrix_has_a_row_for_every_named_class_and_none_if_there_are_too_many():
    assert len(score([0], [1], ("a", "b", "c", "d")).matrix) == 4
    assert score([0], [MATRIX_MAX]).matrix == ()
    assert Accuracy(9, 12).matrix == ()
