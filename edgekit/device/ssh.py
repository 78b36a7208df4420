"""A program on another computer, spoken to over ssh's standard input and output; and commands there.

The system's own OpenSSH client is used: keys, agents, jump hosts and names of the user's configuration then work as
they do in a terminal. A host key is never accepted here: an unknown or changed one is an error.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import select
import shlex
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import IO, cast
from urllib.parse import unquote

from edgekit.errors import PortError, Problem

SCHEME = "ssh://"
PROGRAM = ".edgekit/bench"
"""Where the image lies on a board, below the user's home: one a board, as in a microcontroller's flash."""

_URL = re.compile(
    r"ssh://(?:(?P<user>\w[\w.+-]*)@)?(?:\[(?P<v6>[0-9a-fA-F:.%\w]+)\]|(?P<host>\w[\w.-]*))(?::(?P<port>\d{1,5}))?"
    r"(?P<path>/.*)?",
    re.ASCII,
)
_OPTIONS = (
    "BatchMode=yes",  # no questions: nobody would answer
    "StrictHostKeyChecking=yes",  # whatever the configuration says
    "ConnectTimeout=10",
    "ServerAliveInterval=5",  # so that a board without power is noticed
    "ServerAliveCountMax=3",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "ControlMaster=no",  # one that stays behind would hold our pipes; one that is there already is used
)
_BEGIN = b"\nedgekit-begin\n"
_RUN = 'printf "\\nedgekit-begin\\n"; "$1"; exit $?'
_OPEN_S, _WRITE_S, _CLOSE_S = 30.0, 30.0, 5.0
_CHUNK, _CHUNKS, _NOISE_MAX, _ERRORS_MAX, _SHOWN_MAX = 65_536, 16, 65_536, 4_096, 300
_LAST_PORT = 65_535
_SSH_FAILED, _NOT_RUNNABLE, _NOT_FOUND, _BY_SIGNAL = 255, 126, 127, 128

_CAUSES: tuple[tuple[str, str, str], ...] = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED|Host key .*has changed",
        "the host key is another one than before: a new system on the board, or somebody in between",
        "If you set the board up anew: ssh-keygen -R '{known}', then log in once by hand and compare the fingerprint.",
    ),
    (
        "Host key verification failed|host key is known",
        "the board's host key is not known on this computer",
        "Log in once by hand with `{login}`, and compare the fingerprint with the board's own.",
    ),
    (
        "Permission denied|Too many authentication failures|No supported authentication",
        "the board does not let you in without a password",
        "Put your key there: ssh-copy-id {destination}",
    ),
    (
        "Could not resolve|Name or service not known",
        "there is no computer of this name",
        "Check the name, or take the board's address.",
    ),
    (
        "Connection refused|timed out|No route to host|unreachable",
        "the board does not answer",
        "Is it powered and on this network, and is its ssh server switched on?",
    ),
)
"""What ssh's words mean, and the next step; the first that is found counts."""


@dataclass(frozen=True)
class Place:
    """A program on another computer; ``program`` is its path there, relative to the user's home if not absolute."""

    user: str
    host: str
    port: int
    program: str

    @property
    def url(self) -> str:
        """The place as --port takes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        user, port = f"{self.user}@" if self.user else "", f":{self.port}" if self.port else ""
        path = "" if self.program == PROGRAM else self.program if self.program.startswith("/") else f"/~/{self.program}"
        return f"{SCHEME}{user}{host}{port}{path}"

    @property
    def path(self) -> str:
        """The program as a shell runs it."""
        return self.program if self.program.startswith("/") else f"./{self.program}"

    def command(self, script: str, *arguments: str) -> list[str]:
        """The command line that has the other computer's ``sh`` run a script."""
        line = ["ssh", "-T", *(word for option in _OPTIONS for word in ("-o", option))]
        line += ["-p", str(self.port)] if self.port else []
        line += ["-l", self.user] if self.user else []
        return [*line, "--", self.host, shlex.join(["sh", "-c", script, "sh", *arguments])]

    @property
    def login(self) -> str:
        """How one logs in by hand."""
        return shlex.join(["ssh", *(["-p", str(self.port)] if self.port else []), self.destination])

    @property
    def destination(self) -> str:
        """User and host, as ssh takes them."""
        return f"{self.user}@{self.host}" if self.user else self.host


