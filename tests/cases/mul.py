"""Cases of MUL."""

from __future__ import annotations

from support.graphs import Case, Spec, act, real, weights

from edgekit.ops.base import Activation
from edgekit.ops.mul import Mul


def _other(*shape: int) -> Spec:
    return act(shape, 0.07, -11)


CASES = (
    Case("image", Mul(), (act((1, 5, 3, 4)), _other(1, 5, 3, 4)), (act(scale=0.19),)),
    Case("vector", Mul(), (act((1, 17)), _other(1, 17)), (act(scale=0.19),)),
    Case("batch_of_three", Mul(), (act((3, 2, 3, 4)), _other(3, 2, 3, 4)), (act(scale=0.19),)),
    Case("five_dimensions", Mul(), (act((1, 2, 2, 3, 4)), _other(1, 2, 2, 3, 4)), (act(scale=0.19),)),
    Case("scales_far_apart", Mul(), (act((1, 4, 4, 2), 3.0, 1), act((1, 4, 4, 2), 0.002, 5)), (act(scale=2.9),)),
    Case("relu", Mul(Activation.RELU), (act((1, 5, 3, 4)), _other(1, 5, 3, 4)), (act(scale=0.15, zero_point=-128),)),
    Case("relu6", Mul(Activation.RELU6), (act((1, 5, 3, 4)), _other(1, 5, 3, 4)), (act(scale=0.15, zero_point=-50),)),
    Case("relu_n1_to_1", Mul(Activation.RELU_N1_TO_1), (act((1, 5, 3, 4)), _other(1, 5, 3, 4)), (act(scale=0.15),)),
    Case("constant", Mul(), (act((1, 5, 3, 4)), weights((1, 5, 3, 4), 0.03)), (act(scale=0.18),)),
    Case("constant_first", Mul(), (weights((1, 5, 3, 4), 0.03), act((1, 5, 3, 4))), (act(scale=0.18),)),
    Case("constant_per_channel", Mul(), (act((1, 5, 3, 4)), weights((4,), 0.03)), (act(scale=0.18),)),
    Case("scalar", Mul(), (act((1, 5, 3, 4)), weights((1,), 0.03)), (act(scale=0.18),)),
    Case("scalar_without_dimensions", Mul(), (act((1, 5, 3, 4)), weights((), 0.03)), (act(scale=0.18),)),
    Case("broadcast_channels", Mul(), (act((1, 5, 3, 4)), _other(1, 1, 1, 4)), (act(scale=0.18),)),
    Case("broadcast_width", Mul(), (act((1, 5, 3, 4)), _other(1, 5, 1, 4)), (act(scale=0.18),)),
    Case("broadcast_height_of_the_first", Mul(), (act((1, 1, 3, 4)), _other(1, 5, 3, 4)), (act(scale=0.18),)),
    Case("broadcast_both", Mul(), (act((2, 1, 3, 1)), _other(1, 5, 1, 4)), (act(scale=0.18),)),
    Case("broadcast_lower_rank", Mul(), (act((2, 3, 4)), _other(3, 4)), (act(scale=0.18),)),
    Case("broadcast_batch", Mul(), (act((3, 2, 2, 3)), _other(1, 2, 2, 3)), (act(scale=0.18),)),
)  # fmt: skip

PAIR = (act((1, 4)), _other(1, 4))

REFUSED = (
    ("and one output", Case("one_input", Mul(), (act((1, 4)),))),
    ("activations are int8", Case("float_input", Mul(), (act((1, 4)), real((1, 4))))),
    ("its fused activation", Case("tanh", Mul(Activation.TANH), PAIR)),
    ("that broadcast", Case("shapes_do_not_broadcast", Mul(), (act((1, 4)), act((1, 3))))),
    ("at most four dimensions", Case("five_dimensions_broadcast", Mul(), (act((1, 1, 1, 1, 4)), act((4,))))),
)
