"""The LPM01A's two formats and the whole instrument, against a simulator."""

import pytest
from support import lpm01a as instrument
from support.ppk2 import Waveform

from edgekit.device import meter
from edgekit.device.meter import Expected
from edgekit.device.meters import lpm01a
from edgekit.device.transport import open_port
from edgekit.errors import MeterError, UsageError

EDGES = (0.1, 0.4, 0.5, 0.9)


def record(simulator, form="ascii", supply=3.0):
    opened = lpm01a.Lpm01a(open_port(simulator.port, lpm01a.BAUD), supply=supply, form=form)
    opened.start()
    assert simulator.done.wait(60)
    capture = opened.stop()
    opened.close()
    return capture, opened.about


def expected(capture, edges=EDGES):
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [Expected(10, e - b, capture.started + b, capture.started + e) for b, e in pairs]


def test_samples_are_those_of_the_manual():
    assert lpm01a.parse_ascii(b"6409-07\r\n").amperes == [pytest.approx(640.9e-6)]
    assert lpm01a.parse_binary(b"\x52\xa0").amperes == [pytest.approx(640.9e-6, rel=1e-4)]


@pytest.mark.parametrize("form", ["ascii", "binary"])
@pytest.mark.parametrize("active", [12e-3, 300e-6])
def test_energy_of_known_waveforms_is_right_within_one_percent(form, active):
    shape = Waveform(idle=active / 6, active=active, wave=active / 3, period_s=0.01)
    with instrument.Simulator(shape, EDGES) as simulator:
        capture, about = record(simulator, form)
        assert simulator.volts == 3.0
    assert about.simulated
    assert capture.lost == ()
    assert len(capture.amperes) == {"ascii": 10_000, "binary": 100_000}[form]
    reading = meter.read(capture, about, expected(capture))
    for window, joules in zip(reading.windows, simulator.truth, strict=True):
        assert window.joules == pytest.approx(joules, rel=0.01)
        assert window.peak_a == pytest.approx(active * 4 / 3, rel=0.02)


@pytest.mark.parametrize("form", ["ascii", "binary"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"drop": tuple(range(30_000, 30_500)) + tuple(range(3000, 3500))}, "samples were lost"),
        ({"waveform": Waveform(active=70e-3)}, "range was exceeded"),
        ({"edges": (0.1, 0.2, 0.3, 0.35, 0.6, 0.7)}, ""),
    ],
)
def test_a_recording_that_cannot_be_trusted_is_refused(form, change, words):
    with instrument.Simulator(**({"edges": EDGES} | change)) as simulator:
        capture, about = record(simulator, form)
    if not words and form == "binary":
        assert about.gate == "clock"  # sees no edges
        return
    with pytest.raises(MeterError) as caught:
        meter.read(capture, about, expected(capture))
    assert (words or "trigger pin are missing or too many") in str(caught.value)


@pytest.mark.parametrize(
    ("form", "complaint"),
    [("ascii", b"error overcurrent\r\n"), ("binary", b"\xf0\xf5\xff\xff"), ("ascii", b"64\xff9-07\n")],
)
def test_what_the_instrument_complains_of_is_told(form, complaint):
    with instrument.Simulator(edges=EDGES, complaint=complaint) as simulator:
        capture, about = record(simulator, form)
    with pytest.raises(MeterError, match="the meter says"):
        meter.read(capture, about, expected(capture))


def test_a_command_that_is_refused_is_named():
    with instrument.Simulator(refuse="volt") as simulator, pytest.raises(MeterError, match="refuses 'volt 3000m'"):
        record(simulator)


def test_silence_is_said(monkeypatch):
    monkeypatch.setattr(lpm01a, "_ANSWER_S", 0.2)
    with instrument.Simulator() as simulator:
        simulator._obey = lambda _command: None
        with pytest.raises(MeterError, match="no LPM01A answers 'htc'"):
            record(simulator)


@pytest.mark.parametrize("supply", [None, 1.7, 3.4])
def test_the_supply_must_be_within_the_instruments_range(supply):
    with instrument.Simulator() as simulator, pytest.raises(UsageError, match="voltage to supply"):
        record(simulator, supply=supply)
