"""The op catalogue: one file per op, listed once."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from edgekit.ops.conv_2d import Conv2D

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgekit.ops.base import Op

OPS: tuple[type[Op], ...] = (
    Conv2D,
)  # fmt: skip

BY_NAME: Mapping[str, type[Op]] = MappingProxyType({op.NAME: op for op in OPS})