def parse(url: str) -> Place:
    """The place in ``ssh://[user@]host[:port][/path]``; ``/~/`` begins a path in the user's home.

    Raises:
        PortError: it is none, or has a password in it.
    """
    found = _URL.fullmatch(url)
    path = unquote(found["path"] or "").removesuffix("/") if found else ""
    if found is None or int(found["port"] or 0) > _LAST_PORT or not path.isprintable():
        hint = "For example ssh://pi@raspberrypi. Passwords do not belong there: log in with a key (ssh-copy-id)."
        allowed = "ssh://[user@]host[:port][/path/of/the/program]"
        raise PortError(Problem("this is no ssh address", found=repr(url), allowed=allowed, hint=hint))
    program = path.removeprefix("/~/") or PROGRAM
    return Place(found["user"] or "", found["v6"] or found["host"], int(found["port"] or 0), program)


class Channel:
    """A command on another computer, whose standard input and output are written and read: a ``transport.Stream``.

    What comes is bounded: a far end that floods is not read faster than it is asked for.
    """

    def __init__(self, place: Place, script: str, *arguments: str) -> None:
        """Start it; whether that works out shows with the first bytes.

        Raises:
            PortError: there is no ssh on this computer.
        """
        self.place = place
        try:
            self._process = subprocess.Popen(
                place.command(script, *arguments),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
            )  # fmt: skip
        except OSError as error:
            hint = "apt-get install openssh-client"
            raise PortError(Problem("ssh does not start", place.url, str(error), hint=hint)) from error
        self._input, self._output, self._error = (
            cast("IO[bytes]", f) for f in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        if os.name == "posix":
            os.set_blocking(self._input.fileno(), False)
        self._queue: queue.Queue[bytes] = queue.Queue(_CHUNKS)
        self._ahead = b""
        self._said: deque[int] = deque(maxlen=_ERRORS_MAX)
        self._threads = [threading.Thread(target=f, daemon=True) for f in (self._read_output, self._read_error)]
        for thread in self._threads:
            thread.start()

    @property
    def name(self) -> str:
        """The place, for messages."""
        return self.place.url

    def read(self, timeout_s: float) -> bytes:
        """Bytes that have arrived, at least one unless ``timeout_s`` passes first.

        Raises:
            PortError: the program or the connection has ended.
        """
        if self._ahead:
            data, self._ahead = self._ahead, b""
            return data
        try:
            data = self._queue.get(timeout=max(timeout_s, 0.0)) if timeout_s > 0 else self._queue.get_nowait()
        except queue.Empty:
            return b""
        if not data:
            self._queue.put(b"")  # for whoever reads again
            raise self._ended()
        return data

    def write(self, data: bytes) -> None:
        """Send all bytes; raises PortError."""
        end = time.monotonic() + _WRITE_S
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._input.fileno(), left[:_CHUNK]) :]
            except BlockingIOError:
                if not select.select([], [self._input], [], max(0.0, end - time.monotonic()))[1]:
                    hint = "Check the board's power and network."
                    raise PortError(Problem("the board takes no data", self.name, hint=hint)) from None
            except OSError as error:
                raise self._ended() from error

    def answer(self, seconds: float) -> str:
        """Close the input and take what is said until the end, at most 64 KiB.

        Raises:
            PortError: the command fails, or does not end in time.
        """
        self._input.close()
        heard = b""
        end = time.monotonic() + seconds
        while len(heard) <= _NOISE_MAX and time.monotonic() < end:
            try:
                heard += self.read(end - time.monotonic())
            except PortError:
                if self._process.wait(_CLOSE_S) == 0:
                    return heard.decode("utf-8", "replace")
                raise
        raise PortError(Problem("a command on the board does not end, or says too much", self.name, _shown(heard)))

    def await_begin(self) -> None:
        """Skip what a login says until our own script speaks.

        Raises:
            PortError: it does not.
        """
        heard = b""
        end = time.monotonic() + _OPEN_S
        while len(heard) <= _NOISE_MAX and (left := end - time.monotonic()) > 0:
            heard += self.read(left)
            _, mark, after = heard.partition(_BEGIN)
            if mark:
                self._ahead = after
                return
        hint = f"Does `{self.place.login} echo hello` answer at once?"
        raise PortError(Problem("the board does not start the program", self.name, _shown(heard), hint=hint))

    def close(self) -> None:
        """End it: the program ends with its input, and ssh with the program."""
        with contextlib.suppress(OSError):
            self._input.close()
        end = time.monotonic() + _CLOSE_S
        while self._process.poll() is None and time.monotonic() < end:
            self._drain()
        self._process.kill()
        self._process.wait()
        while any(thread.is_alive() for thread in self._threads):
            self._drain()
        self._output.close()
        self._error.close()

    def _drain(self) -> None:
        with contextlib.suppress(queue.Empty):
            self._queue.get(timeout=0.02)

    def _read_output(self) -> None:
        while data := os.read(self._output.fileno(), _CHUNK):
            self._queue.put(data)
        self._queue.put(b"")

    def _read_error(self) -> None:
        while data := os.read(self._error.fileno(), _CHUNK):
            self._said.extend(data)

    def _ended(self) -> PortError:
        """Why it ended: ssh's own failure, or the program's."""
        try:
            code = self._process.wait(_CLOSE_S)
            self._threads[1].join(_CLOSE_S)
        except subprocess.TimeoutExpired:
            code = None
        return PortError(_problem(self.place, code, bytes(self._said)))


