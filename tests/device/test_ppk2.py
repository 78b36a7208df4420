"""The PPK2's decoder and the whole instrument, against a simulator that also satisfies the public ppk2-api."""

import time

import numpy as np
import pytest
from support import ppk2 as instrument

from edgekit.device import meter
from edgekit.device.meter import Expected
from edgekit.device.meters import ppk2
from edgekit.device.transport import open_port
from edgekit.errors import MeterError, UsageError

CALIBRATION = ppk2.parse_metadata(instrument.metadata())


def connect(simulator, **options):
    return ppk2.Ppk2(open_port(simulator.port), **({"supply": 3.0, "voltage": None} | options))


def record(simulator, **options):
    """A whole recording of a simulator of fixed length."""
    opened = connect(simulator, **options)
    opened.start()
    wanted = simulator.length_s * ppk2.RATE_HZ * 4 - 4 * len(simulator.drop) - len(simulator.cut)
    end = time.monotonic() + 60
    while simulator.sent < wanted and time.monotonic() < end:
        time.sleep(0.01)
    capture = opened.stop()
    opened.close()
    return capture, opened.about


def expected(simulator, runs=10):
    pairs = zip(simulator.edges[::2], simulator.edges[1::2], strict=True)
    return [Expected(runs, end - begin, begin, end) for begin, end in pairs]


@pytest.mark.parametrize("volts", [1.8, 3.3])
@pytest.mark.parametrize("low", [1e-6, 60e-6, 700e-6, 7e-3, 100e-3])
def test_currents_of_every_range_come_back_within_a_step_of_the_converter(low, volts):
    amperes = np.linspace(low, 3 * low, 1000)
    converter, ranges = instrument.readings(amperes, volts)
    got = CALIBRATION.amperes(converter, ranges.astype(int), volts)
    step = 4 * instrument.ADC / np.array(instrument.TERMS["R"])[ranges]
    assert (np.abs(got - amperes) <= 0.6 * step).all()


def test_a_word_is_taken_apart_as_documented():
    word = 0x1234 | 3 << 14 | 41 << 18 | 0xA5 << 24
    words = ppk2.decode(word.to_bytes(4, "little") + b"\1\2")
    assert (words.converter.tolist(), words.ranges.tolist(), words.pins.tolist()) == ([0x1234], [3], [0xA5])


@pytest.mark.parametrize("gap", [1, 2, 62, 63, 65, 1000])
def test_lost_samples_show_in_the_counter(gap):
    number = np.concatenate([np.arange(100), np.arange(100 + gap, 400 + gap)])
    data = ((number & 63) << 18).astype("<u4").tobytes()
    assert ppk2.decode(data).lost == (100,)


def test_every_byte_that_is_lost_shows_in_the_counter():
    data = ((np.arange(64) & 63) << 18 | 0x2ABC).astype("<u4").tobytes()
    for at in range(4, len(data) - 8):
        assert ppk2.decode(data[:at] + data[at + 1 :]).lost, at


def test_the_spike_filter_calms_the_samples_after_a_change_of_range_and_no_others():
    ranges = np.array([2] * 50 + [3] * 50 + [4] * 50)
    amperes = np.full(150, 1e-3)
    amperes[50] = 1.0
    calm = ppk2.without_spikes(amperes, ranges)
    assert calm[50] == pytest.approx(0.18 + 0.82e-3, rel=1e-3)
    assert calm[51] == pytest.approx(0.18 * 0.82 + (1 - 0.18 * 0.82) * 1e-3, rel=1e-3)
    amperes[50], amperes[100] = 1e-3, 1.0
    calm = ppk2.without_spikes(amperes, ranges)
    assert calm[100] == pytest.approx(0.06 + 0.94e-3, rel=0.01)
    assert set(np.flatnonzero(~np.isclose(calm, amperes))) == {100, 101, 102}


def test_metadata_without_calibration_is_refused_with_what_is_missing():
    with pytest.raises(MeterError, match="O3"):
        ppk2.parse_metadata(instrument.metadata().replace("O3:", "X3:"))
    with pytest.raises(MeterError, match="R0, R1"):
        ppk2.parse_metadata("HW: 1\nEND")


def test_a_resistance_of_zero_becomes_the_nominal_one():
    text = instrument.metadata().replace("R2: 10.302700000000", "R2: 0.0")
    assert ppk2.parse_metadata(text).resistance[2] == 10.15


def test_energy_of_known_waveforms_is_right_within_one_percent():
    for active, wave in ((12e-3, 4e-3), (80e-3, 30e-3), (400e-6, 50e-6)):
        shape = instrument.Waveform(idle=active / 5, active=active, wave=wave, period_s=0.0173)
        with instrument.Simulator(shape, edges=(0.1, 0.4, 0.5, 0.9), length_s=1.0) as simulator:
            capture, about = record(simulator)
        reading = meter.read(capture, about, expected(simulator))
        assert about.simulated
        for window, (seconds, joules) in zip(reading.windows, simulator.truth, strict=True):
            assert window.end_s - window.begin_s == pytest.approx(seconds, abs=2e-5)
            assert window.joules == pytest.approx(joules, rel=0.01)
            assert window.joules_per_run == pytest.approx(joules / 10, rel=0.01)
            assert window.peak_a == pytest.approx(active + wave, rel=0.02)
        assert reading.idle_w == pytest.approx(3.0 * active / 5, rel=0.02)


