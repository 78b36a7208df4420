"""Copying an image onto a board's drive, down to the board that runs it; and all that can go wrong on the way."""

from __future__ import annotations

import json
import resource

import pytest
from support.drive import Drive
from typer.testing import CliRunner

from edgekit.cli import app
from edgekit.device.discovery.found import Device, Firmware, Found, SerialPort, Volume
from edgekit.device.flash import run
from edgekit.device.flash.choose import Choice, Wish, choose
from edgekit.device.flash.volume import ByVolume, Patience
from edgekit.emulate import image
from edgekit.errors import FlashError, LinkError, UsageError
from edgekit.toolchain import elf

QUICK = Patience(leave_s=3, return_s=3)


def silent(*_):
    pass


def nothing():
    return Found((), ())


def flash(made, drive, *, port=True, **options):
    way = ByVolume(made.board, made.image, drive.folder, QUICK)
    choice = Choice(way, "test", drive.port.url if port else "")
    return run.flash(made.board, made.image, choice, silent, **options)


def call(*args, code=0):
    result = CliRunner().invoke(app, [str(a) for a in args])
    assert result.exit_code == code, result.stderr + result.stdout
    return result


@pytest.mark.parametrize("name", ["nucleo-l4r5zi", "nrf52840-dk", "raspberry-pi-pico", "raspberry-pi-pico-2"])
def test_what_was_copied_is_the_image_and_the_board_runs_it(firmware, tmp_path, name):
    made = firmware(name)
    with Drive(made.board, tmp_path / "DRIVE", made.image.elf) as drive:
        done = flash(made, drive)
        pieces = dict(drive.flashed)
    assert done.verified == ("the board says over its port that it runs this build",)
    assert done.bytes == made.image.elf.with_suffix(f".{made.board.volume.image}").stat().st_size
    for part in elf.read(made.image.elf).segments:
        at, data = max((a, d) for a, d in pieces.items() if a <= part.address)
        assert data[part.address - at :][: len(part.data)] == part.data


def test_a_board_that_runs_this_image_already_is_left_alone_unless_forced(firmware, tmp_path):
    made = firmware("nucleo-l4r5zi")
    with Drive(made.board, tmp_path / "DRIVE", made.image.elf) as drive:
        assert not flash(made, drive).skipped
        drive.flashed = []
        again = flash(made, drive)
        assert (again.skipped, again.bytes, drive.flashed) == (True, 0, [])
        assert not flash(made, drive, force=True).skipped
        assert drive.flashed


def test_without_a_port_it_is_said_that_nobody_looked(firmware, tmp_path):
    made = firmware("nucleo-l4r5zi")
    with Drive(made.board, tmp_path / "DRIVE", made.image.elf) as drive:
        done = flash(made, drive, port=False)
    assert done.verified == ()
    assert "not known" in done.notes[-1]


def test_the_boards_complaint_is_the_error(firmware, tmp_path):
    made = firmware("nucleo-l4r5zi")
    words = "The interface firmware FAILED to reset/halt the target MCU\n"
    with (
        Drive(made.board, tmp_path / "DRIVE", made.image.elf, refuse=words) as drive,
        pytest.raises(FlashError) as caught,
    ):
        flash(made, drive)
    assert "FAIL.TXT" in str(caught.value)
    assert words.strip() in str(caught.value)


def test_a_complaint_of_an_earlier_image_is_not_taken_for_one_of_this(firmware, tmp_path):
    made = firmware("nucleo-l4r5zi")
    with Drive(made.board, tmp_path / "DRIVE", made.image.elf) as drive:
        (drive.folder / "FAIL.TXT").write_text("of yesterday")
        assert flash(made, drive).verified


def test_a_drive_that_does_nothing_with_the_file_is_not_called_flashed(firmware, tmp_path):
    made = firmware("nucleo-l4r5zi")
    with Drive(made.board, tmp_path / "DRIVE", made.image.elf, deaf=True) as drive:
        way = ByVolume(made.board, made.image, drive.folder, Patience(0.3, 0.3))
        done = run.flash(made.board, made.image, Choice(way, "test"), silent)
        assert done.verified == ()
        assert "did not restart" in done.notes[0]
        with pytest.raises(LinkError, match="does not answer"):
            run.flash(made.board, made.image, Choice(way, "test", drive.port.url), silent, answer_s=0.5)


