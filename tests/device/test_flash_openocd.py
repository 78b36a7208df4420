"""Flashing with OpenOCD: the command line, what its words mean, and the real program up to where a board is needed."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import subprocess
import time

import pytest
from support import fake_openocd as fake
from support import need
from support.fake_openocd import FakeOpenocd
from typer.testing import CliRunner

from edgekit import board as board_files
from edgekit.cli import app
from edgekit.device.discovery.found import Device, Found, SerialPort
from edgekit.device.flash import run
from edgekit.device.flash.choose import Choice, Wish, choose
from edgekit.device.flash.openocd import ByOpenocd
from edgekit.device.flash.pyocd import ByPyocd
from edgekit.device.flash.volume import ByVolume
from edgekit.emulate import launch
from edgekit.errors import FlashError, MissingToolError, UsageError
from edgekit.toolchain import elf

AFTER_0_12_0 = {"raspberry-pi-pico-2"}
"""Boards whose chip OpenOCD's release of that number does not know yet."""
BOARDS = [n for n in board_files.names() if "openocd" in board_files.load(n).flash.methods]


@pytest.fixture
def made(firmware):
    return firmware("nucleo-l4r5zi")


@pytest.fixture
def openocd(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return FakeOpenocd(folder)


def silent(*_):
    pass


def failure(made, **options):
    with pytest.raises(FlashError) as caught:
        ByOpenocd(made.board, made.image, **options).write(silent)
    return str(caught.value)


def test_the_command_has_the_boards_configuration_and_the_image(made, openocd):
    way = ByOpenocd(made.board, made.image, "066DFF")
    way.write(silent)
    hexes = made.image.elf.with_suffix(".hex")
    assert openocd.argv == [
        "-c", "gdb_port disabled", "-c", "tcl_port disabled", "-c", "telnet_port disabled",
        "-f", "board/st_nucleo_l4.cfg", "-c", "adapter serial 066DFF", "-c", f"program {{{hexes}}} verify reset exit",
    ]  # fmt: skip
    assert shlex.split(way.commands[0]) == ["openocd", *openocd.argv]


def test_commands_between_configuration_files_keep_their_order(firmware, openocd):
    made = firmware("nrf52840-dk")
    ByOpenocd(made.board, made.image).write(silent)
    assert openocd.argv[6:12] == [
        "-f", "interface/jlink.cfg", "-c", "transport select swd", "-f", "target/nrf52.cfg",
    ]  # fmt: skip


@pytest.mark.usefixtures("openocd")
def test_what_was_compared_is_verified_and_every_phase_is_told(made):
    seen = []
    choice = Choice(ByOpenocd(made.board, made.image), "test")
    done = run.flash(made.board, made.image, choice, lambda *step: seen.append(step))
    whole = sum(len(s.data) for s in elf.read(made.image.elf).segments)
    assert (done.bytes, done.notes) == (whole, ())
    assert "OpenOCD compared" in done.verified[0]
    assert seen == [
        ("reaching the board", 0, 0), ("writing flash", 0, whole), ("writing flash", whole, whole),
        ("comparing", 0, whole), ("comparing", whole, whole), ("restarting the board", 0, 0),
    ]  # fmt: skip


NOTHING, BROKE_OFF, UNKNOWN = "nothing was written", "flashing broke off", "whether the board holds it is not known"
UNTRUSTED = "must not be trusted"
BEGUN = fake.REACHED + fake.STARTED
GAVE_UP = "** Programming Failed **\nshutdown command invoked\n"
NOT_HALTED = "TARGET: stm32l4x.cpu - Not halted\n** Unable to reset target **\nshutdown command invoked\n"
DIFFERS = "** Verify Failed **\nshutdown command invoked\n"


@dataclasses.dataclass(frozen=True)
class Failure:
    """What OpenOCD says before its error, the error and what follows it; the state and step that are to be told."""

    name: str
    before: str
    error: str
    after: str
    state: str
    step: str


FAILURES = (
    Failure("no probe", "", "open failed", fake.INIT_FAILED, NOTHING, "no such debug probe"),
    Failure("no J-Link", "", "No J-Link device found", fake.INIT_FAILED, NOTHING, "no such debug probe"),
    Failure("no right", "", "libusb_open() failed with LIBUSB_ERROR_ACCESS", fake.INIT_FAILED, NOTHING, "udev rules"),
    Failure("busy", "", "libusb_claim_interface() failed with LIBUSB_ERROR_BUSY", "", NOTHING, "another program"),
    Failure("dead board", "", "init mode failed (unable to connect to the target)", "", NOTHING, "powered"),
    Failure("dead SWD", "", "Error connecting DP: cannot read IDR", fake.INIT_FAILED, NOTHING, "does not answer"),
    Failure(
        "not halted", fake.REACHED, "timed out while waiting for target halted", NOT_HALTED, NOTHING, "reset button"
    ),
    Failure("old", "", "Can't find target/stm32u5x.cfg", "", NOTHING, "0.12"),
    Failure("cable", BEGUN, "libusb_bulk_write error: LIBUSB_ERROR_NO_DEVICE", GAVE_UP, BROKE_OFF, "probe vanished"),
    Failure("protected", BEGUN, "flash sectors protected", GAVE_UP, BROKE_OFF, "Unlock it"),
    Failure(
        "chip", fake.REACHED + "** Programming Started **\n", "auto_probe failed", GAVE_UP, BROKE_OFF, "this board?"
    ),
    Failure(
        "verify",
        BEGUN + fake.FINISHED,
        "checksum mismatch - attempting binary compare",
        DIFFERS,
        UNTRUSTED,
        "flash again",
    ),
    Failure("cut", BEGUN + fake.FINISHED, "libusb_bulk_read error: LIBUSB_ERROR_IO", "", UNKNOWN, "probe vanished"),
    Failure("killed", BEGUN, "", "", BROKE_OFF, "flash again"),
    Failure("silent", "", "", "", NOTHING, "exit code 1"),
)


@pytest.mark.parametrize("case", FAILURES, ids=lambda c: c.name)
def test_what_went_wrong_is_told_as_the_boards_state_and_the_next_step(made, openocd, case):
    error = f"Error: {case.error}\n" if case.error else ""
    openocd.tell(fake.BEGIN + case.before + error + case.after, code=1)
    text = failure(made)
    assert case.state in text
    assert case.step in text
    assert case.error in text


def test_an_exit_code_of_zero_alone_is_not_believed(made, openocd):
    openocd.tell(fake.BEGIN + fake.REACHED + fake.STARTED + "** Programming Finished **\n", code=0)
    assert UNKNOWN in failure(made)
    openocd.tell(fake.BEGIN + fake.REACHED + "Info : nothing to do\n" + fake.RESET, code=0)
    assert NOTHING in failure(made)


def test_a_board_that_is_verified_but_was_not_restarted_is_told_so(made, openocd):
    openocd.tell(fake.BEGIN + fake.REACHED + fake.STARTED + fake.FINISHED + fake.VERIFIED, code=1)
    done = ByOpenocd(made.board, made.image).write(silent)
    assert done.verified
    assert "reset button" in done.notes[0]


@pytest.mark.parametrize(("said", "state"), [("", NOTHING), (fake.REACHED + fake.STARTED, BROKE_OFF)])
def test_an_openocd_that_hangs_is_ended_and_its_state_is_told(made, openocd, said, state):
    openocd.tell(fake.BEGIN + said, hang_s=60)
    begin = time.monotonic()
    with pytest.raises(FlashError) as caught:
        ByOpenocd(made.board, made.image, silence_s=0.5).write(silent)
    assert time.monotonic() - begin < 30
    assert "hung" in str(caught.value)
    assert state in str(caught.value)


def test_floods_of_text_are_bounded(made, openocd):
    openocd.tell(fake.BEGIN + "Warn : " + "x" * 3_000_000 + "\n" + "Error: y\n" * 50_000, code=1)
    text = failure(made)
    assert NOTHING in text
    assert len(text) < 2_000


def test_a_path_or_number_that_scripts_would_misread_is_refused(made, openocd):
    assert "misread" in failure(made, probe="1; shutdown")
    odd = dataclasses.replace(made.image, elf=made.image.elf.with_name("a} ; exit {b.elf"))
    with pytest.raises(FlashError):
        _ = ByOpenocd(made.board, odd).command
    assert openocd.argv is None


def test_without_openocd_it_is_said_how_to_get_it(made, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="apt-get install openocd"):
        ByOpenocd(made.board, made.image).write(silent)


ST_LINK = SerialPort("/dev/ttyACM0", "STM32 STLink", 0x0483, 0x374B, "066DFF", "1-2")


def look(*devices):
    return lambda: Found(devices, ())


@pytest.mark.usefixtures("openocd")
def test_a_board_known_by_its_firmware_is_flashed_by_its_own_probe(made):
    device = Device(("nucleo-l4r5zi",), "its firmware says so", sure=True, ports=(ST_LINK,))
    choice = choose(made.board, made.image, Wish(), look(device))
    assert (choice.way.name, choice.way.place, choice.port) == ("openocd", "066DFF", "/dev/ttyACM0")


@pytest.mark.usefixtures("openocd")
def test_of_several_probes_openocd_does_not_just_take_the_first(made):
    maybe = Device(("nucleo-f446re", "nucleo-l4r5zi"), "USB id", ports=(ST_LINK,))
    again = dataclasses.replace(maybe, ports=(dataclasses.replace(ST_LINK, name="/dev/ttyACM1", serial="0671"),))
    wish = Wish(via="openocd")
    assert choose(made.board, made.image, wish, look(maybe)).way.place == "066DFF"
    with pytest.raises(UsageError, match=r"several.*066DFF.*0671.*--probe"):
        choose(made.board, made.image, wish, look(maybe, again))
    other = Device(("nucleo-f446re",), "its volume says 0777", sure=True, ports=(ST_LINK,))
    with pytest.raises(UsageError, match=r"another board's.*0777"):
        choose(made.board, made.image, wish, look(other))
    assert choose(made.board, made.image, Wish("openocd", probe="0671"), look(maybe, again)).way.place == "0671"
    assert choose(made.board, made.image, wish, look()).way.place == "the debug probe OpenOCD finds"


def test_the_command_flashes_and_its_dry_run_prints_the_exact_command(made, openocd):
    args = ["flash", str(made.folder), "--board", "nucleo-l4r5zi", "--via", "openocd", "--probe", "066DFF", "--json"]
    planned = CliRunner().invoke(app, [*args, "--dry-run"])
    assert openocd.argv is None
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 0, result.stderr
    tree = json.loads(result.stdout)
    assert (tree["via"], tree["place"], len(tree["verified"])) == ("openocd", "066DFF", 1)
    assert shlex.split(json.loads(planned.stdout)["commands"][-1]) == ["openocd", *openocd.argv]


@pytest.mark.parametrize("way", ["volume", "pyocd", "openocd"])
def test_whatever_the_way_a_board_that_runs_this_image_is_left_alone(firmware, openocd, tmp_path, way):
    made = firmware("nrf52840-dk")
    ways = {
        "volume": ByVolume(made.board, made.image, tmp_path / "absent"),
        "pyocd": ByPyocd(made.board, made.image, "remote:127.0.0.1:9"),
        "openocd": ByOpenocd(made.board, made.image),
    }
    with launch(made.board, made.image.binary, made.image.elf) as on:
        done = run.flash(made.board, made.image, Choice(ways[way], "test", on.url), silent)
    assert (done.skipped, done.bytes, openocd.argv) == (True, 0, None)
    assert done.verified == ("the board says over its port that it runs this build",)


@pytest.mark.parametrize("name", BOARDS)
def test_the_real_openocd_takes_every_boards_command_up_to_its_probe(firmware, name):
    """It has the configuration files, knows the commands, and looks for the probe, which is not there."""
    openocd = need.need("openocd")
    made = firmware(name)
    number = "1234" if "jlink" in str(made.board.flash.openocd) else "edgekit-no-such-probe"
    way = ByOpenocd(made.board, made.image, number)
    words = "there is no such debug probe"
    version = subprocess.run([openocd, "-v"], capture_output=True, text=True, check=True).stderr
    if name in AFTER_0_12_0 and "0.12.0\n" in version:
        words = "does not know the board's commands: Can't find target/rp2350.cfg.* one after 0.12.0"
    with pytest.raises(FlashError, match=words) as caught:
        way.write(silent)
    assert NOTHING in str(caught.value)


def test_the_real_openocd_has_the_words_that_are_waited_for(tmp_path):
    """`program` with its parts made to succeed, so that it says all it would."""
    openocd = need.need("openocd")
    script = (
        "proc init {} {}; proc reset {args} {}; proc flash {args} {}; proc verify_image {args} {}; proc poll {a} {}"
    )
    file = tmp_path / "x.hex"
    done = subprocess.run(
        [openocd, "-c", f"{script}; program {{{file}}} verify reset exit"], capture_output=True, text=True, check=True
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("**")]
    assert lines == [
        "** Programming Started **", "** Programming Finished **", "** Verify Started **", "** Verified OK **",
        "** Resetting Target **",
    ]  # fmt: skip
