"""Which image a board runs: its firmware is asked for its build id over the serial port."""

from __future__ import annotations

import time

from edgekit.device.link import Patience, Session
from edgekit.device.transport import open_port
from edgekit.errors import DeviceError, LinkError, Problem

_ASK = Patience(idle_s=0.5, tries=2)
_AGAIN_S = 0.25


def build_id_of(port: str, baud: int) -> str:
    """The build id of the firmware behind a port; empty if none of edgekit's answers.

    Raises:
        PortError: the port is absent, in use or not permitted.
    """
    stream = open_port(port, baud)
    try:
        return Session(stream, _ASK).info.build_id
    except LinkError:
        return ""
    finally:
        stream.close()


def wait_for(port: str, baud: int, build_id: str, seconds: float) -> None:
    """Wait until the board behind ``port`` says that it runs ``build_id``; its port may vanish and come back.

    Raises:
        LinkError: it still runs another image, or says nothing.
        PortError: the port did not come back.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            running = build_id_of(port, baud)
            if running == build_id:
                return
            problem = _another(port, running, build_id) if running else _silent(port)
            error: DeviceError = LinkError(problem)
        except DeviceError as gone:
            error = gone
        if time.monotonic() > end:
            raise error
        time.sleep(_AGAIN_S)


def _another(port: str, running: str, wanted: str) -> Problem:
    what = "the image was written, but the board runs another one"
    hint = "Press its reset button; if that does not help, this port is another board's (`edgekit devices`)."
    return Problem(what, port, f"build {running}", f"build {wanted}", hint)


def _silent(port: str) -> Problem:
    hint = "Press its reset button, and check with `edgekit devices` that this port is the board's."
    return Problem("the image was written, but the board does not answer: it may not run", port, hint=hint)
