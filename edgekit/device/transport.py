"""Byte streams to a board: any pyserial URL, a program over ssh, or an object that reads and writes.

Opening says what to do when a port is absent, busy or not permitted; a port that vanishes while in use raises
``PortError`` too.
"""

from __future__ import annotations

import errno
import os
import select
import time
import warnings
from typing import Any, Protocol, cast

import serial
from serial.tools import list_ports

from edgekit.device import ssh
from edgekit.errors import PortError, Problem

BAUD = 115_200
"""Of the firmware's performance mode."""

_CHUNK = 65_536
_POLL_S = 0.001


class Stream(Protocol):
    """What the link needs of a way to a board."""

    def read(self, timeout_s: float) -> bytes:
        """Bytes that have arrived, at least one unless ``timeout_s`` passes first; raises PortError."""
        ...

    def write(self, data: bytes) -> None:
        """Send all bytes; raises PortError."""
        ...

    def close(self) -> None:
        """Give the port back."""
        ...

    @property
    def name(self) -> str:
        """What messages call it."""
        ...


class SerialStream:
    """A stream over an open pyserial object, or one like it, whose ``timeout`` is 0.

    Waiting is done outside pyserial: changing its time-out would reconfigure the port, over the network even.
    """

    def __init__(self, port: Any, name: str) -> None:
        self._port = port
        self._name = name
        self._pollable = os.name == "posix" and _has_descriptor(port)

    @property
    def name(self) -> str:
        """The URL or device it was opened with."""
        return self._name

    def read(self, timeout_s: float) -> bytes:
        """Bytes that have arrived, at least one unless ``timeout_s`` passes first; raises PortError."""
        end = time.monotonic() + timeout_s
        try:
            while True:
                data = bytes(self._port.read(_CHUNK))
                left = end - time.monotonic()
                if data or left <= 0:
                    return data
                self._wait(left)
        except (OSError, TypeError, ValueError) as error:  # pyserial lets those of a closed descriptor through
            raise _vanished(self._name, error) from error

    def write(self, data: bytes) -> None:
        """Send all bytes; raises PortError."""
        try:
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            hint = "Another program may have stopped the port, or the board at its other end hangs: reset it."
            raise PortError(Problem("the serial port takes no data", self._name, hint=hint)) from error
        except (OSError, TypeError, ValueError) as error:
            raise _vanished(self._name, error) from error

    def close(self) -> None:
        """Give the port back."""
        inner = getattr(self._port, "_socket", None)
        self._port.close()
        if inner is not None:  # pyserial leaves a socket open whose other end has gone
            inner.close()

    def _wait(self, seconds: float) -> None:
        if self._pollable:
            select.select([self._port.fileno()], [], [], seconds)
        else:
            time.sleep(min(seconds, _POLL_S))


def open_port(url: str, baud: int = BAUD, write_timeout_s: float = 10.0) -> Stream:
    """Open a serial port: a device name or any URL pyserial knows (``socket://``, ``rfc2217://``); or ``ssh://``.

    Raises:
        PortError: if the port is absent, in use or not permitted.
    """
    if url.startswith(ssh.SCHEME):
        return ssh.open_program(url)
    options: dict[str, Any] = {"baudrate": baud, "timeout": 0, "write_timeout": write_timeout_s}
    if "://" not in url:
        options["exclusive"] = True
    address = url
    if url.startswith("rfc2217://"):
        del options["write_timeout"]  # pyserial's client does not know it
        # ser2net does not answer for modem lines that a port lacks; none is used here
        address += "" if "ign_set_control" in url else f"{'&' if '?' in url else '?'}ign_set_control"
    try:
        with warnings.catch_warnings():  # pyserial's RFC 2217 client calls what is deprecated
            warnings.filterwarnings("ignore", r"set(Daemon|Name)\(\)", DeprecationWarning)
            port: Any = cast("Any", serial).serial_for_url(address, **options)
    except (OSError, ValueError) as error:
        raise PortError(_opening(url, error)) from error
    return SerialStream(port, url)


def _has_descriptor(port: Any) -> bool:
    """Whether the port can be waited for; pyserial's RFC 2217 client has a queue instead of a descriptor."""
    try:
        return int(port.fileno()) >= 0
    except (AttributeError, OSError, TypeError, ValueError):
        return False


_PLUG_IN = "Plug the board in; `edgekit devices` lists what is there, with the ports."


def _opening(url: str, error: Exception) -> Problem:
    text = str(error)
    code = error.errno if isinstance(error, OSError) else None
    if code in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        return Problem("the serial port is in use", url, hint="Close the program that holds it and try again.")
    if code in (errno.EACCES, errno.EPERM):
        hint = "Give yourself access to serial ports (on Linux: join the group dialout) and log in again."
        return Problem("the serial port may not be opened", url, hint=hint)
    if code == errno.ENOENT or "FileNotFoundError" in text:
        return Problem("there is no such serial port", url, allowed=_present(), hint=_PLUG_IN)
    hint = "Check the address, and that nothing else is connected to it."
    return Problem("the serial port cannot be opened", url, found=text, hint=hint)


def _present() -> str:
    names: list[str] = [str(port.device) for port in cast("Any", list_ports).comports()]
    return ", ".join(sorted(names)) or "no serial port is present"


def _vanished(name: str, error: Exception) -> PortError:
    hint = "Check the cable and the board's power; an emulated board has stopped."
    return PortError(Problem("the serial port vanished", name, found=str(error), hint=hint))
