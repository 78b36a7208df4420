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
    free_flash = _free(flash, _SLACK_FLASH + board.vector_offset)
    free_ram = _free(ram, _SLACK_RAM + board.stack_bytes)
    weights = _first(free_flash, weight_bytes)
    arena = _first(free_ram, arena_bytes)
    problems: list[Problem] = []
    if weights is None:
        problems.append(_too_large("the weights", weight_bytes, free_flash, board, "Prune or choose a smaller model"))
    if arena is None:
        hint = "Smaller inputs, fewer channels in the early layers, or a board with more RAM help"
        problems.append(_too_large("the arena", arena_bytes, free_ram, board, hint))
    if weights is None or arena is None:
        raise FitError(*problems)
    return Place(flash[0].name, weights, ram[0].name, arena)


def room(board: Board) -> int:
    """The most bytes of arena that some bank holds beside what else is in it, at least 1; 0 where nothing limits it."""
    if not board.target.bare_metal:
        return 0
    return max(1, *_free(board.target.banks("ram"), _SLACK_RAM + board.stack_bytes).values())


def overflow(bank: str, missing: int, board: Board) -> Problem:
    """Say how many bytes the linker found a bank short of."""
    memory = {m.name: m for m in board.target.memories}
    alias = {"EK_FLASH": "flash", "EK_WEIGHTS": "flash", "EK_RAM": "ram", "EK_ARENA": "ram"}.get(bank, "")
    kind = memory[bank].kind if bank in memory else alias or "ram"
    hint = (
        "`--optimize size`, a smaller model or a board with more flash helps"
        if kind == "flash"
        else "`--optimize ram`, a smaller model, a smaller stack_bytes in the board file or a board with more RAM helps"
    )
    size = f"{memory[bank].size:,} bytes" if bank in memory else ""
    return Problem(f"the image is {missing:,} bytes over", f"{kind} bank '{bank}' of {board.name}", "", size, hint)


def _free(banks: tuple[Memory, ...], reserved: int) -> dict[str, int]:
    """Bytes of each bank that weights or arena may take; the first bank holds code, or stack and data, too."""
    return {bank.name: bank.size - (reserved if bank is banks[0] else 0) for bank in banks}


def _first(free: dict[str, int], need: int) -> str | None:
    return next((name for name, size in free.items() if need <= size), None)


def _too_large(what: str, need: int, free: dict[str, int], board: Board, hint: str) -> Problem:
    name, size = max(free.items(), key=lambda bank: bank[1])
    return Problem(
        what=f"{what} does not fit" if what == "the arena" else f"{what} do not fit",
        where=f"board {board.name}",
        found=f"{need:,} bytes, {need - size:,} over",
        allowed=f"{max(size, 0):,} bytes in the largest bank, '{name}', beside what else it holds",
        hint=hint,
    )