def test_the_full_rate_arrives_without_loss_and_faster_than_the_instrument_sends():
    with instrument.Simulator(edges=(0.5, 3.5), length_s=4.0) as simulator:
        began = time.monotonic()
        capture, about = record(simulator)
        took = time.monotonic() - began
    assert len(capture.amperes) == 400_000
    assert capture.lost == ()
    assert took < 4.0 + 5.0
    meter.read(capture, about, expected(simulator))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"drop": (30_000,)}, "samples were lost"),
        ({"drop": tuple(range(30_000, 30_640))}, "not as long as by the board's clock"),
        ({"cut": (123_457,)}, "samples were lost"),
        ({"edges": (0.1,), "waveform": instrument.Waveform()}, "pin are missing"),
        ({"edges": ()}, "pin are missing"),
        ({"edges": (0.1, 0.2, 0.25, 0.4)}, "pin are missing"),
        ({"waveform": instrument.Waveform(active=0.9, wave=0.6)}, "range was exceeded"),
        ({"edges": (0.1, 0.385)}, "not as long as by the board's clock"),
    ],
)
def test_a_recording_that_cannot_be_trusted_is_refused(change, words):
    settings = {"edges": (0.1, 0.4), "length_s": 0.5} | change
    with instrument.Simulator(**settings) as simulator:
        capture, about = record(simulator)
    with pytest.raises(MeterError) as caught:
        meter.read(capture, about, [Expected(10, 0.3, 0.1, 0.4)])
    assert words in str(caught.value)
    assert "no energy is reported" in str(caught.value)


def test_commands_set_mode_and_voltage_as_documented():
    with instrument.Simulator(length_s=0.01) as simulator:
        connect(simulator, supply=3.3).close()
        assert b"\x11\x02" in simulator.commands
        assert simulator.volts == 3.3
        assert b"\x0c\x01" in simulator.commands
        connect(simulator, supply=None, voltage=1.8).close()
        assert b"\x11\x01" in simulator.commands
        assert simulator.volts == 1.8


def test_the_spike_filter_is_said_wherever_the_instrument_is_named():
    with instrument.Simulator() as simulator:
        assert connect(simulator).about.name == "Nordic PPK2, simulated"
        assert connect(simulator, spike_filter=True).about.name == "Nordic PPK2, simulated, spikes smoothed"


@pytest.mark.parametrize("given", [(None, None), (3.0, 3.0), (0.7, None), (None, 5.1)])
def test_a_voltage_that_is_absent_double_or_out_of_range_is_refused(given):
    with instrument.Simulator() as simulator, pytest.raises(UsageError, match="voltage"):
        connect(simulator, supply=given[0], voltage=given[1])


def test_a_port_without_a_ppk2_is_said_to_be_silent(monkeypatch):
    monkeypatch.setattr(ppk2, "_ANSWER_S", 0.3)
    with instrument.Simulator() as simulator:
        simulator._obey = lambda _data: None
        with pytest.raises(MeterError, match="no PPK2 answers"):
            connect(simulator)


def test_the_public_ppk2_api_reads_the_same_currents_from_the_simulator():
    from ppk2_api.ppk2_api import PPK2_API

    with instrument.Simulator(edges=(0.1, 0.2), length_s=0.3) as simulator:
        capture, _ = record(simulator)
        public = PPK2_API(simulator.port, timeout=1)
        public.get_modifiers()
        public.use_source_meter()
        public.set_source_voltage(3000)
        public.toggle_DUT_power("ON")
        sent = simulator.sent
        public.start_measuring()
        data = b""
        end = time.monotonic() + 20
        while len(data) < 120_000 and time.monotonic() < end:
            data += public.get_data()
            time.sleep(0.005)
        public.stop_measuring()
        samples, pins = public.get_samples(data)
        public.ser.close()
        public.ser = None
        assert simulator.sent > sent
    assert len(samples) == len(capture.amperes) == 30_000
    assert [p & 1 for p in pins] == (~capture.low).astype(int).tolist()
    settled = np.ones(30_000, bool)  # theirs always smooths what follows a change of range
    for change in np.flatnonzero(np.diff(capture.low)):
        settled[change : change + 40] = False
    theirs = np.array(samples) * 1e-6
    ranges = instrument.readings(capture.amperes, 3.0)[1]
    for change in np.flatnonzero(np.diff(ranges)):
        settled[change : change + 5] = False
    assert np.allclose(theirs[settled], capture.amperes[settled], rtol=1e-9)
