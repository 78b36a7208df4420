"""Writing flash over a debug probe with OpenOCD, a program of its own; it compares the flash with the image afterwards.

What is run is OpenOCD's own `program FILE verify reset exit`. Its words are read while it works: they tell the phase,
and if it fails, in which state the board is. Words and their order are those of OpenOCD 0.12 (src/flash/startup.tcl,
src/flash/nor, src/jtag/drivers, src/target).
"""

from __future__ import annotations

import contextlib
import queue
import re
import shlex
import shutil
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import IO, cast

from edgekit.board import Board
from edgekit.device.deploy import Image
from edgekit.device.flash.way import Progress, Written, image_file
from edgekit.errors import FlashError, MissingToolError, Problem, ToolError
from edgekit.toolchain import elf

PROGRAM = "openocd"

_STARTED, _FINISHED = "** Programming Started **", "** Programming Finished **"
_VERIFYING, _VERIFIED, _DIFFERS = "** Verify Started **", "** Verified OK **", "** Verify Failed **"
_RESETTING = "** Resetting Target **"
_PHASES: dict[str, tuple[str, int, int]] = {
    _STARTED: ("writing flash", 0, 1),
    _FINISHED: ("writing flash", 1, 1),
    _VERIFYING: ("comparing", 0, 1),
    _VERIFIED: ("comparing", 1, 1),
    _DIFFERS: ("comparing", 0, 1),
    _RESETTING: ("restarting the board", 0, 0),
}
"""The lines that tell what it does: the phase, images done of it and in all."""
_SLOWEST = 4_096
"""Bytes a second: OpenOCD says nothing while it erases and writes, so what may still be work goes by this."""
_NUMBER, _PATH = r"[\w.:-]+", r"[^{}\\\n]+"
_END_S = 10.0
_LINES_KEPT, _LINE_MAX, _QUEUED = 40, 500, 100
_AGAIN = "Check the cables and the board's power, and flash again."

_CAUSES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        (r"Can't find \S+\.cfg", "invalid command name", "invalid subcommand"),
        "this OpenOCD does not know the board's commands",
        "Install OpenOCD 0.12 or newer, for a Pico 2 one after 0.12.0; its scripts must be where it looks for them.",
    ),
    (
        ("LIBUSB_ERROR_ACCESS", "[Pp]ermission denied"),
        "the debug probe may not be opened",
        "On Linux install OpenOCD's udev rules (60-openocd.rules) and plug the probe in again.",
    ),
    (
        ("LIBUSB_ERROR_BUSY", "[Uu]nable to claim", "[Rr]esource busy"),
        "another program has the debug probe",
        "Close it: a debugger, an IDE, another OpenOCD.",
    ),
    (
        (r"LIBUSB_ERROR_(NO_DEVICE|PIPE|IO)\b", "[Cc]onnection reset", "Broken pipe"),
        "the debug probe vanished",
        "Plug it in again, and flash again.",
    ),
    (
        ("open failed", "Failed to connect", "No J-Link device found", "unable to find a matching CMSIS-DAP device",
         "no device found"),
        "there is no such debug probe",
        "Plug the board in by its debugger's USB connector; `edgekit devices` shows what is there.",
    ),
    (
        ("APPROTECT", "AP lock", "RDP level [12]", "device is (locked|protected)", "flash .*protected"),
        "the board's flash is protected",
        "Unlock it with the vendor's tool, which erases it whole, and flash again.",
    ),
    (
        ("timed out while waiting for target halted", "not halted", "Unable to reset target", "[Ff]ailed to halt"),
        "the debug probe reaches the board, but cannot halt it",
        "Hold the board's reset button down, flash again, and let it go when OpenOCD says 'Programming Started'.",
    ),
    (
        ("unable to connect to the target", "cannot read IDR", "Error connecting DP", "voltage may be too low",
         "scan chain interrogation failed", "Could not find MEM-AP"),
        "the debug probe is there, but the board does not answer it",
        "Is the board powered (jumpers too), and is nothing else on its debug pins?",
    ),
    (
        ("auto_probe failed", "Cannot identify target", "[Uu]nknown (chip|device)", "Bank is invalid"),
        "this chip is not the one the board file names",
        "Is it this board? `edgekit boards` lists all.",
    ),
)  # fmt: skip
"""What OpenOCD's words mean, and the next step; the first that is found counts."""


def installed() -> bool:
    """Whether OpenOCD is there."""
    return shutil.which(PROGRAM) is not None


