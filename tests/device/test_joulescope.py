"""A Joulescope by its maker's package: the meter against simulated instruments, the simulation against the package."""

from __future__ import annotations

import inspect
import json
import sys

import numpy as np
import pytest
from support import joulescope as instrument
from support.ppk2 import Waveform
from typer.testing import CliRunner

from edgekit import demo
from edgekit.cli import app
from edgekit.device import deploy, meter
from edgekit.device.meter import Expected
from edgekit.device.meters import joulescope, registry
from edgekit.device.meters.registry import Settings
from edgekit.emulate import launch
from edgekit.errors import MeterError, MissingToolError, UsageError

MODELS = ("js110", "js220")


@pytest.fixture
def plugged(monkeypatch):
    def plug(*instruments):
        monkeypatch.setitem(sys.modules, "pyjoulescope_driver", instrument.package(*instruments))

    return plug


def record(plugged, found, where=""):
    """A whole recording of an instrument of fixed length."""
    plugged(found)
    opened = registry.open_meter(Settings("joulescope", where))
    opened.start()
    assert found.done.wait(60)
    capture = opened.stop()
    opened.close()
    assert not found.open
    return capture, opened.about


def expected(found, runs=10):
    pairs = zip(found.edges[::2], found.edges[1::2], strict=True)
    return [Expected(runs, end - begin, begin, end) for begin, end in pairs]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("active", "wave"), [(12e-3, 4e-3), (2.5, 0.8), (40e-6, 5e-6)])
def test_energy_of_known_waveforms_is_right_within_one_percent(plugged, model, active, wave):
    shape = Waveform(idle=active / 5, active=active, wave=wave, period_s=0.0173)
    found = instrument.Instrument(model, waveform=shape, edges=(0.1, 0.4, 0.5, 0.9), length_s=1.0)
    capture, about = record(plugged, found)
    reading = meter.read(capture, about, expected(found))
    assert about.simulated
    assert about.name == f"Joulescope {model.upper()}, simulated"
    for window, (seconds, joules) in zip(reading.windows, found.truth, strict=True):
        assert window.end_s - window.begin_s == pytest.approx(seconds, abs=2e-5)
        assert window.joules == pytest.approx(joules, rel=1e-3)
        assert window.joules_per_run == pytest.approx(joules / 10, rel=1e-3)
        assert window.peak_a == pytest.approx(active + wave, rel=1e-2)
        assert window.volts == pytest.approx(3.0 - instrument.OHM * active, rel=1e-2)
    assert reading.idle_w == pytest.approx((3.0 - instrument.OHM * active / 5) * active / 5, rel=0.02)


@pytest.mark.parametrize("model", MODELS)
def test_nothing_of_the_full_rate_is_lost_and_bins_lie_where_they_were_sampled(plugged, model):
    found = instrument.Instrument(model, edges=(0.3, 1.7), length_s=2.0)
    capture, _ = record(plugged, found)
    assert capture.lost == ()
    assert 199_600 < len(capture.amperes) <= 200_000  # the input's stream begins 3.5 ms later
    fall = int(np.flatnonzero(np.diff(capture.low.astype(int)) == 1)[0]) + 1
    assert capture.amperes[fall - 2] < 3e-3
    assert capture.amperes[fall + 1] > 7e-3


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lost": ((600_000, 600_001),)}, "samples were lost"),
        ({"lost": ((600_000, 640_000),)}, "samples were lost"),
        ({"lost_bits": ((600_000, 640_000),)}, "samples were lost"),
        ({"edges": (0.1,)}, "pin are missing"),
        ({"edges": ()}, "pin are missing"),
        ({"edges": (0.1, 0.2, 0.25, 0.4)}, "pin are missing"),
        ({"waveform": Waveform(active=9.0, wave=1.0)}, "range was exceeded"),
        ({"volts": 15.0}, "range was exceeded"),
        ({"edges": (0.1, 0.385)}, "not as long as by the board's clock"),
        ({"pin": 1}, "pin are missing"),
    ],
)
def test_a_recording_that_cannot_be_trusted_is_refused(plugged, model, change, words):
    if model == "js220" and "lost_bits" not in change:
        change |= {"lost": tuple((a, max(b, a + 2)) for a, b in change.get("lost", ()))}
    found = instrument.Instrument(model, **({"edges": (0.1, 0.4), "length_s": 0.5} | change))
    capture, about = record(plugged, found)
    with pytest.raises(MeterError) as caught:
        meter.read(capture, about, [Expected(10, 0.3, 0.1, 0.4)])
    assert words in str(caught.value)
    assert "no energy is reported" in str(caught.value)


def test_an_instrument_that_begins_to_count_anew_is_refused(plugged):
    begin = 0x1_2345_6780
    found = instrument.Instrument("js220", edges=(0.1, 0.4), length_s=0.5, restarts=begin + 400_000)
    capture, about = record(plugged, found)
    with pytest.raises(MeterError, match="went backwards"):
        meter.read(capture, about, expected(found))


