"""Journals: whatever a kill leaves of one, sound lines are taken over and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit import journal
from edgekit.commands.common import time_left
from edgekit.errors import UserError
from edgekit.journal import Journal, Line

HEAD = {"model": "a", "image": "b", "data": "c"}
LINES = [Line(i, i % 3, 1, (i, 0), (float(i), float("inf"))) for i in range(6)]


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "folder", lambda: tmp_path / "evaluations")
    with Journal(HEAD) as kept:
        for line in LINES:
            kept.add(line)
    return kept.path


def found() -> list[Line]:
    with Journal(HEAD) as kept:
        return [kept.lines[i] for i in sorted(kept.lines)]


def test_what_was_kept_is_there_again(written):
    assert found() == LINES
    assert len(written.read_bytes().splitlines()) == 1 + len(LINES)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 600), garbage=st.binary(max_size=20))
def test_a_torn_journal_keeps_its_whole_lines_and_can_go_on(written, cut, garbage):
    whole = written.read_bytes()
    try:
        written.write_bytes(whole[:cut] + garbage)
        before = found()
        assert before == LINES[: len(before)]
        assert len(before) >= whole[:cut].count(b"\n") - 1
        with Journal(HEAD) as kept:
            kept.add(LINES[5])
        assert found() == [*before[:5], LINES[5]]
    finally:
        written.write_bytes(whole)


def test_another_model_image_or_data_set_has_another_journal(written):
    for key in HEAD:
        with Journal(HEAD | {key: "other"}) as kept:
            assert kept.path != written
            assert not kept.lines
    assert found() == LINES


def test_a_journal_that_says_it_is_of_something_else_is_not_believed(written):
    written.write_bytes(written.read_bytes().replace(b'"a"', b'"x"', 1))
    assert found() == []


def test_fresh_forgets(written):
    with Journal(HEAD, fresh=True) as kept:
        assert not kept.lines
    assert found() == []
    journal.remove(written)
    assert not written.exists()


@pytest.mark.parametrize(
    "line",
    [
        b"[]\n", b'{"sample": -1, "answer": 0, "expected": 0, "different": [], "largest": []}\n', b"null\n",
        b'{"sample": 6, "answer": 0, "expected": 0, "different": [1], "largest": []}\n', b"[" * 99_999 + b"\n",
        b'{"sample": "6", "answer": 0, "expected": 0, "different": [], "largest": []}\n',
        b'{"sample": 6, "answer": 0, "expected": 0, "different": [1], "largest": [NaN]}\n',
    ],
)  # fmt: skip
def test_a_line_that_makes_no_sense_ends_the_journal(written, line):
    written.write_bytes(written.read_bytes() + line + b'{"sample": 9}\n')
    assert found() == LINES


def test_a_place_that_cannot_be_written_to_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(journal, "folder", lambda: tmp_path / "file" / "x")
    with pytest.raises(UserError, match="results cannot be kept"):
        Journal(HEAD)


@pytest.mark.parametrize(
    ("seconds", "done", "left", "says"),
    [
        (10, 10, 100, ", 1 min 40 s left"), (10, 100, 50, ", 5 s left"), (10, 1, 1000, ", 2 h 46 min left"),
        (1, 1, 1000, ""), (10, 0, 100, ""), (10, 100, 10, ""), (10, 100, 0, ""),
    ],
)  # fmt: skip
def test_the_time_left_is_told_when_it_is_known_and_matters(seconds, done, left, says):
    assert time_left(seconds, done, left) == says
