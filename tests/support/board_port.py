"""The fake board behind a TCP port, as often as somebody connects."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def serve(*command: str | Path) -> Iterator[str]:
    """The pyserial URL of a program whose standard streams are the line; it is started anew for each client."""
    server = socket.create_server(("127.0.0.1", 0))
    children: list[int] = []

    def accept() -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            actions = [(os.POSIX_SPAWN_DUP2, line.fileno(), n) for n in (0, 1)]
            children.append(os.posix_spawn(command[0], [str(c) for c in command], {}, file_actions=actions))
            line.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
    finally:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)
        for pid in children:
            os.waitpid(pid, 0)
