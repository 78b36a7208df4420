"""PAD and PADV2: a border of one value round a tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.ir.graph import Array, DType, Shape, View, image_rows
from edgekit.ops import _common as common
from edgekit.ops import _move
from edgekit.ops.base import Lowered, Op, Rule

_DATA, _PADDINGS, _VALUE = 0, 1, 2
_MAX_RANK = 5
_WORD = 4


@dataclass(frozen=True)
class Pad(Op):
    """Inputs: data of up to five dimensions, constant paddings (rank, 2) int32, PADV2 also a constant value.

    PAD fills with the output's zero point in int8 and with 0 in other types
    (tensorflow/lite/micro/kernels/pad.cc).
    """

    NAME: ClassVar[str] = "PAD"
    KEEPS_SCALE: ClassVar[bool] = True
    FAMILY: ClassVar[str] = "pad"
    ROWWISE: ClassVar[bool] = True
    OPTIONS_TABLE: ClassVar[str] = "PadOptions"
    RULES: ClassVar[tuple[Rule, ...]] = (
        common.counts(2, 3),
        common.constant(_PADDINGS, "paddings"),
        common.constant(_VALUE, "padding value"),
        _move.same_type(_DATA),
        Rule(
            says="its tensors have at most five dimensions of elements of at most 32 bits",
            holds=lambda v: len(v.output.shape) <= _MAX_RANK and v.output.dtype.size <= _WORD,
            attribute="tensor",
            found=lambda v: f"{v.output.dtype.value} {v.output.shape}",
            hint="reshape it before the layer",
        ),
        Rule(
            says="its paddings are two int32 for each dimension, none of them negative",
            holds=lambda v: (
                v.input(_PADDINGS).dtype is DType.INT32
                and v.input(_PADDINGS).elements == 2 * len(v.input(_DATA).shape)
                and min(_move.constant_ints(v.input(_PADDINGS)), default=0) >= 0
            ),
            attribute="paddings",
            found=lambda v: f"{v.input(_PADDINGS).dtype.value} {_move.constant_ints(v.input(_PADDINGS))}",
            hint="the file is damaged or was written by hand",
        ),
        Rule(
            says="its padding value is one element of the data's type",
            holds=lambda v: (t := v.optional(_VALUE)) is None or (t.elements == 1 and t.dtype is v.input(_DATA).dtype),
            attribute="padding value",
            found=lambda v: f"{v.input(_VALUE).dtype.value} {v.input(_VALUE).shape}",
            hint="the file is damaged or was written by hand",
        ),
    )

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """Each dimension with its two paddings added."""
        sides = _paddings(view)
        return (tuple(n + a + b for n, (a, b) in zip(view.input(_DATA).shape, sides, strict=True)),)

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """NumPy's own."""
        return [np.pad(values[_DATA], _paddings(view), constant_values=_value(view))]

    def rowwise(self, view: View) -> bool:
        """Unless the batch is padded, or the rank is one that is held as a single row."""
        return len(view.output.shape) in (2, 3, 4) and _paddings(view)[0] == (0, 0)

    def activations(self, view: View) -> tuple[int, ...]:
        """The data."""
        del view
        return (_DATA,)

    def input_rows(self, view: View, index: int, begin: int, end: int) -> tuple[int, int]:
        """The rows that are not border, none if all are."""
        del index
        top, rows = _top(view), image_rows(view.input(_DATA).shape)[1]
        return min(max(begin - top, 0), rows), min(max(end - top, 0), rows)

    def lower(self, view: View) -> Lowered:
        """Row by row where possible, else a copy into a filled tensor; ``pattern`` is the value, repeated to a word."""
        pattern = np.tile(np.array([_value(view)], view.output.dtype.numpy), _WORD // view.output.dtype.size)
        ints = {"pattern": int(pattern.view(np.int32)[0]), "rowwise": int(self.rowwise(view))}
        return Lowered({**ints, **(_rows(view) if self.rowwise(view) else _whole(view))})


@dataclass(frozen=True)
class PadV2(Pad):
    """PAD with a value of its own."""

    NAME: ClassVar[str] = "PADV2"
    OPTIONS_TABLE: ClassVar[str] = "PadV2Options"


def _paddings(view: View) -> tuple[tuple[int, int], ...]:
    flat = _move.constant_ints(view.input(_PADDINGS))
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def _value(view: View) -> Array:
    given = view.optional(_VALUE)
    if given is not None:
        return given.value.reshape(-1)[0]
    dtype = view.output.dtype
    return dtype.numpy.type(view.output.zero_point if dtype is DType.INT8 and view.output.quant else 0)


def _top(view: View) -> int:
    return _paddings(view)[1][0] if len(view.output.shape) > 2 else 0  # noqa: PLR2004


def _rows(view: View) -> dict[str, int]:
    """A row is ``left`` bytes of border, ``blocks`` blocks between borders of their own, ``right`` bytes of border."""
    size, sides = view.output.dtype.size, _paddings(view)
    in_c, out_c = view.input(_DATA).shape[-1], view.output.shape[-1]
    is_image = len(view.output.shape) == 4  # noqa: PLR2004
    width, (left, right) = (view.input(_DATA).shape[2], sides[2]) if is_image else (1, (0, 0))
    before, after = sides[-1]
    blocks, block = (1, width * in_c) if before == after == 0 else (width, in_c)
    return {
        "in_rows": image_rows(view.input(_DATA).shape)[1],
        "row_bytes": image_rows(view.output.shape)[2] * size,
        "top": _top(view),
        "left": left * out_c * size,
        "right": right * out_c * size,
        "blocks": blocks,
        "block_bytes": block * size,
        "before": before * size,
        "after": after * size,
    }


def _whole(view: View) -> dict[str, int]:
    """Four loops over the input's outer dimensions, each copying a run of its last one to a stride of the output."""
    size, shape = view.output.dtype.size, view.input(_DATA).shape
    strides = _move.row_strides(view.output.shape)
    first = sum(s * a for s, (a, _) in zip(strides, _paddings(view), strict=True))
    spare = _MAX_RANK - len(shape)
    counts, steps = (1,) * spare + shape, (0,) * spare + strides
    return {
        "out_bytes": view.output.bytes,
        "base": first * size,
        "run": counts[-1] * size,
        **{f"n{i}": n for i, n in enumerate(counts[:-1])},
        **{f"s{i}": s * size for i, s in enumerate(steps[:-1])},
    }
