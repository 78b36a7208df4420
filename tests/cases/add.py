"""Cases of ADD."""

from __future__ import annotations

from support.graphs import Case, Spec, act, real, weights

from edgekit.ops.add import Add
from edgekit.ops.base import Activation


def _other(*shape: int) -> Spec:
    return act(shape, 0.07, -11)


CASES = (
    Case("image", Add(), (act((1, 5, 3, 4)), _other(1, 5, 3, 4)), (act(scale=0.09),)),
    Case("vector", Add(), (act((1, 17)), _other(1, 17)), (act(scale=0.09),)),
    Case("batch_of_three", Add(), (act((3, 2, 3, 4)), _other(3, 2, 3, 4)), (act(scale=0.09),)),
    Case("five_dimensions", Add(), (act((1, 2, 2, 3, 4)), _other(1, 2, 2, 3, 4)), (act(scale=0.09),)),
    Case("scales_far_apart", Add(), (act((1, 4, 4, 2), 3.0, 1), act((1, 4, 4, 2), 0.002, 5)), (act(scale=2.9),)),
    Case("relu", Add(Activation.RELU), (act((1, 5, 3, 4)), _other(1, 5, 3, 4)), (act(scale=0.05, zero_point=-128),)),
    Case("relu6", Add(Activation.RELU6), (act((1, 5, 3, 4)), _other(1, 5, 3, 4)), (act(scale=0.05, zero_point=-50),)),
    Case("relu_n1_to_1", Add(Activation.RELU_N1_TO_1), (act((1, 5, 3, 4)), _other(1, 5, 3, 4)), (act(scale=0.05),)),
    Case("constant", Add(), (act((1, 5, 3, 4)), weights((1, 5, 3, 4), 0.03)), (act(scale=0.08),)),
    Case("constant_first", Add(), (weights((1, 5, 3, 4), 0.03), act((1, 5, 3, 4))), (act(scale=0.08),)),
    Case("constant_per_channel", Add(), (act((1, 5, 3, 4)), weights((4,), 0.03)), (act(scale=0.08),)),
    Case("scalar", Add(), (act((1, 5, 3, 4)), weights((1,), 0.03)), (act(scale=0.08),)),
    Case("scalar_without_dimensions", Add(), (act((1, 5, 3, 4)), weights((), 0.03)), (act(scale=0.08),)),
    Case("broadcast_channels", Add(), (act((1, 5, 3, 4)), _other(1, 1, 1, 4)), (act(scale=0.08),)),
    Case("broadcast_width", Add(), (act((1, 5, 3, 4)), _other(1, 5, 1, 4)), (act(scale=0.08),)),
    Case("broadcast_height_of_the_first", Add(), (act((1, 1, 3, 4)), _other(1, 5, 3, 4)), (act(scale=0.08),)),
    Case("broadcast_both", Add(), (act((2, 1, 3, 1)), _other(1, 5, 1, 4)), (act(scale=0.08),)),
    Case("broadcast_lower_rank", Add(), (act((2, 3, 4)), _other(3, 4)), (act(scale=0.08),)),
    Case("broadcast_batch", Add(), (act((3, 2, 2, 3)), _other(1, 2, 2, 3)), (act(scale=0.08),)),
    Case(
        "lowest_zero_points", Add(),
        (act((1, 3, 2, 11), 0.05, -128), act((1, 3, 2, 11), 0.07, -128)), (act(scale=0.09, zero_point=127),),
    ),
    Case(
        "highest_zero_points", Add(),
        (act((1, 3, 2, 11), 0.07, 127), act((1, 3, 2, 11), 0.05, 127)), (act(scale=0.09, zero_point=-128),),
    ),
    Case(
        "one_scale", Add(Activation.RELU),
        (act((1, 4, 3), 0.05, 127), act((1, 4, 3), 0.05, -128)), (act(scale=0.03, zero_point=-100),),
    ),
    Case("much_finer_output", Add(), (act((1, 9, 7)), _other(1, 9, 7)), (act(scale=3.8e-7),)),
    Case("much_coarser_output", Add(), (act((1, 9, 7)), _other(1, 9, 7)), (act(scale=1.3, zero_point=127),)),
    Case("too_coarse_an_output", Add(), (act((1, 9, 7)), _other(1, 9, 7)), (act(scale=3.0),)),
    Case("row_of_three", Add(), (act((1, 3, 3, 1)), _other(1, 3, 3, 1)), (act(scale=0.09),)),
)  # fmt: skip

PAIR = (act((1, 4)), _other(1, 4))

REFUSED = (
    ("and one output", Case("one_input", Add(), (act((1, 4)),))),
    ("activations are int8", Case("float_input", Add(), (act((1, 4)), real((1, 4))))),
    ("its fused activation", Case("tanh", Add(Activation.TANH), PAIR)),
    ("that broadcast", Case("shapes_do_not_broadcast", Add(), (act((1, 4)), act((1, 3))))),
    ("at most four dimensions", Case("five_dimensions_broadcast", Add(), (act((1, 1, 1, 1, 4)), act((4,))))),
)
