"""The curve's formulas: identities in exact arithmetic, and every number system through them."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from hptheory.random_features.curve import (
    branch_determinant,
    fitted,
    fitted_slope,
    ridge_on_curve,
    risk_on_curve,
    slacks,
    stationarity,
    stieltjes_derivative_on_curve,
    stieltjes_on_curve,
)

S, U, A, NOISE, PSI1, Q = sp.symbols("s u A noise psi1 q", positive=True)
SLACKS = slacks(S, PSI1, U, Q)


def reduces_to_zero(expression: sp.Expr) -> bool:
    """Decide an identity of rational functions exactly."""
    return sp.expand(sp.numer(sp.together(expression))) == 0


def test_the_curve_solves_equations_9_and_10():
    ridge = ridge_on_curve(S, SLACKS)
    m1, m2 = stieltjes_on_curve(S, SLACKS, PSI1, U)
    psi2 = 1 / (Q * U)
    eq9 = (m1 - m2) * ((1 - U) * m1 + U * m2) / PSI1 + U * m1 * m2 * (ridge * m1 - 1)
    eq10 = psi2 / PSI1 * (U * m1 * m2 + (m2 - m1) / PSI1) + U * m1 * m2 * (ridge * m1 - 1)
    assert reduces_to_zero(eq9)
    assert reduces_to_zero(eq10)


def test_s_is_the_ratio_that_names_the_curve():
    m1, m2 = stieltjes_on_curve(S, SLACKS, PSI1, U)
    assert reduces_to_zero(m1 / m2 - 1 - S)


def test_risk_is_the_papers_formula():
    ridge = ridge_on_curve(S, SLACKS)
    m1, m2 = stieltjes_on_curve(S, SLACKS, PSI1, U)
    slope = sp.diff(ridge, S)
    printed = -((1 - A + NOISE) * sp.diff(m1, S) + A * sp.diff(m2, S)) / slope / m1**2
    assert reduces_to_zero(risk_on_curve(S, SLACKS, PSI1, U, A, NOISE, Q) - printed)


def test_slope_of_the_ridge_is_the_branch_determinant():
    slope = sp.diff(ridge_on_curve(S, SLACKS), S)
    assert reduces_to_zero(slope * S**2 + branch_determinant(S, SLACKS, U, Q))


def test_stieltjes_derivatives():
    slope = sp.diff(ridge_on_curve(S, SLACKS), S)
    found = stieltjes_derivative_on_curve(S, SLACKS, PSI1, U, Q)
    for m, derivative in zip(stieltjes_on_curve(S, SLACKS, PSI1, U), found, strict=True):
        assert reduces_to_zero(sp.diff(m, S) / slope - derivative)


def test_stationarity_is_the_numerator_of_the_slope_of_the_risk():
    risk = risk_on_curve(S, SLACKS, PSI1, U, A, NOISE, Q)
    fall, rise = stationarity(S, SLACKS, PSI1, U, A, NOISE, Q)
    denominator = branch_determinant(S, SLACKS, U, Q)
    slope = 2 * PSI1 * U * (rise - fall) / ((1 + S) ** 6 * denominator**2)
    assert reduces_to_zero(sp.diff(risk, S) - slope)


def test_stationarity_is_a_polynomial_of_degree_seven():
    fall, rise = stationarity(S, SLACKS, PSI1, U, A, NOISE, Q)
    polynomial = sp.cancel(sp.together(fall - rise))
    assert sp.denom(polynomial).free_symbols.isdisjoint({S})
    assert sp.Poly(sp.numer(polynomial), S).degree() == 7


def test_symmetry_in_samples_and_features():
    """ridge * psi2 is symmetric under psi1 <-> psi2 at the same s."""
    psi2 = sp.Symbol("psi2", positive=True)
    one = ridge_on_curve(S, slacks(S, PSI1, U, 1 / (psi2 * U))) * psi2
    other = ridge_on_curve(S, slacks(S, psi2, U, 1 / (PSI1 * U))) * PSI1
    assert reduces_to_zero(one - other)


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1 - 1e-6))
def test_fitted_is_increasing_and_concave(s, u):
    """With room for rounding: 1e-15 of the values."""
    at, middle, double = fitted(s, u), fitted(1.5 * s, u), fitted(2 * s, u)
    assert 0 < fitted_slope(s, u) <= at * (1 + 1e-15)
    assert at < middle < double
    assert middle >= (at + double) / 2 * (1 - 1e-15)


POINT = (Fraction(1, 2), Fraction(4), Fraction(1, 4), Fraction(7, 10), Fraction(1, 10), Fraction(3, 2))


def quantities(s, psi1, u, a, noise, q):
    slack = slacks(s, psi1, u, q)
    return (
        ridge_on_curve(s, slack),
        *stieltjes_on_curve(s, slack, psi1, u),
        *stieltjes_derivative_on_curve(s, slack, psi1, u, q),
        risk_on_curve(s, slack, psi1, u, a, noise, q),
        branch_determinant(s, slack, u, q),
        *stationarity(s, slack, psi1, u, a, noise, q),
    )


def _jax(x: Fraction) -> object:
    jnp = pytest.importorskip("jax.numpy")
    return jnp.asarray(float(x))


def _ball(x: Fraction) -> object:
    flint = pytest.importorskip("flint")
    return flint.arb(x.numerator) / x.denominator


@pytest.mark.parametrize(
    ("convert", "tolerance"),
    [
        # Rounding: the formulas are about 30 operations deep, and no step cancels at this point.
        pytest.param(float, 1e-14, id="float"),
        pytest.param(lambda x: np.full((2, 3), float(x)), 1e-14, id="numpy"),
        pytest.param(lambda x: mp.mpf(x.numerator) / x.denominator, 1e-14, id="mpmath"),
        pytest.param(lambda x: sp.Rational(x.numerator, x.denominator), 0, id="sympy"),
        pytest.param(_ball, 1e-14, id="flint"),
        # JAX computes in single precision unless told otherwise.
        pytest.param(_jax, 1e-5, id="jax"),
    ],
)
def test_every_number_system_agrees(convert, tolerance):
    exact = quantities(*POINT)
    for found, expected in zip(quantities(*map(convert, POINT)), exact, strict=True):
        values = [found] if not isinstance(found, np.ndarray) else found.ravel()
        for value in values:
            if tolerance == 0:
                assert value == sp.Rational(expected.numerator, expected.denominator)
            else:
                assert math.isclose(float(value), expected, rel_tol=tolerance)


def test_balls_enclose_and_stay_narrow():
    """A ball of radius 1e-20 around s gives balls that hold the exact values and are not much wider."""
    flint = pytest.importorskip("flint")
    exact = quantities(*POINT)
    balls = [flint.arb(x.numerator) / x.denominator for x in POINT]
    balls[0] = flint.arb(0.5, 1e-20)
    for ball, value in zip(quantities(*balls), exact, strict=True):
        assert ball.contains(flint.arb(value.numerator) / value.denominator)
        # 53 bits hold the centre; the radius grows by the condition of the formulas, well below a thousand.
        assert float(ball.rad()) < 1e-12 * abs(float(ball.mid()))
