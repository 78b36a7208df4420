"""Which bank of a board's memories holds what, and what to say when nothing does."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.board import Board, Memory
from edgekit.errors import FitError, Problem

_SLACK_FLASH = 4096
"""Bytes left in a flash bank for code when weights are placed in it; the linker has the last word."""
_SLACK_RAM = 512
"""Bytes left in a RAM bank for the harness's data when the arena is placed in it; the linker has the last word."""


@dataclass(frozen=True)
class Place:
    """Names of the banks for code, weights, stack and data, and the arena; empty where the system loads programs."""

    flash: str
    weights: str
    ram: str
    arena: str


def place(arena_bytes: int, weight_bytes: int, board: Board) -> Place:
    """Choose banks: the first of its kind, or for weights and arena the first that is large enough.

    Raises:
        FitError: no bank holds the arena or the weights, with the bytes that are missing.
    """
    if not board.target.bare_metal:
        return Place("", "", "", "")
    flash, ram = board.target.banks("flash"), board.target.banks("ram")
    weights = _first(flash, weight_bytes, {flash[0].name: _SLACK_FLASH + board.vector_offset})
    arena = _first(ram, arena_bytes, {ram[0].name: _SLACK_RAM + board.stack_bytes})
    problems: list[Problem] = []
    if weights is None:
        problems.append(_too_large("the weights", weight_bytes, flash, board, "Prune or choose a smaller model"))
    if arena is None:
        hint = "Smaller inputs, fewer channels in the early layers, or a board with more RAM help"
        problems.append(_too_large("the arena", arena_bytes, ram, board, hint))
    if weights is None or arena is None:
        raise FitError(*problems)
    return Place(flash[0].name, weights.name, ram[0].name, arena.name)


def overflow(bank: str, missing: int, board: Board) -> Problem:
    """Say how many bytes the linker found a bank short of."""
    memory = {m.name: m for m in board.target.memories}
    alias = {"EK_FLASH": "flash", "EK_WEIGHTS": "flash", "EK_RAM": "ram", "EK_ARENA": "ram"}.get(bank, "")
    kind = memory[bank].kind if bank in memory else alias or "ram"
    hint = (
        "A build with -Os, a smaller model or a board with more flash helps"
        if kind == "flash"
        else "A smaller model, a smaller stack_bytes in the board file or a board with more RAM helps"
    )
    size = f"{memory[bank].size:,} bytes" if bank in memory else ""
    return Problem(f"the image is {missing:,} bytes over", f"{kind} bank '{bank}' of {board.name}", "", size, hint)


def _first(banks: tuple[Memory, ...], need: int, reserved: dict[str, int]) -> Memory | None:
    return next((bank for bank in banks if need + reserved.get(bank.name, 0) <= bank.size), None)


def _too_large(what: str, need: int, banks: tuple[Memory, ...], board: Board, hint: str) -> Problem:
    largest = max(banks, key=lambda bank: bank.size)
    return Problem(
        what=f"{what} does not fit" if what == "the arena" else f"{what} do not fit",
        where=f"board {board.name}",
        found=f"{need:,} bytes, {max(need - largest.size, 1):,} over",
        allowed=f"{largest.size:,} bytes in the largest bank, '{largest.name}', less stack, code and data",
        hint=hint,
    )
