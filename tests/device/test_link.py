"""The framed link: sessions with the real harness, on lines that damage bytes, and with boards that lie."""

import ctypes
import struct
import time
import zlib

import numpy as np
import pytest
from hypothesis import given
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
        self.first: dict[str, int] = {}

    def _pass(self, data: bytes, direction: str) -> bytes:
        self.first.setdefault(direction, len(data))
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


@pytest.mark.usefixtures("same_bytes")
@pytest.mark.parametrize("direction", ["to", "from"])
@pytest.mark.parametrize("way", ["drop", "double", "flip"])
def test_any_single_damaged_byte_costs_a_repetition_and_nothing_else(board, way, direction):
    probe = Damaged(board, "none", "", -1)
    clean = whole_session(probe)
    assert clean[1].exact
    for at in range(probe.passed[direction]):
        line = Damaged(board, way, direction, at)
        assert whole_session(line) == clean, at


@pytest.fixture
def same_bytes(monkeypatch):
    """Every session sends the same bytes, so that the places in it can be counted."""
    monkeypatch.setattr(link.secrets, "randbits", lambda _: 0x12345678)


class Delayed:
    """A line that holds one byte, and all behind it, until the reader's patience ended ``times`` times.

    Nothing really waits: a read that finds nothing is a time-out.
    """

    name = "delayed line"

    def __init__(self, stream, direction: str, at: int, times: int) -> None:
        self.stream, self.direction, self.left, self.times = stream, direction, at, times
        self.held = bytearray()

    def _gate(self, data: bytes, direction: str) -> bytes:
        """What goes through at once."""
        if direction != self.direction or self.times <= 0:
            return data
        through = data[: max(self.left, 0)]
        self.left -= len(data)
        self.held += data[len(through) :]
        return through

    def read(self, timeout_s):
        data = self._gate(self.stream.read(timeout_s), "from")
        if data or not self.held:
            return data
        self.times -= 1
        if self.times == 0:
            late, self.held = bytes(self.held), bytearray()
            if self.direction == "from":
                return late
            self.stream.write(late)
        return b""

    def write(self, data):
        self.stream.write(self._gate(data, "to"))

    def close(self):
        pass


@pytest.mark.usefixtures("same_bytes")
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("direction", ["to", "from"])
def test_any_byte_may_come_late_even_after_the_request_was_sent_again(board, direction, times):
    probe = Damaged(board, "none", "", -1)
    clean = whole_session(probe)
    for at in range(probe.passed[direction]):
        line = Delayed(board, direction, at, times)
        assert whole_session(line) == clean, at
        assert not line.held


@pytest.mark.usefixtures("same_bytes")
@pytest.mark.parametrize("direction", ["to", "from"])
def test_a_byte_that_comes_too_late_is_an_error_and_spoils_nothing_afterwards(board, direction):
    probe = Damaged(board, "none", "", -1)
    clean = whole_session(probe)
    for at in range(0, probe.passed[direction], 5):
        with pytest.raises(LinkError, match=r"does not answer any more|the board is silent|not edgekit's firmware"):
            whole_session(Delayed(board, direction, at, 99))
        assert whole_session(board) == clean, at


class Resetting:
    """A board that is reset when byte ``at`` of one direction is under way; what was on its way is lost with it."""

    name = "resetting board"

    def __init__(self, board, direction: str, at: int, *, banner: bool = True) -> None:
        self.board, self.direction, self.left, self.banner = board, direction, at, banner
        self.fresh = None

    def _reset(self) -> None:
        self.fresh = self.board = self.board.restarted()
        if not self.banner:
            self.board.read(0)

    def _passes(self, data: bytes, direction: str) -> int:
        """How many of the bytes come before the reset."""
        if direction != self.direction or self.fresh is not None:
            return len(data)
        before, self.left = self.left, self.left - len(data)
        return len(data) if self.left >= 0 else before

    def read(self, timeout_s):
        data = self.board.read(timeout_s)
        whole = self._passes(data, "from")
        if whole == len(data):
            return data
        self._reset()
        return data[:whole]

    def write(self, data):
        whole = self._passes(data, "to")
        self.board.write(data[:whole])
        if whole < len(data):
            self._reset()
            self.board.write(data[whole:])

    def close(self):
        pass


