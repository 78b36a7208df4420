"""Thumb machine code as far as stack and control flow go: how each instruction moves the stack pointer, where it goes.

Capstone disassembles; what it does not know yet (Helium, low-overhead loops, conditional selects, long shifts) is told
apart by the encoding (Arm DDI 0553, C2): none moves the stack pointer, and a loop's end falls through like a branch not
taken. Whatever else cannot be decoded may do anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

import capstone

_WIDE = 0b11101
_COPROCESSOR = 0xEC00
_SELECTS = 0xEA50
_BRANCHES, _LOOPS = 0xF000, 0xC000
_VECTOR_MOVES_SP = 0xEC2D
_SP = "sp"


class Effect(Enum):
    """What kind of step an instruction is."""

    PLAIN = auto()
    TABLE = auto()  # jumps to a place of this function that is not in the instruction
    JUMPS = auto()  # jumps by a register: a tail call where nothing is on the stack, else within the function
    MOVES = auto()  # sp moves by ``amount``
    SAVES = auto()  # ``register`` becomes sp + ``amount``
    LOADS = auto()  # sp becomes ``register`` - ``amount``
    ALIGNS = auto()  # ``register`` loses up to ``amount`` bytes
    UNKNOWN = auto()  # sp becomes what nobody knows


@dataclass(frozen=True)
class Code:
    """An instruction: ``targets`` are its branches, ``call`` whom (-1: by register), ``ends``: goes no further."""

    size: int
    text: str
    effect: Effect = Effect.PLAIN
    amount: int = 0
    register: str = ""
    targets: tuple[int, ...] = ()
    call: int | None = None
    ends: bool = False

    def apply(self, depth: int, registers: dict[str, int]) -> int | None:
        """Depth of the stack afterwards, None if unknown; ``registers`` remembers copies of the stack pointer."""
        match self.effect:
            case Effect.MOVES:
                return depth + self.amount
            case Effect.SAVES:
                registers[self.register] = depth - self.amount
            case Effect.ALIGNS if self.register in registers:
                registers[self.register] += self.amount
            case Effect.LOADS:
                saved = registers.get(self.register)
                return None if saved is None else saved + self.amount
            case Effect.UNKNOWN:
                return None
            case _:
                pass
        return depth


def decode(code: bytes, start: int, data: Sequence[tuple[int, int]] = ()) -> dict[int, Code]:
    """The instructions of a function at address ``start``, by address; ``data`` are the spans that hold no code."""
    disassembler: Any = capstone.Cs(
        capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS | capstone.CS_MODE_V8
    )
    found: dict[int, Code] = {}
    at, conditional = start, 0
    while at + 2 <= start + len(code):
        inside = next((end for begin, end in data if begin <= at < end), 0)
        if inside:
            at = inside
            continue
        raw = code[at - start :][:4]
        first = int.from_bytes(raw[:2], "little")
        size = 4 if first >> 11 >= _WIDE else 2
        second = int.from_bytes(raw[2:], "little") if size == 4 else 0  # noqa: PLR2004 - bytes of a wide instruction
        step = _coprocessor(first, second) or _known(disassembler, raw[:size], at)
        found[at] = _perhaps(step) if conditional else step
        block = re.match(r"it[te]{0,3}\b", step.text)
        conditional = len(block[0]) - 1 if block else max(conditional - 1, 0)
        at += size
    return found


def _perhaps(step: Code) -> Code:
    """An instruction of an IT block, which may be passed over: the deeper of both cases."""
    shrinks = step.effect is Effect.MOVES and step.amount < 0
    return replace(step, ends=False, effect=Effect.PLAIN if shrinks else step.effect)


def _coprocessor(first: int, second: int) -> Code | None:
    """Floating-point and Helium instructions and low-overhead loops; None for all others."""
    if first & 0xF800 == _BRANCHES and second & 0xD000 == _LOOPS:
        return Code(4, "low-overhead loop")
    if first & 0xFFF0 == _SELECTS:
        return Code(4, "select or long shift")
    if first & _COPROCESSOR != _COPROCESSOR:
        return None
    vfp = second >> 8 & 0xF in (10, 11)
    match first & 0xFFBF:
        case 0xED2D if vfp:
            return Code(4, "vpush", Effect.MOVES, 4 * (second & 0xFF))
        case 0xECBD if vfp:
            return Code(4, "vpop", Effect.MOVES, -4 * (second & 0xFF))
        case _ if first & 0xFE2F == _VECTOR_MOVES_SP:  # Rn is sp, written back
            return Code(4, "a vector store that moves sp", Effect.UNKNOWN)
        case _:
            return Code(4, "coprocessor")


def _known(disassembler: Any, raw: bytes, at: int) -> Code:
    instruction = next(iter(disassembler.disasm_lite(raw, at, 1)), None)
    if instruction is None or instruction[1] != len(raw):
        return Code(len(raw), f"undecoded {raw.hex()}", Effect.UNKNOWN)
    _, size, mnemonic, operands = instruction
    text = f"{mnemonic} {operands}"
    name = mnemonic.split(".")[0]
    return _flow(name, operands, size, text) or _stack(name, operands, size, text)


def _flow(name: str, operands: str, size: int, text: str) -> Code | None:
    """Branches, calls and returns."""
    target = re.search(r"#(0x[0-9a-f]+|\d+)$", operands)
    goes = (int(target[1], 0) & ~1,) if target else ()
    conditional = re.fullmatch(r"b(eq|ne|hs|lo|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)", name) or name in ("cbz", "cbnz")
    if name == "b" or conditional:
        return Code(size, text, targets=goes, ends=not conditional)
    if name in ("bl", "blx"):
        return Code(size, text, call=goes[0] if goes else -1)
    if re.fullmatch(r"bx(ns)?", name):
        return Code(size, text, Effect.PLAIN if operands == "lr" else Effect.JUMPS, ends=True)
    if name in ("tbb", "tbh"):
        return Code(size, text, Effect.TABLE, ends=True)
    if name in ("ldr", "mov", "add") and re.match(r"pc\b", operands):
        returns = re.fullmatch(r"pc, \[sp\], #\S+", operands) or operands == "pc, lr"
        return Code(size, text, Effect.PLAIN if returns else Effect.TABLE, ends=True)
    return None


def _stack(name: str, operands: str, size: int, text: str) -> Code:
    """Instructions that move or copy the stack pointer; in an IT block too, as the condition may hold."""
    listed = re.search(r"\{(.*)\}", operands)
    if listed and (name in ("push", "pop") or (name.startswith(("stm", "ldm")) and operands.startswith("sp!"))):
        grows = name.startswith(("push", "stm"))
        count = len(_registers(listed[1]))
        return Code(size, text, Effect.MOVES, 4 * count if grows else -4 * count, ends="pc" in listed[1])
    moved = re.search(r"\[sp, #(-?\w+)\]!|\[sp\], #(-?\w+)", operands)
    if moved:
        return Code(size, text, Effect.MOVES, -int(moved[1] or moved[2], 0))
    parts = [p.strip() for p in operands.split(",")]
    number = int(parts[-1][1:], 0) if re.fullmatch(r"#-?\w+", parts[-1]) else None
    source = parts[1] if len(parts) > 1 else ""
    root = re.sub(r"(s)?(eq|ne|hs|lo|mi|pl|hi|ls|ge|lt|gt|le)?$", "", name)
    match root:
        case "add" | "sub" | "addw" | "subw" if parts[0] == _SP and number is not None:
            grown = number if root.startswith("sub") else -number
            copied = len(parts) > 2 and source != _SP  # noqa: PLR2004 - sp, register, number
            return Code(size, text, Effect.LOADS if copied else Effect.MOVES, grown, source if copied else "")
        case "add" | "addw" if source == _SP and number is not None:
            return Code(size, text, Effect.SAVES, number, parts[0])
        case "mov" if source == _SP:
            return Code(size, text, Effect.SAVES, 0, parts[0])
        case "mov" if parts[0] == _SP:
            return Code(size, text, Effect.LOADS, 0, source)
        case "bfc" if len(parts) > 2 and parts[1] == "#0":  # noqa: PLR2004 - register, lowest bit, width
            return Code(size, text, Effect.ALIGNS, (1 << int(parts[2][1:], 0)) - 1, parts[0])
        case _:
            writes = parts[0] == _SP and not name.startswith(("st", "ldm", "cmp", "cmn", "tst", "teq"))
            return Code(size, text, Effect.UNKNOWN if writes else Effect.PLAIN)


def _registers(listed: str) -> list[str]:
    """A register list, ranges spelled out by the disassembler already."""
    return [r.strip() for r in listed.split(",")]
