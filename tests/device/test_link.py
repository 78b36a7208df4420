"""The framed link: sessions with the real harness, on lines that damage bytes, and with boards that lie."""

import ctypes
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.fake_board import BUILD_ID, InProcess, Process, build, plan, reference, sample

from edgekit.device import link, measure
from edgekit.device.frames import Frame, Reader, encode
from edgekit.device.link import Patience, Session, connect
from edgekit.errors import LinkError, PortError

ERRORS = {"CRC": 1, "TYPE": 2, "PAYLOAD": 3, "RANGE": 4, "SEQUENCE": 5, "SESSION": 6}
SHORT = Patience(idle_s=0.05, work_s=0.05, tries=4)


@pytest.fixture(scope="module")
def board():
    return InProcess()


def whole_session(stream) -> tuple:
    """Every request there is but RESET; what it finds out, which must not depend on the line."""
    session = connect(stream, plan(), BUILD_ID, SHORT)
    inputs = sample()
    outputs = measure.run(session, plan(), inputs)
    check = measure.verify(session, plan(), reference, [inputs])
    session.trigger(1)
    return outputs[0].tobytes(), check, session.stack(), len(session.run(3, 1))


class Damaged:
    """A line that damages one byte: number ``at`` in one direction."""

    name = "damaged line"

    def __init__(self, stream, way: str, direction: str, at: int) -> None:
        self.stream, self.way, self.direction, self.at = stream, way, direction, at
        self.passed = {"to": 0, "from": 0}

    def _pass(self, data: bytes, direction: str) -> bytes:
        at = self.at - self.passed[direction]
        self.passed[direction] += len(data)
        if direction != self.direction or not 0 <= at < len(data):
            return data
        if self.way == "drop":
            return data[:at] + data[at + 1 :]
        if self.way == "double":
            return data[: at + 1] + data[at:]
        return data[:at] + bytes([data[at] ^ (1 << (self.at % 8))]) + data[at + 1 :]

    def read(self, timeout_s):
        return self._pass(self.stream.read(timeout_s), "from")

    def write(self, data):
        self.stream.write(self._pass(data, "to"))

    def close(self):
        pass


def test_a_session_tells_what_the_board_is(board):
    with connect(board, plan(), BUILD_ID) as session:
        info = session.info
    assert (info.model, info.task, info.build_id, info.energy_mode) == ("fake", "fake", BUILD_ID, False)
    assert (info.arena_bytes, info.step_count, info.cycle_hz, info.timer_overhead) == (16, 4, 1_000_000, 7)
    assert info.inputs == (link.TensorInfo(0, 8, "int8", 0.5, -3),)
    assert info.outputs == (link.TensorInfo(0, 8, "int8", 1 / 256, -128),)


def test_cycles_of_runs_and_steps_are_those_of_the_board(board):
    session = connect(board, plan())
    assert session.run(3, 2) == (10_007, 10_007, 10_007)
    assert [session.step(i) for i in range(4)] == [1007, 2007, 3007, 4007]
    assert session.steps(1, 3) == (2007, 3007, 4007)
    assert session.stack() == 123


def test_every_run_of_a_batch_starts_from_the_same_inputs(board):
    session = connect(board, plan())
    inputs = sample(4)
    measure.run(session, plan(), inputs)
    session.write(0, inputs[0].tobytes())
    session.run(5, 3)
    assert session.read(0, 8) == reference(inputs)["output"].tobytes()


def test_a_window_is_one_low_pulse_of_the_pin_in_which_the_line_is_silent(board):
    session = connect(board, plan())
    inputs = sample(4)
    session.write(0, inputs[0].tobytes())
    board.edges()
    window = session.window(30, 2)
    assert (window.runs, window.copied) == (30, True)  # this model writes over its inputs
    idle, fall, rise = board.edges()
    assert [edge.level for edge in (idle, fall, rise)] == [1, 0, 1]
    assert fall.sent == rise.sent
    # One inference is 10,000 cycles at 1 MHz; nothing but a look at the clock of 7 lies beside it.
    assert rise.cycles - fall.cycles == 30 * (10_000 + 7)
    assert window.elapsed_us == rise.cycles - fall.cycles + 7
    assert session.read(0, 8) == reference(inputs)["output"].tobytes()


def test_a_windows_time_goes_on_when_the_cycle_counter_wraps(board):
    session = connect(board, plan())
    board.cycles.value = 2**32 - 25_000
    assert session.window(10).elapsed_us == pytest.approx(100_000, rel=0.01)


