"""A serial port on the network, as a board farm gives it: pyserial's own RFC 2217 server side in front of a port."""

from __future__ import annotations

import contextlib
import socket
import threading

import serial
from serial import rfc2217


class Rfc2217Server:
    """Serves the port behind ``target`` (a pyserial URL or an open port) to one client after the other.

    ``seen`` gets the baud rates that clients asked for.
    """

    def __init__(self, target) -> None:
        self.port = serial.serial_for_url(target, timeout=0.02) if isinstance(target, str) else target
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"rfc2217://127.0.0.1:{self.server.getsockname()[1]}"
        self.seen: list[int] = []
        self.stopping = False
        self.client: socket.socket | None = None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def write(self, data: bytes) -> None:
        """What PortManager answers goes to the client."""
        if self.client is not None:
            with contextlib.suppress(OSError):
                self.client.sendall(data)

    def _serve(self) -> None:
        while not self.stopping:
            try:
                self.client, _ = self.server.accept()
            except OSError:
                return
            self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            manager = rfc2217.PortManager(self.port, self)
            hung_up = threading.Event()
            pump = threading.Thread(target=self._to_client, args=(manager, hung_up), daemon=True)
            pump.start()
            with contextlib.suppress(OSError):
                while data := self.client.recv(4096):
                    self.port.write(b"".join(manager.filter(data)))
                    self.seen.append(self.port.baudrate)
            hung_up.set()
            pump.join()
            self.client.close()

    def _to_client(self, manager, hung_up) -> None:
        while not hung_up.is_set():
            if data := self.port.read(4096):
                self.write(b"".join(manager.escape(data)))

    def close(self) -> None:
        """Stop, and hang up on whoever is there."""
        self.stopping = True
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        if self.client is not None:
            with contextlib.suppress(OSError):
                self.client.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.port.close()
