"""Every exception edgekit raises, drawn as a tree.

::

    EdgekitError
    |-- UserError      exit 1   the model, the data or the request is at fault
    |   |-- ModelError          a model file cannot be read or is inconsistent
    |   |-- UnsupportedError    the model uses what edgekit does not generate
    |   |-- BoardError          a board file is missing or wrong
    |   |-- DataError           samples do not fit the model
    |   |-- ResultError         stored results are damaged, or cannot be held against each other
    |   `-- FitError            the firmware does not fit the board
    |-- UsageError     exit 2   the command line is at fault
    |-- ToolError      exit 3   a compiler, CMake or an emulator failed or is missing
    |   |-- MissingToolError
    |   |-- BuildError
    |   `-- InternalError       edgekit itself is at fault: a rule of its own does not hold
    `-- DeviceError    exit 4   the board or the way to it is at fault
        |-- PortError           the serial port is absent, busy or vanished
        |-- LinkError           the other end is silent or lies
        |-- FlashError          an image did not get onto the board, or not whole
        |-- MeterError          an energy meter is absent, or what it read is not to be relied on
        `-- TargetFaultError    the firmware faulted (bus error, stack overflow, wrong result)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, in the user's words.

    ``what`` is the sentence; ``where`` a layer, file or port; ``found`` against ``allowed``;
    ``hint`` the next step.
    """

    what: str
    where: str = ""
    found: str = ""
    allowed: str = ""
    hint: str = ""

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        facts = [f"found {self.found}"] if self.found else []
        facts += [f"allowed {self.allowed}"] if self.allowed else []
        text = f"{head} ({', '.join(facts)})" if facts else head
        return f"{text}. {self.hint}" if self.hint else text


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names what ``word`` may have been meant to be; empty if nothing is near."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"Did you mean '{close[0]}'?" if close else ""


def known_word(kind: str, word: str, known: Iterable[str], *, listed_by: str = "") -> str:
    """``word`` if it is one of ``known``; where those are many, ``listed_by`` is the command that lists them.

    Raises:
        UsageError: it is not; all that are known, or the command that lists them, and the nearest are named.
    """
    words = list(known)
    if word in words:
        return word
    allowed = f"one of {len(words)} that `{listed_by}` lists" if listed_by else ", ".join(words)
    raise UsageError(Problem(f"there is no such {kind}", found=f"'{word}'", allowed=allowed, hint=nearest(word, words)))


class EdgekitError(Exception):
    """Base of every error a user can meet; carries all problems found, not only the first."""

    exit_code = 1

    def __init__(self, problem: Problem | str, *more: Problem) -> None:
        first = Problem(problem) if isinstance(problem, str) else problem
        self.problems: tuple[Problem, ...] = (first, *more)
        super().__init__("\n".join(str(p) for p in self.problems))


class UserError(EdgekitError):
    """The model, the data or the request is at fault."""


class ModelError(UserError):
    """A model file cannot be read or contradicts itself."""


class UnsupportedError(UserError):
    """The model uses something edgekit cannot generate; lists every such place."""


class BoardError(UserError):
    """A board file is missing, unknown or wrong."""


class DataError(UserError):
    """Samples do not fit the model."""


class ResultError(UserError):
    """Stored results are damaged, unknown, or mean nothing beside each other."""


class FitError(UserError):
    """The firmware does not fit the board's memories."""


class UsageError(EdgekitError):
    """The command line is at fault."""

    exit_code = 2


class ToolError(EdgekitError):
    """A tool edgekit drives failed or is missing."""

    exit_code = 3


class MissingToolError(ToolError):
    """A tool is not installed; the hint says how to get it."""


class BuildError(ToolError):
    """CMake, the compiler or the linker refused generated code."""


class InternalError(ToolError):
    """A rule of edgekit's own does not hold: a bug worth reporting."""


class DeviceError(EdgekitError):
    """The board, emulated or real, or the way to it is at fault."""

    exit_code = 4


class PortError(DeviceError):
    """A serial port is absent, busy or vanished."""


class LinkError(DeviceError):
    """The other end of the link is silent, garbled or contradicts the plan."""


class FlashError(DeviceError):
    """An image did not get onto the board; the message says in which state the board is."""


class MeterError(DeviceError):
    """An energy meter is absent or silent, or edges, range or samples are not such that its figures can be trusted."""


class TargetFaultError(DeviceError):
    """The firmware stopped: bus fault, stack overflow, undefined instruction."""
