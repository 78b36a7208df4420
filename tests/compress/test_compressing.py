"""The command compress: a recipe is cooked on, however often it is stopped; its figures are those of the firmware."""

from __future__ import annotations

import io
import json
import re
import resource
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support import keras_models, need
from support.small_networks import NETWORKS
from typer.testing import CliRunner

import edgekit
from edgekit import compressing
from edgekit.cli import app
from edgekit.compress import recipe as recipes
from edgekit.compress import training
from edgekit.compress.training import Budget
from edgekit.compressing import data as labelled
from edgekit.compressing import stages
from edgekit.errors import DataError, ModelError, UnsupportedError, UserError
from edgekit.ir import batch
from edgekit.reports import compressing as reports
from edgekit.reports.parts import console
from edgekit.samples import quantise

BOARD = "nucleo-l4r5zi"
CLASSES = 5
DOCS = Path(__file__).resolve().parents[2] / "docs"
ALL = """
seed = 3
teacher = "self"
[channels]
ratio = 0.5
epochs = 2
[weights]
sparsity = 0.5
epochs = 3
[distill]
epochs = 2
[int8]
how = "qat"
epochs = 2
"""
TRAINED = ("channels", "weights", "distill", "int8")
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.timeout(600),
]


@pytest.fixture(autouse=True)
def _keras():
    need.package("tensorflow")


