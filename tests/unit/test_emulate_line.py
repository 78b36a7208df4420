"""The serial line of an emulated board: both transports, and how long the firmware's polls wait."""

from __future__ import annotations

import time

import pytest
import serial

from edgekit.emulate import line


def opened(channel):
    port = serial.serial_for_url(channel.url, timeout=2)
    channel.receive(0.5)  # takes the client of a TCP port
    return port


@pytest.fixture(params=["pty", "tcp"])
def channel(request):
    made = line.open_channel(request.param)
    yield made
    made.close()


def test_bytes_pass_both_ways_unchanged(channel):
    with opened(channel) as port:
        every = bytes(range(256)) * 8
        port.write(every)
        received = b""
        while len(received) < len(every):
            received += channel.receive(1.0)
        assert received == every
        channel.send(every)
        assert port.read(len(every)) == every


def test_bytes_sent_before_anyone_listens_are_lost(channel):
    channel.send(b"banner")
    with opened(channel) as port:
        channel.send(b"now")
        assert port.read(3) == b"now"


def test_a_second_client_is_served_when_the_first_has_gone():
    channel = line.TcpChannel()
    opened(channel).close()
    assert not channel.receive(1.0)
    with opened(channel) as port:
        channel.send(b"again")
        assert port.read(5) == b"again"
    channel.close()


class Script:
    """A channel that gives what it is told to and notes what is asked of it."""

    url = "script"

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = list(chunks)
        self.waits: list[float] = []
        self.sent = b""

    def receive(self, wait_s: float) -> bytes:
        self.waits.append(wait_s)
        return self.chunks.pop(0) if self.chunks else b""

    def send(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        pass


def test_polls_wait_only_when_nothing_happens():
    script = Script(b"ab")
    tested = line.Line(script)
    assert tested.ready()
    assert bytes([tested.take(), tested.take()]) == b"ab"
    polls = line._POLLS_BEFORE_WAIT
    assert polls > 3  # what a port may look at between a command and its answer: end of input, overrun, room to send
    assert not any(tested.ready() for _ in range(polls + 1))
    assert not any(script.waits[: 1 + polls])
    assert script.waits[1 + polls] > 0
    assert script.waits == sorted(script.waits)


def test_a_poll_right_after_a_write_asks_for_room_and_sends_nothing_yet():
    script = Script()
    tested = line.Line(script)
    for byte in b"hello":
        tested.put(byte)
        assert not tested.ready()
    assert script.sent == b""
    assert not tested.ready()
    assert script.sent == b"hello"


def test_the_board_is_up_when_it_has_looked_for_input_and_its_banner_has_gone():
    script, up = Script(), []
    tested = line.Line(script, lambda: up.append(script.sent))
    tested.ready()  # looks for room before the banner
    for byte in b"hello":
        tested.put(byte)
    for _ in range(4):
        tested.ready()
    assert up == [b"hello"]


def test_output_is_sent_before_it_grows_without_bound():
    script = Script()
    tested = line.Line(script)
    for _ in range(100_000):
        tested.put(0x55)
    assert len(script.sent) > 90_000


def test_an_idle_poll_gives_the_processor_away():
    channel = line.TcpChannel()
    tested = line.Line(channel)
    start = time.process_time()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        tested.ready()
    assert time.process_time() - start < 0.25
    channel.close()
