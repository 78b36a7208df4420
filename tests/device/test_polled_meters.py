"""Meters that are text: INA through hwmon, the Raspberry Pi 5's PMIC, tegrastats; by fixtures and a real shell."""

import os
import time

import numpy as np
import pytest
from support import need
from support.ssh_server import Client, PythonSshd

from edgekit.device import meter
from edgekit.device.meter import About, Expected
from edgekit.device.meters import hwmon, pmic, polled, registry, tegrastats
from edgekit.errors import MeterError

PI5 = """   3V7_WL_SW_A current(0)=0.00195260A
   VDD_CORE_A current(7)=2.00000000A
   DDR_VDD2_A current(3)=0.10000000A
   3V7_WL_SW_V volt(8)=3.70000000V
   VDD_CORE_V volt(15)=0.80000000V
   DDR_VDD2_V volt(11)=1.10000000V
   EXT5V_V volt(24)=5.14692000V
   BATT_V volt(25)=0.00781250V
"""
ORIN = (
    "11-24-2026 09:00:00 RAM 1502/7620MB (lfb 4x4MB) CPU [5%@729,0%@729] GR3D_FREQ 0% cpu@46.1C "
    "VDD_IN 4571mW/4512mW VDD_CPU_GPU_CV 632mW/640mW VDD_SOC 1345mW/1340mW\n"
)
NANO = "RAM 900/3964MB CPU [10%@102,5%@102] POM_5V_IN 2092/2071 POM_5V_GPU 81/81 POM_5V_CPU 324/300\n"
JETSON = """/sys/class/hwmon/hwmon0/name:tmp451
/sys/class/hwmon/hwmon1/name:ina3221
/sys/class/hwmon/hwmon1/in1_label:VDD_IN
/sys/class/hwmon/hwmon1/in2_label:VDD_CPU_GPU_CV
/sys/class/hwmon/hwmon1/in3_label:VDD_SOC
/sys/class/hwmon/hwmon1/in7_label:sum of shunt voltages
"""


def test_the_rails_of_a_raspberry_pi_5_are_summed():
    assert pmic.watts(PI5) == pytest.approx(0.0019526 * 3.7 + 1.6 + 0.11)
    with pytest.raises(MeterError, match="names no rail"):
        pmic.watts("error=1 error_msg='Command not registered'")


def test_tegrastats_total_is_the_instant_of_the_newest_line():
    assert tegrastats.watts(NANO + ORIN) == 4.571
    assert tegrastats.watts(NANO) == 2.092
    with pytest.raises(MeterError, match="no total power"):
        tegrastats.watts("RAM 1/2MB")


def test_a_jetsons_channels_have_labels_and_the_module_is_the_default():
    found = hwmon.channels(JETSON)
    assert set(found) == {"VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"}
    assert hwmon.choose(found, "", "") == "VDD_IN"
    assert found[hwmon.choose(found, "VDD_SOC", "")] == ("/sys/class/hwmon/hwmon1", 3)


def test_an_ina_without_labels_has_its_name_and_two_are_ambiguous():
    one = hwmon.channels("/sys/class/hwmon/hwmon2/name:ina226\n")
    assert hwmon.choose(one, "", "") == "ina226"
    two = hwmon.channels("/sys/class/hwmon/hwmon2/name:ina226\n/sys/class/hwmon/hwmon3/name:ina226\n")
    assert set(two) == {"ina226", "ina226 hwmon3"}
    with pytest.raises(MeterError, match="not clear which"):
        hwmon.choose(two, "", "")
    with pytest.raises(MeterError, match="no INA at all"):
        hwmon.choose({}, "", "")


def test_millivolts_and_milliamperes_are_read_and_nonsense_refused():
    asked = []
    ask = hwmon.reader(lambda argv: asked.append(argv) or "5016\n912\n", ["cat"], "")
    assert ask() == polled.Power(0.912, 5.016)
    with pytest.raises(MeterError, match="no voltage and current"):
        hwmon.reader(lambda _argv: "Permission denied", ["cat"], "")()


def test_the_whole_way_of_hwmon_reads_the_chosen_channel():
    asked = []

    def run(argv):
        asked.append(argv)
        return JETSON if "label" in argv[-1] else "5000\n1000\n"

    opened = hwmon.open_hwmon(run, "user@orin", "VDD_SOC")
    assert opened.about.gate == "clock"
    assert asked[-1] == ["cat /sys/class/hwmon/hwmon1/in3_input /sys/class/hwmon/hwmon1/curr3_input"]


