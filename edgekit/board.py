"""Boards and targets, read strictly from boards/<name>.toml.

A Target is what the compiler may know; a Board is a target and how to reach it. A board file is TOML: unknown
keys, wrong types and contradictions are all reported at once, with the nearest allowed name.
"""

from __future__ import annotations

import itertools
import math
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from edgekit import resources
from edgekit.errors import BoardError, Problem, nearest
from edgekit.files import read_at_most

if TYPE_CHECKING:
    from collections.abc import Mapping

Isa = Literal["scalar", "thumb", "dsp", "mve", "neon"]

_ISAS: dict[str, tuple[str, ...]] = {
    "cortex-m0plus": ("scalar", "thumb"),
    "cortex-m3": ("scalar", "thumb"),
    "cortex-m4": ("scalar", "dsp"),
    "cortex-m7": ("scalar", "dsp"),
    "cortex-m33": ("scalar", "dsp"),
    "cortex-m55": ("scalar", "dsp", "mve"),
    "cortex-a72": ("scalar",),
    "cortex-a76": ("scalar",),
    "cortex-a78ae": ("scalar",),
    "host": ("scalar",),
}
_FLASH_METHODS = ("volume", "pyocd", "openocd", "ssh")
_IMAGES = ("bin", "hex", "uf2")
_EMULATORS = ("unicorn", "native", "qemu-aarch64")
_MACHINE = re.compile(r"qemu:[A-Za-z0-9][\w.-]*", re.ASCII)
"""A machine of QEMU's, without the options that may follow its name: they write files."""
_SYSTEM_PORTS = ("host", "linux")
_MAX_BYTES, _WORD, _LARGEST, _VECTORS_ALIGN = 1 << 20, 1 << 32, 1 << 48, 128
"""Of a board file; addresses of a Cortex-M; the largest bank anywhere; VTOR has no lower bits (Armv7-M manual)."""
_LINKER_WORDS = re.compile(
    "l|o|org|len|LENGTH|ORIGIN|MEMORY|SECTIONS|ENTRY|ALIGN|ADDR|LOADADDR|SIZEOF|AT|BLOCK|BIND|PROVIDE|HIDDEN|ASSERT|"
    "DEFINED|NEXT|MAX|MIN|OVERLAY|PHDRS|VERSION|INCLUDE|INPUT|GROUP|OUTPUT|TARGET|STARTUP|SUBALIGN|CONSTANT|SPECIAL|"
    "EXTERN|MAP|HLL|SYSLIB|FLOAT|NOFLOAT|INSERT|AFTER|BEFORE|EK_.*"
)
"""Names that a memory cannot have, because they mean something in GNU ld's scripts or in firmware/cortex_m/link.ld."""


@dataclass(frozen=True)
class Memory:
    """A bank of flash or RAM; ``origin`` and ``size`` in bytes."""

    name: str
    kind: Literal["flash", "ram"]
    origin: int
    size: int

    @property
    def end(self) -> int:
        """First address after the bank."""
        return self.origin + self.size


@dataclass(frozen=True)
class Target:
    """What the compiler may know of a board: core, memories, clock and flash wait states.

    ``external_flash`` is executed in place over a serial bus, behind a cache, whose misses take far longer than wait
    states.
    """

    core: str
    memories: tuple[Memory, ...]
    clock_hz: int
    flash_wait_states: int = 0
    external_flash: bool = False

    @property
    def isas(self) -> tuple[str, ...]:
        """Instruction sets whose kernels run on this core, plainest first."""
        return _ISAS[self.core]

    @property
    def bare_metal(self) -> bool:
        """Whether the firmware is the whole system (Cortex-M) and not a program of Linux or of the host."""
        return self.core.startswith("cortex-m")

    def banks(self, kind: Literal["flash", "ram"]) -> tuple[Memory, ...]:
        """Banks of one kind in the board file's order; the first is the default."""
        return tuple(m for m in self.memories if m.kind == kind)


@dataclass(frozen=True)
class Serial:
    """The board's serial line; ``tx`` and ``rx`` are the microcontroller's own pins for it."""

    baud: int = 115_200
    tx: str = ""
    rx: str = ""


@dataclass(frozen=True)
class Volume:
    """The drive a board shows, onto which an image is copied.

    ``code`` is what its MBED.HTM or DETAILS.TXT begin the board's id with, or the Board-ID of its INFO_UF2.TXT.
    ``uf2_absolute`` puts a block of the family "absolute" before the image's (erratum RP2350-E10).
    """

    code: str
    image: Literal["bin", "hex", "uf2"]
    uf2_family: int = 0
    uf2_absolute: bool = False


