"""Energy of an emulated board whose trigger pin gates a simulated PPK2: the whole way of `profile --meter`."""

import json

import pytest
from support import ppk2 as instrument
from typer.testing import CliRunner

from edgekit import demo
from edgekit.cli import app
from edgekit.device import deploy
from edgekit.emulate import launch

ARGS = ("profile", demo.MODEL, "--samples", demo.SAMPLES, "--count", "1", "--layers-of", "1", "--windows", "2")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return tmp_path_factory.mktemp("energy") / "project"


@pytest.fixture
def simulator(monkeypatch):
    """A PPK2 whose D0 is wired to the trigger pin of whatever board `profile` switches on."""
    with instrument.Simulator(instrument.Waveform(period_s=0.0073)) as simulated:

        def wired(board, *args, **options):
            emulated = launch(board, *args, **options)
            simulated.follow(emulated.trigger_log, board.target.clock_hz)
            return emulated

        monkeypatch.setattr(deploy, "launch", wired)
        yield simulated


def call(*args):
    return CliRunner().invoke(app, [str(a) for a in (*ARGS, *args)])


def test_profile_gives_the_energy_that_was_put_in_and_calls_it_simulated(project, simulator):
    meter = ("--meter", f"ppk2:{simulator.port}", "--supply", "1.8")
    result = call("--board", "nucleo-l4r5zi", "--out", project, *meter, "--json")
    assert result.exit_code == 0, result.stderr
    tree = json.loads(result.stdout)
    energy = tree["energy"]
    assert energy["how"] == "simulated"
    assert "simulated" in energy["meter"]
    assert energy["voltage"] == 1.8 == simulator.volts
    assert energy["windows"] == len(simulator.truth) == 2
    each = [joules / energy["inferences"] * 1e6 for _, joules in simulator.truth]
    assert energy["per_inference_uj"] == pytest.approx(sum(each) / 2, rel=0.01)
    assert energy["mean_ma"] == pytest.approx(12, rel=0.02)
    assert energy["peak_ma"] == pytest.approx(16, rel=0.02)
    assert energy["samples"] == pytest.approx(2 * 0.3 * 100_000, rel=0.05)
    # the truth again, from the other side: power times the latency that the cycle model gives
    assert energy["per_inference_uj"] == pytest.approx(12e-3 * 1.8 * tree["latency_us"], rel=0.02)
    assert "measured" not in result.stdout


def test_idle_power_is_taken_off_only_when_asked_and_said(project, simulator):
    meter = ("--meter", f"ppk2:{simulator.port}", "--voltage", "3.0", "--window", "0.1", "--subtract-idle")
    result = call("--board", "nucleo-l4r5zi", "--out", project, *meter)
    assert result.exit_code == 0, result.stderr
    text = " ".join(result.stdout.split())
    assert "mW of the idle board taken off" in text
    assert "simulated by Nordic PPK2, simulated" in text
    assert "measured" not in text
    seconds, joules = simulator.truth[0]
    shown = float(text.split("energy: ")[1].split(" ")[0])
    runs = int(text.split("over 2 x ")[1].split(" ")[0])
    assert shown == pytest.approx((joules - 3.0 * 2e-3 * seconds) / runs * 1e6, rel=0.02)


def test_a_wire_that_is_missing_ends_with_the_reason_and_no_energy(project, simulator):
    simulator.follow = lambda *_: None
    meter = ("--meter", f"ppk2:{simulator.port}", "--supply", "3.0", "--window", "0.05")
    result = call("--board", "nucleo-l4r5zi", "--out", project, *meter, "--json")
    assert result.exit_code == 4
    assert "trigger pin are missing" in result.stdout
    assert "energy" not in json.loads(result.stdout)


@pytest.mark.parametrize(
    ("options", "words", "code"),
    [
        (("--meter", "ppk3"), "Did you mean 'ppk2'", 2),
        (("--meter", "ppk2:/dev/null-and-void", "--supply", "3"), "no such serial port", 4),
        (("--meter", "ppk2"), "no PPK2 is plugged in", 4),
    ],
)
def test_a_meter_that_is_not_there_is_said_before_anything_is_built(options, words, code, tmp_path):
    result = call("--board", "nucleo-l4r5zi", "--out", tmp_path / "never", *options)
    assert result.exit_code == code
    assert words in " ".join(result.stderr.split())
    assert not (tmp_path / "never").exists()
