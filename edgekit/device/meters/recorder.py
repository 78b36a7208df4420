"""Bytes from a port kept by a thread, so that none is lost while the board is being talked to."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from edgekit.errors import PortError

if TYPE_CHECKING:
    from edgekit.device.transport import Stream

_READ_S = 0.05


class Recorder:
    """Reads a stream until ``finish``; ``begun`` is this computer's monotonic time of the first bytes."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._pieces: list[bytes] = []
        self._error: PortError | None = None
        self._stop = threading.Event()
        self._last = self.begun = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                if piece := self._stream.read(_READ_S):
                    self._last = time.monotonic()
                    if not self._pieces:
                        self.begun = self._last
                    self._pieces.append(piece)
        except PortError as error:
            self._error = error

    def finish(self, quiet_s: float, most_s: float = 5.0) -> bytes:
        """All bytes, after ``quiet_s`` in which none came; an instrument that never falls silent is cut off.

        Raises:
            PortError: if the port vanished meanwhile.

        """
        end = time.monotonic() + most_s
        self._last = time.monotonic()
        while self._error is None and time.monotonic() < min(end, self._last + quiet_s):
            time.sleep(_READ_S / 10)
        self._stop.set()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return b"".join(self._pieces)