@dataclass(frozen=True)
class Flash:
    """Ways to get an image onto the board, best first; see device.flash.

    ``openocd`` has OpenOCD's configuration files and, between them, commands; ``pyocd`` pyOCD's target.
    """

    methods: tuple[str, ...] = ()
    openocd: tuple[str, ...] = ()
    pyocd: str = ""


@dataclass(frozen=True)
class Power:
    """Active power while inferring, for energy estimates; ``error`` is relative."""

    active_mw: float
    error: float
    source: str


@dataclass(frozen=True)
class Board:
    """A target and how to reach it.

    ``checked`` names the manuals the numbers were read in; empty if nobody did. ``emulator`` is ``unicorn``,
    ``qemu:<machine>``, ``qemu-aarch64``, ``native`` (run it on this machine) or empty. ``vector_offset`` is
    where in the first flash bank the vector table lies. ``usb`` has the (vendor, product) ids of the debugger or
    adapter whose serial port is the board's; other boards may have the same. ``trigger`` is the pin that frames an
    inference for a meter, ``trigger_header`` what the board itself has printed beside it.
    """

    name: str
    title: str
    target: Target
    port: str
    emulator: str = ""
    checked: str = ""
    stack_bytes: int = 4096
    vector_offset: int = 0
    serial: Serial = Serial()
    usb: tuple[tuple[int, int], ...] = ()
    volume: Volume | None = None
    flash: Flash = Flash()
    trigger: str = ""
    trigger_header: str = ""
    power: Power | None = None


def names() -> tuple[str, ...]:
    """Names of the boards that ship with edgekit, sorted."""
    return tuple(sorted(path.stem for path in resources.boards().glob("*.toml")))


def load(name_or_path: str | Path) -> Board:
    """Load a shipped board by name, or one's own from the path of a .toml file.

    Raises:
        BoardError: unknown name, unreadable file, or everything that is wrong in the file.

    """
    text = str(name_or_path)
    path = Path(text)
    if path.suffix != ".toml":
        path = resources.boards() / f"{text}.toml"
        if text not in names():
            hint = f"{nearest(text, names())} `edgekit boards` lists all; a path to a .toml file works too"
            raise BoardError(Problem("there is no such board", found=f"'{text}'", hint=hint.strip()))
    try:
        tree = tomllib.loads(read_at_most(path, _MAX_BYTES).decode())
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        hint = "Give the path of a .toml file that can be read, or a name that `edgekit boards` lists."
        raise BoardError(Problem(f"the file cannot be read: {why}", str(path), hint=hint)) from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, thousands of brackets
        raise BoardError(Problem(f"not valid TOML: {error}", where=str(path))) from error
    return parse(tree, path.stem)


def parse(tree: Mapping[str, Any], name: str) -> Board:
    """Read a board from a parsed TOML tree.

    Raises:
        BoardError: every unknown key, missing key, wrong type and contradiction at once.

    """
    top = _Table(dict(tree), name, [])
    target, flash, power = top.table("target"), top.table("flash"), top.table("power")
    serial, usb, volume, trigger = (top.table(name) for name in ("serial", "usb", "volume", "trigger"))
    checked = top.take("checked", (str, bool), required=True)
    board = Board(
        name=name,
        title=top.text("title", required=True),
        target=_target(target, top.tables("memory")),
        port=top.text("port", required=True),
        emulator=top.text("emulator"),
        checked=checked if isinstance(checked, str) else "",
        stack_bytes=top.integer("stack_bytes", 4096),
        vector_offset=target.integer("vector_offset", 0),
        serial=Serial(serial.integer("baud", 115_200, least=1), serial.text("tx"), serial.text("rx")),
        usb=tuple(_usb_id(usb, text) for text in usb.texts("ids", required=True)),
        volume=_volume(volume) if volume.present else None,
        flash=_flash(flash),
        trigger=trigger.text("pin"),
        trigger_header=trigger.text("header"),
        power=_power(power) if power.present else None,
    )
    if checked is True:
        top.problem("'checked' is the manuals' names, or false", "true")
    for table in (top, target, serial, usb, volume, flash, trigger, power):
        table.finish()
    _rules(board, top)
    for method, has in (("volume", board.volume), ("openocd", board.flash.openocd), ("pyocd", board.flash.pyocd)):
        if method in board.flash.methods and not has:
            top.problem(f"the way to flash '{method}' lacks what it needs", "nothing", f"'{method}' in the board file")
    if top.problems:
        raise BoardError(*top.problems)
    return board