@pytest.mark.parametrize("direction", ["to", "from"])
@pytest.mark.parametrize("way", ["drop", "double", "flip"])
def test_any_single_damaged_byte_costs_a_repetition_and_nothing_else(board, way, direction):
    probe = Damaged(board, "none", "", -1)
    clean = whole_session(probe)
    assert clean[1].exact
    for at in range(probe.passed[direction]):
        line = Damaged(board, way, direction, at)
        assert whole_session(line) == clean, at


@settings(deadline=None)  # damage costs time-outs
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.001, 0.01, 0.1]))
def test_a_line_that_damages_many_bytes_gives_the_truth_or_an_error(board, seed, rate):
    rng = np.random.default_rng(seed)

    class Noisy:
        name = "noisy line"

        def _spoil(self, data: bytes) -> bytes:
            out = bytearray()
            for byte in data:
                if rng.random() > rate:
                    out.append(byte)
                else:
                    out += rng.bytes(rng.integers(0, 4))
            return bytes(out)

        def read(self, timeout_s):
            return self._spoil(board.read(timeout_s))

        def write(self, data):
            board.write(self._spoil(data))

        def close(self):
            pass

    try:
        found = whole_session(Noisy())
    except LinkError:
        found = None
    clean = whole_session(board)
    assert found in (None, clean)
    assert clean[1].exact


def test_a_step_is_not_done_twice_when_its_answer_is_lost(board):
    session = connect(board, plan(), "", SHORT)
    inputs = sample(2)
    session.write(0, inputs[0].tobytes())
    session.step(0)
    lost = Damaged(board, "drop", "from", 0)
    session._stream = lost
    session.step(1)
    assert session.read(0, 4) == reference(inputs)["output"].tobytes()[:4]


def raw_request(board, sequence: int, kind: int, payload: bytes) -> Frame:
    board.write(encode(Frame(kind, sequence, payload)))
    (frame,) = Reader().push(board.read(0))
    return frame


@pytest.fixture
def opened(board):
    raw_request(board, 10, link.HELLO, b"abcd")
    return board


@pytest.mark.parametrize(
    ("kind", "payload", "error", "detail"),
    [
        (link.READ, struct.pack("<IH", 0, 17), "RANGE", 16),
        (link.READ, struct.pack("<IH", 17, 0), "RANGE", 16),
        (link.READ, struct.pack("<IH", 0xFFFFFFFF, 2), "RANGE", 16),
        (link.READ, struct.pack("<IH", 0, 0xFFFF), "RANGE", 4096),
        (link.READ, b"\0" * 5, "PAYLOAD", 6),
        (link.WRITE, struct.pack("<I", 15) + b"ab", "RANGE", 16),
        (link.WRITE, struct.pack("<I", 0xFFFFFFFE) + b"abcd", "RANGE", 16),
        (link.WRITE, b"abc", "PAYLOAD", 256),
        (link.RUN, struct.pack("<HH", 0, 0), "RANGE", 32),
        (link.RUN, struct.pack("<HH", 33, 0), "RANGE", 32),
        (link.RUN, struct.pack("<HH", 1, 33), "RANGE", 32),
        (link.RUN, b"", "PAYLOAD", 4),
        (link.STEP, struct.pack("<I", 4), "RANGE", 4),
        (link.STEP, struct.pack("<I", 0xFFFFFFFF), "RANGE", 4),
        (link.IO, b"\0\1", "RANGE", 1),
        (link.IO, b"\2\0", "RANGE", 1),
        (link.STACK, b"x", "PAYLOAD", 0),
        (link.TRIGGER, b"", "PAYLOAD", 1),
        (link.RESET, b"now", "PAYLOAD", 0),
        (link.STEPS, struct.pack("<IH", 0, 0), "RANGE", 32),
        (link.STEPS, struct.pack("<IH", 0, 33), "RANGE", 32),
        (link.STEPS, struct.pack("<IH", 0, 5), "RANGE", 4),
        (link.STEPS, struct.pack("<IH", 4, 1), "RANGE", 4),
        (link.STEPS, struct.pack("<IH", 0xFFFFFFFF, 2), "RANGE", 4),
        (link.WINDOW, struct.pack("<IH", 0, 0), "RANGE", 1_000_000),
        (link.WINDOW, struct.pack("<IH", 1_000_001, 0), "RANGE", 1_000_000),
        (link.WINDOW, struct.pack("<IH", 1, 33), "RANGE", 32),
        (link.WINDOW, b"", "PAYLOAD", 6),
        (0, b"", "TYPE", 11),
        (12, b"", "TYPE", 11),
        (0x81, b"abcd", "TYPE", 11),
        (0xFF, b"", "TYPE", 11),
    ],
)
def test_a_request_outside_the_bounds_is_refused_with_the_bound(opened, kind, payload, error, detail):
    frame = raw_request(opened, 11, kind, payload)
    assert (frame.kind, frame.sequence) == (link.ERROR, 11)
    assert struct.unpack("<BI", frame.payload) == (ERRORS[error], detail)


