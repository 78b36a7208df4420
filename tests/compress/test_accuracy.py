"""What int8 costs on real data, three seeds each: stored in docs/results/quantization.json, and made again in part.

EDGEKIT_UPDATE_RESULTS=1 trains all networks and writes the file anew (six trainings, about ten minutes on two cores).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from support import accuracy, datasets, need, trained

FILE = Path(__file__).resolve().parents[2] / "docs" / "results" / "quantization.json"
SEEDS = (1, 2, 3)
BARS = {"watch": 0.3, "digits": 0.2}
BELOW_LITERT = 0.5
keras_files = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def stored():
    return json.loads(FILE.read_text(encoding="utf-8"))


def saved(data, seed, folder):
    need.package("tensorflow")
    path = folder / f"{data.name}{seed}.keras"
    trained.trained(data, seed).save(path)
    return path


@keras_files
@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_training_from_scratch_gives_what_is_stored(tmp_path):
    if os.environ.get("EDGEKIT_UPDATE_RESULTS"):
        rows = []
        for load in datasets.SETS.values():
            data = load()
            rows += [accuracy.row(data, seed, saved(data, seed, tmp_path), tmp_path) for seed in SEEDS]
        FILE.write_text(json.dumps({"how": stored()["how"], "rows": rows}, indent=2) + "\n", "utf-8")
    data = datasets.digits()
    row = accuracy.row(data, 1, saved(data, 1, tmp_path), tmp_path)
    (old,) = (r for r in stored()["rows"] if (r["set"], r["seed"]) == ("digits", 1))
    assert abs(row["float"] - old["float"]) < 1.5
    assert row["float"] - row["int8"] <= 2 * BARS["digits"]
    assert row["int8"] >= row["litert"] - BELOW_LITERT


@pytest.mark.parametrize("name", BARS)
def test_int8_stays_near_float_and_near_litert_over_three_seeds(name):
    rows = [r for r in stored()["rows"] if r["set"] == name]
    assert {r["seed"] for r in rows} == set(SEEDS)
    lost = np.mean([r["float"] - r["int8"] for r in rows])
    assert lost <= BARS[name]
    assert all(r["int8"] >= r["litert"] - BELOW_LITERT for r in rows)
