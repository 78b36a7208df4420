"""SUB: the difference of two tensors, each rescaled to a common fixed point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgekit.ops.add import Add


@dataclass(frozen=True)
class Sub(Add):
    """Difference of two int8 operands.

    Exact with tensorflow/lite/kernels/internal/reference/sub.h; factors in double, like ADD's.
    """

    NAME: ClassVar[str] = "SUB"
    OPTIONS_TABLE: ClassVar[str] = "SubOptions"
    SIGN: ClassVar[int] = -1
