"""What a real board would answer with a fault, or worse with silence, stops an emulated one with a reason."""

from __future__ import annotations

import dataclasses

import pytest
import serial

from edgekit import board as boards
from edgekit.emulate import launch
from edgekit.errors import BoardError, FitError, TargetFaultError, UserError
from edgekit.toolchain.elf import Segment
from edgekit.toolchain.image import hex_lines

CASES = [
    ("emu-m4", b"x0", "an access to no memory of the board", "wrong", 0x60000000),
    ("emu-m4", b"x1", "a write to flash", "wrong", None),
    ("emu-m4", b"x2", "an undefined instruction", "wrong", None),
    ("emu-m4", b"x3", "the stack runs over its limit", "deep", None),
    ("emu-m4", b"x5", "a misaligned access, which this core forbids", "wrong", 0x20000801),
    ("emu-m4", b"x6", "a jump to no memory of the board", "0x70000000", 0x70000000),
    ("emu-m4", b"x9", "an access to a register that the emulated board does not have", "wrong", 0x40028800),
    ("emu-m4", b"xb", "a misaligned access, which this core forbids", "wrong", 0x20000801),
    ("emu-m0plus", b"x4", "a misaligned access, which this core forbids", "wrong", 0x20000801),
    ("emu-m0plus", b"x5", "a misaligned access, which this core forbids", "wrong", 0x20000801),
    ("emu-m0plus", b"x3", "the stack runs over its limit", "deep", None),
    ("nucleo-l4r5zi", b"x1", "a write to flash", "wrong", None),
]


def closes(port) -> bool:
    try:
        return port.read(1) == b""
    except (serial.SerialException, OSError, TypeError):
        return True


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]}-{c[1].decode()}")
def test_a_mistake_stops_the_board_and_is_named(console, case):
    name, command, reason, function, address = case
    board = console(name)
    board.port.write(command)
    assert closes(board.port)
    fault = board.board.fault
    assert fault is not None
    assert fault.reason == reason
    assert fault.function.split(" ")[0] == function
    if address is not None:
        assert fault.address == address
    with pytest.raises(TargetFaultError, match=f"{name}, in {function}.*{reason}"):
        board.board.check()


def test_an_unaligned_word_is_fine_on_a_core_that_allows_it(console):
    board = console("emu-m4")
    assert board.word(b"x4") == 0
    assert board.board.fault is None


def test_an_instruction_whose_condition_does_not_hold_cannot_fault(console):
    board = console("emu-m4")
    assert board.word(b"xa") == 0
    assert board.board.fault is None


def test_the_fpu_must_be_enabled_before_it_is_used(console):
    board = console("emu-m4")
    assert board.word(b"x8") == 0
    assert board.word(b"x7") == 0  # turns it off
    board.port.write(b"x8")
    assert closes(board.port)
    assert board.board.fault.reason == "a floating-point instruction before the FPU is enabled"


def test_an_image_that_faults_at_once_is_reported_by_launch(image, tmp_path):
    found = image("emu-m4")
    broken = tmp_path / "broken.bin"
    data = bytearray(found.image.read_bytes())
    data[4:8] = (0x00300001).to_bytes(4, "little")
    broken.write_bytes(data)
    with pytest.raises(TargetFaultError, match="emu-m4"):
        launch(boards.load("emu-m4"), broken, found.elf)


@pytest.mark.parametrize(
    ("name", "at", "why"),
    [
        ("raspberry-pi-pico", 8, "checksum of the second stage"),
        ("raspberry-pi-pico-2", 64, "no block in the first 4 KB"),
        ("raspberry-pi-pico-2", 70, "not executable"),
        ("raspberry-pi-pico-2", 80, "malformed"),
    ],
)
def test_an_image_that_the_boot_rom_would_not_start_does_not_run(image, tmp_path, name, at, why):
    found = image(name)
    data = bytearray(found.image.read_bytes())
    data[at] ^= 3
    broken = tmp_path / "broken.bin"
    broken.write_bytes(data)
    with pytest.raises(TargetFaultError, match=f"{name}, in the boot ROM: it does not start the image: .*{why}"):
        launch(boards.load(name), broken, found.elf)


def test_the_bytes_of_the_image_run_and_not_those_of_the_elf_file(image, tmp_path):
    found = image("emu-m4")
    data = found.image.read_bytes()
    assert data.count(b"hello") == 1
    changed = tmp_path / "changed.bin"
    changed.write_bytes(data.replace(b"hello", b"HELLO"))
    with launch(boards.load("emu-m4"), changed, found.elf) as board:
        port = serial.serial_for_url(board.url, timeout=10)
        port.write(b"r")
        assert port.read(5) == b"HELLO"
        port.close()


def test_an_image_larger_than_the_flash_is_refused(image, tmp_path):
    found = image("emu-m4")
    large = tmp_path / "large.bin"
    large.write_bytes(found.image.read_bytes() + bytes(0x40_0000))
    with pytest.raises(FitError, match="does not fit the board's flash"):
        launch(boards.load("emu-m4"), large, found.elf)


def test_an_image_in_intel_hex_runs_as_the_raw_one(image, tmp_path):
    found = image("emu-m4")
    data = found.image.read_bytes()
    written = tmp_path / "image.hex"
    written.write_text("".join(f"{r}\n" for r in hex_lines([Segment(0, data)])))
    with launch(boards.load("emu-m4"), written, found.elf) as board:
        port = serial.serial_for_url(board.url, timeout=10)
        port.write(b"?")
        assert port.read(1) == b"!"
        port.close()
    written.write_text(written.read_text().replace(":20", ":21", 1))
    with pytest.raises(UserError, match="line 2 is damaged"):
        launch(boards.load("emu-m4"), written, found.elf)


def test_an_elf_file_is_not_taken_for_an_image(image):
    found = image("emu-m4")
    with pytest.raises(UserError, match="it is an ELF file"):
        launch(boards.load("emu-m4"), found.elf, found.elf)


def test_a_file_that_is_no_elf_is_refused(image, tmp_path):
    text = tmp_path / "text.elf"
    text.write_text("no ELF")
    with pytest.raises(UserError, match="cannot read the ELF file"):
        launch(boards.load("emu-m4"), image("emu-m4").image, text)


def test_a_board_without_an_emulator_is_refused(image):
    board = dataclasses.replace(boards.load("emu-m4"), emulator="")
    found = image("emu-m4")
    with pytest.raises(BoardError, match="no emulator for this board"):
        launch(board, found.image, found.elf)
