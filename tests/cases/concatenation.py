"""Cases of CONCATENATION."""

from __future__ import annotations

from dataclasses import replace

from support.graphs import Case, Spec, act, real, weights

from edgekit.ir.graph import DType
from edgekit.ops.base import Activation
from edgekit.ops.concatenation import Concatenation

CENTRED = act(scale=0.05, zero_point=0)
INT16, INT32 = Spec(dtype=DType.INT16), Spec(dtype=DType.INT32)


def _shaped(spec: Spec, *shape: int) -> Spec:
    return replace(spec, shape=shape)


CASES = (
    Case("channels", Concatenation(axis=3), (act((1, 3, 5, 4)), act((1, 3, 5, 8)))),
    Case("channels_odd", Concatenation(axis=-1), (act((2, 3, 2, 3)), act((2, 3, 2, 1)), act((2, 3, 2, 18)))),
    Case("width", Concatenation(axis=2), (act((2, 3, 2, 5)), act((2, 3, 4, 5)))),
    Case("height", Concatenation(axis=1), (act((2, 1, 4, 5)), act((2, 3, 4, 5)))),
    Case("batch", Concatenation(axis=0), (act((2, 3, 4, 5)), act((1, 3, 4, 5)))),
    Case("one_input", Concatenation(axis=1), (act((1, 7)),)),
    Case("eight_inputs", Concatenation(axis=2), tuple(act((1, 2, i)) for i in range(1, 9))),
    Case("same_input_shapes_rank_three", Concatenation(axis=2), (act((2, 5, 3)), act((2, 5, 3)))),
    Case("time_rank_three", Concatenation(axis=1), (act((2, 5, 3)), act((2, 1, 3)))),
    Case("features", Concatenation(axis=1), (act((3, 5)), act((3, 16)))),
    Case("rank_one", Concatenation(axis=0), (act((5,)), act((9,)))),
    Case("with_a_constant", Concatenation(axis=2), (act((1, 3, 2), 0.05, 0), weights((1, 3, 5), 0.05)), (CENTRED,)),
    Case("float", Concatenation(axis=2), (real((1, 3, 2)), real((1, 3, 3))), (real(),)),
    Case("int16", Concatenation(axis=2), (_shaped(INT16, 1, 3, 1), _shaped(INT16, 1, 3, 2)), (INT16,)),
    Case("int32", Concatenation(axis=1), (_shaped(INT32, 2, 3), _shaped(INT32, 2, 2)), (INT32,)),
)  # fmt: skip

REFUSED = (
    ("and one output", Case("two_outputs", Concatenation(), (act((4,)),), (act((4,)), act((4,))))),
    ("output's element type", Case("other_type", Concatenation(), (act((4,)),), (real((4,)),))),
    ("axis is a dimension", Case("axis_beyond", Concatenation(axis=1), (act((4,)),))),
    ("no fused activation", Case("relu", Concatenation(activation=Activation.RELU), (act((4,)),))),
    ("scale and zero point", Case("other_scale", Concatenation(), (act((4,)), act((4,), 0.1)))),
    ("scale and zero point", Case("other_zero_point", Concatenation(), (act((4,)), act((4,), 0.05, 4)))),
    ("differ along the axis only", Case("shapes_differ", Concatenation(), (act((4, 2)), act((4, 3))))),
)