def task(count=300, seed=1, shape=(4, 5)):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(0, 1, (CLASSES, *shape))
    labels = np.arange(count) % CLASSES
    return (centres[labels] + rng.normal(0, 1.2, (count, *shape))).astype(np.float32), labels


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    """A trained model, its data and a recipe of all stages."""
    need.package("tensorflow")
    folder = tmp_path_factory.mktemp("things")
    model, (x, y), (test_x, test_y) = NETWORKS["dense"](), task(), task(200, seed=2)
    training.fit(model, x, y, Budget(15, 5e-3, 16))
    model.save(folder / "net.keras")
    np.savez(folder / "data.npz", inputs=x, labels=y, test_inputs=test_x, test_labels=test_y)
    (folder / "r.toml").write_text(ALL, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def whole(things):
    """A run that nothing stopped."""
    return run(things, things / "out")


def run(things, out, text=ALL, *, data="data.npz", model="net.keras", **more):
    path = things / f"r{abs(hash(text))}.toml"
    path.write_text(text, encoding="utf-8")
    return compressing.run(things / model, recipes.read(path), things / data, BOARD, out, **more)


def call(*args):
    return CliRunner().invoke(app, [str(a) for a in args], prog_name="edgekit")


def test_every_stage_is_reached_and_the_firmware_is_exact(whole, things):
    assert [s.name for s in whole.stages] == ["float, as given", "channels", "weights", "distill", "int8 (qat)"]
    given, thinner, sparser, taught, last = whole.stages
    assert given.parameters == given.nonzero == whole.before.parameters
    assert thinner.parameters < 0.6 * given.parameters
    assert sparser.nonzero < 0.7 * sparser.parameters
    assert taught.nonzero <= sparser.nonzero
    assert last.nonzero <= sparser.nonzero
    assert given.accuracy.share > 0.9
    assert last.accuracy.share > 0.7
    for side in (whole.before, whole.after):
        assert side.profile.exact
        assert side.profile.how == "emulated"
    assert whole.after.profile.model.macs < 0.6 * whole.before.profile.model.macs
    assert whole.after.profile.instructions < whole.before.profile.instructions
    assert whole.after.path == things / "out" / "model.tflite"


def test_the_accuracy_is_that_of_the_file_written(whole, things):
    x, y = task(200, seed=2)
    for side in (whole.before, whole.after):
        graph = edgekit.load(side.path)
        given = quantise(x, graph.tensors[graph.inputs[0]])
        answers = batch.outputs(graph, [given])[0].reshape(len(x), -1).argmax(axis=1)
        assert side.accuracy.right == int((answers == y).sum())
        assert side.accuracy.total == 200
    lost = (whole.before.accuracy.right - whole.after.accuracy.right) / 200
    assert whole.drop.share == pytest.approx(lost)
    kept = json.loads((things / "out" / "compression.json").read_text(encoding="utf-8"))
    assert kept == json.loads(json.dumps(whole.json()))


def test_the_table_has_every_figure_and_says_how_it_was_got(whole):
    out = console(io.StringIO(), width=120)
    out.print(reports.compression(whole))
    text = out.file.getvalue()
    before, after = whole.before, whole.after
    for title, old, new in (
        ("parameters", before.parameters, after.parameters),
        ("MACs", before.profile.model.macs, after.profile.model.macs),
        ("flash, bytes", before.profile.sizes.flash, after.profile.sizes.flash),
        ("RAM, bytes", before.profile.sizes.ram, after.profile.sizes.ram),
        ("instructions, emulated", before.profile.instructions, after.profile.instructions),
        ("cycles, estimated", before.profile.cycles.value, after.profile.cycles.value),
    ):
        assert re.search(rf"^{title} +{old:,} +{new:,} +{new / old:.2f}", text, re.MULTILINE), title
    assert re.search(r"^energy, uJ, estimated \+-\d+% ", text, re.MULTILINE)
    assert re.search(r"^95 % interval +\d+\.\d% to ", text, re.MULTILINE)
    assert "95 % interval of the drop" in text
    assert "next: edgekit build" in text


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(whole, things, tmp_path):
    again = run(things, tmp_path)
    assert not any(s.reused for s in again.stages)
    assert again.after.path.read_bytes() == whole.after.path.read_bytes()
    other = run(things, tmp_path, ALL.replace("seed = 3", "seed = 4"))
    assert other.after.path.read_bytes() != whole.after.path.read_bytes()


def test_finished_stages_are_taken_from_disk_until_one_differs(whole, things):
    again = run(things, things / "out")
    assert [s.reused for s in again.stages] == [False, True, True, True, True]
    assert again.after.path.read_bytes() == whole.after.path.read_bytes()
    changed = run(things, things / "out", ALL.replace("sparsity = 0.5", "sparsity = 0.6"))
    assert [s.reused for s in changed.stages] == [False, True, False, False, False]
    run(things, things / "out")  # the first recipe's stages are still there
    folder = whole.stages[2].folder
    (folder / "model.keras").write_bytes((folder / "model.keras").read_bytes()[:-1])
    mended = run(things, things / "out")
    assert [s.reused for s in mended.stages] == [False, True, False, True, True]
    assert mended.after.path.read_bytes() == whole.after.path.read_bytes()


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from edgekit import compressing
    from edgekit.compress import recipe

    model, toml, data, out, stage, done = sys.argv[1:]

    def progress(now, so_far, _whole):
        if now == stage and so_far >= int(done):
            os.kill(os.getpid(), signal.SIGKILL)

    compressing.run(Path(model), recipe.read(Path(toml)), Path(data), "nucleo-l4r5zi", Path(out), progress=progress)
"""


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_was_not(whole, things, tmp_path):
    """Once while the model as given is built, once in the middle of every stage, once while the result is built."""
    script = tmp_path / "killed.py"
    script.write_text(textwrap.dedent(KILLED), encoding="utf-8")
    out = tmp_path / "out"
    files = [things / "net.keras", things / "r.toml", things / "data.npz", out]
    places = [("before: building", 0), *((f"{name}: epochs", 1) for name in TRAINED), ("model: building", 0)]
    for number, (stage, done) in enumerate(places):
        command = [sys.executable, script, *files, stage, str(done)]
        ended = subprocess.run([str(c) for c in command], capture_output=True, check=False)
        assert ended.returncode == -9, ended.stderr.decode()[-2000:]
        kept = [p.name.split("-")[1] for p in sorted(out.glob("stages/*")) if not p.name.endswith(".part")]
        assert kept == list(TRAINED[: max(number - 1, 0)])
    found = run(things, out)
    assert all(s.reused for s in found.stages[1:])
    assert found.after.path.read_bytes() == whole.after.path.read_bytes()
    assert found.json()["after"]["accuracy"] == whole.json()["after"]["accuracy"]


def test_a_stage_that_was_not_wholly_written_does_not_count(things, tmp_path, monkeypatch):
    real = Path.rename

    def stopped(self, target):
        if self.name.endswith(".part"):
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "rename", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(things, tmp_path)
    assert list(tmp_path.glob("stages/*")) == []
    monkeypatch.undo()
    assert not run(things, tmp_path).stages[1].reused


@contextmanager
def files_at_most(count):
    """No file may grow beyond ``count`` bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_and_what_was_finished_is_kept(things, tmp_path):
    first = ALL[: ALL.index("[weights]")]
    run(things, tmp_path, first)
    prepared = work(things, tmp_path)
    with files_at_most(3000), pytest.raises(UserError, match=r"cannot be written.*make room and run the same"):
        prepared.cook()
    assert [p.name.split("-")[1] for p in tmp_path.glob("stages/*")] == ["channels"]
    assert [s.reused for s in run(things, tmp_path).stages] == [False, True, False, False, False]


def work(things, out, text=ALL):
    path = things / "w.toml"
    path.write_text(text, encoding="utf-8")
    return compressing.prepared(things / "net.keras", recipes.read(path), things / "data.npz", BOARD, out)


def test_without_stages_it_is_plain_int8(things, tmp_path):
    found = run(things, tmp_path, "")
    assert [s.name for s in found.stages] == ["float, as given", "int8 (ptq)"]
    assert found.after.path.read_bytes() == found.before.path.read_bytes()
    assert (found.drop.share, found.drop.low < 0 < found.drop.high) == (0, True)


@pytest.mark.parametrize("target", ["parameters", "weights", "ram"])
def test_a_target_is_kept_and_one_that_cannot_be_says_the_best_reached(things, tmp_path, target):
    text = '[channels]\ntarget = "{}"\nlimit = {}\nepochs = 1\n'
    limit = {"parameters": 800, "weights": 1400, "ram": 64}[target]
    found = run(things, tmp_path, text.format(target, limit))
    side, before = found.after, found.before
    reached = {"parameters": side.parameters, "weights": side.profile.sizes.weights, "ram": side.profile.sizes.arena}
    had = {"parameters": before.parameters, "weights": before.profile.sizes.weights, "ram": before.profile.sizes.arena}
    assert reached[target] <= limit < had[target]
    with pytest.raises(UnsupportedError, match=r"cannot be reached.*found [\d,]+ at the least, allowed 3"):
        run(things, tmp_path, text.format(target, 3))


def damaged(things, tmp_path, **change):
    arrays = dict(np.load(things / "data.npz"))
    for name, value in change.items():
        if value is None:
            del arrays[name]
        else:
            arrays[name] = value(arrays[name])
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    return path


def nan(x):
    x = x.copy()
    x[3, 1] = np.nan
    return x


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inputs": nan}, ["bad.npz, inputs: the samples hold values that are not finite"]),
        ({"test_inputs": nan}, ["bad.npz, test_inputs: the samples hold values that are not finite"]),
        ({"inputs": np.zeros_like}, ["bad.npz, inputs: all samples hold one value"]),
        ({"labels": lambda y: y + 1}, ["bad.npz, labels: labels name classes the model does not have (found 1 to 5"]),
        ({"labels": lambda y: y - 1}, ["found -1 to 3, allowed 0 to 4"]),
        ({"labels": lambda y: y.astype(float)}, ["bad.npz, labels: labels are class numbers"]),
        ({"labels": lambda y: y[:-1]}, ["bad.npz, labels: there is not one label a sample"]),
        ({"inputs": lambda x: x[:, :3]}, ["bad.npz, inputs: the samples do not fit (found (300, 3, 5)"]),
        ({"test_labels": None}, ["there is no array 'test_labels'"]),
        ({"labels": None, "inputs": None}, ["there is no array 'inputs'", "there is no array 'labels'"]),
        (
            {"inputs": nan, "test_inputs": lambda x: x[:, :3], "test_labels": lambda y: y + 9},
            ["inputs: the samples hold", "test_inputs: the samples do not fit", "test_labels: labels name classes"],
        ),
    ],
)
def test_data_that_does_not_fit_is_told_whole_before_anything_is_trained(things, tmp_path, change, said):
    bad = damaged(things, tmp_path, **change)
    with pytest.raises(DataError) as caught:
        run(things, tmp_path / "out", data=bad)
    assert all(any(part in str(p) for p in caught.value.problems) for part in said)
    assert not (tmp_path / "out").exists()


