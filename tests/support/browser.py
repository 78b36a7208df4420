"""A headless Chromium spoken to over its own debugging pipe: what a page really does when somebody opens it."""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import need

_PATIENCE_S = 60
_FLAGS = (
    "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-background-networking", "--disable-extensions", "--hide-scrollbars",
    "--force-color-profile=srgb",
)  # fmt: skip


@dataclass
class Opened:
    """A page that was opened: what it asked for and complained of, and its picture."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    picture: bytes = b""
    values: dict[str, Any] = field(default_factory=dict)


class Browser:
    """One Chromium; commands go down one pipe, answers and events come up another, ended by a zero byte."""

    def __init__(self, home: Path) -> None:
        read, self._down = os.pipe()
        self._up, write = os.pipe()
        actions = [(os.POSIX_SPAWN_DUP2, read, 3), (os.POSIX_SPAWN_DUP2, write, 4)]
        log = os.open(home / "chromium.log", os.O_WRONLY | os.O_CREAT)
        actions += [(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
        line = [need.need("chromium"), *_FLAGS, f"--user-data-dir={home}"]
        environment = os.environ | {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_CACHE_HOME": str(home)}
        self._pid = os.posix_spawn(line[0], line, environment, file_actions=actions, setpgroup=0)
        for end in (read, write, log):
            os.close(end)
        self._rest = b""
        self._number = 0
        self._events: list[dict[str, Any]] = []

    def close(self) -> None:
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._down)
        os.close(self._up)

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._up], [], [], max(until - time.monotonic(), 0))
            data = os.read(self._up, 1 << 16) if ready else b""
            assert data, "the browser says nothing"
            self._rest += data
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """The answer to a command; events that come meanwhile are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._down, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + _PATIENCE_S
        while True:
            got = self._next(until)
            if got.get("id") == self._number:
                assert "error" not in got, got
                return got["result"]
            self._events.append(got)

    def _wait_for(self, method: str) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not any(e.get("method") == method for e in self._events):
            self._events.append(self._next(until))

    def open(self, page: Path, *, width: int, height: int = 900, dark: bool = False, **expressions: str) -> Opened:
        """Open a file in a window of this width; ``expressions`` are evaluated in it."""
        self._events = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.ask(f"{domain}.enable", session)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.ask("Emulation.setDeviceMetricsOverride", session, **size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", session, features=scheme)
        self.ask("Page.navigate", session, url=page.resolve().as_uri())
        self._wait_for("Page.loadEventFired")
        values = {
            name: self.ask("Runtime.evaluate", session, expression=code, returnByValue=True)["result"].get("value")
            for name, code in expressions.items()
        }
        shot = self.ask("Page.captureScreenshot", session, captureBeyondViewport=True)
        self.ask("Target.closeTarget", targetId=target)
        return Opened(
            requests=[e["params"]["request"]["url"] for e in self._of("Network.requestWillBeSent")],
            complaints=[json.dumps(e["params"]) for e in self._events if e.get("method") in _COMPLAINTS],
            picture=base64.b64decode(shot["data"]),
            values=values,
        )

    def _of(self, method: str) -> list[dict[str, Any]]:
        return [e for e in self._events if e.get("method") == method]


_COMPLAINTS = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")


@contextmanager
def browser(home: Path) -> Generator[Browser]:
    """A browser that is gone when the block ends."""
    started = Browser(home)
    try:
        yield started
    finally:
        started.close()
