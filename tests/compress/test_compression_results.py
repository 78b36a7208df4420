"""What recipes keep on real data, stored in docs/results/compression.json, and made again in part.

EDGEKIT_UPDATE_RESULTS=1 trains everything and writes the file anew (hours on two cores). EDGEKIT_RESULTS_WORK names a
folder in which finished trainings are kept, so that this can be stopped and goes on; EDGEKIT_UPDATE_RESULTS=kept trains
nothing and writes what is there: bars without seeds were not measured.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support import compression, datasets, need, trained

FILE = Path(__file__).resolve().parents[2] / "docs" / "results" / "compression.json"
SEEDS = (1, 2, 3)
HOW = (
    "Accuracy in per cent of int8 graphs on the test set (watch: people 9 and 10, digits: 1,000 of 5,000), float only "
    "where it says so; trained and judged by edgekit compress with the recipes of tests/support/compression.py, "
    "on 4 augmented copies of the training samples; weight_bytes are constants in flash as planned for nucleo-l4r5zi. "
    "board: emulated instructions, estimated cycles and bytes of the firmware, exact against tflite-micro; other "
    "kernels give others. "
    "Bars without seeds were not measured. Made by EDGEKIT_UPDATE_RESULTS=kept pytest "
    "tests/compress/test_compression_results.py."
)
ON_BOARD = ("channels 50", "under 12 KB")
NEAR = 3.0
"""Points: other processors and versions train other networks."""


def stored():
    return json.loads(FILE.read_text(encoding="utf-8"))


def bench(data, seed, folder):
    need.package("tensorflow")
    from edgekit.compress import backend

    backend.deterministic()
    base = folder / f"{data.name}{seed}.keras"
    if not base.exists():
        trained.trained(data, seed).save(base)
    return compression.Bench(data, seed, base, folder / f"{data.name}{seed}")


def made(folder, *, all_of_them):
    """Rows of accuracy, and what the first seed's networks cost on the board: all, or those trained already."""
    rows, boards = [], []
    for load in datasets.SETS.values():
        data = load()
        for seed in SEEDS:
            cells = bench(data, seed, folder)
            there = [name for name in cells.cells() if all_of_them or cells.done(name)]
            rows += [cells.real(), *(cells.row(name) for name in there)] if there else []
            boards += [cells.on_board(n) for n in ON_BOARD if n in there] if seed == SEEDS[0] else []
    return rows, boards


def update(folder):
    rows, boards = made(folder, all_of_them=os.environ.get("EDGEKIT_UPDATE_RESULTS") != "kept")
    tree = {"how": HOW, "bars": [bar.json(rows) for bar in compression.BARS], "board": boards, "rows": rows}
    FILE.write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.slow
@pytest.mark.timeout(30000)
def test_a_recipe_on_real_data_gives_what_is_stored(tmp_path):
    if os.environ.get("EDGEKIT_UPDATE_RESULTS"):
        update(Path(os.environ.get("EDGEKIT_RESULTS_WORK", tmp_path)))
    cells = bench(datasets.digits(), 1, tmp_path)
    for row in (cells.real(), cells.row("channels 50")):
        (old,) = (r for r in stored()["rows"] if all(r[k] == row[k] for k in ("set", "seed", "what")))
        assert abs(row["accuracy"] - old["accuracy"]) < NEAR
        assert row["parameters"] == old["parameters"]
        assert abs(row["weight_bytes"] - old["weight_bytes"]) < 0.05 * old["weight_bytes"]


def test_what_is_said_of_the_bars_follows_from_the_rows():
    tree = stored()
    assert tree["bars"] == [bar.json(tree["rows"]) for bar in compression.BARS]
    keys = [(r["set"], r["seed"], r["what"]) for r in tree["rows"]]
    assert len(keys) == len(set(keys))
    assert {r["seed"] for r in tree["rows"]} <= set(SEEDS)


def test_networks_under_the_limit_are_under_it():
    sizes = [r["weight_bytes"] for r in stored()["rows"] if r["what"] == "under 12 KB"]
    assert sizes
    assert max(sizes) <= compression.LIMIT
