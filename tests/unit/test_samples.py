"""Samples from files and from seeds."""

from __future__ import annotations

import io
import pickle
import random
import time
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from edgekit import sample_files, samples
from edgekit.errors import DataError
from edgekit.ir.graph import DType, QuantParams, Tensor

X = Tensor("x", (1, 4, 2), DType.INT8, QuantParams((0.5,), (3,)))


CLASSES = Tensor("classes", (1, 3), DType.INT8, QuantParams((1 / 256,), (-128,)))


def graph(*tensors, output=CLASSES):
    known = {t.name: t for t in (*tensors, output)}
    return SimpleNamespace(inputs=tuple(t.name for t in tensors), outputs=(output.name,), tensors=known)


ONE = graph(X)


def saved(folder, array, name="x.npy"):
    path = folder / name
    np.save(path, array)
    return path


def zipped(folder, **arrays):
    path = folder / "x.npz"
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("shape", [(1, 4, 2), (4, 2), (3, 4, 2), (3, 1, 4, 2)])
def test_samples_may_come_with_or_without_a_batch_dimension(tmp_path, shape):
    loaded = samples.load(saved(tmp_path, np.ones(shape, np.int8)), ONE)
    assert len(loaded) == (1 if shape in ((1, 4, 2), (4, 2)) else 3)
    assert {a.shape for (a,) in loaded.inputs} == {(1, 4, 2)}


def test_real_values_are_quantised_and_the_source_says_so(tmp_path):
    real = np.array([[0.0, 0.25], [-0.25, 1.2], [1e9, -1e9], [0.74, 0.75]], np.float32)
    loaded = samples.load(saved(tmp_path, real), ONE)
    assert loaded.inputs[0][0].tolist() == [[[3, 4], [2, 5], [127, -128], [4, 5]]]
    assert "quantised with scale 0.5, zero point 3" in loaded.source


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros((4, 3), np.int8), "(4, 3)"),
        (np.zeros((0, 4, 2), np.int8), "(0, 4, 2)"),
        (np.full((4, 2), 300, np.int32), "int32 in [300, 300]"),
        (np.full((4, 2), np.nan, np.float32), "NaN or infinity"),
        (np.zeros((4, 2), np.complex64), "complex64"),
        (np.zeros((), np.int8), "()"),
    ],
)
def test_what_does_not_fit_is_told_as_found_against_allowed(tmp_path, array, found):
    with pytest.raises(DataError) as error:
        samples.load(saved(tmp_path, array), ONE)
    assert error.value.problems[0].found == found


def test_all_problems_of_all_inputs_are_told_at_once(tmp_path):
    other = replace(X, name="y")
    path = zipped(tmp_path, x=np.zeros((9, 9), np.int8))
    with pytest.raises(DataError) as error:
        samples.load(path, graph(X, other))
    assert len(error.value.problems) == 2
    assert "'y'" in error.value.problems[1].what


def test_inputs_are_found_by_name_or_number(tmp_path):
    other = replace(X, name="y")
    path = zipped(tmp_path, y=np.ones((2, 4, 2), np.int8), input_0=np.zeros((2, 4, 2), np.int8))
    loaded = samples.load(path, graph(X, other))
    assert [int(a.max()) for a in loaded.inputs[0]] == [0, 1]


def test_inputs_with_different_numbers_of_samples_are_refused(tmp_path):
    path = zipped(tmp_path, x=np.zeros((2, 4, 2), np.int8), y=np.zeros((3, 4, 2), np.int8))
    with pytest.raises(DataError, match="different numbers"):
        samples.load(path, graph(X, replace(X, name="y")))


def test_labels_and_classes_come_along(tmp_path):
    path = zipped(tmp_path, inputs=np.zeros((2, 4, 2), np.int8), labels=np.array([1, 0]), classes=np.array(["a", "b"]))
    loaded = samples.load(path, ONE)
    assert (loaded.labels, loaded.classes) == ((1, 0), ("a", "b"))
    assert loaded.first(1).labels == (1,)


def labelled(folder, label, output=CLASSES):
    path = zipped(folder, inputs=np.zeros((2, 4, 2), np.int8), labels=np.array([0, label]))
    return samples.load(path, graph(X, output=output)).labels


@pytest.mark.parametrize("wrong", [-1, 3, 1 << 40])
def test_labels_that_name_no_class_of_the_model_are_refused(tmp_path, wrong):
    assert labelled(tmp_path, 2) == (0, 2)
    with pytest.raises(DataError, match="classes the model does not have"):
        labelled(tmp_path, wrong)


def test_one_probability_has_two_classes_and_a_plain_integer_any(tmp_path):
    probability = Tensor("p", (1, 1), DType.INT8, QuantParams((1 / 256,), (-128,)))
    assert labelled(tmp_path, 1, probability) == (0, 1)
    with pytest.raises(DataError, match="classes the model does not have"):
        labelled(tmp_path, 2, probability)
    assert labelled(tmp_path, 40, Tensor("index", (1,), DType.INT32)) == (0, 40)


def test_labels_of_another_length_are_refused(tmp_path):
    with pytest.raises(DataError, match="labels"):
        samples.load(zipped(tmp_path, inputs=np.zeros((2, 4, 2), np.int8), labels=np.array([1])), ONE)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_pickled_objects_are_never_loaded(tmp_path, suffix):
    array = np.empty(1, object)
    array[0] = Bomb()
    path = tmp_path / f"x.{suffix}"
    if suffix == "npy":
        np.save(path, array, allow_pickle=True)
    else:
        np.savez(path, inputs=array)
    with pytest.raises(DataError, match="pickled objects"):
        samples.load(path, ONE)


