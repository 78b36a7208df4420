"""A board on another computer behind ser2net, started as labgrid's exporter starts it (labgrid/remote/exporter.py)."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
import tty

import pytest
from support import need
from support.fake_board import BUILD_ID, build, plan, reference, sample

from edgekit.device import measure
from edgekit.device.link import Patience, connect
from edgekit.device.transport import open_port
from edgekit.errors import LinkError, PortError

READY_S = 20.0


@pytest.fixture
def farm():
    """The URL of a board behind ser2net, and ser2net's process; the board's end is a pseudo terminal."""
    tool = need.need("ser2net")
    master, slave = os.openpty()
    tty.setraw(slave)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = [tool, "-d", "-n"]
    line += ["-Y", f"connection: &con01#  accepter: telnet(rfc2217,mode=server),tcp,127.0.0.1,{port}"]
    line += ["-Y", f"  connector: serialdev(nouucplock=true),{os.ttyname(slave)},115200n81,local"]
    line += ["-Y", "  options:", "-Y", "    max-connections: 10"]
    with (
        subprocess.Popen([build()], stdin=master, stdout=master) as board,
        subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server,
    ):
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"rfc2217://127.0.0.1:{port}", server
        server.kill()
        board.kill()
    os.close(master)
    os.close(slave)


def test_a_whole_session_runs_over_ser2net_and_the_next_one_too(farm):
    url, _ = farm
    for baud in (115_200, 57_600):
        with connect(open_port(url, baud), plan(), BUILD_ID) as session:
            check = measure.verify(session, plan(), reference, [sample(i) for i in range(3)])
        assert check.exact


def test_every_byte_passes_ser2net_telnet_escapes_too(farm):
    with connect(open_port(farm[0]), plan(), BUILD_ID) as session:
        offset, size = session.info.inputs[0].offset, session.info.inputs[0].bytes
        for first in range(0, 256, size):
            data = bytes((first + i) & 255 for i in range(size))
            session.write(offset, data)
            assert session.read(offset, size) == data
        session.write(offset, b"\xff" * size)
        assert session.read(offset, size) == b"\xff" * size


def test_a_ser2net_that_dies_is_told_in_bounded_time(farm):
    url, server = farm
    session = connect(open_port(url), plan(), BUILD_ID, Patience(idle_s=0.3, tries=2))
    server.kill()
    begin = time.monotonic()
    with pytest.raises((PortError, LinkError)):
        session.stack()
    assert time.monotonic() - begin < 10
    session.close()
