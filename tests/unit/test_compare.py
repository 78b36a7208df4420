"""Comparisons: what they find, what they refuse, and the limits that --fail-if takes."""

from __future__ import annotations

import copy
import json
from fractions import Fraction

import pytest
from support.made_up import LABELLED, MODEL, VERIFIED, bundle, tree
from typer.testing import CliRunner

from edgekit import limits, report
from edgekit.bundle import RAW, Bundle
from edgekit.cli import app
from edgekit.compare import METRICS, compare
from edgekit.errors import ResultError, UsageError


def changed(**change) -> Bundle:
    """The made-up profile with keys changed; a path's keys are joined by two underscores."""
    found = copy.deepcopy(tree())
    for path, value in change.items():
        *way, last = path.split("__")
        inner = found
        for key in way:
            inner = inner[key]
        inner[last] = value
    return Bundle(found)


def shown(found) -> str:
    console = report.console(width=120)
    with console.capture() as capture:
        console.print(report.comparison(found))
    return " ".join(capture.get().split())


def refusals(a, b) -> str:
    with pytest.raises(ResultError) as caught:
        compare(a, b)
    return str(caught.value)


def test_a_result_does_not_differ_from_itself():
    found = compare(bundle(), bundle())
    assert all(d.change == 0 for d in found.deltas)
    assert all(len(set(pair)) == 1 for x in found.layers for pair in (x.kernels, x.instructions, x.cycles))
    assert found.remarks == ()
    assert "3 of 3 layers cost the same" in shown(found)


def test_every_figure_that_changed_is_shown_with_its_change():
    layers = copy.deepcopy(tree()["layers"])
    layers[0] |= {"instructions": 2_000_123, "cycles": 2_500_000, "kernel": "conv_2d_s8_mve"}
    after = changed(latency_us=25_000.0, instructions=2_100_123, flash__total=33_832, layers=layers)
    found = compare(bundle(), after)
    by_name = {d.metric.name: d for d in found.deltas}
    assert by_name["latency"].change == -5000
    assert by_name["latency"].relative == pytest.approx(-1 / 6)
    assert by_name["flash"].change == 1024
    text = shown(found)
    for part in ("-5.00 ms", "-16.7%", "-900,000", "-30.0%", "+1,024 B", "dsp -> mve", "2 of 3 layers cost the same"):
        assert part in text
    assert found.json()["deltas"][0]["metric"] == "mismatches"


def test_layers_that_came_and_went_are_shown():
    layers = copy.deepcopy(tree()["layers"])
    gone = layers.pop(1)
    layers.append(dict(layers[0]))  # a name that occurs twice
    found = compare(bundle(), changed(layers=layers))
    assert [x.name for x in found.layers] == ["conv2d", "softmax", "conv2d", gone["name"]]
    assert found.layers[0].cycles == (3_500_000, 3_500_000)
    assert found.layers[2].cycles == (None, 3_500_000)
    assert found.layers[3].cycles == (100_000, None)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"board": "emu-m4"}, "different boards (found nucleo-l4r5zi and emu-m4)"),
        ({"how": "measured"}, "not got in the same way (found emulated and measured)"),
        ({"clock_hz": 80_000_000}, "different clocks"),
        ({"machine": "another cpu"}, "different computers"),
        ({"cycles__how": "measured"}, "cycles from different sources"),
        ({"latency_how": "measured, median"}, "latency from different sources"),
        ({"model__inputs": ["int8 1x17"]}, "models with different inputs (found int8 1x16 and int8 1x17)"),
        ({"samples__first_sha256": "00" * 32}, "different input data"),
    ],
)
def test_what_means_nothing_is_refused(change, says):
    assert says in refusals(bundle(), changed(**change))


def test_all_reasons_to_refuse_are_told_at_once():
    text = refusals(bundle(), changed(board="x", clock_hz=1, how="measured"))
    assert all(word in text for word in ("boards", "clocks", "same way"))


