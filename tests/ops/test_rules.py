"""Layers that break one rule are refused by that rule, in words that name the layer and what was found."""

from __future__ import annotations

import importlib

import pytest
from support import graphs

from edgekit import ops

REFUSED = graphs.refused_cases()
MODULES = sorted({module for module, _, _ in REFUSED})


@pytest.mark.parametrize(("says", "case"), [pytest.param(s, c, id=f"{m}-{c.name}") for m, s, c in REFUSED])
def test_a_layer_that_breaks_a_rule_is_refused_in_the_rules_words(says, case):
    problems = case.op.problems(graphs.view(case))
    assert len(problems) == 1, "the case breaks one rule only"
    assert says in problems[0].what
    assert problems[0].what.startswith(case.op.NAME)
    assert case.op.NAME.lower() in problems[0].where
    assert problems[0].found
    assert problems[0].hint


@pytest.mark.parametrize("module", MODULES)
def test_every_rule_of_an_op_with_refused_cases_refuses_one_of_them(module):
    cases = importlib.import_module(f"cases.{module}")
    broken = {p.what for _, case in cases.REFUSED for p in case.op.problems(graphs.view(case))}
    for op in {type(case.op) for case in cases.CASES}:
        unbroken = [r.says for r in op.RULES if not any(what.endswith(r.says) for what in broken)]
        assert not unbroken


@pytest.mark.parametrize("op", ops.OPS, ids=lambda op: op.NAME)
def test_rules_are_sentences_in_the_present_tense(op):
    for rule in op.RULES:
        assert rule.says[0].islower() or rule.says[0].isdigit()
        assert not rule.says.endswith(".")
        assert rule.hint
