"""The far end of an emulated board's serial line: a pseudo terminal, or a TCP port for pyserial's ``socket://``.

Bytes that nobody listens to are lost, as on a real line.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

Transport = Literal["pty", "tcp"]

_CHUNK = 65536
_FLUSH_AT = 8192
_IDLE_WAIT_S = 0.05
_POLLS_BEFORE_WAIT = 16
"""More than a port makes between taking a command and answering it: an answer must not wait for input."""
_FULL_WAIT_S = 1.0


class Channel(Protocol):
    """Where the bytes of a line go to and come from."""

    url: str

    def receive(self, wait_s: float) -> bytes:
        """Bytes that have come, after at most ``wait_s`` seconds; empty if none."""
        ...

    def send(self, data: bytes) -> None:
        """Send all bytes, or lose them if nobody listens."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


class PtyChannel:
    """A pseudo terminal; POSIX only."""

    def __init__(self) -> None:
        import tty  # noqa: PLC0415 - not there on Windows

        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.url = os.ttyname(self._slave)

    def receive(self, wait_s: float) -> bytes:
        """Bytes from the terminal."""
        if not select.select([self._master], [], [], wait_s)[0]:
            return b""
        return os.read(self._master, _CHUNK)

    def send(self, data: bytes) -> None:
        """Write to the terminal; what a full one does not take within a while is lost."""
        while data:
            if not select.select([], [self._master], [], _FULL_WAIT_S)[1]:
                return
            data = data[os.write(self._master, data) :]

    def close(self) -> None:
        """Close both ends: a reader sees the port vanish."""
        os.close(self._slave)
        os.close(self._master)


class TcpChannel:
    """A TCP port on the loopback interface that takes one client at a time."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._client: socket.socket | None = None
        self.url = f"socket://127.0.0.1:{self._server.getsockname()[1]}"

    def receive(self, wait_s: float) -> bytes:
        """Bytes from the client; takes a new client if there is none."""
        if self._client is None:
            if select.select([self._server], [], [], wait_s)[0]:
                self._client, _ = self._server.accept()
                self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return b""
        if not select.select([self._client], [], [], wait_s)[0]:
            return b""
        try:
            data = self._client.recv(_CHUNK)
        except OSError:
            data = b""
        if not data:
            self._hang_up()
        return data

    def send(self, data: bytes) -> None:
        """Send to the client, if there is one."""
        if self._client is None:
            self.receive(0.0)
        if self._client is not None:
            try:
                self._client.sendall(data)
            except OSError:
                self._hang_up()

    def _hang_up(self) -> None:
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.close()
            self._client = None

    def close(self) -> None:
        """Close the port and hang up on its client."""
        self._hang_up()
        self._server.close()


def open_channel(transport: Transport) -> Channel:
    """A fresh channel of the kind asked for."""
    return PtyChannel() if transport == "pty" else TcpChannel()


class Line:
    """The wire between a UART's registers and a channel: buffers both ways.

    The firmware polls. The first empty polls after traffic return at once, so that a message just read is handled
    without delay; the ones that follow wait longer and longer, so that an idle board costs no processor time.
    ``on_first_poll`` is called when the firmware first looks for input twice: it is up, and its banner is gone.
    """

    def __init__(self, channel: Channel, on_first_poll: Callable[[], None] | None = None) -> None:
        self._channel = channel
        self._on_first_poll = on_first_poll
        self._received = b""
        self._taken = 0
        self._to_send = bytearray()
        self._empty_polls = 0
        self._wrote = False

    def exchange(self, sent: bytes) -> bytes:
        """The firmware looks for input: send what it has written since, return what has come."""
        if sent:
            self._channel.send(sent)
            self._empty_polls = 0
        if self._on_first_poll is not None and self._empty_polls:
            self._on_first_poll()
            self._on_first_poll = None
        received = self._channel.receive(self._patience_s())
        self._empty_polls = 0 if received else self._empty_polls + 1
        return received

    def _patience_s(self) -> float:
        """How long to wait for bytes: not at all at first, as a poll may also be a look whether it may write."""
        beyond = self._empty_polls - _POLLS_BEFORE_WAIT
        return 0.0 if beyond < 0 else min(_IDLE_WAIT_S, 0.001 * 2.0 ** min(beyond, 10))

    def send(self, data: bytes) -> None:
        """Send at once what the firmware has written."""
        self._channel.send(data)

    def pending(self) -> bool:
        """Whether a byte is in the buffer already; never waits."""
        return self._taken < len(self._received)

    def ready(self) -> bool:
        """Whether a received byte waits to be taken."""
        if self._wrote:  # it looks whether it may go on writing, not for input
            self._wrote = False
        elif not self.pending():
            data, self._to_send = bytes(self._to_send), bytearray()
            self._received, self._taken = self.exchange(data), 0
        return self.pending()

    def take(self) -> int:
        """The next received byte; 0 if there is none."""
        if not self.pending():
            return 0
        self._taken += 1
        return self._received[self._taken - 1]

    def put(self, byte: int) -> None:
        """Send a byte, at the latest when the firmware next looks for input."""
        self._to_send.append(byte & 0xFF)
        self._wrote = True
        if len(self._to_send) >= _FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        """Send what is buffered."""
        data, self._to_send = bytes(self._to_send), bytearray()
        self._channel.send(data)
