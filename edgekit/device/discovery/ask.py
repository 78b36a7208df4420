"""Asking the firmware behind a serial port what it is: the board's name by ``name%``, then the build id."""

from __future__ import annotations

import re
import time

from edgekit.device.discovery.found import Firmware
from edgekit.device.link import Patience, Session
from edgekit.device.transport import Stream, open_port
from edgekit.errors import DeviceError

_PATIENCE = Patience(idle_s=0.5, tries=2)
_NAME = re.compile(rb"m-name-dut-\[([ -\\^-~]{1,64})\]")  # printable, and no longer than a board file's name
_NAME_S = 1.0


def ask(url: str, baud: int) -> Firmware | None:
    """What edgekit's firmware behind a port says of itself; None if no such firmware answers or the port is busy."""
    try:
        stream = open_port(url, baud)
    except DeviceError:
        return None
    try:
        name = _board_name(stream)
        if not name:
            return None
        try:
            info = Session(stream, _PATIENCE).info
        except DeviceError:
            return Firmware(name)
        return Firmware(name, info.model, info.build_id)
    except DeviceError:
        return None
    finally:
        stream.close()


def _board_name(stream: Stream) -> str:
    """The name in the answer to ``name%``; the first ``%`` ends whatever half command the line still holds."""
    stream.write(b"%name%")
    heard = b""
    end = time.monotonic() + _NAME_S
    while (left := end - time.monotonic()) > 0 and (found := _NAME.search(heard)) is None:
        heard += stream.read(left)
        found = _NAME.search(heard)
    return found[1].decode("ascii", "replace") if (found := _NAME.search(heard)) else ""