@pytest.mark.usefixtures("same_bytes")
@pytest.mark.parametrize("banner", [True, False], ids=["start-up text", "start-up text lost"])
@pytest.mark.parametrize("direction", ["to", "from"])
def test_a_board_that_is_reset_at_any_byte_is_reported_as_that(board, direction, banner):
    probe = Damaged(board, "none", "", -1)
    clean = whole_session(probe)
    hello = probe.first[direction]
    for at in range(probe.passed[direction]):
        line = Resetting(board, direction, at, banner=banner)
        if at < hello:  # no session yet, so nothing is lost with it
            assert whole_session(line) == clean, at
        else:
            with pytest.raises(LinkError, match="the board restarted in the middle of the work") as caught:
                whole_session(line)
            assert caught.value.exit_code == 4
        line.fresh.forget()


def test_a_restart_is_told_at_once_and_not_after_the_patience_for_a_whole_inference(board):
    class Impatient(Resetting):
        waits: tuple[float, ...] = ()

        def read(self, timeout_s):
            data = super().read(timeout_s)
            self.waits = (*self.waits, *(() if data else (timeout_s,)))
            return data

    line = Impatient(board, "", 0)
    session = connect(line, plan(), BUILD_ID, Patience(idle_s=1, work_s=1000, tries=3))
    line.direction, line.left = "to", 5
    with pytest.raises(LinkError, match="restarted in the middle"):
        session.run()
    line.fresh.forget()
    assert not line.waits  # its text came; nothing was waited for


def test_a_board_that_restarts_and_then_says_no_more_is_still_reported_as_restarted(board):
    session = connect(board, plan(), BUILD_ID, SHORT)
    said = iter([b"m-timestamp-mode-performance\r\nm-init-done\r\nm-ready\r\n"])
    session._stream = Scripted(lambda _: next(said, b""))
    with pytest.raises(LinkError, match=r"restarted in the middle of the work .*start-up text"):
        session.stack()


def test_a_board_that_falls_silent_in_a_session_is_not_called_another_firmware(board):
    session = connect(board, plan(), BUILD_ID, SHORT)
    session._stream = Scripted(lambda _: b"")
    with pytest.raises(LinkError, match=r"does not answer any more \(STACK\)"):
        session.stack()


@pytest.mark.parametrize("babble", [b"\xa5", b"x", b"\xa5\x81\x00\xff\x0f", b"\xdb"])
def test_a_device_that_never_stops_cannot_keep_the_host(babble):
    class Babbling:
        name = "babbling"

        def read(self, timeout_s):
            time.sleep(min(timeout_s, 0.005))
            return babble

        def write(self, data):
            pass

        def close(self):
            pass

    begun = time.monotonic()
    with pytest.raises(LinkError):
        connect(Babbling(), plan(), BUILD_ID, Patience(idle_s=0.05, work_s=0.05, tries=2, frame_s=0.2))
    assert time.monotonic() - begun < 5


def test_a_slow_line_is_waited_for():
    process = Process(build())

    class Slow:
        name = "slow line"

        def read(self, timeout_s):
            data = process.read(timeout_s)
            time.sleep(0.02 if data else 0)
            return data

        def write(self, data):
            for byte in data:
                time.sleep(0.0005)
                process.write(bytes([byte]))

        def close(self):
            process.close()

    line = Slow()
    found = whole_session(line)
    assert found[1].exact
    line.close()


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


@given(st.binary(max_size=600))
def test_after_any_garbage_the_board_answers_the_next_session(board, noise):
    board.write(noise.replace(bytes([link.RESET]), b""))
    board.read(0)
    assert whole_session(board)[1].exact


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
