"""Copying a program onto a Linux board over ssh; its SHA-256 is worked out there before it takes the old one's place.

One stream into `cat`, no sftp or scp: small systems lack those, every one has a shell, and what has gone over is known.
A program that arrives in part never replaces the one that was there.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
import shlex
from dataclasses import dataclass

from edgekit.board import Board
from edgekit.device.deploy import Image
from edgekit.device.flash.way import Progress, Written
from edgekit.device.ssh import Channel, Place
from edgekit.errors import FlashError, PortError, Problem

_SYNC = '{ sync "$1" 2>/dev/null || sync; }'
_HASH = 's=$(sha256sum <"$1" 2>/dev/null || shasum -a 256 <"$1") && printf "\\nedgekit-sha256 %s\\n" "${s%% *}"'
_COPY = f'mkdir -p -- "$2" && cat >"$1" && {_SYNC} && {_HASH}'
_INSTALL = f'chmod 700 "$2" && mv -f -- "$2" "$1" && {_SYNC} && {_HASH}'
"""Not a `!`, a line break or a backslash too many: the user's shell over there may be any."""
_SAID = re.compile(r"^edgekit-sha256 ([0-9a-f]{64})\r?$", re.MULTILINE)
_CHUNK = 16_384
_COMMAND_S = 60.0


@dataclass(frozen=True)
class BySsh:
    """The way to a Linux board over ssh."""

    board: Board
    image: Image
    at: Place
    name: str = "ssh"

    @property
    def place(self) -> str:
        """The board's address."""
        return self.at.url

    @property
    def _part(self) -> str:
        return f"{self.at.path}.part"

    @property
    def _copying(self) -> tuple[str, str, str]:
        return _COPY, self._part, posixpath.dirname(self.at.path) or "."

    @property
    def _installing(self) -> tuple[str, str, str]:
        return _INSTALL, self.at.path, self._part

    @property
    def commands(self) -> tuple[str, ...]:
        """The two commands: copy beside the old program, and put into its place."""
        copy, install = (shlex.join(self.at.command(*c)) for c in (self._copying, self._installing))
        return (f"{copy} < {shlex.quote(str(self.image.elf))}", install)

    def write(self, progress: Progress) -> Written:
        """Copy the program, compare its checksum over there, and only then replace the old one."""
        data = self.image.elf.read_bytes()
        wanted = hashlib.sha256(data).hexdigest()
        progress(f"reaching {self.at.destination}", 0, 0)
        found = self._copied(data, progress)
        if found != wanted:
            what = "what arrived is not what was sent; the board keeps the program it had"
            raise FlashError(Problem(what, self.place, f"SHA-256 {found}", wanted, "Flash again."))
        progress("putting it into place", 0, 0)
        try:
            found = self._asked(Channel(self.at, *self._installing))
        except PortError as error:
            what = "the program was copied, but whether it is in place is not known"
            raise FlashError(Problem(what, self.place, hint="Flash again."), *error.problems) from error
        if found != wanted:
            what = "the board's file is not what was put there: its storage is not to be trusted"
            raise FlashError(Problem(what, self.place, f"SHA-256 {found}", wanted, "Check the SD card."))
        return Written(len(data), "the SHA-256 that the board computed of its file is the image's")

    def _copied(self, data: bytes, progress: Progress) -> str:
        """The checksum of what arrived."""
        try:
            channel = Channel(self.at, *self._copying)
            try:
                for at in range(0, len(data), _CHUNK):
                    channel.write(data[at : at + _CHUNK])
                    progress("copying", min(at + _CHUNK, len(data)), len(data))
            except BaseException:
                channel.close()
                raise
            return self._asked(channel)
        except PortError as error:
            what = "the program was not copied whole; the board keeps the one it had"
            raise FlashError(Problem(what, self.place), *error.problems) from error

    def _asked(self, channel: Channel) -> str:
        """The checksum a command says at its end."""
        try:
            text = channel.answer(_COMMAND_S)
        finally:
            channel.close()
        found = _SAID.findall(text)
        if len(found) != 1:
            hint = "It needs sh, cat, mv, and sha256sum or shasum."
            raise PortError(Problem("the board does not say the checksum", self.place, repr(text[-80:]), hint=hint))
        return found[0]