def test_a_teacher_of_other_classes_is_told_together_with_bad_data(things, tmp_path):
    keras_models.randomised(NETWORKS["dense"](classes=4)).save(things / "four.keras")
    bad = damaged(things, tmp_path, inputs=nan)
    with pytest.raises(DataError) as caught:
        run(things, tmp_path / "out", ALL.replace('"self"', '"four.keras"'), data=bad)
    text = str(caught.value)
    assert "not finite" in text
    assert "the teacher knows other classes than the model" in text
    assert "found [(4,)], allowed [(5,)]" in text


def test_a_teacher_from_a_file_counts(things, tmp_path):
    big = NETWORKS["dense"](width=48)
    x, y = task()
    training.fit(big, x, y, Budget(5, 5e-3, 16))
    big.save(things / "big.keras")
    text = 'teacher = "{}"\nalpha = 0.9\n[distill]\nepochs = 1\n'
    one = run(things, tmp_path / "one", text.format("self"))
    other = run(things, tmp_path / "other", text.format("big.keras"))
    assert one.stages[1].folder.name != other.stages[1].folder.name
    assert one.after.path.read_bytes() != other.after.path.read_bytes()


def test_training_that_goes_astray_says_so_and_is_not_kept(things, tmp_path):
    with pytest.raises(ModelError, match=r"stage channels: training went astray.*a lower rate"):
        run(things, tmp_path, "[channels]\nepochs = 2\nrate = 1e30\n")
    assert list(tmp_path.glob("stages/*")) == []


