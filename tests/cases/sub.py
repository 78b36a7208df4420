"""Cases of SUB."""

from __future__ import annotations

from support.graphs import Case, Spec, act, real, weights

from edgekit.ops.base import Activation
from edgekit.ops.sub import Sub


def _other(*shape: int) -> Spec:
    return act(shape, 0.07, -11)


CASES = (
    Case("image", Sub(), (act((1, 5, 3, 4)), _other(1, 5, 3, 4)), (act(scale=0.09),)),
    Case("vector", Sub(), (act((1, 17)), _other(1, 17)), (act(scale=0.09),)),
    Case("batch_of_three", Sub(), (act((3, 2, 3, 4)), _other(3, 2, 3, 4)), (act(scale=0.09),)),
    Case("five_dimensions", Sub(), (act((1, 2, 2, 3, 4)), _other(1, 2, 2, 3, 4)), (act(scale=0.09),)),
    Case("scales_far_apart", Sub(), (act((1, 4, 4, 2), 3.0, 1), act((1, 4, 4, 2), 0.002, 5)), (act(scale=2.9),)),
    Case("relu", Sub(Activation.RELU), (act((1, 5, 3, 4)), _other(1, 5, 3, 4)), (act(scale=0.05, zero_point=-128),)),
    Case("relu6", Sub(Activation.RELU6), (act((1, 5, 3, 4)), _other(1, 5, 3, 4)), (act(scale=0.05, zero_point=-50),)),
    Case("relu_n1_to_1", Sub(Activation.RELU_N1_TO_1), (act((1, 5, 3, 4)), _other(1, 5, 3, 4)), (act(scale=0.05),)),
    Case("constant", Sub(), (act((1, 5, 3, 4)), weights((1, 5, 3, 4), 0.03)), (act(scale=0.08),)),
    Case("constant_first", Sub(), (weights((1, 5, 3, 4), 0.03), act((1, 5, 3, 4))), (act(scale=0.08),)),
    Case("constant_per_channel", Sub(), (act((1, 5, 3, 4)), weights((4,), 0.03)), (act(scale=0.08),)),
    Case("scalar", Sub(), (act((1, 5, 3, 4)), weights((1,), 0.03)), (act(scale=0.08),)),
    Case("scalar_without_dimensions", Sub(), (act((1, 5, 3, 4)), weights((), 0.03)), (act(scale=0.08),)),
    Case("broadcast_channels", Sub(), (act((1, 5, 3, 4)), _other(1, 1, 1, 4)), (act(scale=0.08),)),
    Case("broadcast_width", Sub(), (act((1, 5, 3, 4)), _other(1, 5, 1, 4)), (act(scale=0.08),)),
    Case("broadcast_height_of_the_first", Sub(), (act((1, 1, 3, 4)), _other(1, 5, 3, 4)), (act(scale=0.08),)),
    Case("broadcast_both", Sub(), (act((2, 1, 3, 1)), _other(1, 5, 1, 4)), (act(scale=0.08),)),
    Case("broadcast_lower_rank", Sub(), (act((2, 3, 4)), _other(3, 4)), (act(scale=0.08),)),
    Case("broadcast_batch", Sub(), (act((3, 2, 2, 3)), _other(1, 2, 2, 3)), (act(scale=0.08),)),
    Case(
        "lowest_zero_points", Sub(),
        (act((1, 3, 2, 11), 0.05, -128), act((1, 3, 2, 11), 0.07, -128)), (act(scale=0.09, zero_point=127),),
    ),
    Case(
        "highest_zero_points", Sub(),
        (act((1, 3, 2, 11), 0.07, 127), act((1, 3, 2, 11), 0.05, 127)), (act(scale=0.09, zero_point=-128),),
    ),
    Case(
        "one_scale", Sub(Activation.RELU),
        (act((1, 4, 3), 0.05, 127), act((1, 4, 3), 0.05, -128)), (act(scale=0.03, zero_point=-100),),
    ),
    Case("much_finer_output", Sub(), (act((1, 9, 7)), _other(1, 9, 7)), (act(scale=3.8e-7),)),
    Case("much_coarser_output", Sub(), (act((1, 9, 7)), _other(1, 9, 7)), (act(scale=1.3, zero_point=127),)),
    Case("too_coarse_an_output", Sub(), (act((1, 9, 7)), _other(1, 9, 7)), (act(scale=3.0),)),
    Case("row_of_three", Sub(), (act((1, 3, 3, 1)), _other(1, 3, 3, 1)), (act(scale=0.09),)),
)  # fmt: skip

PAIR = (act((1, 4)), _other(1, 4))

REFUSED = (
    ("and one output", Case("one_input", Sub(), (act((1, 4)),))),
    ("activations are int8", Case("float_input", Sub(), (act((1, 4)), real((1, 4))))),
    ("its fused activation", Case("tanh", Sub(Activation.TANH), PAIR)),
    ("that broadcast", Case("shapes_do_not_broadcast", Sub(), (act((1, 4)), act((1, 3))))),
    ("at most four dimensions", Case("five_dimensions_broadcast", Sub(), (act((1, 1, 1, 1, 4)), act((4,))))),
)