def test_a_sequence_out_of_turn_is_refused_and_the_right_one_goes_on(opened):
    frame = raw_request(opened, 13, link.STACK, b"")
    assert struct.unpack("<BI", frame.payload) == (ERRORS["SEQUENCE"], 11)
    assert raw_request(opened, 11, link.STACK, b"").kind == link.STACK | link.REPLY_BIT


def test_a_damaged_frame_is_reported_and_changes_nothing(opened):
    line = bytearray(encode(Frame(link.WRITE, 11, struct.pack("<I", 0) + b"zzzz")))
    line[9] ^= 1
    opened.write(bytes(line))
    (frame,) = Reader().push(opened.read(0))
    assert (frame.kind, frame.payload[0]) == (link.ERROR, ERRORS["CRC"])
    assert raw_request(opened, 11, link.READ, struct.pack("<IH", 0, 4)).payload != b"zzzz"


def test_an_overlong_frame_is_dropped_in_silence(opened):
    opened.write(encode(Frame(link.WRITE, 11, bytes(257))))
    assert opened.read(0) == b""
    assert raw_request(opened, 11, link.STACK, b"").kind == link.STACK | link.REPLY_BIT


def test_a_board_that_restarted_wants_a_new_session():
    fresh = Process(build())
    fresh.write(encode(Frame(link.STACK, 1, b"")))
    reader = Reader()
    frames = []
    while not frames:
        frames = reader.push(fresh.read(5))
    fresh.close()
    assert struct.unpack("<BI", frames[0].payload) == (ERRORS["SESSION"], 0)


def test_reset_is_answered_before_the_board_restarts():
    process = Process(build())
    session = connect(process, plan(), BUILD_ID)
    session.reset()
    assert process.process.wait(5) == 42
    session.close()


def test_commands_and_frames_share_the_line(board):
    session = connect(board, plan())
    board.write(b"inf")  # given up by the frame that follows
    assert session.stack() == 123
    assert board.ask("name%") == ["m-name-dut-[edgekit]", "m-ready"]
    assert session.stack() == 123


@settings(deadline=None)
@given(st.binary(max_size=600))
def test_after_any_garbage_the_board_answers_the_next_session(board, noise):
    board.write(noise.replace(bytes([link.RESET]), b""))
    board.read(0)
    whole_session(board)


class Scripted:
    """A stream that answers by a function."""

    name = "scripted"

    def __init__(self, answer) -> None:
        self.answer, self.pending, self.closed = answer, b"", False

    def read(self, _timeout_s):
        data, self.pending = self.pending, b""
        return data

    def write(self, data):
        self.pending += self.answer(data)

    def close(self):
        self.closed = True


def failure(answer) -> str:
    stream = Scripted(answer)
    with pytest.raises(LinkError) as caught:
        connect(stream, plan(), BUILD_ID, SHORT)
    assert stream.closed
    assert all(p.where == "scripted" for p in caught.value.problems)
    return str(caught.value)


def test_a_silent_port_is_called_silent():
    assert "the board is silent (HELLO)" in failure(lambda _: b"")


def test_an_echo_is_no_edgekit_firmware():
    assert "not edgekit's firmware" in failure(lambda data: data)


def test_another_firmware_is_quoted():
    text = failure(lambda _: b"Zephyr shell\r\nuart:~$ ")
    assert "not edgekit's firmware" in text
    assert "uart:~$" in text


def test_a_garbled_line_is_called_garbled():
    assert "the line is garbled (HELLO)" in failure(lambda data: data[:9] + b"\0" + data[9:])


def info(**change) -> dict[str, int]:
    values = {"version": 1, "flags": 0, "request": 256, "reply": 4096, "inputs": 1, "outputs": 1}
    values |= {"nonce": None, "arena": 16, "steps": 4, "hz": 1000, "overhead": 0, "sample": 0} | change
    return values


