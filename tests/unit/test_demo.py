from __future__ import annotations

import hashlib
import tomllib

import numpy as np
from tflite_micro.python.tflite_micro import runtime

from edgekit import demo

PROVENANCE = tomllib.loads(demo.PROVENANCE.read_text(encoding="utf-8"))


def test_the_shipped_files_are_the_ones_whose_provenance_is_written_down() -> None:
    for path in (demo.MODEL, demo.SAMPLES):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == PROVENANCE["sha256"][path.name]


def test_the_test_people_took_no_part_in_training() -> None:
    split = PROVENANCE["split"]
    assert not set(split["test"]) & {*split["train"], *split["validate"]}


def test_samples_carry_a_label_each_and_every_class_occurs() -> None:
    with np.load(demo.SAMPLES, allow_pickle=False) as samples:
        inputs, labels, classes = samples["inputs"], samples["labels"], samples["classes"]
    assert inputs.dtype == np.int8
    assert inputs.shape == (PROVENANCE["windows"]["shipped"], 128, 1, 6)
    assert labels.shape == inputs.shape[:1]
    assert sorted(set(labels.tolist())) == list(range(len(classes)))


def test_the_model_reaches_its_stated_accuracy_on_the_shipped_samples() -> None:
    interpreter = runtime.Interpreter.from_bytes(demo.MODEL.read_bytes())
    with np.load(demo.SAMPLES, allow_pickle=False) as samples:
        inputs, labels = samples["inputs"], samples["labels"]
    hits = 0
    for window, label in zip(inputs, labels, strict=True):
        interpreter.set_input(window[np.newaxis], 0)
        interpreter.invoke()
        hits += int(interpreter.get_output(0).argmax() == label)
    assert round(hits / len(labels), 4) == PROVENANCE["int8_accuracy"]["shipped"]
    assert hits / len(labels) > 0.85


def test_the_demonstration_stays_small_enough_to_ship() -> None:
    assert demo.MODEL.stat().st_size < 70_000
    assert demo.SAMPLES.stat().st_size < 300_000