def test_energy_by_the_clock_is_mean_power_times_the_boards_time():
    begun = time.monotonic()

    def ask():
        time.sleep(0.001)
        return polled.Power(2.0 if 0.2 < time.monotonic() - begun < 0.7 else 0.5, 5.0)

    opened = polled.Polled(About("a sensor", "here", "clock"), ask)
    opened.start()
    time.sleep(1.0 - (time.monotonic() - begun))
    capture = opened.stop()
    reading = meter.read(capture, opened.about, [Expected(100, 0.5, begun + 0.2, begun + 0.7)])
    assert reading.windows[0].joules_per_run == pytest.approx(10.0 * 0.5 / 100, rel=0.01)
    assert reading.idle_w == pytest.approx(2.5, rel=0.1)
    assert "clock" in reading.gate


def test_too_few_readings_are_refused():
    capture = meter.Capture(np.arange(5) / 10, np.ones(5), np.ones(5), 0.0, 0.0)
    with pytest.raises(MeterError, match="too few samples"):
        meter.read(capture, About("a sensor", "here", "clock"), [Expected(1, 0.4, 0.0, 0.4)])


def test_a_sensor_that_fails_in_the_middle_is_said():
    answers = iter([polled.Power(1, 5), polled.Power(1, 5)])

    def ask():
        try:
            return next(answers)
        except StopIteration:
            raise MeterError("the sensor is gone") from None

    opened = polled.Polled(About("a sensor", "here", "clock"), ask)
    opened.start()
    time.sleep(0.05)
    with pytest.raises(MeterError, match="gone"):
        opened.stop()


def test_commands_run_here_and_a_failing_one_says_how_to_look():
    assert polled.runner("")(["sh", "-c", "echo 7"]) == "7\n"
    with pytest.raises(MeterError, match="cannot be read") as caught:
        polled.runner("")(["sh", "-c", "echo broken >&2; exit 3"])
    assert "broken" in str(caught.value)
    with pytest.raises(MeterError, match="not installed"):
        polled.runner("")(["no-such-tool-at-all"])


@pytest.mark.parametrize("name", ["pmic", "tegrastats", "hwmon"])
def test_a_board_without_the_sensor_is_refused_when_the_meter_is_opened(name):
    with pytest.raises(MeterError):
        registry.open_meter(registry.Settings(name, "user@host.invalid"))


@pytest.fixture
def boards(tmp_path, monkeypatch):
    """A function that makes a board reached by the real ssh, which answers each command with text of ours."""
    need.need("ssh")
    (tmp_path / "keys").mkdir()
    client = Client(tmp_path / "keys")
    monkeypatch.setenv("PATH", f"{client.folder}{os.pathsep}{os.environ['PATH']}")
    made = []

    def make(answers):
        async def answer(process):
            text = next((t for part, t in answers.items() if part in process.command), None)
            process.stdout.write((text or "").encode())
            process.exit(0 if text is not None else 127)

        made.append(PythonSshd(client, tmp_path, answer))
        client.know(made[-1].port)
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("name", "label", "answers", "watts"),
    [
        ("pmic", "", {"vcgencmd pmic_read_adc": PI5}, 0.0019526 * 3.7 + 1.6 + 0.11),
        ("tegrastats", "", {"tegrastats": ORIN}, 4.571),
        ("tegrastats", "", {"tegrastats": NANO}, 2.092),
        ("hwmon", "", {"cat /sys/class/hwmon/hwmon1/in1_input": "5000\n900\n", "hwmon": JETSON}, 4.5),
        ("hwmon", "#VDD_SOC", {"cat /sys/class/hwmon/hwmon1/in3_input": "5000\n260\n", "hwmon": JETSON}, 1.3),
    ],
)
def test_a_board_behind_ssh_is_read_by_the_real_client(boards, name, label, answers, watts):
    board = boards(answers)
    kind, where = registry.parse(f"{name}:{board.url}{label}")
    opened = registry.open_meter(registry.Settings(kind, where))
    opened.start()
    end = time.monotonic() + 30
    while len(board.commands) < 6 and time.monotonic() < end:
        time.sleep(0.05)
    capture = opened.stop()
    assert len(capture.seconds) >= 3
    assert np.diff(capture.seconds).min() > 0
    assert capture.watts == pytest.approx(watts)
    board.behave = None  # from here on it runs what it is told to, and has no such sensor
    with pytest.raises(MeterError):
        registry.open_meter(registry.Settings(kind, where))