def _target(table: _Table, banks: list[_Table]) -> Target:
    core = table.text("core", required=True)
    if core and core not in _ISAS:
        table.problem("edgekit does not know this core", core, ", ".join(_ISAS), nearest(core, _ISAS))
    memories: list[Memory] = []
    for bank in banks:
        kind = bank.text("kind", required=True)
        if kind not in ("flash", "ram"):
            bank.problem("wrong kind of memory", kind, "flash or ram")
        fields = (
            bank.integer("origin", 0, required=True),
            bank.integer("size", 1, least=1, most=_LARGEST, required=True),
        )
        memories.append(Memory(bank.text("name", required=True), cast('Literal["flash", "ram"]', kind), *fields))
        bank.finish()
    return Target(
        core=core,
        memories=tuple(memories),
        clock_hz=table.integer("clock_hz", 1, least=1, required=True),
        flash_wait_states=table.integer("flash_wait_states", 0),
        external_flash=table.take("external_flash", (bool,), default=False),
    )


def _usb_id(table: _Table, text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9a-f]{4}):([0-9a-f]{4})", text)
    if found is None:
        table.problem("not a USB id", repr(text), "vendor:product, four hexadecimal digits each, as '0483:374b'")
        return 0, 0
    return int(found[1], 16), int(found[2], 16)


def _volume(table: _Table) -> Volume:
    image = table.text("image", required=True)
    if image and image not in _IMAGES:
        table.problem("unknown kind of image", image, ", ".join(_IMAGES))
    family = table.integer("uf2_family", 0)
    if (image == "uf2") != bool(family):
        table.problem("'uf2_family' goes with image = \"uf2\"", f"{family:#x} with '{image}'")
    absolute = table.take("uf2_absolute", (bool,), default=False)
    if absolute and not family:
        table.problem("'uf2_absolute' goes with 'uf2_family'", "no 'uf2_family'")
    return Volume(table.text("code", required=True), cast('Literal["bin", "hex", "uf2"]', image), family, absolute)


def _flash(table: _Table) -> Flash:
    methods = table.texts("methods")
    for method in methods:
        if method not in _FLASH_METHODS:
            table.problem("unknown way to flash", method, ", ".join(_FLASH_METHODS))
    return Flash(methods=methods, openocd=table.texts("openocd"), pyocd=table.text("pyocd"))


def _power(table: _Table) -> Power:
    active = float(table.take("active_mw", (float, int), required=True, default=0.0))
    error = float(table.take("error", (float, int), required=True, default=0.0))
    if not (math.isfinite(active) and math.isfinite(error)) or min(active, error) < 0:
        table.problem("power is a number of milliwatts and an error", f"{active} and {error}", "0 or more")
    return Power(active, error, table.text("source", required=True))


def _rules(board: Board, top: _Table) -> None:
    """Contradictions that no single key shows."""
    if board.emulator and board.emulator not in _EMULATORS and not _MACHINE.fullmatch(board.emulator):
        top.problem("unknown emulator", board.emulator, ", ".join((*_EMULATORS, "qemu:<machine>")))
    core = board.target.core
    runs = {"unicorn": core.startswith("cortex-m") and core != "cortex-m55", "native": core == "host"}
    if core in _ISAS and not (runs | {"qemu-aarch64": core.startswith("cortex-a")}).get(board.emulator, True):
        top.problem("this emulator does not run the board's core", board.emulator, f"one for {core}, or none")
    if core in _ISAS and board.target.bare_metal == (board.port in _SYSTEM_PORTS):
        top.problem("this port is not for the board's core", board.port, "host or linux for whole computers only")
    for what, word in [("port", board.port), *(("name", m.name) for m in board.target.memories)]:
        if word and not re.fullmatch(r"[A-Za-z_]\w*", word, re.ASCII):
            top.problem(f"'{what}' goes into file names and linker scripts", repr(word), "letters, digits and _")
        elif what == "name" and _LINKER_WORDS.fullmatch(word):
            top.problem(f"'{what}' means something else in linker scripts", word, "another name")
    if not re.fullmatch(r"[\w.-]+", board.name, re.ASCII):
        top.problem("a board's name is its file's, and goes into C", repr(board.name), "letters, digits, _, - and .")
    if not board.title.isprintable() or "*/" in board.title:
        top.problem("'title' goes into comments", repr(board.title), "one printable line without */")
    if board.target.bare_metal:
        _bare_metal(board, top)
    banks = sorted(board.target.memories, key=lambda m: m.origin)
    for low, high in itertools.pairwise(banks):
        if low.end > high.origin:
            top.problem(f"memory banks '{low.name}' and '{high.name}' overlap", f"{low.end:#x} > {high.origin:#x}")
    if len({m.name for m in banks}) != len(banks):
        top.problem("two memory banks have one name", ", ".join(m.name for m in banks))


