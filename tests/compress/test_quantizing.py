"""The verb and the command quantize: int8 files with their accuracy, or nothing and a clear reason."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from support import float_nets, keras_models, need
from support.oracle import Oracle
from typer.testing import CliRunner

import edgekit
from edgekit import quantizing, report
from edgekit.cli import app
from edgekit.errors import DataError, ModelError, UnsupportedError, UsageError, UserError
from edgekit.ir import interp
from edgekit.samples import Samples, quantise

keras_files = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def easy():
    return float_nets.mobilenet()


@pytest.fixture(scope="module")
def data(easy):
    return float_nets.samples(easy)


def test_the_file_gives_in_tflite_micro_what_was_measured(easy, data, tmp_path):
    out = tmp_path / "net.tflite"
    found = edgekit.quantize(easy, data, out)
    assert found.out == out
    assert found.exact_on == quantizing.EXACT_ON
    graph = edgekit.load(out)
    oracle = Oracle(out.read_bytes())
    for row in data.inputs[:4]:
        sample = [quantise(row[0], graph.tensors[graph.inputs[0]])]
        theirs = oracle.run(sample)
        ours = interp.run(graph, sample)
        assert theirs
        assert all(np.array_equal(ours[name], array) for name, array in theirs.items())


def test_accuracy_comes_from_samples_that_set_no_ranges(easy, data):
    found = edgekit.quantize(easy, data)
    assert (found.calibrated_on, found.measured_on) == (150, 150)
    parts = quantizing.divide(easy, data, None)
    first = {row.tobytes() for row in parts.calibration[0]}
    assert not any(row.tobytes() in first for row in parts.test[0])
    by_sample = {row[0].tobytes(): label for row, label in zip(data.inputs, data.labels, strict=True)}
    assert parts.labels == tuple(by_sample[row[None].tobytes()] for row in parts.test[0])
    real, small = found.ladder
    assert real.accuracy is not None
    assert small.accuracy is not None
    assert real.accuracy.total == 150
    assert 0.85 < real.accuracy.share < 0.95
    assert found.drop is not None
    assert found.drop.share == pytest.approx(real.accuracy.share - small.accuracy.share)
    assert found.drop.low <= found.drop.share <= found.drop.high
    assert small.snr_db > 20
    assert found.int8_weights < 0.4 * found.float_weights


def test_a_test_file_of_its_own_leaves_all_data_to_the_ranges(easy, data):
    other = float_nets.samples(easy, 40, seed=9)
    found = edgekit.quantize(easy, data, test=other)
    assert (found.calibrated_on, found.measured_on) == (300, 40)
    few = edgekit.quantize(easy, other.first(12))
    assert (few.calibrated_on, few.measured_on) == (12, 12)
    assert "too few to part" in few.notes[0]


def test_a_drop_beyond_what_is_allowed_writes_nothing(data, tmp_path):
    hard = float_nets.mobilenet(spread=400.0)
    out = tmp_path / "hard.tflite"
    found = edgekit.quantize(hard, data, out, max_drop=0.005)
    assert found.drop is not None
    assert found.drop.share > 0.02
    assert "--max-drop" in found.refused
    assert found.out is None
    assert list(tmp_path.iterdir()) == []
    assert edgekit.quantize(hard, data, out, max_drop=1.0).out == out


def test_the_doctor_gives_back_what_wide_channels_cost(data, tmp_path):
    hard = float_nets.mobilenet(spread=20.0)
    out = tmp_path / "hard.tflite"
    found = edgekit.quantize(hard, data, out, doctor=True, max_drop=0.005)
    shares = [rung.accuracy.share for rung in found.ladder if rung.accuracy is not None]
    assert shares[0] - shares[1] > 0.3
    assert shares[0] - shares[-1] <= 0.2 * (shares[0] - shares[1])
    assert found.out == out
    assert found.exact_on == quantizing.EXACT_ON
    tree = json.loads(json.dumps(found.json()))["doctor"]
    assert tree["layers_before"][0]["effect"] >= tree["layers_before"][1]["effect"]
    text = printed(found)
    assert "evener channels" in text
    assert "worst, plain int8" in text


def printed(found):
    console = report.console(io.StringIO(), width=120)
    console.print(report.quantization(found))
    return console.file.getvalue()


def test_where_remedies_are_not_enough_the_reason_names_the_layer(data, tmp_path, monkeypatch):
    monkeypatch.setattr(quantizing.physician, "WORTH", 0.0)
    found = edgekit.quantize(
        float_nets.mobilenet(spread=20.0), data.first(120), tmp_path / "x.tflite", doctor=True, max_drop=0.0
    )
    assert [rung.name for rung in found.ladder] == ["float", "int8"]
    assert "of the error that is left" in found.refused
    assert not list(tmp_path.iterdir())
    assert "NOT WRITTEN" in printed(found)


def test_without_labels_agreement_stands_for_accuracy(easy, data):
    found = edgekit.quantize(easy, float_nets.unlabelled(data))
    assert found.drop is None
    assert found.ladder[1].accuracy is None
    assert found.ladder[1].agreement > 0.9
    with pytest.raises(DataError, match="without labels"):
        edgekit.quantize(easy, float_nets.unlabelled(data), max_drop=0.01)


def test_the_interval_of_a_drop_is_that_of_pairs():
    before = np.array([True] * 90 + [False] * 10)
    same = quantizing.paired(before, before)
    assert (same.share, same.low, same.high, same.changed) == (0, -0.03, 0.03, 0), "rule of three"
    assert quantizing.paired(before[:2], before[:2]).high == 1
    after = before.copy()
    after[:4], after[-2:] = False, True
    drop = quantizing.paired(before, after)
    assert drop.share == pytest.approx(0.02)
    assert drop.high - drop.share == pytest.approx(1.959964 * np.sqrt(6 - 4 / 100) / 100)


def changed(data: Samples, array: np.ndarray) -> Samples:
    return replace(data, inputs=tuple((row[None],) for row in array))


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda d: replace(d, labels=(5, *d.labels[1:])), "classes the model does not have"),
        (lambda d: replace(d, labels=(-1, *d.labels[1:])), "classes the model does not have"),
        (lambda d: d.first(1), "cannot set ranges"),
        (lambda d: changed(d, np.ones((40, 12, 10, 3), np.float32)), "one value"),
        (lambda d: changed(d, np.full((40, 12, 10, 3), np.nan, np.float32)), "not finite"),
        (lambda d: changed(d, np.zeros((40, 12, 9, 3), np.float32)), "do not fit"),
    ],
)
def test_bad_data_is_refused_before_anything_is_written(easy, data, tmp_path, wrong, text):
    bad = wrong(data)
    bad = bad if len(bad) == len(bad.labels) else replace(bad, labels=bad.labels[: len(bad)])
    with pytest.raises(DataError, match=text):
        edgekit.quantize(easy, bad, tmp_path / "x.tflite")
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_not_finite_are_named_as_what_is_wrong(easy, data, tmp_path):
    name = next(n for n, t in easy.tensors.items() if t.data is not None and t.data.dtype == np.float32)
    broken = easy.tensors[name].value.copy()
    broken.flat[0] = np.nan
    sick = replace(easy, tensors={**easy.tensors, name: replace(easy.tensors[name], data=broken)})
    with pytest.raises(ModelError, match="weights are not finite") as error:
        edgekit.quantize(sick, data, tmp_path / "x.tflite")
    assert name in str(error.value)
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written_are_refused_first(easy, data, tmp_path):
    with pytest.raises(UsageError, match=r"ends in \.tflite"):
        edgekit.quantize(easy, data, tmp_path / "x.bin")
    with pytest.raises(UserError, match="no such folder"):
        edgekit.quantize(easy, data, tmp_path / "absent" / "x.tflite")
    (tmp_path / "x.tflite").mkdir()
    with pytest.raises(UserError, match="cannot be written"):
        edgekit.quantize(easy, data, tmp_path / "x.tflite")
    assert [p.name for p in tmp_path.iterdir()] == ["x.tflite"]


def test_unknown_calibrators_and_kinds_of_files_are_refused(easy, data, tmp_path):
    with pytest.raises(UsageError, match="no such calibrator"):
        edgekit.quantize(easy, data, calibrate="best")
    with pytest.raises(UserError, match="cannot be quantised"):
        edgekit.quantize(tmp_path / "net.pt", data)
    with pytest.raises(UnsupportedError, match=r"edgekit quantize net\.keras --data"):
        edgekit.load("some/net.keras")
    result = CliRunner().invoke(app, ["analyze", str(tmp_path / "net.h5")])
    assert result.exit_code == 1


def call(*args):
    return CliRunner().invoke(app, [str(a) for a in args])


@keras_files
def test_the_command_goes_from_a_keras_file_to_a_file_that_builds(tmp_path, monkeypatch):
    need.package("tensorflow")
    model = keras_models.randomised(keras_models.networks()["sequential"]())
    model.save(tmp_path / "net.keras")
    x = np.random.default_rng(3).normal(0, 1, (60, *model.inputs[0].shape[1:])).astype(np.float32)
    labels = np.argmax(np.asarray(model(x)), axis=1)
    np.savez(tmp_path / "data.npz", inputs=x, labels=labels)
    monkeypatch.chdir(tmp_path)
    result = call("quantize", "net.keras", "--data", "data.npz", "--max-drop", "20%", "--json")
    assert result.exit_code == 0, result.stdout
    tree = json.loads(result.stdout)
    assert tree["written"] == "net_int8.tflite"
    assert [r["name"] for r in tree["ladder"]] == ["float", "int8"]
    assert edgekit.load("net_int8.tflite").macs > 0
    again = call("quantize", "net.keras", "--data", "data.npz", "--calibrate", "mse", "--max-drop", "20%")
    assert again.exit_code == 0
    assert "next: edgekit profile net_int8.tflite" in again.stdout
    assert "tflite-micro computes every byte" in again.stdout
    assert call("quantize", "net.keras", "--data", "data.npz", "--max-drop", "5").exit_code == 2
    np.savez(tmp_path / "data.npz", inputs=x, labels=(labels + 1) % labels.max())
    before = (tmp_path / "net_int8.tflite").read_bytes()
    np.savez(tmp_path / "bad.npz", inputs=x, labels=labels + 100)
    assert call("quantize", "net.keras", "--data", "bad.npz").exit_code == 1
    assert (tmp_path / "net_int8.tflite").read_bytes() == before