def test_results_of_different_commands_are_refused():
    assert "different commands (found profile and verify)" in refusals(bundle(), Bundle(VERIFIED.json()))


def test_another_model_is_compared_as_a_whole_only_and_it_is_said():
    other = {"name": "kws2", "sha256": "99" * 32, "macs": 5, "inputs": list(MODEL.inputs)}
    found = compare(bundle(), changed(model=other, samples__first_sha256="00" * 32))
    assert found.layers == ()
    assert "two different models (kws and kws2)" in shown(found)


def test_another_compiler_is_remarked():
    assert "another toolchain: zig 0.17.1 before, gcc 12.2 after" in shown(
        compare(bundle(), changed(toolchain={"name": "gcc", "version": "12.2"}))
    )


def test_accuracies_of_different_samples_are_not_compared():
    labelled = LABELLED.accuracy.json()
    a, b = changed(accuracy=labelled), changed(accuracy=labelled, samples__sha256="00" * 32)
    assert "accuracy" in [d.metric.name for d in compare(a, a).deltas]
    found = compare(a, b)
    assert "accuracy" not in [d.metric.name for d in found.deltas]
    assert "the accuracies are of different samples" in shown(found)


def test_energies_of_different_meters_are_not_compared():
    a = changed(energy__per_inference_uj=90.0, energy__how="measured", energy__meter="PPK2")
    b = changed(
        energy__per_inference_uj=60.0, energy__how="measured", energy__meter="PPK2", energy__idle_subtracted=True
    )
    assert compare(a, changed(energy__per_inference_uj=81.0, energy__how="measured", energy__meter="PPK2"),
                   limits.parse(["energy<-9uJ"])).overstepped == ()  # fmt: skip
    found = compare(a, b)
    assert "energy" not in [d.metric.name for d in found.deltas]
    assert "one is measured PPK2, the other measured PPK2 less idle" in shown(found)
    with pytest.raises(ResultError, match="no energy of an inference to check"):
        compare(a, b, limits.parse(["energy>+1%"]))


def test_verifications_are_compared_by_what_differs():
    worse = copy.deepcopy(VERIFIED.json())
    worse["layers"][1]["different"] = 3
    found = compare(Bundle(VERIFIED.json()), Bundle(worse), limits.parse(["mismatches>0"]))
    assert found.deltas[0].change == 3
    assert [o.limit.text for o in found.overstepped] == ["mismatches>0"]


@pytest.mark.parametrize(
    ("text", "latency_us", "fails"),
    [
        ("latency>+5%", 31_500.0, False),
        ("latency>+5%", 31_500.001, True),
        ("latency > +5 %", 31_501.0, True),
        ("latency>+0%", 30_000.0, False),
        ("latency<-5%", 28_500.0, False),
        ("latency<-5%", 28_499.0, True),
        ("latency>-5%", 29_000.0, True),
        ("latency>+1.5ms", 31_500.0, False),
        ("latency>+1.5ms", 31_500.1, True),
        ("latency<-500us", 29_400.0, True),
        ("latency>30ms", 30_000.0, False),
        ("latency>30ms", 30_000.1, True),
        ("latency>0.03s", 30_000.1, True),
        ("latency<30000us", 29_999.9, True),
        ("latency>30000000ns", 30_000.1, True),
        ("latency>+1500µs", 31_500.1, True),
    ],
)
def test_a_limit_holds_exactly_beyond_its_bound(text, latency_us, fails):
    found = compare(bundle(), changed(latency_us=latency_us), limits.parse([text]))
    assert bool(found.overstepped) == fails


