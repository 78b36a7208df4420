"""The ASCII protocol as the public runner speaks it, on the harness built for this machine."""

import struct
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import fuzz_lines, need
from support.fake_board import ZIG, InProcess, Process, build

BOOT = ["m-timestamp-mode-performance", "m-init-done", "m-ready"]


def image(kind: str, *options: str):
    if kind == "gcc":
        sanitize = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
        return build(compiler=(need.need("gcc"),), options=(*sanitize, *options))
    return build(compiler=ZIG, options=options)


def transcript(commands: str, kind: str = "zig", *options: str):
    process = Process(image(kind, *options))
    line, pin = process.talk(commands.encode("latin-1"))
    assert process.process.returncode == 0, pin
    assert line.endswith(b"\r\n") or not line
    return line.decode("ascii").replace("\r\n", "\n").splitlines(), pin.decode()


def chunks(data: bytes) -> str:
    """``db`` commands as the runner sends them: 31 bytes each."""
    return "".join(f"db {data[i : i + 31].hex()}%" for i in range(0, len(data), 31))


@pytest.fixture(scope="module")
def board():
    return InProcess()


@pytest.fixture(scope="module")
def floats():
    return InProcess("-DFAKE_FLOATS")


@pytest.mark.parametrize("kind", ["zig", "gcc"])
def test_a_whole_performance_session_reads_as_the_runner_expects(kind):
    data = bytes([0, 1, 2, 3, 0x7F, 0x80, 0xFE, 0xFF])
    session = f"name%profile%timestamp%db load 8%{chunks(data)}db print%infer 3 2%results%"
    lines, _ = transcript(session, kind, '-DEK_BOARD_NAME="nucleo-x"')
    levels = [((b ^ 0x55) + 1) & 0xFF for b in data]
    floats = [((v ^ 0x80) - 128 + 128) / 256 for v in levels]
    results = "m-results-[" + ",".join(f"{v:0.3f}" for v in floats) + "]"
    laps = [int(line.removeprefix("m-lap-us-")) for line in lines if line.startswith("m-lap-us-")]
    # One inference is 10,000 cycles at 1 MHz; each look at the clock 7.
    assert laps[2] - laps[1] == 3 * 10_000 + 4 * 7
    assert lines == [
        *BOOT,
        "m-name-dut-[nucleo-x]",
        "m-ready",
        "m-profile-[ULPMark for tinyML Firmware V0.0.1]",
        "m-model-[fake]",
        "m-ready",
        f"m-lap-us-{laps[0]}",
        "m-ready",
        "m-[Expecting 8 bytes]",
        "m-ready",
        "m-load-done",
        "m-ready",
        "m-buffer-00-01-02-03-7f-80-fe-ff",
        "m-ready",
        "m-warmup-start-2",
        "m-warmup-done",
        "m-infer-start-3",
        f"m-lap-us-{laps[1]}",
        f"m-lap-us-{laps[2]}",
        "m-infer-done",
        results,
        "m-ready",
        results,
        "m-ready",
    ]


def test_the_energy_mode_marks_time_by_falling_edges_and_prints_no_lap():
    lines, pin = transcript("timestamp%db load 1%db 00%infer 2 0%", "zig", "-DEK_ENERGY_MODE")
    assert lines[0] == "m-timestamp-mode-energy"
    assert not any(line.startswith("m-lap-us") for line in lines)
    assert pin.split() == ["1", "0", "1", "0", "1", "0", "1"]  # idle high, then one pulse per timestamp


@pytest.mark.parametrize("kind", ["zig", "gcc"])
def test_a_whole_energy_session_reads_as_the_runner_expects(kind):
    data = bytes([0, 1, 2, 3, 0x7F, 0x80, 0xFE, 0xFF])
    session = f"name%profile%timestamp%db load 8%{chunks(data)}infer 3 2%results%help%"
    lines, pin = transcript(session, kind, "-DEK_ENERGY_MODE", '-DEK_BOARD_NAME="nucleo-x"')
    levels = [((b ^ 0x55) + 1) & 0xFF for b in data]
    results = "m-results-[" + ",".join(f"{((v ^ 0x80) - 128 + 128) / 256:0.3f}" for v in levels) + "]"
    text = lines[lines.index(results, lines.index(results) + 1) + 2 :]
    assert text[-1] == "m-ready"
    assert len(text) > 5  # help is free text
    assert lines[: -len(text)] == [
        "m-timestamp-mode-energy",
        "m-init-done",
        "m-ready",
        "m-name-dut-[nucleo-x]",
        "m-ready",
        "m-profile-[ULPMark for tinyML Firmware V0.0.1]",
        "m-model-[fake]",
        "m-ready",
        "m-ready",  # a timestamp is an edge and prints nothing
        "m-[Expecting 8 bytes]",
        "m-ready",
        "m-load-done",
        "m-ready",
        "m-warmup-start-2",
        "m-warmup-done",
        "m-infer-start-3",
        "m-infer-done",
        results,
        "m-ready",
        results,
        "m-ready",
    ]
    assert pin.split() == ["1"] + ["0", "1"] * 3


