"""Finding boards: what the system says of ports and volumes, and which board file each is. Nothing is guessed."""

from __future__ import annotations

import dataclasses
import io
import json
from types import SimpleNamespace

import pytest
from serial.tools import list_ports
from typer.testing import CliRunner

from edgekit import board as board_files
from edgekit import report
from edgekit.cli import app
from edgekit.device.discovery import ask as asking
from edgekit.device.discovery import match, usb, volumes
from edgekit.device.discovery.found import Device, Firmware, Found, Probe, SerialPort, Volume

BOARDS = [board_files.load(name) for name in board_files.names()]
ST_LINK = ("/dev/ttyACM0", "STM32 STLink", 0x0483, 0x374B, "066DFF", "1-2")


def matched(ports=(), drives=(), probes=(), answers=None):
    ask = None if answers is None else (lambda name, _baud: answers.get(name))
    return match.match(BOARDS, ports, drives, probes, ask=ask)


@pytest.fixture
def drive(tmp_path):
    """A function that makes a board's drive of file names and texts."""

    def make(name="NODE_L4R5ZI", **files):
        folder = tmp_path / name
        folder.mkdir()
        for file, text in files.items():
            (folder / file.replace("_HTM", ".HTM").replace("_TXT", ".TXT")).write_text(text)
        return folder

    return make


PAGE = '<meta http-equiv="refresh" content="0; url=https://os.mbed.com/platforms/?code=07760221066DFF3736"/>'


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"MBED_HTM": PAGE, "DETAILS_TXT": "Version: 0221\nBuild: Jan  7 2019"}, "0776"),
        ({"mbed.htm": '<a href="http://mbed.org/device/?code=08160221">'}, "0816"),
        ({"DETAILS_TXT": "# DAPLink\r\nUnique ID: 1102000044203120\r\nHIC ID: 97969902"}, "1102"),
        ({"INFO_UF2_TXT": "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n"}, "RPI-RP2"),
        ({"INFO_UF2_TXT": "UF2 Bootloader v1.0\nModel: Raspberry Pi RP2350\nBoard-ID: RP2350\n"}, "RP2350"),
    ],
)
def test_a_drive_says_which_board_it_is(drive, files, code):
    assert volumes.read(drive(**files)).code == code


@pytest.mark.parametrize("files", [{}, {"README_TXT": "code=0776"}, {"DETAILS_TXT": "Version: 0221"}])
def test_a_drive_that_says_nothing_is_no_board(drive, files):
    assert volumes.read(drive(**files)) is None


def test_a_drive_that_is_gone_is_no_board(tmp_path):
    assert volumes.read(tmp_path / "absent") is None


def test_mounted_drives_are_found_with_their_usb_place(drive, tmp_path):
    folder = drive("NODE L4", MBED_HTM=PAGE, FAIL_TXT="The interface firmware FAILED to reset/halt the target MCU\n")
    blocks, real = tmp_path / "block", tmp_path / "devices/pci0000:00/usb1/1-2/1-2.3/1-2.3:1.1/host6/block/sdb"
    blocks.mkdir()
    real.mkdir(parents=True)
    (blocks / "sdb").symlink_to(real)
    mounts = tmp_path / "mounts"
    path = str(folder).replace(" ", "\\040")
    mounts.write_text(f"proc /proc proc rw 0 0\n/dev/sdb {path} vfat rw,noexec 0 0\n/dev/sda1 / ext4 rw 0 0\n")
    (found,) = volumes.find(mounts=mounts, blocks=blocks)
    assert (found.path, found.code, found.place) == (folder, "0776", "1-2.3")
    assert found.note.startswith("The interface firmware FAILED")


def test_ports_are_read_from_what_pyserial_says(monkeypatch):
    entries = [
        SimpleNamespace(device="/dev/ttyS0", product=None, description="n/a", vid=None, pid=None, serial_number=None,
                        location=None),
        SimpleNamespace(device="/dev/ttyACM0", product="STM32 STLink", description="x", vid=0x0483, pid=0x374B,
                        serial_number="066DFF", location="1-2:1.2"),
    ]  # fmt: skip
    monkeypatch.setattr(list_ports, "comports", lambda: entries)
    assert usb.ports() == (SerialPort(*ST_LINK), SerialPort("/dev/ttyS0"))


def test_an_st_link_alone_is_ambiguous_and_all_boards_are_named():
    (found,) = matched([SerialPort(*ST_LINK)])
    assert found.board == ""
    assert {"nucleo-l4r5zi", "nucleo-f446re", "nucleo-f746zg"} == set(found.boards)
    assert "0483:374b" in found.how


