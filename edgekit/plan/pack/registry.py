"""Packers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgekit.errors import InternalError, Problem
from edgekit.ir.graph import Array

Packer = Callable[[Mapping[str, Array], Mapping[str, int]], Array]

_PACKERS: dict[str, Packer] = {}


def packer(function: Packer) -> Packer:
    """Register a packer under its function name."""
    _PACKERS[function.__name__] = function
    return function


def pack(name: str, arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """The array that packer ``name`` makes."""
    if name not in _PACKERS:
        raise InternalError(
            Problem("a kernel header names an unknown packer", found=name, allowed=", ".join(sorted(_PACKERS)))
        )
    return _PACKERS[name](arrays, ints)


def names() -> tuple[str, ...]:
    """Names of every packer."""
    return tuple(sorted(_PACKERS))