@dataclass(frozen=True)
class ByOpenocd:
    """The way over a debug probe; ``probe`` is its serial number as on USB, empty: the one OpenOCD finds.

    ``silence_s`` is how long a phase may take beyond the time that writing the image may need.
    """

    board: Board
    image: Image
    probe: str = ""
    silence_s: float = 60.0
    name: str = "openocd"

    @property
    def place(self) -> str:
        """The probe."""
        return self.probe or "the debug probe OpenOCD finds"

    @property
    def command(self) -> list[str]:
        """The command line. No ports are opened, so that another OpenOCD is not in the way.

        Raises:
            FlashError: the path or the probe's serial number has characters that OpenOCD's scripts give a meaning.
        """
        line = [PROGRAM]
        for port in ("gdb_port", "tcl_port", "telnet_port"):
            line += ["-c", f"{port} disabled"]
        for entry in self.board.flash.openocd:
            line += ["-f" if entry.endswith(".cfg") else "-c", entry]
        if self.probe:
            line += ["-c", f"adapter serial {_plain(self.probe, _NUMBER)}"]
        file = self.image.elf.with_suffix(".hex").absolute().as_posix()
        return [*line, "-c", f"program {{{_plain(file, _PATH)}}} verify reset exit"]

    @property
    def commands(self) -> tuple[str, ...]:
        """The command line, as one would type it."""
        return (shlex.join(self.command),)

    def write(self, progress: Progress) -> Written:
        """Erase and write the sectors the image takes, have OpenOCD compare, and restart the board."""
        image_file(self.board, self.image, "hex")
        said = _Said(sum(len(s.data) for s in elf.read(self.image.elf).segments), progress)
        return self._outcome(said, _follow(self.command, said, self.silence_s))

    def _outcome(self, said: _Said, code: int | None) -> Written:
        """What was reached; ``code`` is OpenOCD's exit code, None if it hung and was ended.

        Raises:
            FlashError: anything but that the flash holds the image.
        """
        if said.reached(_VERIFIED):
            how = "OpenOCD compared the flash with the image: checksums that the board computed, or all bytes"
            if code == 0 and said.reached(_RESETTING):
                return Written(said.size, how)
            return Written(said.size, how, ("OpenOCD did not restart the board: press its reset button",))
        cause, hint = _cause(said.text)
        why = f"{cause}: {said.complaint}" if cause and said.complaint else cause or said.complaint
        if code is not None and code < 0:
            why = f"OpenOCD crashed (signal {-code}), as it may when its probe goes; {why}".rstrip("; ")
            hint = hint or "Plug the probe in again, and flash again."
        if code is None:
            why = f"OpenOCD hung and was ended; {why}".rstrip("; ")
        if said.reached(_DIFFERS):
            what = "the flash does not hold what was written: the board must not be trusted with this image"
            raise FlashError(Problem(what, self.place, said.complaint, hint=_AGAIN))
        if said.reached(_FINISHED):
            what = "the image was written, but not compared to its end: whether the board holds it is not known"
            raise FlashError(Problem(what, self.place, why, hint=_AGAIN))
        if said.reached(_STARTED):
            what = "flashing broke off: the board holds part of an image, or of the old one, and does not run it"
            raise FlashError(Problem(what, self.place, why, hint=hint or _AGAIN))
        if not why:
            why = f"OpenOCD ended without a word (exit code {code})"
        raise FlashError(Problem("OpenOCD could not begin; nothing was written", self.place, why, hint=hint or _AGAIN))


class _Said:
    """What OpenOCD has said so far, and the phase that tells."""

    def __init__(self, size: int, progress: Progress) -> None:
        self.size = size
        self._progress = progress
        self._marks: list[str] = []
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._since = time.monotonic()
        progress("reaching the board", 0, 0)

    def deadline(self, silence_s: float) -> float:
        """When the phase under way has taken too long; only a new phase moves it, whatever else is said."""
        return self._since + silence_s + (self.size / _SLOWEST if self.reached(_STARTED) else 0.0)

    @property
    def text(self) -> str:
        """Its last lines that are more than information."""
        return "\n".join(line for line in self._lines if not line.startswith(("Info :", "Debug:")))

    @property
    def complaint(self) -> str:
        """Its last two lines that call themselves errors."""
        errors = [line.partition("Error: ")[2].strip() for line in self._lines if "Error: " in line]
        return "; ".join(dict.fromkeys(errors[-2:]))

    def reached(self, mark: str) -> bool:
        """Whether it said this."""
        return mark in self._marks

    def hear(self, line: str) -> None:
        """Take in one line."""
        self._lines.append(line)
        if line in _PHASES and line not in self._marks:
            self._marks.append(line)
            self._since = time.monotonic()
            name, done, whole = _PHASES[line]
            self._progress(name, done * self.size, whole * self.size)


class _Lines:
    """Lines of a process, read in a thread of its own so that waiting can end."""

    def __init__(self, source: IO[bytes]) -> None:
        self._queue: queue.Queue[str | None] = queue.Queue(_QUEUED)
        self._source = source
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while data := self._source.readline(_LINE_MAX):
            self._queue.put(data.decode("utf-8", "replace").strip())
        self._queue.put(None)

    def next(self, end: float) -> str | None:
        """The next line, None at the end.

        Raises:
            TimeoutError: nothing came before ``end``, by the monotonic clock.
        """
        try:
            return self._queue.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            raise TimeoutError from None

    def close(self) -> None:
        """Drop what is left; the process has ended."""
        while self._thread.is_alive():
            with contextlib.suppress(queue.Empty):
                self._queue.get(timeout=0.05)
        self._source.close()


def _follow(command: list[str], said: _Said, silence_s: float) -> int | None:
    """Run OpenOCD and hear it to its end: its exit code, or None if it had to be ended."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except FileNotFoundError as error:
        raise MissingToolError(Problem("OpenOCD is not installed", hint="apt-get install openocd")) from error
    except OSError as error:
        raise ToolError(Problem("OpenOCD does not start", PROGRAM, str(error))) from error
    lines = _Lines(cast("IO[bytes]", process.stdout))
    try:
        while (line := lines.next(said.deadline(silence_s))) is not None:
            said.hear(line)
        return process.wait(_END_S)
    except (TimeoutError, subprocess.TimeoutExpired):
        return None
    finally:
        process.kill()
        process.wait()
        lines.close()


def _plain(text: str, allowed: str) -> str:
    if re.fullmatch(allowed, text) is None:
        hint = "Build into another folder with --out." if "/" in text else "Take it as `edgekit devices` prints it."
        raise FlashError(Problem("OpenOCD would misread this", found=repr(text), allowed=allowed, hint=hint))
    return text


def _cause(text: str) -> tuple[str, str]:
    for patterns, what, hint in _CAUSES:
        if re.search("|".join(patterns), text):
            return what, hint
    return "", ""
