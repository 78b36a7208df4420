"""Ports that are absent, busy, silent or vanish, and streams over real descriptors."""

import os
import socket
import threading
import time
import tty

import pytest
import serial
from support.fake_board import BUILD_ID, build, plan, reference, sample

from edgekit.device import measure
from edgekit.device.link import Patience, connect
from edgekit.device.transport import SerialStream, open_port
from edgekit.errors import LinkError, PortError


@pytest.fixture
def pty():
    """A pseudo terminal: (our end, the name of the other)."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    yield ours, os.ttyname(theirs)
    os.close(theirs)
    os.close(ours)


@pytest.fixture
def tcp_board():
    """The harness as a process behind a TCP port, as an emulated board without pseudo terminals is."""
    server = socket.create_server(("127.0.0.1", 0))
    children = []

    def serve():
        line, _ = server.accept()
        pid = os.posix_spawn(
            build(), [str(build())], {}, file_actions=[(os.POSIX_SPAWN_DUP2, line.fileno(), n) for n in (0, 1)]
        )
        line.close()
        children.append(pid)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"socket://127.0.0.1:{server.getsockname()[1]}"
    thread.join(5)
    server.close()
    for pid in children:
        os.waitpid(pid, 0)


def test_an_absent_port_is_named_with_those_present():
    with pytest.raises(PortError) as caught:
        open_port("/dev/edgekit-no-such-port")
    assert "no such serial port" in str(caught.value)
    assert "present" in str(caught.value) or "/dev/" in caught.value.problems[0].allowed


def test_a_refused_connection_is_a_port_error():
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    with pytest.raises(PortError, match="cannot be opened"):
        open_port(f"socket://127.0.0.1:{port}")


@pytest.mark.parametrize("url", ["nonsense://x", "socket://nowhere"])
def test_an_address_without_sense_is_a_port_error(url):
    with pytest.raises(PortError, match="cannot be opened"):
        open_port(url)


def test_a_busy_port_is_called_busy(pty):
    first = open_port(pty[1])
    with pytest.raises(PortError, match="the serial port is in use"):
        open_port(pty[1])
    first.close()
    open_port(pty[1]).close()


def test_a_port_without_permission_says_how_to_get_it(monkeypatch):
    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(serial, "serial_for_url", refuse)
    with pytest.raises(PortError, match="dialout"):
        open_port("/dev/ttyACM0")


def test_a_silent_port_is_a_link_error_in_bounded_time(pty):
    begin = time.monotonic()
    with pytest.raises(LinkError, match="silent"):
        connect(open_port(pty[1]), patience=Patience(idle_s=0.1, tries=3))
    assert time.monotonic() - begin < 3
    assert os.read(pty[0], 4096).count(b"\xa5") == 3


def test_a_read_waits_no_longer_than_for_the_first_byte(pty):
    stream = open_port(pty[1])
    os.write(pty[0], b"abc")
    begin = time.monotonic()
    assert stream.read(5) == b"abc"
    assert stream.read(0.05) == b""
    assert time.monotonic() - begin < 2
    stream.close()


def test_a_port_whose_other_end_goes_away_vanishes():
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    stream = open_port(os.ttyname(theirs))
    os.close(theirs)
    os.close(ours)
    with pytest.raises(PortError, match="vanished"):
        stream.read(1)
    with pytest.raises(PortError, match="vanished"):
        stream.write(b"x")
    stream.close()


def test_a_board_that_takes_no_data_does_not_hold_the_host(pty):
    port = serial.Serial(pty[1], timeout=0, write_timeout=0.2)
    stream = SerialStream(port, pty[1])
    with pytest.raises(PortError, match="takes no data"):
        stream.write(bytes(400_000))
    port.reset_output_buffer()
    stream.close()


def test_a_whole_session_runs_over_a_pyserial_url(tcp_board):
    with connect(open_port(tcp_board), plan(), BUILD_ID) as session:
        check = measure.verify(session, plan(), reference, [sample(i) for i in range(3)])
    assert check.exact


def test_a_board_that_hangs_up_is_a_port_error(tcp_board):
    session = connect(open_port(tcp_board), plan(), BUILD_ID)
    session.reset()
    with pytest.raises(PortError, match="vanished"):
        session.stack()
    session.close()
