"""Writing flash over a debug probe with pyOCD, an extra; what was written is read back and compared byte by byte."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from typing import Any, cast

from edgekit.board import Board
from edgekit.device.deploy import Image
from edgekit.device.flash.way import Progress, Written, image_file, interrupted
from edgekit.errors import FlashError, MissingToolError, Problem
from edgekit.toolchain import elf
from edgekit.toolchain.elf import Segment

_CHUNK = 4096
_AGAIN = "Check the cables, and flash again."


def installed() -> bool:
    """Whether pyOCD is there."""
    return importlib.util.find_spec("pyocd") is not None


@dataclass(frozen=True)
class ByPyocd:
    """The way over a debug probe; ``probe`` is pyOCD's unique id (also ``remote:host:port``), empty: the only one."""

    board: Board
    image: Image
    probe: str = ""
    name: str = "pyocd"
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def place(self) -> str:
        """The probe."""
        return self.probe or "the only debug probe"

    @property
    def commands(self) -> tuple[str, ...]:
        """The same with pyOCD's own command; edgekit calls it as a library and reads back too."""
        uid = f" --uid {self.probe}" if self.probe else ""
        return (f"pyocd load --target {self.board.flash.pyocd}{uid} {self.image.elf.with_suffix('.hex')}",)

    def write(self, progress: Progress) -> Written:
        """Erase and write the sectors the image takes, compare, and restart the board."""
        if not installed():
            hint = "pip install 'edgekit[pyocd]'"
            raise MissingToolError(Problem("pyOCD is not installed", self.board.name, hint=hint))
        from pyocd.core.session import Session  # noqa: PLC0415

        file = image_file(self.board, self.image, "hex")
        segments = elf.read(self.image.elf).segments
        whole = sum(len(s.data) for s in segments)
        done = 0

        def report(share: float) -> None:
            nonlocal done
            done = min(whole, round(share * whole))
            progress("writing flash", done, whole)

        options = {"target_override": self.board.flash.pyocd, "hide_programming_progress": True, **self.options}
        begun = False
        try:
            with cast("Any", Session)(self._chosen(), options=options) as session:
                begun = True
                self._program(session, str(file), report)
                self._compare(session.target, segments, whole, progress)
                session.target.reset()
        except FlashError:
            raise
        except Exception as error:  # where a probe vanishes, pyOCD's cleaning up fails in ways of its own
            if begun:
                raise interrupted(self.place, done, whole, _words(error), _AGAIN) from error
            hint = "Is the board powered, and nothing else connected to the probe?"
            what = "the debug probe does not reach the board; nothing was written"
            raise FlashError(Problem(what, self.place, _words(error), hint=hint)) from error
        return Written(whole, f"all {whole:,} bytes were read back and are the image's")

    def _chosen(self) -> Any:
        from pyocd.core.helpers import ConnectHelper  # noqa: PLC0415 - an extra

        find: Any = cast("Any", ConnectHelper).get_all_connected_probes
        seen: list[Any] = find(blocking=False, unique_id=self.probe or None) or []
        if len(seen) == 1:
            return seen[0]
        names = ", ".join(str(p.unique_id) for p in seen) or "none"
        hint = "Say which with --probe." if seen else "Plug it in; on Linux see docs/boards for the udev rules."
        raise FlashError(Problem("which debug probe? nothing was written", self.place, names, "one", hint))

    @staticmethod
    def _program(session: Any, file: str, report: Any) -> None:
        from pyocd.flash.file_programmer import FileProgrammer  # noqa: PLC0415 - an extra

        cast("Any", FileProgrammer)(session, progress=report, chip_erase="sector").program(file, file_format="hex")

    def _compare(self, target: Any, segments: tuple[Segment, ...], whole: int, progress: Progress) -> None:
        """Hold what the flash has against the image.

        Raises:
            FlashError: at the first byte that differs.
        """
        done = 0
        target.halt()
        for part in segments:
            for at in range(0, len(part.data), _CHUNK):
                wanted = part.data[at : at + _CHUNK]
                found = bytes(target.read_memory_block8(part.address + at, len(wanted)))
                if found != wanted:
                    first = next(i for i, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b)
                    where = f"{self.place}, address {part.address + at + first:#010x}"
                    what = "the flash does not hold what was written: the board must not be trusted with this image"
                    raise FlashError(Problem(what, where, f"{found[first]:#04x}", f"{wanted[first]:#04x}", _AGAIN))
                done += len(wanted)
                progress("reading back", done, whole)


def _words(error: BaseException) -> str:
    """The first thing that went wrong: what fails while pyOCD cleans up after it says less."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__
