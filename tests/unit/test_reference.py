"""The reference that boards are held against."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgekit import demo, reference, samples
from edgekit.frontends import tflite
from edgekit.passes import optimise

DATA = demo.MODEL.read_bytes()
GRAPH = tflite.read(DATA)
INPUTS = samples.made_up(GRAPH, 1).inputs


def computed(graph):
    return [n for node in graph.nodes for n in node.outputs]


@pytest.mark.parametrize("inputs", INPUTS, ids=["random", "lowest", "highest", "zero"])
def test_both_references_agree_on_every_tensor(inputs):
    best = reference.make(GRAPH, GRAPH, DATA)
    own = reference.make(GRAPH, GRAPH, None)
    assert best.name.startswith("tflite-micro ")
    assert "NumPy" in own.name
    left, right = best.values(inputs), own.values(inputs)
    for name in computed(GRAPH):
        assert left[name].dtype == right[name].dtype
        assert np.array_equal(left[name], right[name]), name


def test_without_tflite_micro_the_own_interpreter_stands_in(monkeypatch):
    monkeypatch.setattr(reference.importlib.util, "find_spec", lambda _name: None)
    assert "NumPy" in reference.make(GRAPH, GRAPH, DATA).name


def test_the_passes_take_nothing_out_of_the_reference():
    found = reference.make(GRAPH, optimise(GRAPH), DATA).values(INPUTS[0])
    for name in computed(GRAPH):
        assert found[name].shape == GRAPH.tensors[name].shape


def test_a_tensor_that_a_pass_added_comes_from_the_interpreter_and_the_name_says_so():
    last = GRAPH.nodes[-1]
    renamed = replace(last, outputs=("added",))
    added = replace(GRAPH.tensors[last.outputs[0]], name="added")
    graph = replace(
        GRAPH, nodes=(*GRAPH.nodes[:-1], renamed), outputs=("added",), tensors={**GRAPH.tensors, "added": added}
    )
    made = reference.make(GRAPH, graph, DATA)
    assert "1 added" in made.name
    found = made.values(INPUTS[0])
    assert np.array_equal(found["added"], found[last.outputs[0]])