def _bare_metal(board: Board, top: _Table) -> None:
    """What firmware needs that is the whole system."""
    for kind in ("flash", "ram"):
        if not board.target.banks(kind):
            top.problem(f"a Cortex-M board needs at least one {kind} bank", "none")
    if board.stack_bytes % 8 or not board.stack_bytes:
        top.problem("stack_bytes must be a positive multiple of 8", str(board.stack_bytes))
    for m in board.target.memories:
        if m.end > _WORD or m.origin % 8:
            found = f"{m.origin:#x} to {m.end:#x}"
            top.problem(f"memory bank '{m.name}' cannot lie there", found, f"multiples of 8, the end up to {_WORD:#x}")
    room = sum(m.size for m in board.target.banks("flash")[:1])
    if board.vector_offset % _VECTORS_ALIGN or board.vector_offset >= max(room, 1):
        allowed = f"multiples of {_VECTORS_ALIGN} in the first flash bank"
        top.problem("the vector table cannot lie at 'vector_offset'", f"{board.vector_offset:#x}", allowed)


class _Table:
    """One TOML table, read key by key: what is left over at the end was not a key we know."""

    def __init__(self, tree: dict[str, Any], where: str, problems: list[Problem], *, present: bool = True) -> None:
        self._tree = tree
        self._known: list[str] = []
        self._where = where
        self.problems = problems
        self.present = present

    def problem(self, what: str, found: str, allowed: str = "", hint: str = "") -> None:
        """Note something that is wrong."""
        self.problems.append(Problem(what, f"board {self._where}", found, allowed, hint.strip()))

    def take(self, key: str, kinds: tuple[type, ...], *, required: bool = False, default: Any = "") -> Any:
        """A value of one of ``kinds``, or ``default``; what is missing or of another type is noted."""
        self._known.append(key)
        if key not in self._tree:
            if required and self.present:
                self.problem(f"'{key}' is missing", "nothing", " or ".join(k.__name__ for k in kinds))
            return default
        value = self._tree.pop(key)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            self.problem(f"'{key}' has the wrong type", repr(value), " or ".join(k.__name__ for k in kinds))
            return default
        return value

    def text(self, key: str, *, required: bool = False) -> str:
        """A text, empty if it is not there."""
        return self.take(key, (str,), required=required)

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """A list of texts."""
        found: list[Any] = self.take(key, (list,), required=required, default=[])
        if not all(isinstance(entry, str) for entry in found):
            self.problem(f"'{key}' has the wrong type", repr(found), "a list of text")
            return ()
        return tuple(found)

    def integer(self, key: str, default: int, *, least: int = 0, most: int = _WORD - 1, required: bool = False) -> int:
        """A whole number in a range; the default where it is none."""
        value: int = self.take(key, (int,), required=required, default=default)
        if least <= value <= most:
            return value
        what = "negative" if value < 0 else "out of range"
        self.problem(f"'{key}' is {what}", f"{value:#x}"[:40], f"{least} to {most:#x}")
        return default

    def table(self, key: str) -> _Table:
        """The table of this name, empty if it is not there."""
        present = key in self._tree or key == "target"
        tree: dict[str, Any] = self.take(key, (dict,), default={})
        return _Table(tree, f"{self._where}, [{key}]", self.problems, present=present)

    def tables(self, key: str) -> list[_Table]:
        """All tables of this name."""
        found: list[Any] = self.take(key, (list,), default=[])
        if not all(isinstance(entry, dict) for entry in found):
            self.problem(f"'{key}' has the wrong type", repr(found), f"[[{key}]] tables")
            found = []
        return [_Table(e, f"{self._where}, [[{key}]] {i}", self.problems) for i, e in enumerate(found)]

    def finish(self) -> None:
        """Every key that nobody asked for is a mistake."""
        for key in self._tree:
            self.problem(f"unknown key '{key}'", key, ", ".join(self._known), nearest(key, self._known))