@pytest.mark.parametrize(("model", "pin"), [("js110", 1), ("js220", 3)])
def test_another_input_is_taken_when_asked(plugged, model, pin):
    found = instrument.Instrument(model, edges=(0.1, 0.4), length_s=0.5, pin=pin)
    capture, about = record(plugged, found, f"#{pin}")
    assert len(meter.read(capture, about, expected(found)).windows) == 1
    assert f"input {pin}" in about.wire


def test_of_several_the_one_with_the_serial_number_is_taken_and_none_is_chosen_for_them(plugged):
    both = [instrument.Instrument("js220", serial) for serial in ("000123", "000456")]
    plugged(*both)
    opened = registry.open_meter(Settings("joulescope", "000456"))
    assert (opened.about.port, opened.about.simulated, opened.about.name) == (
        "u/js220/000456",
        False,
        "Joulescope JS220",
    )
    assert [i.open for i in both] == [False, True]
    opened.close()
    with pytest.raises(MeterError, match=r"more than one(?s:.*)u/js220/000123, u/js220/000456"):
        registry.open_meter(Settings("joulescope"))
    with pytest.raises(MeterError, match="no Joulescope 000789"):
        registry.open_meter(Settings("joulescope", "000789"))


def test_what_is_no_joulescope_that_is_known_is_not_taken(plugged):
    plugged(instrument.Instrument("js999"))
    with pytest.raises(MeterError, match=r"there is no Joulescope(?s:.*)js999"):
        registry.open_meter(Settings("joulescope"))


def test_one_that_another_program_has_is_said_to_be_refused(plugged):
    found = instrument.Instrument()
    plugged(found)
    found.open = True
    with pytest.raises(MeterError, match=r"does not do what it is asked(?s:.*)Close other programs"):
        registry.open_meter(Settings("joulescope"))


def test_one_that_goes_away_in_a_recording_is_told(plugged):
    found = instrument.Instrument(edges=(0.1, 0.4), length_s=0.5)
    plugged(found)
    opened = registry.open_meter(Settings("joulescope"))
    opened.start()
    assert found.done.wait(60)
    found.path = "u/js220/gone"
    with pytest.raises(MeterError, match="does not do what it is asked"):
        opened.stop()


def test_a_recording_without_samples_is_said(plugged):
    found = instrument.Instrument(edges=(), length_s=0.5)
    plugged(found)
    found._emit = lambda *_: None
    opened = registry.open_meter(Settings("joulescope"))
    opened.start()
    with pytest.raises(MeterError, match="sent no samples"):
        opened.stop()
    opened.close()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings("joulescope", supply=3.0), "measures the voltage itself"),
        (Settings("joulescope", voltage=3.0), "measures the voltage itself"),
        (Settings("joulescope", "#9"), "no such input"),
        (Settings("joulescope", "#x"), "no such input"),
    ],
)
def test_what_it_cannot_do_is_refused(plugged, settings, words):
    plugged(instrument.Instrument())
    with pytest.raises(UsageError, match=words):
        registry.open_meter(settings)


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setattr(joulescope.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingToolError, match=r"pip install 'edgekit\[joulescope\]'"):
        registry.open_meter(Settings("joulescope"))


def test_the_simulated_driver_is_called_like_the_real_one():
    from pyjoulescope_driver import Driver as real  # noqa: N813 - theirs

    for name, method in inspect.getmembers(instrument.Driver, inspect.isfunction):
        if name.startswith("_"):
            continue
        theirs = inspect.signature(getattr(real, name))
        assert list(inspect.signature(method).parameters) == list(theirs.parameters), name


def test_the_real_driver_is_asked_and_its_answer_told():
    with pytest.raises(MeterError, match=r"there is no Joulescope 999999"):
        registry.open_meter(Settings("joulescope", "999999"))


def test_profile_gives_the_energy_that_was_put_in_and_calls_it_simulated(plugged, monkeypatch, tmp_path):
    found = instrument.Instrument(waveform=Waveform(period_s=0.0073), volts=1.8)
    plugged(found)

    def wired(board, *args, **options):
        emulated = launch(board, *args, **options)
        found.follow(emulated.trigger_log, board.target.clock_hz)
        return emulated

    monkeypatch.setattr(deploy, "launch", wired)
    line = ("profile", demo.MODEL, "--samples", demo.SAMPLES, "--count", "1", "--layers-of", "1", "--windows", "2")
    line += ("--board", "nucleo-l4r5zi", "--out", tmp_path / "project", "--meter", "joulescope", "--json")
    result = CliRunner().invoke(app, [str(a) for a in line])
    assert result.exit_code == 0, result.stderr
    energy = json.loads(result.stdout)["energy"]
    each = [joules / energy["inferences"] * 1e6 for _, joules in found.truth]
    assert len(each) == energy["windows"] == 2
    assert energy["per_inference_uj"] == pytest.approx(sum(each) / 2, rel=0.01)
    assert energy["how"] == "simulated"
    assert energy["meter"] == "Joulescope JS220, simulated"
    assert not found.open
