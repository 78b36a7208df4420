"""Text that goes into C is safe there, whatever the model says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.models import chain_with_dead_channels

from edgekit.board import Target
from edgekit.codegen.render import c_float, c_string, comment_text, render
from edgekit.passes import optimise
from edgekit.plan.make import c_name, make


@pytest.mark.parametrize("core", ["host", "cortex-m0plus", "cortex-m4", "cortex-m55"])
def test_kernels_include_their_headers_once_and_at_the_top(core):
    plan = make(optimise(chain_with_dead_channels(3)), Target(core, (), 0))
    (text,) = [text for name, text in render(plan).items() if name.endswith("_kernels.c")]
    included = [line for line in text.splitlines() if line.startswith("#include")]
    assert len(included) >= 5
    assert len(set(included)) == len(included)
    assert "#include" not in text[text.index("{") :]


def test_a_routine_of_one_layer_says_layer():
    plan = make(chain_with_dead_channels(3), Target("host", (), 0))
    (text,) = [text for name, text in render(plan).items() if name.endswith("_kernels.c")]
    assert " * layer 0 */" in text or " * layers 0, " in text
    assert not [line for line in text.splitlines() if line.startswith(" * layers ") and "," not in line]


@given(st.text() | st.text(r"*/\?x"))
def test_no_text_ends_a_comment_or_leaves_its_line(text):
    shown = comment_text(text)
    assert "*/" not in shown
    assert "/*" not in shown
    assert "??" not in shown
    assert "\n" not in shown
    assert "\\" not in shown
    assert shown.isascii()


@given(st.text() | st.text('"\\?x'))
def test_no_text_leaves_a_string_literal(text):
    literal = c_string(text)
    assert literal[0] == literal[-1] == '"'
    assert '"' not in literal[1:-1]
    assert "\\" not in literal
    assert literal.isprintable()


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_literal_reads_back_exactly(value):
    text = c_float(value)
    assert text.endswith("F")
    assert "." in text or "e" in text
    assert float(text[:-1]) == value or abs(float(text[:-1]) - value) < abs(value) * 1e-8


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Model v2.1", "model_v2_1"),
        ("9lives", "m_9lives"),
        ("模型", "m"),
        ("", "m"),
        ("stdint", "m_stdint"),
        ("ek_model", "m_ek_model"),
        ("EK", "m_ek"),
        ("ekg", "ekg"),
        ("a" * 300, "a" * 64),
    ],
)
def test_a_title_becomes_a_name_that_collides_with_nothing(title, name):
    assert c_name(title) == name
