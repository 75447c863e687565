"""Signs and sums of sizes over a box: what is found is what the independent checker accepts."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.checker import check_item
from proofs_check.checker.univariate import bernstein_range
from proofs_check.claims import Refuted, Undecided
from proofs_check.rational import generators
from proofs_check.recording import recording
from proofs_check.regions import require_majorant, require_positive_on

UNIT = {"s": (Fraction(0), Fraction(1)), "v": (Fraction(0), Fraction(1))}
coefficients = st.lists(st.integers(-9, 9), min_size=1, max_size=6)


@given(coefficients, st.fractions(-2, 2), st.fractions("1/8", 3), st.fractions(0, 1))
def test_law_bernstein_coefficients_enclose_the_values(dense, low, length, share):
    terms = {(k,): Fraction(c) for k, c in enumerate(dense) if c}
    least, largest = bernstein_range(terms, [(low, low + length)])
    x = low + share * length
    assert least <= sum(c * x**k for k, c in enumerate(dense)) <= largest


def test_a_bernstein_enclosure_is_narrow():
    # It is exact at the ends of an interval, and of second order in its length inside.
    square = {(2,): Fraction(1), (0,): Fraction(-2)}
    for length in (Fraction(1, 10), Fraction(1, 100)):
        least, largest = bernstein_range(square, [(Fraction(1), 1 + length)])
        assert (least, largest) == (-1, (1 + length) ** 2 - 2)


def test_a_positive_polynomial_is_bisected_until_it_shows(monkeypatch):
    monkeypatch.setattr("proofs_check.regions.BOXES", 60)
    s, v = generators("s", "v")
    with recording() as items:
        assert require_positive_on(UNIT, (s - v) ** 2 + Fraction(1, 10), "near the diagonal") > 1
    check_item(items[0])
    with pytest.raises(Refuted, match="not positive at s = "):
        require_positive_on(UNIT, (s - v) ** 2 - Fraction(1, 10), "too far down")
    with pytest.raises(Undecided, match="no sign"):  # 0 at s = 1/3, v = 1/5, which no halving meets
        require_positive_on(UNIT, (3 * s - 1) ** 2 + (5 * v - 1) ** 2, "touches 0")


@given(st.lists(st.integers(-5, 5), min_size=6, max_size=6), st.fractions(0, 1), st.fractions(0, 1))
def test_law_a_majorant_is_above_every_sum_of_terms(c, at, share):
    x, eta, s = generators("x", "eta", "s")
    polynomial = c[0] * x + (c[1] + c[2] * s) * x**2 + c[3] * s * eta + (c[4] - c[5] * s**2) * x * eta + x**3
    bound = 1 + sum(map(abs, c)) + s
    region = {"s": (Fraction(0), Fraction(1))}
    small = {"x": s.lifted(Fraction(1, 2)), "eta": s / 2}
    with recording() as items:
        require_majorant(region, polynomial, small, bound, "a polynomial")
    check_item(items[0])
    point = {"x": share / 2, "eta": -at * share / 2, "s": at}
    assert abs(polynomial.at_point(point)) < bound.at_point(point)


def test_a_bound_below_the_sum_is_not_shown(monkeypatch):
    monkeypatch.setattr("proofs_check.regions.BOXES", 10)
    x, eta, s = generators("x", "eta", "s")
    small = {"x": 0 * s + 1, "eta": 0 * s + 1}
    region = {"s": (Fraction(0), Fraction(1))}
    with pytest.raises(Undecided):
        require_majorant(region, x + s * eta, small, 0 * s + Fraction(3, 2), "too small at s = 1")
    require_majorant(region, x + s * eta, small, 0 * s + Fraction(3, 2), "without x", without=[(1, 0)])
