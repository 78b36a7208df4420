"""The seam to unicorn: its Python binding has neither types nor a way to pass native functions."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import unicorn
from unicorn import arm64_const as arm64
from unicorn import arm_const as arm
from unicorn.unicorn_py3 import unicorn as binding

if TYPE_CHECKING:
    from collections.abc import Callable

UcError = binding.UcError
"""Raised when the engine cannot go on; its ``errno`` is one of unicorn.UC_ERR_*."""

CPUS = {
    "cortex-m0plus": arm.UC_CPU_ARM_CORTEX_M0,
    "cortex-m3": arm.UC_CPU_ARM_CORTEX_M3,
    "cortex-m4": arm.UC_CPU_ARM_CORTEX_M4,
    "cortex-m7": arm.UC_CPU_ARM_CORTEX_M7,
    "cortex-m33": arm.UC_CPU_ARM_CORTEX_M33,
    "cortex-a72": arm64.UC_CPU_ARM64_A72,
}
"""Cores by unicorn's numbers; other AArch64 cores run as "max", which has every instruction."""


def cortex_m(core: str) -> Any:
    """An engine for a Cortex-M, with no memory yet."""
    uc = binding.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    uc.ctl_set_cpu_model(CPUS[core])
    return uc


def aarch64(core: str) -> Any:
    """An engine for a 64-bit Arm core, with no memory yet."""
    uc = binding.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
    uc.ctl_set_cpu_model(CPUS.get(core, arm64.UC_CPU_ARM64_MAX))
    return uc


def map_registers(uc: Any, page: int, size: int, read: Callable[[int], int], write: Callable[[int, int], None]) -> None:
    """Let Python answer a page of registers: ``read(offset)``, ``write(offset, value)``."""

    def on_read(_uc: object, offset: int, _size: int, _user: object) -> int:
        return read(offset)

    def on_write(_uc: object, offset: int, *rest: Any) -> None:
        write(offset, rest[1])

    uc.mmio_map(page, size, on_read, None, on_write, None)


def map_native_registers(uc: Any, page: int, size: int, functions: tuple[Any, Any], user: int) -> None:
    """Let native functions answer a page of registers."""
    read, write = (_pointer(f) for f in functions)
    _check(binding.uclib.uc_mmio_map(_handle(uc), page, size, read, user, write, user))


def add_native_hook(uc: Any, kind: int, function: Any, user: int) -> None:
    """Have a native function called as a hook of a kind, everywhere."""
    everywhere = (ctypes.c_uint64(1), ctypes.c_uint64(0))
    hook = ctypes.byref(ctypes.c_size_t())
    pointer = ctypes.c_void_p(_pointer(function))
    _check(binding.uclib.uc_hook_add(_handle(uc), hook, kind, pointer, ctypes.c_void_p(user), *everywhere))


def library_functions() -> tuple[int, int, int]:
    """Addresses of unicorn's own uc_reg_read, uc_mem_read and uc_emu_stop, for native hooks to call."""
    lib = binding.uclib
    return _pointer(lib.uc_reg_read), _pointer(lib.uc_mem_read), _pointer(lib.uc_emu_stop)


def on_bad_access(uc: Any, handler: Callable[[int, int], None]) -> None:
    """Call ``handler(kind, address)`` for an access that no memory allows; the engine then stops."""

    def hook(_uc: object, kind: int, address: int, *_rest: object) -> bool:
        handler(kind, address)
        return False

    uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, hook)


def on_exception(uc: Any, handler: Callable[[int], None]) -> None:
    """Call ``handler(number)`` for an exception of the core: a call, a breakpoint, an undefined instruction."""

    def hook(_uc: object, number: int, _user: object) -> None:
        handler(number)

    uc.hook_add(unicorn.UC_HOOK_INTR, hook)


def on_address(uc: Any, address: int, handler: Callable[[], None]) -> None:
    """Call ``handler()`` before the instruction at an address runs."""

    def hook(*_: object) -> None:
        handler()

    uc.hook_add(unicorn.UC_HOOK_CODE, hook, begin=address, end=address)


def on_block(uc: Any, handler: Callable[[int, int], None]) -> None:
    """Call ``handler(address, bytes)`` before each straight run of instructions."""

    def hook(_uc: object, address: int, size: int, _user: object) -> None:
        handler(address, size)

    uc.hook_add(unicorn.UC_HOOK_BLOCK, hook)


def _handle(uc: Any) -> Any:
    return uc._uch  # noqa: SLF001 - the binding has no public way to the C handle


def _pointer(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _check(status: int) -> None:
    if status != unicorn.UC_ERR_OK:
        raise UcError(status)