def test_a_bare_pickle_is_not_a_numpy_file(tmp_path):
    path = tmp_path / "x.npy"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DataError):
        samples.load(path, ONE)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04 nothing"])
def test_damaged_files_give_one_clear_error(tmp_path, content):
    for name in ("x.npy", "x.npz"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(DataError):
            samples.load(path, ONE)


def damaged(data, seed):
    """``data`` cut short, with bytes changed, or with a piece taken out or doubled."""
    chance = random.Random(seed)  # noqa: S311 - test data, not a secret
    changed = bytearray(data)
    kind = chance.choice(["cut", "bytes", "bits", "gap", "double"])
    at = chance.randrange(len(changed))
    if kind == "cut":
        del changed[at:]
    elif kind == "gap":
        del changed[at : at + chance.randrange(1, 40)]
    elif kind == "double":
        changed[at:at] = changed[at : at + chance.randrange(1, 40)]
    else:
        for _ in range(chance.randrange(1, 9)):
            at = chance.randrange(min(len(changed), 120)) if chance.random() < 0.5 else chance.randrange(len(changed))
            changed[at] = chance.randrange(256) if kind == "bytes" else changed[at] ^ (1 << chance.randrange(8))
    return bytes(changed)


@pytest.mark.parametrize("name", ["plain.npy", "stored.npz", "packed.npz"])
def test_mutated_files_are_read_or_refused(tmp_path, name):
    array = np.arange(24, dtype=np.int8).reshape(3, 4, 2)
    path = tmp_path / name
    if name == "plain.npy":
        np.save(path, array)
    else:
        (np.savez if name == "stored.npz" else np.savez_compressed)(path, inputs=array, labels=np.array([1, 0, 2]))
    data = path.read_bytes()
    refused = 0
    started = time.monotonic()
    for seed in range(400):
        path.write_bytes(damaged(data, seed))
        try:
            samples.load(path, ONE)
        except DataError:
            refused += 1
    assert 100 < refused < 400
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("shape", [(10**12, 4, 2), (2**62, 4), (2, 4, 2), (4, 4, 2), (-1, 4, 2)])
def test_a_header_that_lies_about_the_shape_is_refused(tmp_path, shape):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|i1", "fortran_order": False, "shape": shape})
    path = tmp_path / "x.npy"
    path.write_bytes(header.getvalue() + bytes(24))
    with pytest.raises(DataError, match="promises"):
        samples.load(path, ONE)


def test_arrays_by_columns_are_read_as_they_were_saved(tmp_path):
    array = np.asfortranarray(np.arange(24, dtype=np.int8).reshape(3, 4, 2))
    loaded = samples.load(saved(tmp_path, array), ONE)
    assert (np.concatenate([a for (a,) in loaded.inputs]) == array).all()


def test_so_many_random_samples_that_no_memory_holds_them_are_refused():
    with pytest.raises(DataError, match="do not fit in memory"):
        samples.made_up(ONE, 10**12)


def test_sources_and_names_are_said_in_words(tmp_path):
    six = samples.made_up(ONE)
    assert six.first(1).source.startswith("the first of 6: ")
    assert six.first(2).source.startswith("the first 2 of 6: ")
    with pytest.raises(DataError) as error:
        samples.load(
            zipped(tmp_path, a=np.zeros(3), b=np.zeros(3)), graph(replace(X, name="input_0"), replace(X, name="y"))
        )
    assert error.value.problems[0].allowed == "'input_0'"


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sample_files, "MAX_BYTES", 100_000)
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inputs.npy", bytes(200_000))
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match="unpacks to too much"):
        samples.load(path, ONE)


def test_missing_files_folders_and_other_suffixes_are_refused(tmp_path):
    for path in (tmp_path / "no.npy", tmp_path / "x.csv", tmp_path):
        with pytest.raises(DataError):
            samples.load(path, ONE)


def test_made_up_samples_span_the_range_and_never_change():
    first, second = samples.made_up(ONE), samples.made_up(ONE)
    assert len(first) == 6
    assert all((a == b).all() for (a,), (b,) in zip(first.inputs, second.inputs, strict=True))
    assert [int(a[0, 0, 0]) for (a,) in first.inputs[3:]] == [-128, 127, 3]
    assert "seed" in first.source


def test_an_answer_is_the_largest_output_or_the_only_one():
    assert samples.answer(np.array([[1, 5, 2]], np.int8), 0.1, 3) == 1
    assert samples.answer(np.array([7], np.int32)) == 7
    likely, unlikely = np.array([[10]], np.int8), np.array([[-10]], np.int8)
    assert [samples.answer(x, 1 / 256, -128) for x in (likely, unlikely)] == [1, 0]
    assert samples.answer(np.array([0.7], np.float32)) == 1


def test_hashes_know_inputs_and_labels():
    first = samples.made_up(ONE)
    assert first.sha256 == samples.made_up(ONE).sha256
    assert first.sha256 != samples.made_up(ONE, seed=2).sha256
    labelled = samples.Samples(first.inputs, "x", labels=tuple(range(len(first))))
    assert labelled.sha256 != first.sha256
    assert labelled.first_sha256 == first.first(1).first_sha256 == first.first_sha256
    assert first.first_sha256 != samples.Samples(first.inputs[1:], "x").first_sha256
