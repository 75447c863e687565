"""What is proved of the rules holds of the public function, at random shapes; broken rules are rejected."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.parameterization import scaling_rule
from hptheory.parameterization.rank_one import Response, rank_one_response
from proofs_check.claims import Refuted
from proofs_check.formulas import evaluate, parse
from proofs_check.rule import Rule
from proofs_check.summaries import newton_schulz_band

LAWS = [
    Rule("sgd", "L + d_out - d_in"),
    Rule("adam", "-d_in", "-L - d_out"),
    Rule("muon", "(d_out - d_in)/2", "(d_in - d_out)/2 - L"),
    Rule("dion", "(d_out - d_in)/2"),
    Rule("adamuon", "-d_in", "-(d_in + d_out)/2"),
    Rule("soap", "(d_out - d_in)/2", options={"sides": (1, 1)}),
]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.optimizer)
@given(sizes=st.tuples(*[st.integers(1, 4096)] * 4), depths=st.tuples(*[st.integers(1, 64)] * 2))
def test_each_proved_rule_is_what_the_public_function_gives(law, sizes, depths):
    law()
    d_in, d_out, base_d_in, base_d_out = sizes
    bases = {"base_d_in": base_d_in, "base_d_out": base_d_out, "depth": depths[0], "base_depth": depths[1]}
    rule = scaling_rule(law.optimizer, d_in, d_out, **bases)
    ratios = {"d_in": d_in / base_d_in, "d_out": d_out / base_d_out, "L": depths[0] / depths[1]}
    logs = {name: math.log(value) for name, value in ratios.items()}
    for found, text in ((rule.lr, law.rate), (rule.epsilon, law.epsilon)):
        if text:  # a dozen roundings of doubles, in logarithms of size at most 30
            assert math.log(found) == pytest.approx(float(evaluate(parse(text), logs)), abs=1e-12)


def test_a_rule_checks_the_function_that_it_is_given():
    def without_depth(
        optimizer: str, d_in: object, d_out: object, *, depth: object, **options: object
    ) -> Response:
        return rank_one_response(optimizer, d_in, d_out, **options)

    with pytest.raises(Refuted):
        Rule("sgd", "L + d_out - d_in", respond=without_depth)()


def test_every_break_of_a_rule_is_rejected():
    for law in LAWS:
        assert len(law.breaks) >= 3
        for name, broken in law.breaks:
            with pytest.raises(Refuted):
                broken()
            assert law.optimizer in name


def test_an_epsilon_where_there_is_none_is_refuted():
    with pytest.raises(Refuted, match="nothing is compared"):
        Rule("sgd", epsilon="d_in")()


def test_a_narrower_band_is_left_by_the_quintic():
    assert "into itself" in newton_schulz_band()
    with pytest.raises(Refuted, match="not positive at x ="):
        newton_schulz_band("9/10", "21/20")
