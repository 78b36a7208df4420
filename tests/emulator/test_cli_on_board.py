"""The commands that put a model on a board, end to end, on emulated ones."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from edgekit import bundle, demo, execution, reference
from edgekit.cli import app
from edgekit.frontends import tflite
from edgekit.ir import interp

MODEL, SAMPLES = str(demo.MODEL), str(demo.SAMPLES)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return tmp_path_factory.mktemp("board") / "project"


def call(*args):
    return CliRunner().invoke(app, [str(a) for a in args])


def parsed(*args, code=0):
    result = call(*args, "--json")
    assert result.exit_code == code, result.stderr
    return json.loads(result.stdout)


def test_build_makes_a_project_and_says_what_it_takes(project):
    tree = parsed("build", MODEL, "--board", "nucleo-l4r5zi", "--out", project)
    assert (project / "CMakeLists.txt").is_file()
    assert tree["flash"]["total"] == tree["flash"]["weights"] + tree["flash"]["code"] < tree["image"]["flash"]
    assert tree["available"] == {"ram": 640 * 1024, "flash": 2048 * 1024}
    assert len(tree["build_id"]) == 16


def test_profile_keeps_its_contract(project):
    tree = parsed(
        "profile", MODEL, "--board", "nucleo-l4r5zi", "--out", project, "--samples", SAMPLES, "--count", 3,
        "--layers-of", 1,
    )  # fmt: skip
    assert (tree["exact"], tree["how"], tree["cycles"]["how"]) == (True, "emulated", "estimated")
    assert tree["samples"]["count"] == 1
    assert tree["samples"]["outputs_only"] == 2
    assert tree["accuracy"]["total"] == 3
    layers = tree["layers"]
    assert 0 < sum(x["instructions"] for x in layers) <= tree["instructions"]
    assert sum(x["instructions"] for x in layers) > 0.99 * tree["instructions"]
    assert tree["latency_us"] == pytest.approx(tree["cycles"]["value"] / 120)
    assert 0 < tree["ram"]["stack"] < 4096
    assert tree["ram"]["total"] == sum(tree["ram"][k] for k in ("arena", "stack", "static"))


def test_profiles_of_one_build_are_the_same(project):
    args = ("profile", MODEL, "--board", "nucleo-l4r5zi", "--out", project, "--samples", SAMPLES, "--count", 1)
    first, second = parsed(*args), parsed(*args)
    assert first == second


def test_a_kept_profile_is_what_json_prints_and_says_what_ran(project, tmp_path):
    args = ("--board", "nucleo-l4r5zi", "--out", project, "--samples", SAMPLES, "--count", 1)
    printed = parsed("profile", MODEL, *args, "--bundle", tmp_path / "kept")
    found = bundle.read(tmp_path / "kept")
    assert {k: v for k, v in found.result.items() if k != "bundle"} == printed
    (image,) = project.glob(f"build/{found.result['bundle']['image']['name']}")
    assert found.result["bundle"]["image"]["sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()
    assert found.raw["layer_instructions"].tolist() == [x["instructions"] for x in printed["layers"]]
    assert found.plan.arena_bytes == printed["ram"]["arena"]
    parsed("verify", MODEL, *args, "--bundle", tmp_path / "checked")
    same = parsed("compare", tmp_path / "kept", tmp_path / "kept", "--fail-if", "cycles>+0%")
    assert same["failed"] == []
    assert call("compare", tmp_path / "kept", tmp_path / "checked").exit_code == 1


def test_a_bundle_that_would_write_over_something_is_refused_before_the_run(project, tmp_path, monkeypatch):
    (tmp_path / "thesis.txt").write_text("all my work")

    def ran(*_args):
        raise AssertionError("the run began")

    monkeypatch.setattr(execution, "profile", ran)
    result = call("profile", MODEL, "--board", "nucleo-l4r5zi", "--out", project, "--bundle", tmp_path)
    assert result.exit_code == 1
    assert "will not be written over" in result.stderr


def test_run_gives_the_reference_outputs(project, tmp_path):
    outputs = tmp_path / "y"  # written under this very name
    args = ("run", MODEL, "--board", "nucleo-l4r5zi", "--out", project, "--input", SAMPLES, "--count", 2)
    tree = parsed(*args, "--output", outputs)
    with np.load(SAMPLES) as archive:
        inputs = archive["inputs"][:2]
    graph = tflite.read(demo.MODEL)
    for i, x in enumerate(inputs):
        (want,) = interp.outputs(graph, [x[None]])
        (got,) = tree["samples"][i].values()
        assert np.array_equal(np.array(got["raw"], np.int8), want)
    with np.load(outputs) as saved:
        assert saved["arr_0"].shape == (2, *want.shape)


def test_a_difference_is_found_and_ends_with_exit_code_1(project, monkeypatch):
    real = reference.make

    def lying(*args):
        honest = real(*args)

        def values(inputs):
            found = dict(honest.values(inputs))
            name = list(found)[1]
            found[name] = found[name].copy()
            found[name].reshape(-1)[5] ^= 1
            return found

        return reference.Reference("a reference that lies", values)

    monkeypatch.setattr(execution.reference, "make", lying)
    args = ("--board", "nucleo-l4r5zi", "--out", project, "--samples", SAMPLES, "--count", 1)
    tree = parsed("verify", MODEL, *args, code=1)
    assert not tree["exact"]
    assert [x["different"] for x in tree["layers"]][:3] == [0, 1, 0]
    assert tree["first_divergent"] == tree["layers"][1]["name"]
    assert tree["largest_difference"] == 1
    shown = call("verify", MODEL, *args)
    assert shown.exit_code == 1
    assert "NOT EXACT" in shown.stdout


def test_this_computer_measures_and_counts_nothing(tmp_path):
    args = ("--board", "host", "--out", tmp_path / "host", "--samples", SAMPLES, "--count", 1)
    tree = parsed("profile", MODEL, *args, "--runs", 40, "--warmup", 3)
    latency = tree["latency"]
    assert (latency["runs"], latency["warmups"], latency["how"]) == (40, 3, "measured")
    assert 0 < latency["min"] <= latency["median"] == pytest.approx(tree["latency_us"], abs=0.01)
    assert latency["median"] <= latency["p95"] <= latency["max"]
    assert latency["sustained"] > 0
    assert abs(latency["clock_error"]) < 0.05
    assert tree["energy"]["per_inference_uj"] is None
    assert "active power" in tree["energy"]["reason"]
    assert (tree["how"], tree["exact"], tree["instructions"]) == ("measured", True, None)
    assert tree["latency_us"] > 0
    assert tree["cycles"]["value"] is None
    assert (tree["ram"]["stack"], tree["ram"]["total"], tree["flash"]["total"]) == (None, None, None)
    assert tree["image"]["flash"] > 0
    assert len(tree["notes"]) == 2
