"""What bands of rows cost, and which kernel computes them."""

import pytest
from support.graphs import act, bias, weights
from support.nets import Net

from edgekit import board as boards
from edgekit.ops.base import Padding
from edgekit.ops.depthwise_conv_2d import DepthwiseConv2D
from edgekit.plan import bands, select
from edgekit.plan.make import make
from edgekit.plan.schedule import Segment
from edgekit.plan.select import Objective

NARROW, WHOLE = "depthwise_conv_2d_s8_dsp_3x3_span", "depthwise_conv_2d_s8_dsp_3x3"
M4, M0 = (boards.load(name).target for name in ("nucleo-l4r5zi", "emu-m0plus"))


def depthwise(stride=1):
    net = Net("depthwise")
    image = net.input(act((1, 24, 6, 32)))
    taps = weights((1, 3, 3, 32), 0.004, 3)
    return net.graph(*net.layer(DepthwiseConv2D(Padding.SAME, stride, stride), image, taps, bias(32)))


def chosen(target, stride=1):
    return select.choose(depthwise(stride), target, Objective.BALANCED)[0]


def test_few_rows_have_a_kernel_of_their_own_and_many_keep_that_of_the_layer():
    choice = chosen(M4)
    names = {rows: bands.suited(choice, rows, M4).kernel.name for rows in (0, 1, 16, 24)}
    assert names == {0: WHOLE, 1: NARROW, 16: WHOLE, 24: WHOLE}


def test_a_kernel_for_bands_runs_neither_other_strides_nor_whole_layers_nor_uncounted_cores():
    assert bands.suited(chosen(M4, 2), 1, M4).kernel.name == WHOLE
    assert NARROW not in {c.choice.kernel.name for layer in select.offers(depthwise(), M4) for c in layer}
    lone = chosen(M0)
    assert bands.suited(lone, 1, M0) is lone


def test_the_kernel_for_bands_gets_into_the_plan():
    plan = make(depthwise(), M4, segments=[Segment(0, 1, (1,))])
    assert [layer.kernel for layer in plan.layers] == [NARROW]
    assert [layer.kernel for layer in make(depthwise(), M4, segments=()).layers] == [WHOLE]


def test_bands_cost_what_the_table_says_of_layers_of_their_rows():
    choice = chosen(M4)
    whole, one = (bands.instructions(choice, rows, M4) for rows in (24, 1))
    assert bands.added(choice, choice, [24], M4) == 0
    assert bands.added(choice, choice, [1] * 24, M4) == 24 * one - whole > 0
    costs = [bands.added(choice, choice, [rows] * (24 // rows), M4) for rows in (1, 2, 4, 8, 12)]
    assert costs == sorted(costs, reverse=True)


def test_without_a_table_a_call_costs_what_the_header_says():
    choice = chosen(M0)
    if bands.instructions(choice, 1, M0) is not None:
        pytest.fail("the Cortex-M0+ has a cost table now: take a core without one")
    call = choice.kernel.call_instructions(choice.ints(2))
    assert bands.added(choice, choice, [2] * 12, M0) == 11 * call