def test_the_volume_on_the_same_usb_port_decides(tmp_path):
    drives = [Volume(tmp_path / "a", "0816", place="1-2"), Volume(tmp_path / "b", "0777", place="1-3")]
    found = matched([SerialPort(*ST_LINK)], drives)
    assert {(d.board, bool(d.ports)) for d in found} == {("nucleo-f746zg", True), ("nucleo-f446re", False)}
    assert found[0].how.startswith("its volume says")


def test_a_volume_whose_place_is_unknown_does_not_decide_for_a_port(tmp_path):
    found = matched([SerialPort(*ST_LINK)], [Volume(tmp_path, "0776")])
    assert [(d.board, len(d.ports)) for d in found] == [("", 1), ("nucleo-l4r5zi", 0)]


def test_the_firmwares_own_name_decides_what_usb_leaves_open():
    (found,) = matched([SerialPort(*ST_LINK)], answers={"/dev/ttyACM0": Firmware("nucleo-f446re", "kws", "f" * 16)})
    assert found.board == "nucleo-f446re"
    assert found.how == "its firmware says so"
    assert found.firmware.build_id == "f" * 16


def test_a_volume_and_a_firmware_that_contradict_each_other_are_told_as_that(tmp_path):
    drives = [Volume(tmp_path, "0776", place="1-2")]
    (found,) = matched([SerialPort(*ST_LINK)], drives, answers={"/dev/ttyACM0": Firmware("nucleo-f446re")})
    assert (found.board, found.sure) == ("nucleo-l4r5zi", False)
    assert "but its firmware was built for nucleo-f446re" in found.how


def test_two_boards_of_a_kind_are_two_and_neither_is_taken_for_the_other(tmp_path):
    ports = [SerialPort(*ST_LINK), SerialPort("/dev/ttyACM1", "STM32 STLink", 0x0483, 0x374B, "0671FF", "1-3")]
    drives = [Volume(tmp_path / "a", "0776", place="1-2"), Volume(tmp_path / "b", "0776", place="1-3")]
    found = matched(ports, drives)
    assert [(d.board, d.sure, d.ports[0].serial) for d in found] == [
        ("nucleo-l4r5zi", True, "066DFF"), ("nucleo-l4r5zi", True, "0671FF"),
    ]  # fmt: skip


def test_two_codes_on_one_usb_port_decide_nothing_until_the_firmware_does(tmp_path):
    drives = [Volume(tmp_path / "a", "0776", place="1-2"), Volume(tmp_path / "b", "0777", place="1-2")]
    (found,) = matched([SerialPort(*ST_LINK)], drives)
    assert (found.board, found.sure, set(found.boards)) == ("", False, {"nucleo-l4r5zi", "nucleo-f446re"})
    (found,) = matched([SerialPort(*ST_LINK)], drives, answers={"/dev/ttyACM0": Firmware("nucleo-f446re")})
    assert (found.board, found.sure, found.how) == ("nucleo-f446re", True, "its firmware says so")


def test_a_code_that_two_board_files_have_stays_ambiguous(tmp_path):
    pico = board_files.load("raspberry-pi-pico")
    twin = dataclasses.replace(pico, name="my-rp2040")
    (found,) = match.match([pico, twin], (), [Volume(tmp_path, "RPI-RP2")], (), ask=None)
    assert (found.board, found.sure, found.boards) == ("", False, ("raspberry-pi-pico", "my-rp2040"))


def test_boards_of_several_baud_rates_are_asked_at_each():
    slow = dataclasses.replace(board_files.load("nucleo-l4r5zi"), name="slow", serial=board_files.Serial(9600))
    asked = []
    match.match([*BOARDS, slow], [SerialPort(*ST_LINK)], (), (), ask=lambda name, baud: asked.append((name, baud)))
    assert asked == [("/dev/ttyACM0", 115_200), ("/dev/ttyACM0", 9600)]


class Says:
    """A port that answers with some bytes."""

    name = "x"

    def __init__(self, data):
        self.data = data

    def write(self, data):
        pass

    def read(self, _seconds):
        data, self.data = self.data, b""
        return data


@pytest.mark.parametrize(
    ("said", "name"),
    [(b"m-name-dut-[nucleo-l4r5zi]\r\n", "nucleo-l4r5zi"), (b"m-name-dut-[\x1b[2J]", ""),
     (b"m-name-dut-[" + b"a" * 65 + b"]", ""), (b"noise" * 9_999 + b"m-name-dut-[b c]", "b c")],
)  # fmt: skip
def test_a_name_is_taken_only_if_it_can_be_one(said, name, monkeypatch):
    monkeypatch.setattr(asking, "_NAME_S", 0.05)
    assert asking._board_name(Says(said)) == name


