"""Labelled data sets on boards: accuracy, mismatches, and runs that are stopped and go on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from typer.testing import CliRunner

from edgekit import bundle, contract, demo, journal, reference
from edgekit.cli import app
from edgekit.device import measure
from edgekit.errors import LinkError, Problem

MODEL, DATA = str(demo.MODEL), str(demo.SAMPLES)
SLOWED = """
import sys, time
from pathlib import Path
from edgekit import cli, journal
from edgekit.device import measure
place = Path(sys.argv.pop(1))
journal.folder = lambda: place
real = measure.run
def slow(*args):
    time.sleep(0.02)
    return real(*args)
measure.run = slow
cli.main()
"""


@pytest.fixture(autouse=True)
def journals(tmp_path, monkeypatch):
    folder = tmp_path / "evaluations"
    monkeypatch.setattr(journal, "folder", lambda: folder)
    return folder


def call(*args):
    return CliRunner().invoke(app, ["evaluate", MODEL, "--data", DATA, *map(str, args)])


def parsed(*args, code=0):
    done = call(*args, "--json")
    assert done.exit_code == code, done.stderr
    tree = json.loads(done.stdout)
    assert contract.differences(tree, contract.KINDS["evaluate"], "", closed=True) == []
    return tree


def kept(folder):
    """Samples that journals hold."""
    return sum(len(p.read_bytes().splitlines()) - 1 for p in folder.glob("*.jsonl"))


def test_a_whole_set_on_this_computer(journals, tmp_path):
    tree = parsed("--board", "host", "--bundle", tmp_path / "b")
    with np.load(DATA) as archive:
        labels = archive["labels"]
    right = tree["accuracy"]
    assert (tree["exact"], right["total"], tree["resumed"]) == (True, len(labels), 0)
    assert [sum(row) for row in right["confusion"]] == np.bincount(labels).tolist()
    assert right["right"] == tree["reference_right"] == sum(right["confusion"][i][i] for i in range(7))
    assert right["low"] < right["share"] < right["high"]
    assert kept(journals) == 0
    stored = bundle.read(tmp_path / "b")
    assert (stored.raw["labels"] == labels).all()
    assert (stored.raw["answers"] == labels).sum() == right["right"]
    assert "Accuracy" in (tmp_path / "b" / "report.html").read_text()
    limits = ["--fail-if", "accuracy<-0.1%", "--fail-if", "mismatches>0"]
    done = CliRunner().invoke(app, ["compare", str(tmp_path / "b"), str(tmp_path / "b"), *limits])
    assert done.exit_code == 0, done.stderr


def test_an_emulated_board_says_what_this_computer_says():
    board, host = (parsed("--board", b, "--count", 30) for b in ("nucleo-l4r5zi", "host"))
    assert (board["how"], board["exact"], host["exact"]) == ("emulated", True, True)
    assert board["accuracy"] == host["accuracy"]
    assert board["samples"] == host["samples"]
    assert board["samples"]["outputs_only"] == 30


def test_a_run_that_is_killed_goes_on_where_it_was(journals):
    whole = parsed("--board", "host", "--count", 60)
    line = [sys.executable, "-c", SLOWED, str(journals), "evaluate", MODEL, "--data", DATA, "--board", "host"]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        until = time.monotonic() + 120
        while kept(journals) < 5 and running.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
    done = kept(journals)
    assert 5 <= done < 392
    again = parsed("--board", "host", "--count", 60)
    assert again["resumed"] == min(done, 60)
    assert again | {"resumed": 0} == whole
    assert kept(journals) == 0


def test_a_board_that_goes_away_leaves_what_it_did(journals, monkeypatch):
    real, calls = measure.run, []

    def fails(*args):
        calls.append(args)
        if len(calls) > 4:
            raise LinkError(Problem("the board is silent (RUN)", "port"))
        return real(*args)

    with monkeypatch.context() as broken:
        broken.setattr(measure, "run", fails)
        done = call("--board", "host", "--count", 9)
    assert done.exit_code == 4
    assert "4 of 9 samples are kept" in " ".join(done.stderr.split())
    assert kept(journals) == 4
    assert parsed("--board", "host", "--count", 9)["resumed"] == 4


def test_fresh_begins_again(journals, monkeypatch):
    test_a_board_that_goes_away_leaves_what_it_did(journals, monkeypatch)
    assert parsed("--board", "host", "--count", 9, "--fresh")["resumed"] == 0


def test_outputs_that_differ_are_told_by_sample_and_end_with_1(monkeypatch):
    real = reference.make

    def off_by_some(*args):
        made, count = real(*args), iter(range(99))

        def values(inputs):
            found = dict(made.values(inputs))
            if next(count) == 3:
                for name, value in found.items():
                    found[name] = value ^ 2 if value.dtype == np.int8 else value
            return found

        return reference.Reference(made.name, values)

    monkeypatch.setattr(reference, "make", off_by_some)
    tree = parsed("--board", "host", "--count", 6, code=1)
    assert [m["sample"] for m in tree["mismatches"]] == [3]
    assert (tree["mismatches"][0]["different"], tree["mismatches"][0]["largest_difference"]) == (7, 2)
    assert (tree["exact"], tree["outputs"][0]["different"]) == (False, 7)
    text = " ".join(call("--board", "host", "--count", 6).stdout.split())
    assert "sample 3: 7 elements differ by up to 2" in text


def test_data_without_labels_is_refused(tmp_path):
    with np.load(DATA) as archive:
        np.savez(tmp_path / "x.npz", inputs=archive["inputs"][:3])
    done = CliRunner().invoke(app, ["evaluate", MODEL, "--data", str(tmp_path / "x.npz"), "--board", "host"])
    assert done.exit_code == 1
    assert "the samples have no labels" in done.stderr