HONEST = (b"fake", b"fake", BUILD_ID.encode())
INPUT = struct.pack("<IIIfi", 0, 8, 0, 1.0, 0)


def liar(*, strings=HONEST, io=INPUT, **change):
    """A board whose HELLO and IO answers say what one likes."""

    def answer(data: bytes) -> bytes:
        (request,) = Reader().push(data)
        payload = io
        if request.kind == link.HELLO:
            values = info(**change)
            if values["nonce"] is None:
                values["nonce"] = struct.unpack("<I", request.payload)[0]
            payload = struct.pack("<BBHHBBIIIIII", *values.values())
            payload += b"".join(bytes([len(s)]) + s for s in strings)
        return encode(Frame(request.kind | 0x80, request.sequence, payload))

    return answer


def test_an_honest_scripted_board_is_believed():
    assert connect(Scripted(liar()), plan(), BUILD_ID).info.model == "fake"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (liar(version=2), "the firmware is of another edgekit"),
        (liar(nonce=0), "makes no sense"),
        (liar(request=4), "makes no sense"),
        (liar(reply=0), "makes no sense"),
        (liar(reply=5000), "makes no sense"),
        (liar(hz=0), "makes no sense"),
        (liar(strings=(b"fake", b"fake")), "makes no sense"),
        (liar(strings=(b"fake", b"fake", b"a", b"b")), "makes no sense"),
        (liar(io=struct.pack("<IIIfi", 12, 8, 0, 1.0, 0)), "makes no sense"),
        (liar(io=struct.pack("<IIIfi", 0, 8, 99, 1.0, 0)), "makes no sense"),
        (liar(io=b""), "makes no sense"),
        (liar(strings=(b"other", b"", BUILD_ID.encode())), "model differs from the plan (found other, allowed fake)"),
        (liar(strings=(b"fake", b"", b"f" * 16)), "build id differs from the plan (found ffffffffffffffff"),
        (liar(arena=32), "arena bytes differs from the plan (found 32, allowed 16)"),
        (liar(steps=5), "steps differs from the plan (found 5, allowed 4)"),
        (liar(outputs=2), "outputs differs from the plan"),
        (liar(io=struct.pack("<IIIfi", 4, 8, 0, 1.0, 0)), "inputs differs from the plan"),
        (liar(io=struct.pack("<IIIfi", 0, 8, 1, 1.0, 0)), "inputs differs from the plan"),
    ],
)
def test_a_board_that_lies_is_found_out(answer, text):
    assert text in failure(answer)


def test_all_differences_from_the_plan_are_told_at_once():
    text = failure(liar(arena=32, steps=9, strings=(b"x", b"x", b"y" * 16)))
    assert all(word in text for word in ("model", "build id", "arena bytes", "steps"))


def test_an_answer_of_the_wrong_size_is_not_taken():
    session = connect(Scripted(liar()), plan(), BUILD_ID)
    session._stream = Scripted(lambda data: encode(Frame(0x86, Reader().push(data)[0].sequence, b"\0" * 5)))
    with pytest.raises(LinkError, match="STEP makes no sense"):
        session.step(0)


def test_a_refused_request_says_why(board):
    session = connect(board, plan())
    with pytest.raises(LinkError, match="lies outside what the board has"):
        session.step(99)
    assert session.stack() == 123


def test_a_second_program_on_the_port_is_noticed(board):
    first = connect(board, plan())
    second = connect(board, plan())
    second._sequence = first._sequence + 7
    raw_request(board, second._sequence, link.HELLO, b"abcd")
    with pytest.raises(LinkError, match="another program talks to the board"):
        first.stack()


def test_a_board_that_dies_in_a_session_is_a_port_error():
    process = Process(build())
    session = connect(process, plan(), BUILD_ID)
    process.process.kill()
    process.process.wait(5)
    with pytest.raises((PortError, BrokenPipeError)):
        session.stack()
    process.close()


def test_the_crc_is_that_of_zlib(board):
    crc32 = board._library.ek_crc32
    crc32.restype = ctypes.c_uint32
    data = bytes(range(256))
    assert crc32(0, data, len(data)) == zlib.crc32(data)
    assert crc32(ctypes.c_uint32(zlib.crc32(data)), data, 7) == zlib.crc32(data[:7], zlib.crc32(data))


def test_a_session_is_a_context_that_gives_the_port_back():
    stream = Scripted(liar())
    with connect(stream, plan(), BUILD_ID) as session:
        assert isinstance(session, Session)
    assert stream.closed