def test_a_file_without_a_test_part_gets_one_that_is_never_trained_on(things, tmp_path):
    path = damaged(things, tmp_path, test_inputs=None, test_labels=None)
    found = labelled.read(path, seed=1)
    assert (len(found.x), len(found.test_x)) == (240, 60)
    trained_on = {row.tobytes() for row in found.x}
    assert not any(row.tobytes() in trained_on for row in found.test_x)
    assert "taken out at random" in found.note
    few = {row.tobytes() for row in found.few[0]}
    assert few <= trained_on


def test_a_dry_run_checks_all_and_writes_nothing(whole, things, tmp_path):
    words = ["compress", things / "net.keras", "--recipe", things / "r.toml", "--data", things / "data.npz", "--json"]
    fresh = call(*words, "--out", tmp_path / "new", "--dry-run")
    assert fresh.exit_code == 0, fresh.stderr
    steps = json.loads(fresh.stdout)["steps"]
    assert [(s["name"], s["done"]) for s in steps] == [(name, False) for name in TRAINED]
    assert not (tmp_path / "new").exists()
    there = call(*words, "--out", things / "out", "--dry-run")
    assert all(s["done"] for s in json.loads(there.stdout)["steps"])
    assert [s["folder"] for s in json.loads(there.stdout)["steps"]] == [str(s.folder) for s in whole.stages[1:]]
    text = call(*words[:-1], "--out", things / "out", "--dry-run").stdout
    assert "taken from disk" in text
    bad = call(*words, "--data", damaged(things, tmp_path, inputs=nan), "--dry-run")
    assert bad.exit_code == 1
    assert "not finite" in json.loads(bad.stdout)["error"]["problems"][0]["what"]


def test_the_command_prints_the_table_or_json_and_nothing_else_on_stdout(whole, things):
    words = ["compress", things / "net.keras", "--recipe", things / "r.toml", "--data", things / "data.npz",
             "--out", things / "out"]  # fmt: skip
    result = call(*words, "--json")
    assert result.exit_code == 0, result.stderr
    tree = json.loads(result.stdout)
    assert tree["kind"] == "compression"
    assert tree["after"]["accuracy"]["right"] == whole.after.accuracy.right
    assert tree["after"]["profile"]["exact"] is True
    shown = call(*words)
    assert "instructions, emulated" in shown.stdout
    assert "... " in shown.stderr


def test_wrong_words_end_with_the_exit_code_of_their_kind(things, tmp_path):
    recipe = tmp_path / "r.toml"
    recipe.write_text("[chanels]\nepochs = 0\n", encoding="utf-8")
    words = ["compress", things / "net.keras", "--recipe", recipe, "--data", things / "data.npz", "-o", tmp_path / "o"]
    result = call(*words)
    assert result.exit_code == 2
    assert "Did you mean 'channels'" in " ".join(result.stderr.split())
    recipe.write_text("", encoding="utf-8")
    result = call(*words, "--board", "nucleo-l4r5z")
    assert result.exit_code == 1
    assert "nucleo-l4r5zi" in result.stderr
    assert not (tmp_path / "o").exists()


@pytest.mark.slow
def test_the_recipe_of_the_documentation_makes_a_network_smaller(tmp_path):
    model, (x, y), (test_x, test_y) = NETWORKS["ds_cnn"](), *(task(n, s, (20, 10, 1)) for n, s in ((1500, 1), (200, 2)))
    training.fit(model, x, y, Budget(10, 5e-3, 16))
    model.save(tmp_path / "net.keras")
    np.savez(tmp_path / "data.npz", inputs=x, labels=y, test_inputs=test_x, test_labels=test_y)
    recipe = recipes.read(DOCS / "recipes" / "small.toml")
    found = compressing.run(tmp_path / "net.keras", recipe, tmp_path / "data.npz", BOARD, tmp_path / "out")
    assert found.after.profile.exact
    assert found.after.parameters < 0.5 * found.before.parameters
    assert found.after.profile.instructions < 0.7 * found.before.profile.instructions
    assert found.after.accuracy.share > found.before.accuracy.share - 0.03


def test_calibration_takes_samples_from_the_whole_file():
    x = np.arange(2000, dtype=np.float32).reshape(-1, 1)
    some = labelled.Data(x, x[:, 0].astype(int), x, x[:, 0].astype(int), "", "")
    values, labels = some.few
    assert len(values) == labelled.CALIBRATION
    assert values.max() > 1900
    assert np.array_equal(values[:, 0].astype(int), labels)


def test_a_stage_is_whole_only_with_all_its_files(tmp_path):
    step = stages.Step("int8", recipes.Int8(), tmp_path)
    assert not step.done
    for text in ("", "[]", "{", '{"model.keras": "00"}'):
        (tmp_path / "stage.json").write_text(text, encoding="utf-8")
        assert not step.done
