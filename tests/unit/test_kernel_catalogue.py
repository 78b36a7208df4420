"""Kernel headers: every template's header is sound, and header expressions are nothing but arithmetic."""

import pytest

from edgekit.errors import InternalError
from edgekit.plan import pack
from edgekit.plan.kernels import catalogue, evaluate


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("kh == 1 and kw == 1 and in_c % 4 == 0", 1),
        ("not (kh == 1)", 0),
        ("16 * in_c + align(in_c, 8)", 136),
        ("in_c if kh > 1 else -kw", -1),
        ("min(in_c, 3) << 2", 12),
        ("1 <= kh < 2 or nothing", 1),
    ],
)
def test_an_expression_is_evaluated_over_the_layers_ints(expression, value):
    assert int(evaluate(expression, {"kh": 1, "kw": 1, "in_c": 8})) == value


@pytest.mark.parametrize(
    "expression", ["__import__('os')", "kh.real", "[1][0]", "unknown + 1", "1 +", "'a' * 3", "kh ** 9"]
)
def test_anything_else_is_refused(expression):
    with pytest.raises(InternalError, match="bad kernel header expression"):
        evaluate(expression, {"kh": 1})


@pytest.mark.parametrize("kernel", catalogue(), ids=lambda k: k.name)
def test_a_kernel_names_only_packers_that_exist(kernel):
    for array, packer in kernel.pack.items():
        assert array in kernel.arrays
        assert packer in pack.names()


@pytest.mark.parametrize("kernel", catalogue(), ids=lambda k: k.name)
def test_a_kernel_says_what_it_is(kernel):
    assert kernel.isa in {"scalar", "thumb", "dsp", "mve", "neon"}
    assert len(kernel.summary) > 10
    assert kernel.align in {4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096}