def test_only_ports_that_can_be_a_boards_are_asked():
    asked = []
    ports = [SerialPort("/dev/ttyUSB0", "a printer", 0x1A86, 0x7523), SerialPort("/dev/ttyS0"), SerialPort(*ST_LINK)]
    match.match(BOARDS, ports, (), (), ask=lambda name, _baud: asked.append(name))
    assert asked == ["/dev/ttyACM0"]


def test_a_port_no_board_file_knows_stays_unknown():
    (found,) = matched([SerialPort("/dev/ttyUSB0", "a printer", 0x1A86, 0x7523)])
    assert (found.boards, found.how) == ((), "")


def test_a_probe_joins_the_port_with_its_serial_number():
    port = SerialPort("/dev/ttyACM3", "J-Link", 0x1366, 0x1051, "000683012345", "2-1")
    (one, other) = matched([port], probes=[Probe("683012345", "J-Link"), Probe("E66", "Debug Probe")])
    assert (one.board, [p.uid for p in one.probes]) == ("nrf52840-dk", ["683012345"])
    assert (other.boards, [p.uid for p in other.probes]) == ((), ["E66"])


@pytest.mark.parametrize(("code", "name"), [("RPI-RP2", "raspberry-pi-pico"), ("RP2350", "raspberry-pi-pico-2")])
def test_a_pico_that_waits_for_an_image_is_found_by_its_volume(tmp_path, code, name):
    (found,) = matched(drives=[Volume(tmp_path, code)])
    assert (found.board, found.sure) == (name, True)


def test_a_debug_probe_alone_does_not_tell_which_pico_hangs_on_it():
    port = SerialPort("/dev/ttyACM0", "Debug Probe", 0x2E8A, 0x000C, "E66", "1-1")
    (found,) = matched([port])
    assert (found.boards, found.sure) == (("raspberry-pi-pico", "raspberry-pi-pico-2"), False)
    (found,) = matched([port], answers={"/dev/ttyACM0": Firmware("raspberry-pi-pico-2")})
    assert (found.board, found.sure) == ("raspberry-pi-pico-2", True)


def test_meters_are_no_boards_and_a_ppk2_with_two_ports_is_one():
    ports = [SerialPort(f"/dev/ttyACM{i}", "PPK2", 0x1915, 0xC00A, "D0", "3-1") for i in range(2)]
    ports += [SerialPort("/dev/ttyACM5", "Virtual COM Port", 0x0483, 0x5740, "x", "3-2")]
    assert matched(ports) == ()
    ppk2, maybe = usb.meters(ports, devices=volumes.Path("/nonexistent"))
    assert (ppk2.name, ppk2.ports, ppk2.sure) == ("Nordic PPK2", ("/dev/ttyACM0", "/dev/ttyACM1"), True)
    assert (maybe.name, maybe.sure) == ("ST X-NUCLEO-LPM01A", False)


def test_a_meter_without_a_serial_port_is_found_on_usb(tmp_path):
    device = tmp_path / "1-4"
    device.mkdir()
    for name, text in (("idVendor", "16d0\n"), ("idProduct", "10ba\n"), ("serial", "004204\n")):
        (device / name).write_text(text)
    (meter,) = usb.meters((), devices=tmp_path)
    assert (meter.name, meter.serial) == ("Joulescope JS220", "004204")


def test_without_pyocd_it_is_said_how_probes_are_found(monkeypatch):
    monkeypatch.setattr(usb.importlib.util, "find_spec", lambda _name: None)
    assert "edgekit[pyocd]" in usb.probes()[1]


def shown(found):
    sink = io.StringIO()
    report.console(sink, width=120).print(report.devices(found))
    return sink.getvalue()


def test_the_report_says_one_of_where_it_is_not_known_which():
    text = shown(Found(matched([SerialPort(*ST_LINK)]), (), ("pyOCD is absent",)))
    assert "one of" in text
    assert "nucleo-f446re" in text
    assert "pyOCD is absent" in text


def test_the_report_shows_what_runs_and_what_failed(tmp_path):
    volume = Volume(tmp_path, "0776", note="error: no target\nmore")
    runs = Firmware("n", "kws", "a" * 16)
    device = Device(("nucleo-l4r5zi",), "x", ports=(SerialPort(*ST_LINK),), volumes=(volume,), firmware=runs)
    text = shown(Found((device,), ()))
    assert "runs kws, build aaaaaaaaaaaaaaaa" in text
    assert "FAIL.TXT: error: no target" in text


def test_the_command_looks_into_a_folder_it_is_given(drive):
    folder = drive(MBED_HTM=PAGE)
    result = CliRunner().invoke(app, ["devices", "--volumes", str(folder.parent), "--no-ask", "--json"])
    assert result.exit_code == 0, result.stderr
    assert "nucleo-l4r5zi" in [d["board"] for d in json.loads(result.stdout)["devices"]]
