"""Cycles, latency and estimated energy from a board's timer, a cycle model or nothing, each called what it is."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edgekit import board, energy, resources, timing
from edgekit.costs import UNTIMED, Energy, Latency, percentile
from edgekit.device.link import Quiet
from edgekit.device.results import Run

RUN = Run("measured", 120_000_000, 4, 1, (1_200_000, 1_260_000, 1_320_000), 400, None, (), ())
EMULATED = replace(RUN, how="emulated", cycles=(1,), counted=(1_200_000,), instructions=600_000)
L4R5, PICO, PI5 = (board.load(name) for name in ("nucleo-l4r5zi", "raspberry-pi-pico", "raspberry-pi-5"))


def test_a_percentile_is_a_value_that_occurred():
    assert [percentile(range(1, 101), p) for p in (1, 50, 95, 100)] == [1, 50, 95, 100]
    assert percentile([7.0], 95) == 7.0
    assert percentile([3.0, 1.0, 2.0], 95) == 3.0


def test_a_real_boards_latency_has_its_distribution_and_timer():
    latency = timing.latency(L4R5, "measured", RUN, timing.cycles(L4R5, "measured", RUN))
    tree = latency.json()
    assert (tree["min"], tree["median"], tree["p95"], tree["max"]) == (10_000, 10_500, 11_000, 11_000)
    assert (tree["runs"], tree["warmups"], tree["how"]) == (3, 1, "measured")
    assert "DWT" in tree["timer"]
    assert tree["timer_overhead"] == round(4 / 120, 4)


def test_every_port_says_what_its_clock_reads():
    ports = sorted(p.parent.name for p in (resources.firmware() / "port").glob("*/port.c"))
    assert {board.load(name).port for name in board.names()} <= set(ports)
    told = {port: timing.timer(port) for port in ports}
    assert not [port for port, said in told.items() if said == timing.timer("no such port")]
    assert told["linux"] == "CLOCK_MONOTONIC"
    assert told["rp2040"] == "the 1 us timer"
    assert told["stm32l4"] == "the DWT cycle counter"


def test_an_emulated_boards_latency_is_the_cycle_models_and_never_measured():
    cycles = timing.cycles(L4R5, "emulated", EMULATED)
    latency = timing.latency(L4R5, "emulated", EMULATED, cycles)
    assert (cycles.value, cycles.how, cycles.error) == (1_200_000, "estimated", 0.15)
    assert (latency.median, latency.how, latency.error) == (10_000, "estimated", 0.15)
    assert "measured" not in json.dumps(latency.json())


def test_ticks_of_a_slower_timer_are_not_called_cycles():
    microseconds = replace(RUN, cycle_hz=1_000_000, cycles=(10_000,))
    cycles = timing.cycles(PICO, "measured", microseconds)
    assert cycles.value == 10_000 * PICO.target.clock_hz // 1_000_000
    assert cycles.error == 1e-4
    assert timing.latency(PICO, "measured", microseconds, cycles).median == 10_000
    assert not timing.counts_cycles(PICO, microseconds)


def test_a_linux_board_has_time_but_no_cycles():
    run = replace(RUN, cycle_hz=100_000_000)
    cycles = timing.cycles(PI5, "measured", run)
    assert cycles.value is None
    assert timing.latency(PI5, "measured", run, cycles).median == 12_600


def test_nothing_counted_is_no_latency():
    nothing = replace(EMULATED, counted=())
    assert timing.latency(L4R5, "emulated", nothing, timing.cycles(L4R5, "emulated", nothing)) == UNTIMED
    assert UNTIMED.json()["median"] is None


@pytest.mark.parametrize(
    ("how", "error", "expected"),
    [
        ("measured", None, ("estimated", 0.2)),
        ("estimated", 0.15, ("estimated", 0.35)),
        ("indicative", None, ("indicative", None)),
    ],
)
def test_energy_without_an_instrument_is_power_times_latency_with_both_errors(how, error, expected):
    found = energy.estimate(L4R5, Latency((10_000.0,), how, error=error))
    assert found.per_inference_uj == pytest.approx(44.8e-3 * 10e-3 * 1e6)
    assert (found.how, found.error) == (expected[0], expected[1] if expected[1] is None else pytest.approx(expected[1]))
    assert "no instrument" in found.reason
    assert found.json()["mean_ma"] is None


def test_energy_that_nothing_tells_is_null_with_its_reason():
    for found in (
        energy.estimate(PI5, Latency((1.0,), "measured")),
        energy.estimate(L4R5, UNTIMED),
        Energy(reason="x"),
    ):
        tree = found.json()
        assert (tree["per_inference_uj"], tree["how"]) == (None, "unknown")
        assert tree["reason"]


def test_a_window_by_two_clocks_that_disagree_is_noted():
    timed = Latency((10_000.0,), "measured")
    agreed = timing.with_window(timed, Quiet(50, 500_000, copied=False), 0.502)
    assert (agreed.sustained, timing.notes(agreed)) == (10_000, ())
    slow = timing.with_window(timed, Quiet(50, 500_000, copied=False), 2.5)
    assert slow.clock_error == pytest.approx(-0.8)
    assert "-80%" in timing.notes(slow)[0]
    assert timing.notes(timed) == ()