def open_program(url: str) -> Channel:
    """Start the program of a place and return its input and output.

    Raises:
        PortError: the place cannot be reached, its host key is not known, or there is no such program.
    """
    place = parse(url)
    channel = Channel(place, _RUN, place.path)
    try:
        channel.await_begin()
    except BaseException:
        channel.close()
        raise
    return channel


def _problem(place: Place, code: int | None, said: bytes) -> Problem:
    text, shown = said.decode("utf-8", "replace"), _shown(said)
    if code == _NOT_FOUND:
        hint = f"Put it there: edgekit flash MODEL --board BOARD --port {place.url}"
        return Problem(f"there is no program {place.program} on the board", place.url, shown, hint=hint)
    if code == _NOT_RUNNABLE:
        hint = "Is its system of 64 bits (`uname -m`), and may programs run in that folder (`mount`, noexec)?"
        return Problem("the board cannot run the program", place.url, shown, hint=hint)
    if code is not None and _BY_SIGNAL < code < _SSH_FAILED:
        what = f"the program on the board was ended by signal {code - _BY_SIGNAL}"
        return Problem(what, place.url, shown, hint="It starts anew with the next command; if it stays, report it.")
    if code != _SSH_FAILED:
        ended = f"the command on the board failed with exit code {code}" if code else "the program on the board ended"
        return Problem(ended, place.url, shown)
    for pattern, what, hint in _CAUSES:
        if re.search(pattern, text):
            known = f"[{place.host}]:{place.port}" if place.port else place.host
            step = hint.format(known=known, login=place.login, destination=place.destination)
            return Problem(what, place.url, shown, hint=step)
    hint = f"Check the board's power and network; does `{place.login}` work?"
    return Problem("the connection to the board broke", place.url, shown or "ssh says nothing", hint=hint)


def _shown(said: bytes) -> str:
    """The end of what was said, without what could steer a terminal."""
    text = said[-_SHOWN_MAX:].decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
