"""Series and surds: the two number systems of our own, against SymPy."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from hptheory.random_features.series import Series
from hptheory.random_features.surd import Surd, exact_sqrt

RATIONALS = st.fractions(-5, 5, max_denominator=7)


@given(st.lists(RATIONALS, min_size=4, max_size=4), st.lists(RATIONALS, min_size=4, max_size=4))
def test_series_arithmetic_is_that_of_taylor_polynomials(a, b):
    b[0] = b[0] or Fraction(1)
    field, x = sp.field("x", sp.QQ)
    f, g = (
        sum((field(sp.QQ(c.numerator, c.denominator)) * x**k for k, c in enumerate(cs)), 0 * x)
        for cs in (a, b)
    )
    found = (Series(a) * Series(b) - 2 * Series(a)) / Series(b) + 1 / Series(b) - Series(b) ** 2
    polynomial = sum(
        (field(sp.QQ(c.numerator, c.denominator)) * x**k for k, c in enumerate(found.coefficients)), 0 * x
    )
    difference = (f * g - 2 * f) / g + 1 / g - g**2 - polynomial
    # The two agree to O(x^4): the difference times g is a polynomial without lower terms.
    assert all(degree >= 4 for (degree,) in (difference * g).numer.monoms())


def test_series_of_different_lengths_meet_at_the_shorter():
    assert len(Series([1, 2, 3]) * Series([1, 2])) == 2


def test_a_series_takes_whole_powers_only():
    with pytest.raises(TypeError, match="positive integer powers"):
        Series([1, 1]) ** 0.5


@given(RATIONALS, RATIONALS, RATIONALS, RATIONALS, st.sampled_from([2, 3, 5, 6, 12]))
def test_surds_are_the_field_of_a_square_root(a, b, c, d, radicand):
    x, y = (Surd(p, q, Fraction(radicand)) for p, q in ((a, b), (c, d)))
    root = sp.sqrt(radicand)

    def symbolic(z):
        return (
            sp.Rational(z.a.numerator, z.a.denominator) + sp.Rational(z.b.numerator, z.b.denominator) * root
        )

    assert (
        sp.expand(symbolic(x * y - 3 * x + y) - (symbolic(x) * symbolic(y) - 3 * symbolic(x) + symbolic(y)))
        == 0
    )
    if (c, d) != (0, 0):
        assert (x / y) * y == x
        assert 1 / y * y == 1
        assert Fraction(2) / y * y == 2


@given(st.fractions(0, 50, max_denominator=20))
def test_exact_square_roots(d):
    root = exact_sqrt(d)
    assert root * root == d
    assert exact_sqrt(d * d) == d