@pytest.mark.parametrize(
    ("text", "metric", "bound", "relative", "changes"),
    [
        ("flash>+1KiB", "flash", Fraction(1024), False, True),
        ("ram>20kB", "ram", Fraction(20_000), False, False),
        ("instructions>3M", "instructions", Fraction(3_000_000), False, False),
        ("cycles>+100", "cycles", Fraction(100), False, True),
        ("accuracy<90%", "accuracy", Fraction(9, 10), False, False),
        ("accuracy<-1pp", "accuracy", Fraction(-1, 100), False, True),
        ("accuracy<-1%", "accuracy", Fraction(-1, 100), True, True),
    ],
)
def test_units_and_signs_mean_what_they_say(text, metric, bound, relative, changes):
    (limit,) = limits.parse([text])
    assert (limit.metric.name, limit.bound, limit.relative, limit.changes) == (metric, bound, relative, changes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("latncy>+5%", "Did you mean 'latency'?"),
        ("colour>+5%", "there is no such metric"),
        ("latency>5%", "Write latency>+5% for a change"),
        ("accuracy<1pp", "need a sign"),
        ("latency>+5", "no unit of latency (found no unit"),
        ("latency>+5KiB", "no unit of latency (found KiB, allowed ns, us, ms, s, or % for a change)"),
        ("flash>+1kib", "no unit of flash"),
        ("ram>+1pp", "no unit of ram"),
        ("latency=5ms", "this is no limit"),
        ("latency>=5ms", "this is no limit"),
        ("latency>five", "this is no limit"),
        ("latency>+5%;rm", "this is no limit"),
        ("latency>1e9ms", "this is no limit"),
        ("latency>٣ms", "this is no limit"),
        ("", "this is no limit"),
    ],
)
def test_what_is_no_limit_is_refused_with_help(text, says):
    with pytest.raises(UsageError) as caught:
        limits.parse([text])
    assert says in str(caught.value)


def test_all_limits_that_are_wrong_are_told_at_once():
    with pytest.raises(UsageError) as caught:
        limits.parse(["x>1", "latency>+5%", "y>1"])
    assert len(caught.value.problems) == 2


def test_a_change_from_nothing_is_beyond_any_percentage():
    found = compare(changed(ram__stack=0), changed(ram__stack=1), limits.parse(["stack>+900%"]))
    assert found.overstepped


def test_a_limit_on_what_is_not_there_is_an_error_and_not_passed():
    nothing = changed(latency_us=None)
    with pytest.raises(ResultError, match="no latency to check"):
        compare(bundle(), nothing, limits.parse(["latency>30ms"]))
    with pytest.raises(ResultError, match="no latency to check"):
        compare(nothing, bundle(), limits.parse(["latency>+1%"]))
    assert not compare(nothing, bundle(), limits.parse(["latency>30ms"])).overstepped


def test_metrics_have_names_of_their_own():
    names = [m.name for m in METRICS]
    assert len(set(names)) == len(names)
    assert all(m.dimension in limits.UNITS for m in METRICS)
    assert RAW


@pytest.fixture
def files(tmp_path):
    for name, found in (("a", tree()), ("b", tree(latency_us=33_000.0)), ("c", tree(board="emu-m4"))):
        (tmp_path / f"{name}.json").write_text(json.dumps(found))
    return {name: str(tmp_path / f"{name}.json") for name in "abc"}


def call(*args):
    return CliRunner().invoke(app, ["compare", *args])


def test_the_exit_code_says_whether_a_limit_holds(files):
    assert call(files["a"], files["b"], "--fail-if", "latency>+11%").exit_code == 0
    failed = call(files["a"], files["b"], "--fail-if", "latency>+11%", "--fail-if", "latency>+5%")
    assert failed.exit_code == 1
    assert "fails latency>+5%: 30.00 ms -> 33.00 ms (+3.00 ms, +10.00%)" in " ".join(failed.stdout.split())
    assert call(files["a"], files["c"]).exit_code == 1
    assert call(files["a"], files["b"], "--fail-if", "latency>5%").exit_code == 2


def test_json_says_what_failed(files):
    found = json.loads(call(files["a"], files["b"], "--fail-if", "latency>+5%", "--json").stdout)
    assert found["failed"] == ["latency>+5%"]
    assert found["before"]["board"] == "nucleo-l4r5zi"
    latency = next(d for d in found["deltas"] if d["metric"] == "latency")
    assert (latency["change"], latency["how"]) == (3000.0, "estimated")
