"""A board on another computer: the whole link over RFC 2217, with pyserial's own server side."""

from __future__ import annotations

import json
import time

import pytest
from support import board_port
from support.fake_board import BUILD_ID, build, plan, reference, sample
from support.rfc2217_server import Rfc2217Server
from typer.testing import CliRunner

from edgekit import board as boards
from edgekit.cli import app
from edgekit.device import measure
from edgekit.device.discovery.ask import ask
from edgekit.device.link import Patience, connect
from edgekit.device.transport import open_port
from edgekit.errors import LinkError, PortError


@pytest.fixture
def farm():
    """A board behind an RFC 2217 server."""
    with board_port.serve(build()) as url, Rfc2217Server(url) as server:
        yield server


def test_a_whole_session_runs_over_rfc2217_with_the_baud_rate_asked_for(farm):
    with connect(open_port(farm.url, 57_600), plan(), BUILD_ID) as session:
        check = measure.verify(session, plan(), reference, [sample(i) for i in range(3)])
    assert check.exact
    assert 57_600 in farm.seen


def test_every_byte_passes_rfc2217_telnet_escapes_too(farm):
    with connect(open_port(farm.url), plan(), BUILD_ID) as session:
        data = bytes([255, 255, 0, 255, 13, 10, 37, 165]) * 2
        offset, size = session.info.inputs[0].offset, session.info.inputs[0].bytes
        session.write(offset, data[:size])
        assert session.read(offset, size) == data[:size]


def test_a_server_that_goes_away_is_a_port_error_in_bounded_time(farm):
    session = connect(open_port(farm.url), plan(), BUILD_ID, Patience(idle_s=0.3, tries=2))
    farm.close()
    begin = time.monotonic()
    with pytest.raises((PortError, LinkError)):
        session.stack()
    assert time.monotonic() - begin < 5
    session.close()


def test_an_rfc2217_address_where_nobody_listens_is_a_port_error():
    with pytest.raises(PortError, match="cannot be opened"):
        open_port("rfc2217://127.0.0.1:9")


def test_devices_asks_a_port_that_was_named(farm):
    result = CliRunner().invoke(app, ["devices", "--json", "--port", farm.url])
    assert result.exit_code == 0, result.stderr
    (device,) = [d for d in json.loads(result.stdout)["devices"] if d["ports"] and d["ports"][0]["name"] == farm.url]
    assert device["board"] == device["firmware"]["board"]
    assert device["firmware"]["build_id"] == BUILD_ID
    assert device["known_by"] == "its firmware says so"


def test_a_port_where_no_firmware_answers_is_told_as_that():
    with board_port.serve("/bin/cat") as url:
        assert ask(url, boards.load("nucleo-l4r5zi").serial.baud) is None
