"""Charts: their numbers lie where they belong, and nothing in a name becomes part of the drawing."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import made_up
from typer.testing import CliRunner

import edgekit
from edgekit import demo
from edgekit.cli import app
from edgekit.reports import charts, svg
from edgekit.reports.arena import arena
from edgekit.reports.memory import alive, peak

finite = st.floats(-1e9, 1e9)


@given(st.floats(-1e5, 1e5), st.floats(1e-2, 1e9), st.integers(1, 20))
def test_ticks_are_few_even_and_inside(low, span, most):
    high = low + span
    found = svg.ticks(low, high, most)
    assert len(found) <= most
    assert all(low - span * 1e-6 <= t <= high + span * 1e-6 for t in found)
    steps = [(b - a) / span for a, b in itertools.pairwise(found)]
    assert max(steps, default=0) - min(steps, default=0) < 1e-4


def test_ticks_are_round():
    assert svg.ticks(0, 9.7, 6) == [0, 2, 4, 6, 8]
    assert svg.ticks(0, 5 - 1e-12, 5) == [0, 2, 4]
    assert svg.ticks(0, 0, 6) == svg.ticks(0, float("inf"), 6) == []


@given(st.lists(finite, max_size=200))
def test_a_histogram_counts_every_value_once(values):
    counts, low, high = charts.bins(values)
    assert sum(counts) == (len(values) if high > low else 0)


def test_the_highest_value_lies_in_the_last_bin():
    assert charts.bins([0, 1, 2, 3, 4]) == ([1, 1, 1, 1, 1], 0, 4)


def test_a_curve_of_many_samples_keeps_its_peaks_in_few_points():
    seconds = np.linspace(10, 11, 200_000)
    values = np.full(200_000, 5.0)
    values[123_456], values[50_000] = 9.0, 1.0
    drawn = charts.curve("t", seconds, values, "mA", windows=[(9.0, 10.5)], width=600)
    (path,) = drawn.iter("path")
    points = [tuple(map(float, p)) for p in re.findall(r"([\d.]+),([\d.]+)", path.get("d"))]
    assert len(points) <= 2 * 600
    ys = [y for _, y in points]
    assert min(ys) == 10  # the highest value lies at the top of the frame
    at = svg.Scale(10, 11, 48, 588)
    assert points[ys.index(min(ys))][0] == pytest.approx(at(float(seconds[123_456])), abs=0.1)
    assert points[ys.index(max(ys))][0] == pytest.approx(at(float(seconds[50_000])), abs=0.1)
    (window,) = (r for r in drawn.iter("rect") if r.get("class") == "window")
    assert (float(window.get("x")), float(window.get("width"))) == (48, 270)  # cut at the frame


def test_a_share_above_one_is_full_and_called_so_by_its_colour():
    kinds = [
        [(r.get("class"), r.get("width")) for r in charts.share_bar(s, 100).iter("rect")][1] for s in (0.5, 1.2, 0)
    ]
    assert kinds == [("bar", "50"), ("over", "100"), ("bar", "0")]


def test_parts_of_a_bar_fill_it():
    drawn = charts.stacked_bar("t", [("a", 300), ("b", 0), ("c", 100)], 200)
    parts = [(r.get("class"), r.get("x"), r.get("width"), r.findtext("title")) for r in drawn.iter("rect")]
    assert parts == [("s0", "0", "150", "a: 300"), ("s1", "150", "0", "b: 0"), ("s2", "150", "50", "c: 100")]


@pytest.fixture(scope="module")
def plan():
    return edgekit.make_plan(edgekit.optimise(edgekit.load(demo.MODEL)), "nucleo-l4r5zi")


@pytest.mark.parametrize("width", [330, 940])
def test_every_tensor_lies_in_the_arena_where_and_when_the_plan_says(plan, width):
    drawn = arena(plan, width)
    boxes = [r for r in drawn.iter("rect") if r.get("class").startswith("tensor")]
    assert len(boxes) == len(plan.slots)
    per_step = (width - 74) / len(plan.steps)
    per_byte = 280 / plan.arena_bytes
    for box, slot in zip(boxes, plan.slots, strict=True):
        x, y, wide, high = (float(box.get(k)) for k in ("x", "y", "width", "height"))
        steps = min(slot.last + 1, len(plan.steps)) - slot.first
        assert (x, wide) == pytest.approx((62 + slot.first * per_step, steps * per_step), abs=0.2)
        assert (y, high) == pytest.approx((24 + slot.offset * per_byte, max(slot.bytes * per_byte, 0.5)), abs=0.2)
        assert slot.tensor in box.findtext("title")
    runs = [layer for layer, _ in itertools.groupby(step.layer for step in plan.steps)]
    assert sum(r.get("class") == "scratch" for r in drawn.iter("rect")) == sum(
        plan.layers[layer].scratch_bytes > 0 for layer in runs
    )


def test_names_of_layers_stand_inside_their_boxes_and_not_on_each_other(plan):
    fused = "a/relu/Relu;a/batch_normalization/FusedBatchNormV3;a/conv2d/BiasAdd"
    long = replace(plan, slots=tuple(replace(s, tensor=f"{fused}{i}") for i, s in enumerate(plan.slots)))
    drawn = arena(long, 940)
    named = [t for t in drawn.iter("text") if not t.get("class")]
    assert named
    assert not [t.text for t in named if ";" in t.text]
    spans = sorted((float(t.get("y")), float(t.get("x")), float(t.get("x")) + 7.2 * len(t.text)) for t in named)
    assert not [(a, b) for a, b in itertools.pairwise(spans) if b[0] - a[0] < 12 and b[1] < a[2]]


def test_the_peak_step_is_marked(plan):
    drawn = arena(plan, 940)
    (mark,) = (r for r in drawn.iter("rect") if r.get("class") == "peak")
    assert float(mark.get("x")) == pytest.approx(62 + peak(plan) * 866 / len(plan.steps), abs=0.1)
    assert f"peak: {alive(plan, peak(plan)):,} B" in [t.text for t in drawn.iter("text")]


def test_a_plan_without_steps_is_drawn():
    empty = replace(made_up.plan(), steps=(), layers=(), slots=(), arena_bytes=0)
    assert "0 steps" in svg.markup(arena(empty, 330))


@pytest.mark.parametrize("name", ["<script>x</script>", '"><svg onload=x>', "a\x00\x1b\u202e\ud800b"])
def test_a_drawing_of_its_own_is_sound_xml_whatever_tensors_are_called(name):
    plan = made_up.plan()
    plan = replace(plan, slots=tuple(replace(s, tensor=name) for s in plan.slots))
    root = ET.fromstring(svg.document(arena(plan, 940)).encode())  # noqa: S314 - our own
    assert {e.tag.rpartition("}")[2] for e in root.iter()} == {"svg", "title", "style", "line", "text", "rect"}
    assert not [a for e in root.iter() for a in e.attrib if a.startswith("on")]
    assert "--ink" in root.findtext("{http://www.w3.org/2000/svg}style")


def test_explain_memory_writes_the_drawing_and_nothing_else_takes_it(tmp_path):
    out = tmp_path / "arena.svg"
    done = CliRunner().invoke(app, ["explain", "memory", str(demo.MODEL), "--svg", str(out)])
    assert done.exit_code == 0, done.stderr
    planned = edgekit.make_plan(edgekit.optimise(edgekit.load(demo.MODEL)), "nucleo-l4r5zi")
    assert f"Arena of {planned.arena_bytes:,} bytes over {len(planned.steps)} steps" in out.read_text()
    again = CliRunner().invoke(app, ["explain", "size", str(demo.MODEL), "--svg", str(tmp_path / "y.svg")])
    assert (again.exit_code, [p.name for p in tmp_path.iterdir()]) == (2, ["arena.svg"])
