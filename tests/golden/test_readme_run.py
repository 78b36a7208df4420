"""The run that README.md shows, held against a real one.

``EDGEKIT_UPDATE_GOLDEN=1 pytest tests/golden/test_readme_run.py`` writes the block anew. Instructions and sizes depend
on the compiler's version and change with every kernel, so the test compares the rest: layers, MACs, verdict, accuracy.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import edgekit
from edgekit.cli import app

README = Path(edgekit.__file__).resolve().parents[1] / "README.md"
BLOCK = re.compile(r"(<!-- demo: .*? -->\n```text\n)(.*?)(```\n<!-- end of demo -->)", re.DOTALL)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("demo") / "out"


@pytest.fixture(scope="module")
def output(out):
    result = CliRunner(env={"COLUMNS": "100"}).invoke(app, ["demo", "--out", str(out)])
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def run(output):
    lines = [line.rstrip() for line in output.splitlines()]
    totals = next(i for i, line in enumerate(lines) if line.startswith("one inference"))
    return "\n".join(lines[: lines.index("", totals)]) + "\n"


@pytest.fixture(scope="module")
def shown(run):
    text = README.read_text(encoding="utf-8")
    if os.environ.get("EDGEKIT_UPDATE_GOLDEN"):
        text = BLOCK.sub(lambda m: m[1] + run + m[3], text)
        README.write_text(text, encoding="utf-8")
    (block,) = BLOCK.findall(text)
    return block[1]


def layers(text):
    rows = re.findall(r"^(\S+) +([A-Z][A-Z0-9_]+) +\S+ +([\d,]+|-) ", text, re.MULTILINE)
    return [(name, op, macs) for name, op, macs in rows if name != "layer"]


def test_the_demonstration_ends_with_what_it_made_and_what_comes_next(output, out):
    end = "".join(output.split()).rpartition("made")[2]
    assert end.startswith(str(out))
    assert (out / "CMakeLists.txt").is_file()
    assert "edgekitanalyzeYOUR.tflite" in end
    assert "edgekitprofileYOUR.tflite--boardnucleo-l4r5zi" in end


def test_the_readme_shows_the_layers_of_the_demonstration(run, shown):
    assert len(layers(shown)) > 10
    assert layers(shown) == layers(run)


def test_the_readme_shows_the_verdict_and_the_accuracy(run, shown):
    for sentence in (r"^exact: [\d,]+ output bytes of \d+ layers", r"^\d+ of \d+ labelled samples .*$"):
        (found,) = re.findall(sentence, shown, re.MULTILINE)
        assert [found] == re.findall(sentence, run, re.MULTILINE)
