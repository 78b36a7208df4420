"""A board's drive: a folder that takes an image, goes away, and comes back with the board running what was copied."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
import time
from pathlib import Path

import serial

from edgekit.emulate import image as images
from edgekit.emulate import launch
from edgekit.errors import UserError

PAGE = '<meta http-equiv="refresh" content="0; url=https://os.mbed.com/platforms/?code={}0221066DFF3736"/>'
UF2 = "UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: {}\r\n"
_STABLE_S = 0.3
_AWAY_S = 0.3


class BoardPort:
    """The board's serial port: there from the beginning, and silent until the board is on."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self.server.getsockname()[1]}"
        self.board_url = ""
        self.stopping = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while not self.stopping:
            with contextlib.suppress(OSError):
                client, _ = self.server.accept()
                with client:
                    self._bridge(client)

    def _bridge(self, client: socket.socket) -> None:
        client.settimeout(0.02)
        board = serial.serial_for_url(self.board_url, timeout=0) if self.board_url else None
        while not self.stopping:
            with contextlib.suppress(TimeoutError):
                data = client.recv(4096)
                if not data:
                    break
                if board is not None:
                    board.write(data)
            if board is not None and (data := board.read(65536)):
                client.sendall(data)
        if board is not None:
            board.close()

    def close(self) -> None:
        self.stopping = True
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join(5)


class Drive:
    """The drive of ``board`` in ``folder``.

    ``refuse`` is the complaint with which the debugger turns every image down; ``deaf`` a drive that takes the file
    and does nothing. ``flashed`` holds the pieces of the last image, as (address, bytes).
    """

    def __init__(self, board, folder: Path, elf: Path, *, refuse: str = "", deaf: bool = False) -> None:
        self.board, self.folder, self.elf = board, folder, elf
        self.refuse, self.deaf = refuse, deaf
        self.flashed: list[tuple[int, bytes]] = []
        self.running = None
        self.port = BoardPort()
        self.stopping = False
        self._mount()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join(5)
        self.port.close()
        if self.running is not None:
            self.running.close()

    def _mount(self, complaint: str = "") -> None:
        staged = self.folder.with_name(f".{self.folder.name}")
        staged.mkdir()
        if self.board.volume.image == "uf2":
            (staged / "INFO_UF2.TXT").write_text(UF2.format(self.board.volume.code))
        else:
            (staged / "MBED.HTM").write_text(PAGE.format(self.board.volume.code))
        if complaint:
            (staged / "FAIL.TXT").write_text(complaint)
        staged.rename(self.folder)

    def _watch(self) -> None:
        while not self.stopping:
            time.sleep(0.02)
            found = [p for p in self.folder.glob("*.*") if p.suffix in {".bin", ".hex", ".uf2"}]
            if found and not self.deaf and self._is_whole(found[0]):
                self._take(found[0])

    @staticmethod
    def _is_whole(path: Path) -> bool:
        """A UF2 file says so itself; for others nothing more has come for a while."""
        if path.suffix == ".uf2":
            with contextlib.suppress(UserError):
                return bool(images.read(path, 0))
            return False
        size = path.stat().st_size
        time.sleep(_STABLE_S)
        return size == path.stat().st_size > 0

    def _take(self, path: Path) -> None:
        kept = self.folder.parent / f"flashed-{path.name}"
        shutil.copy(path, kept)
        gone = self.folder.with_name(f".gone-{self.folder.name}")
        self.folder.rename(gone)
        shutil.rmtree(gone)
        if not self.refuse:
            self.flashed = images.read(kept, self.board.target.banks("flash")[0].origin)
            self.running = launch(self.board, kept, self.elf)
            self.port.board_url = self.running.url
        time.sleep(_AWAY_S)
        if self.board.volume.image != "uf2":
            self._mount(self.refuse)