def test_a_boot_loader_that_still_waits_did_not_take_the_image(firmware, tmp_path):
    made = firmware("raspberry-pi-pico")
    with Drive(made.board, tmp_path / "DRIVE", made.image.elf, deaf=True) as drive:
        way = ByVolume(made.board, made.image, drive.folder, Patience(0.3, 0.3))
        with pytest.raises(FlashError, match="still waits"):
            way.write(silent)


@pytest.fixture
def cable_cut():
    """A function after which writes fail once a file has so many bytes, as they do when a cable is pulled."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_cable_pulled_half_way_leaves_a_clear_state_and_the_next_step(firmware, tmp_path, cable_cut):
    made = firmware("nucleo-l4r5zi")
    seen = []
    with Drive(made.board, tmp_path / "DRIVE", made.image.elf, deaf=True) as drive:
        way = ByVolume(made.board, made.image, drive.folder, QUICK)
        cable_cut(20_000)
        with pytest.raises(FlashError) as caught:
            way.write(lambda phase, done, whole: seen.append((phase, done, whole)))
    whole = made.image.binary.stat().st_size
    assert f"stopped after 20,000 of {whole:,} bytes" in str(caught.value)
    assert "does not run it" in str(caught.value)
    assert "flash again" in str(caught.value)
    assert seen == [("copying", 16_384, whole), ("copying", 20_000, whole)]


def test_a_drive_that_is_not_there_is_an_error_and_nothing_is_written(firmware, tmp_path):
    made = firmware("raspberry-pi-pico")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FlashError, match="nothing was written") as caught:
        ByVolume(made.board, made.image, tmp_path / "empty").write(silent)
    assert "BOOTSEL" in str(caught.value)
    assert not list((tmp_path / "empty").iterdir())


def device(*, sure=True, board="nucleo-l4r5zi", path=None, build_id=""):
    volumes = (Volume(path, "0776"),) if path else ()
    runs = Firmware(board, "m", build_id) if build_id else None
    return Device((board,), "its volume says 0776", sure, (SerialPort("/dev/ttyX"),), volumes, firmware=runs)


def chosen(made, *devices, **wish):
    return choose(made.board, made.image, Wish(**wish), lambda: Found(devices, ()))


def test_the_drive_that_is_plugged_in_is_chosen_with_its_port(firmware, tmp_path):
    made = firmware("nucleo-l4r5zi")
    choice = chosen(made, device(path=tmp_path, build_id=made.image.build_id))
    assert (choice.way.name, choice.way.place, choice.port) == ("volume", str(tmp_path), "/dev/ttyX")
    assert run.flash(made.board, made.image, choice, silent).skipped


def test_with_nothing_plugged_in_the_emulated_board_is_used_and_it_says_so(firmware):
    made = firmware("nucleo-l4r5zi")
    choice = chosen(made)
    assert choice.way.name == "emulator"
    assert "EMULATED" in choice.why
    done = run.flash(made.board, made.image, choice, silent)
    assert done.json()["emulated"]
    assert done.verified


def test_two_boards_of_a_kind_are_not_chosen_between(firmware, tmp_path):
    made = firmware("nucleo-l4r5zi")
    with pytest.raises(UsageError, match="several of this board"):
        chosen(made, device(path=tmp_path / "a"), device(path=tmp_path / "b"))


def test_what_only_may_be_the_board_is_named_and_not_flashed(firmware):
    made = firmware("nucleo-l4r5zi")
    with pytest.raises(UsageError, match="may be this board"):
        chosen(made, device(sure=False))


@pytest.mark.parametrize(
    ("wish", "words"),
    [({"via": "ssh"}, "not flashed that way"), ({"port": "/dev/ttyACM0"}, "say how to flash")],
)
def test_a_way_that_makes_no_sense_is_refused(firmware, wish, words):
    with pytest.raises(UsageError, match=words):
        chosen(firmware("nucleo-l4r5zi"), **wish)


def test_asked_for_a_drive_that_is_not_there_nothing_is_written(firmware):
    with pytest.raises(FlashError, match="nothing was written"):
        chosen(firmware("nucleo-l4r5zi"), via="volume")


def test_the_command_flashes_a_project_over_its_drive(firmware, tmp_path):
    made = firmware("nucleo-f446re")
    with Drive(made.board, tmp_path / "NODE", made.image.elf) as drive:
        args = ("flash", made.folder, "--board", "nucleo-f446re", "--volume", drive.folder, "--port", drive.port.url)
        tree = json.loads(call(*args, "--json").stdout)
        shown = call(*args).stdout
    assert (tree["via"], tree["skipped"], tree["build_id"]) == ("volume", False, made.image.build_id)
    assert tree["verified"]
    assert "already" in shown


def test_a_dry_run_prints_the_command_and_does_nothing(firmware, tmp_path):
    made = firmware("nucleo-f446re")
    args = ("flash", made.folder, "--board", "nucleo-f446re", "--volume", tmp_path, "--dry-run")
    tree = json.loads(call(*args, "--json").stdout)
    assert tree["commands"] == [f"cp {made.folder}/build/watch_gestures_bench.bin {tmp_path}/"]
    assert (tree["dry_run"], tree["verified"]) == (True, [])
    assert "would run: cp" in call(*args).stdout
    assert not list(tmp_path.iterdir())


def test_a_dry_run_for_a_drive_that_is_not_there_still_says_what_would_be_copied(firmware):
    made = firmware("nucleo-l4r5zi")
    choice = choose(made.board, made.image, Wish(via="volume"), nothing, dry_run=True)
    assert choice.way.commands[0].endswith(" DRIVE/")


def test_a_project_of_another_board_and_a_folder_that_is_none_are_refused(firmware, tmp_path):
    other = call("flash", firmware("nucleo-f446re").folder, "--board", "emu-m4", "--json", code=2)
    assert "another board" in json.loads(other.stdout)["error"]["problems"][0]["what"]
    assert "no .edgekit.json" in call("flash", tmp_path, "--board", "emu-m4", code=1).stderr
    (tmp_path / "CMakeCache.txt").write_text("CMAKE_HOME_DIRECTORY:INTERNAL=/of/mine\n", encoding="utf-8")
    assert "edgekit flash /of/mine --board emu-m4" in call("flash", tmp_path, "--board", "emu-m4", code=1).stderr


@pytest.mark.parametrize("name", ["emu-m3", "host"])
def test_every_kind_of_emulated_board_takes_an_image(firmware, name):
    tree = json.loads(call("flash", firmware(name).folder, "--board", name, "--via", "emulator", "--json").stdout)
    assert (tree["emulated"], len(tree["verified"])) == (name != "host", 1)


def test_staying_on_is_for_emulated_boards(firmware):
    refused = call("flash", firmware("nucleo-f446re").folder, "--board", "nucleo-f446re", "--stay", code=2)
    assert "--stay is for the emulated board" in refused.stderr


def test_the_second_stage_of_a_pico_has_the_checksum_its_boot_rom_wants(firmware):
    """RP2040 datasheet, 2.8.1.3.1: CRC-32 of the first 252 bytes, most significant bit first, not inverted."""
    first = image.read(firmware("raspberry-pi-pico").image.elf.with_suffix(".uf2"), 0)[0]
    assert first[0] == 0x1000_0000
    crc = 0xFFFF_FFFF
    for byte in first[1][:252]:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C1_1DB7 if crc >> 31 else 0)) & 0xFFFF_FFFF
    assert int.from_bytes(first[1][252:256], "little") == crc


def test_the_image_of_a_pico_2_begins_with_what_its_boot_rom_looks_for(firmware):
    """The vector table and the 20 bytes of RP2350 datasheet, 5.9.5.1; the UF2 file is the image, after one block."""
    made = firmware("raspberry-pi-pico-2")
    whole = made.image.binary.read_bytes()
    assert whole[64:84] == bytes.fromhex("d3deffff 42012110 ff010000 00000000 793512ab")
    file = made.image.elf.with_suffix(".uf2")
    families = [int.from_bytes(file.read_bytes()[at + 28 : at + 32], "little") for at in range(0, 1536, 512)]
    assert families == [0xE48B_FF57, 0xE48B_FF59, 0xE48B_FF59]
    first, absolute = image.read(file, 0)
    assert first[0] == 0x1000_0000
    assert (first[1][: len(whole)], set(first[1][len(whole) :])) == (whole, {0})
    assert absolute[0] == 0x103F_FF00