def test_pixels_arrive_unsigned_and_reach_the_model_minus_128():
    pixels = bytes([0, 1, 127, 128, 129, 200, 254, 255])
    lines, _ = transcript(f"db load 8%{chunks(pixels)}db print%infer 1 0%", "zig", '-DFAKE_TASK="ic01"')
    model_input = (np.frombuffer(pixels, np.uint8).astype(int) - 128).astype(np.int8).view(np.uint8)
    level = ((model_input ^ 0x55) + np.uint8(1)).view(np.int8).astype(int)
    expected = "m-results-[" + ",".join(f"{(v + 128) / 256:0.3f}" for v in level) + "]"
    assert "m-buffer-00-01-7f-80-81-c8-fe-ff" in lines
    assert expected in lines


def test_an_autoencoder_takes_floats_and_answers_their_mean_squared_error():
    values = np.array([0.25, -0.25, 0.75, 100.0, -100.0, float("nan"), 12.2, -0.74], np.float32)
    commands = f"db load 32%{chunks(values.tobytes())}infer 2 1%results%"
    for kind in ("zig", "gcc"):
        lines, _ = transcript(commands, kind, '-DFAKE_TASK="ad01"')
        assert [line for line in lines if line.startswith("m-results")] == ["m-results-[nan]"] * 2
    values[5] = 1.0
    lines, _ = transcript(f"db load 32%{chunks(values.tobytes())}infer 1 0%", "zig", '-DFAKE_TASK="ad01"')
    scaled = values / np.float32(0.5)
    rounded = np.trunc(scaled + np.copysign(np.float32(0.5), scaled)) - 3
    level = np.clip(rounded, -128, 127).astype(np.int8).view(np.uint8)
    output = ((level ^ 0x55) + np.uint8(1)).view(np.int8).astype(np.float32) + 128
    error = float(np.mean(np.square(output / np.float32(256) - values)))
    (line,) = [line for line in lines if line.startswith("m-results")]
    assert abs(float(line[11:-1]) - error) < 0.002


def test_inferences_default_to_one_after_ten_warm_ups(board):
    lines = board.ask("infer%")
    assert "m-warmup-start-10" in lines
    assert "m-infer-start-1" in lines


def test_every_run_starts_from_the_input_though_the_model_writes_over_it(board):
    data = bytes(range(8))
    board.ask("db load 8%")
    board.ask(chunks(data))
    results = {tuple(x for x in board.ask(f"infer {n} {w}%") if "results" in x) for n in (1, 2, 5) for w in (0, 1, 4)}
    assert len(results) == 1


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("db load 0%", "e-[Command 'db load' must be >0 bytes]"),
        ("db load%", "e-[Command 'db load' requires the # of bytes]"),
        ("db load -4%", "e-[Command 'db load' must be >0 bytes]"),
        ("db load 9%", "e-[Supplied buffer size exceeds maximum of 8 bytes]"),
        ("db load 99999999999999999999%", "e-[Supplied buffer size exceeds maximum of 8 bytes]"),
        ("db%", "e-[Command 'db' requires a subcommand]"),
        ("db 123%", "e-[Insufficent number of hex digits]"),
        ("db 0g%", "e-[Invalid hex digit '0g']"),
        ("infer 0%", "e-[Inference iterations must be >0]"),
        ("infer -1 3%", "e-[Inference iterations must be >0]"),
        ("infer x%", "e-[Inference iterations must be >0]"),
        ("infer 1 -1%", "e-[Inference warmup must be >=0]"),
        ("infer 1000001%", "e-[Inference iterations and warmup must be <=1000000]"),
        ("nonsense 1 2%", "e-[Unknown command: nonsense]"),
        ("NAME%", "e-[Unknown command: NAME]"),
        ("%", "e-[Unknown command: ]"),
        ("   %", "e-[Unknown command: ]"),
    ],
)
def test_a_wrong_command_is_answered_with_its_error(board, command, answer):
    board.ask("db load 2%")
    assert board.ask(command) == [answer, "m-ready"]


