"""A program of this machine (or one that QEMU runs) behind a line: its standard input and output are the link."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from array import array
from typing import TYPE_CHECKING

from edgekit.emulate.fault import Fault

try:
    import fcntl
    import termios
except ImportError:  # Windows
    fcntl = termios = None

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgekit.emulate.line import Channel

_CHUNK = 65536
_WAIT_S = 0.2
_START_S = 2.0
_QUIET_S = 0.05
_MESSAGE_BYTES = 2000


def _ignore(_idle: bool) -> None:
    """Nobody wants to know."""


class Program:
    """A running program whose standard input and output go to a channel.

    ``on_idle`` is told now and then whether nothing came or went for a while.
    """

    def __init__(self, command: Sequence[str], channel: Channel, on_idle: Callable[[bool], None] | None = None) -> None:
        self._on_idle = on_idle or _ignore
        self._channel = channel
        self._process = subprocess.Popen(
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self._errors = b""
        self._spoken = threading.Event()
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._output, self._error)]
        for thread in self._threads:
            thread.start()

    def run(self) -> Fault | None:
        """Carry bytes until the program ends; None if it asked for a restart by ending with status 0."""
        stdin = self._process.stdin
        while self._process.poll() is None:
            data = self._channel.receive(_WAIT_S)
            self._on_idle(not data and not self._spoken.is_set() and not self._unread())
            self._spoken.clear()
            if data and stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    stdin.write(data)
        for thread in self._threads:
            thread.join()
        status = self._process.returncode
        if status == 0:
            return None
        how = f"ended by signal {-status}" if status < 0 else f"ended with status {status}"
        tail = self._errors.decode(errors="replace").strip()
        return Fault(f"the program {how}" + (f": {tail}" if tail else ""), 0, "main")

    def _unread(self) -> bool:
        """Whether the program still has input to read; where that cannot be told it is taken to have."""
        if fcntl is None or termios is None or self._process.stdin is None:
            return True
        waiting = array("i", [0])
        fcntl.ioctl(self._process.stdin.fileno(), termios.FIONREAD, waiting)
        return waiting[0] > 0

    def wait_for_banner(self) -> None:
        """Wait until the program has written what it writes on start, or has had the time to."""
        self._spoken.wait(_START_S)
        quiet = False
        while not quiet:
            self._spoken.clear()
            quiet = not self._spoken.wait(_QUIET_S)

    def kill(self) -> None:
        """End the program at once."""
        self._process.kill()
        self._process.wait()

    def _output(self) -> None:
        stdout = self._process.stdout
        while stdout is not None and (data := os.read(stdout.fileno(), _CHUNK)):
            self._spoken.set()
            self._channel.send(data)

    def _error(self) -> None:
        stderr = self._process.stderr
        while stderr is not None and (data := os.read(stderr.fileno(), _CHUNK)):
            self._errors = (self._errors + data)[-_MESSAGE_BYTES:]
