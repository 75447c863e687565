"""Error bars of the expansion hold for the public function; a bar that is too small is refuted."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.random_features import RandomFeatures, exceptional
from proofs_check import regions
from proofs_check.claims import Refuted, Undecided
from proofs_check.error_bars import CLAIMS, ErrorBar

BARS = [bar for claim in CLAIMS for bar in getattr(claim.check, "parts", ())]
SMALL = ErrorBar(
    {
        "s": (Fraction(2), Fraction(9, 4)),
        "psi1": (Fraction(4), Fraction(17, 4)),
        "u": (Fraction(23, 25), Fraction(93, 100)),
    },
    Fraction(1, 16),
    Fraction(1, 10),
    1,
    Fraction(800),
)


def inside(ends, share):
    return ends[0] + (ends[1] - ends[0]) * share


@pytest.mark.parametrize("bar", BARS)
@given(shares=st.tuples(*[st.fractions(0, 1, max_denominator=64)] * 4))
def test_the_public_optimum_obeys_each_bar(bar, shares):
    s, psi1, u = (inside(ends, share) for ends, share in zip(bar.box.values(), shares, strict=False))
    noise = exceptional.noise_to_signal(s, psi1)
    model = RandomFeatures(psi1=psi1, mu1_sq=u, teacher_mu1_sq=1, noise_var=noise)
    eta = bar.radius / 2 * (1 + shares[3]) / 2
    coefficients = model.large_width(order=bar.order, precision=40, negative_ridge=True).optimal_ridge
    exact = model.optimal_ridge(psi1 / eta, precision=40, negative_ridge=True)
    to_mp = type(exact)
    x = to_mp(eta.numerator) / eta.denominator
    rest = abs(exact - sum(c * x**k for k, c in enumerate(coefficients)))
    assert rest <= to_mp(bar.bound.numerator) / bar.bound.denominator * x ** (bar.order + 1)


def test_a_small_box_is_settled_and_a_bar_below_the_remainder_refuted():
    assert "at most 800 eta^2" in SMALL()
    with pytest.raises(Refuted, match=r"the remainder is .* eta\^2 at s ="):
        replace(SMALL, bound=Fraction(1, 100))()


def test_a_bar_that_cannot_be_shown_is_undecided_never_true(monkeypatch):
    monkeypatch.setattr(regions, "BOXES", 3)
    with pytest.raises(Undecided, match="no sign"):
        replace(SMALL, bound=Fraction(2))()


def test_a_disc_that_is_too_small_or_leaves_the_branch_is_not_accepted(monkeypatch):
    monkeypatch.setattr(regions, "BOXES", 3)
    with pytest.raises(Undecided, match="outweighs"):
        replace(SMALL, spread=Fraction(1, 10**4)).one_zero()
    with pytest.raises(Refuted, match="1 - q g > 0"):
        replace(SMALL, radius=Fraction(8)).on_the_branch()


def test_few_boxes_are_enough():
    assert SMALL.one_zero() == SMALL.on_the_branch() == SMALL.remainder() == 1