def test_bytes_without_an_announcement_are_refused():
    lines, _ = transcript("db 0011%")
    assert lines[3:] == ["e-[Command 'db load' must come first]", "m-ready"]


def test_digits_beyond_the_announced_bytes_are_disregarded(board):
    board.ask("db load 2%")
    assert board.ask("db 01020304%") == ["m-load-done", "m-ready"]
    assert board.ask("db print%") == ["m-buffer-01-02", "m-ready"]


def test_a_command_fills_the_buffer_and_a_longer_one_is_refused(board):
    longest = "x" * 79
    assert board.ask(f"{longest}%") == [f"e-[Unknown command: {longest}]", "m-ready"]
    assert board.ask(f"{longest}x%") == ["e-[Command too long]", "m-ready"]
    assert board.ask("x" * 100_000 + "%") == ["e-[Command too long]", "m-ready"]
    assert board.ask("name%") == ["m-name-dut-[edgekit]", "m-ready"]


def test_help_names_every_command(board):
    text = "\n".join(board.ask("help%"))
    assert all(word in text for word in ("name", "profile", "timestamp", "db load", "infer", "results"))


def test_noise_and_line_ends_do_not_hide_a_command(board):
    board.write(b"\xff\x00\r\nna\x80me%")
    assert board.read(0).decode().splitlines() == ["m-name-dut-[edgekit]", "m-ready"]


def test_a_command_swallowed_by_a_false_frame_start_still_gets_an_answer(board):
    board.write(b"\xa5name%name%")
    lines = board.read(0).decode().splitlines()
    assert lines == ["e-[Garbled command]", "m-ready", "m-name-dut-[edgekit]", "m-ready"]


def test_time_goes_on_when_the_cycle_counter_wraps(board):
    board.cycles.value = 2**32 - 5_000
    before = int(board.ask("timestamp%")[0].removeprefix("m-lap-us-"))
    board.ask("infer 1 0%")
    after = int(board.ask("timestamp%")[0].removeprefix("m-lap-us-"))
    assert 10_000 <= after - before < 11_000


WORDS = st.sampled_from(["db", "load", "print", "infer", "results", "name", "help", "00", "ff", "8", "-1", "2", "zz"])
LINES = st.lists(st.one_of(WORDS, st.text(st.characters(max_codepoint=255), max_size=90)), max_size=5).map(" ".join)


@given(LINES)
def test_any_command_line_is_answered_in_ascii_and_ready(board, text):
    board.write(b"%")
    board.read(0)
    board.write(text.replace("%", "").encode("latin-1") + b"%")
    line = board.read(0)
    assert line.endswith(b"m-ready\r\n")
    board.write(b"name%")
    assert board.read(0) == b"m-name-dut-[edgekit]\r\nm-ready\r\n"


FUZZED = 100_000


def test_after_each_of_a_hundred_thousand_fuzzed_lines_the_next_command_is_answered(board):
    board.write(b"%")
    board.read(0)
    for number, line in enumerate(fuzz_lines.lines(FUZZED, seed=6)):
        board.write(line)
        answer = board.read(0)
        assert answer.count(b"m-ready\r\n") == line.count(b"%"), (number, line)
        assert answer.endswith(b"m-ready\r\n"), (number, line)
        board.write(b"name%")
        assert board.read(0) == b"m-name-dut-[edgekit]\r\nm-ready\r\n", (number, line)


@pytest.mark.parametrize("kind", ["zig", "gcc"])
def test_a_hundred_thousand_fuzzed_lines_at_once_overrun_nothing_and_all_are_answered(kind):
    data = b"".join(fuzz_lines.lines(FUZZED, seed=7))
    process = subprocess.run(
        [image(kind)], input=data + b"name%", capture_output=True, check=True, timeout=200
    )  # with gcc under the address and undefined behaviour sanitizers, which end the process
    assert process.stdout.count(b"m-ready\r\n") == data.count(b"%") + 2  # the banner's and the name's
    assert process.stdout.endswith(b"m-name-dut-[edgekit]\r\nm-ready\r\n")


@given(st.floats(width=32, allow_nan=False, min_value=-(2.0**31), max_value=2.0**31))
def test_results_print_as_the_c_library_would(floats, value):
    raw = struct.pack("<f", value)
    floats.ask("db load 8%")
    floats.ask(f"db {(raw + raw).hex()}%")
    (line,) = [line for line in floats.ask("infer 1 0%") if "results" in line]
    assert line == f"m-results-[{value:0.3f},{value:0.3f}]"
