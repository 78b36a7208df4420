"""Put the counting hooks on a unicorn engine: the native ones, or a slow Python one that counts instructions."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Protocol

import unicorn
from unicorn import arm64_const as arm64
from unicorn import arm_const as arm

from edgekit.emulate import engine, native

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.emulate.counters import Counters

_REGISTERS = (
    *(arm.UC_ARM_REG_R0 + n for n in range(13)),
    arm.UC_ARM_REG_SP,
    arm.UC_ARM_REG_LR,
    arm.UC_ARM_REG_PC,
)
_LONG_THUMB = 0x1D


class Hooks(Protocol):
    """Counting hooks on an engine."""

    def timer_read(self) -> None:
        """Tell the cycle model that the firmware reads a timer."""
        ...

    def close(self) -> None:
        """Free what the hooks hold; the engine must not run any more."""
        ...


def attach(uc: Any, counters: Counters, library: Path | None, *, is_arm64: bool = False) -> Hooks:
    """Count what ``uc`` runs, through the native library if there is one."""
    if library is None:
        return _PythonHooks(uc, counters, is_arm64=is_arm64)
    return _NativeHooks(uc, counters, library, is_arm64=is_arm64)


class _NativeHooks:
    def __init__(self, uc: Any, counters: Counters, library: Path, *, is_arm64: bool) -> None:
        self._lib = native.load(library)
        self._shared = counters.address()
        self._hooks = self._lib.hooks_new(
            ctypes.addressof(self._shared),
            *engine.library_functions(),
            arm64.UC_ARM64_REG_X30 if is_arm64 else arm.UC_ARM_REG_LR,
            (ctypes.c_int * len(_REGISTERS))(*_REGISTERS),
        )
        if not self._hooks:
            raise MemoryError
        engine.add_native_hook(uc, unicorn.UC_HOOK_BLOCK, self._lib.on_block, self._hooks)
        if not is_arm64:
            engine.add_native_hook(uc, unicorn.UC_HOOK_CODE, self._lib.on_instruction, self._hooks)

    def timer_read(self) -> None:
        self._lib.hooks_timer_read(self._hooks)

    def close(self) -> None:
        self._lib.hooks_free(self._hooks)
        self._hooks = None
        del self._shared


class _PythonHooks:
    """Counts as csrc/count.h does, a hundred times slower and without cycles."""

    def __init__(self, uc: Any, counters: Counters, *, is_arm64: bool) -> None:
        self._uc = uc
        self._counters = counters
        self._is_arm64 = is_arm64
        self._link = arm64.UC_ARM64_REG_X30 if is_arm64 else arm.UC_ARM_REG_LR
        self._lengths: dict[tuple[int, int], int] = {}
        self._current = 0
        self._return_to = -1
        engine.on_block(uc, self._on_block)

    def timer_read(self) -> None:
        """Nothing to do without a cycle model."""

    def close(self) -> None:
        """Nothing to free."""

    def _on_block(self, pc: int, size: int) -> None:
        number = self._lengths.get((pc, size))
        if number is None:
            code = bytes(self._uc.mem_read(pc, size))
            number = self._lengths[pc, size] = size // 4 if self._is_arm64 else _thumb_length(code)
        if pc == self._return_to:
            self._current, self._return_to = 0, -1
        if owner := self._counters.owner(pc):
            self._current = owner - 1
            if self._return_to < 0:
                self._return_to = self._uc.reg_read(self._link) & ~1
                self._counters.add_call()
        self._counters.add_instructions(number, self._current, inside=self._return_to >= 0)


def _thumb_length(code: bytes) -> int:
    at = number = 0
    while at + 1 < len(code):
        at += 4 if code[at + 1] >> 3 >= _LONG_THUMB else 2
        number += 1
    return number
