"""The large-width expansion: against the optimum itself, exact against numeric, and the printed constants."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath as mp
import pytest
import sympy as sp
from hypothesis import assume, given

from hptheory.errors import HPTheoryError
from hptheory.random_features import NonPositiveOptimumError, RandomFeatures, symbolic_large_width
from tests import strategies

FIGURE_4 = RandomFeatures(psi1="4", mu1_sq="0.93", teacher_mu1_sq="0.73", noise_var="0.0625")


def admissible(rf: RandomFeatures) -> None:
    assume(rf.optimal_ridge(negative_ridge=True) > 0)


@pytest.mark.parametrize("eta", ["1e-4", "1e-6"])
def test_the_series_predicts_the_optimum(eta):
    """What the series of order 8 leaves out is its ninth term, up to a correction of relative size eta."""
    with mp.workdps(100):
        series = FIGURE_4.large_width(9, precision=80)
        eta = mp.mpf(eta)
        for coefficients, exact in (
            (series.optimal_ridge, FIGURE_4.optimal_ridge(4 / eta, precision=90)),
            (series.optimal_risk, FIGURE_4.optimal_risk(4 / eta, precision=90)),
        ):
            predicted = sum(c * eta**k for k, c in enumerate(coefficients[:9]))
            assert abs((exact - predicted) / eta**9 / coefficients[9] - 1) < 10 * eta


def test_exact_coefficients_equal_the_numeric_ones():
    exact = FIGURE_4.large_width(8, exact=True)
    numeric = FIGURE_4.large_width(8, precision=30)
    for name in ("optimal_ridge", "optimal_risk"):
        for one, other in zip(getattr(exact, name), getattr(numeric, name), strict=True):
            with mp.workdps(40):
                # SymPy evaluates the surd itself, cancellation included, to 40 digits.
                assert abs(mp.mpf(str(sp.N(one, 40))) / other - 1) < mp.mpf(10) ** -29
    assert abs(float(exact.curvature) / float(numeric.curvature) - 1) < 1e-15


def test_a_rational_optimum_gives_rational_coefficients():
    """At psi1 = 4, A = 1/2: s* = 1 solves B s^2 + (B + A - 4A) s = 4A for B = 7/4, so noise_var = 5/4."""
    rf = RandomFeatures(4, Fraction(1, 2), Fraction(1, 2), Fraction(5, 4))
    assert all(c.is_Rational for c in rf.large_width(8, exact=True).optimal_ridge)


def test_symbolic_coefficients_equal_the_exact_ones():
    symbolic = symbolic_large_width(2)
    at = {
        symbolic.s: 1,
        symbolic.psi1: 4,
        symbolic.mu1_sq: sp.Rational(1, 2),
        symbolic.teacher_mu1_sq: sp.Rational(1, 2),
    }
    assert symbolic.noise_var.subs(at) == sp.Rational(5, 4)
    exact = RandomFeatures(4, "1/2", "1/2", "5/4").large_width(2, exact=True)
    for name in ("optimal_ridge", "optimal_risk"):
        found = [c.subs(at) for c in getattr(symbolic.expansion, name)]
        assert found == list(getattr(exact, name))
    assert symbolic.expansion.curvature.subs(at) == exact.curvature


@given(strategies.random_features())
def test_laws_of_the_constants(rf):
    admissible(rf)
    series = rf.large_width(1)
    assert series.optimal_ridge[0] == pytest.approx(rf.optimal_ridge(), rel=1e-13)
    assert series.loss_gap_constant > 0
    assert series.curvature > 0
    assert series.curvature == pytest.approx(rf.risk_derivative(rf.optimal_ridge(), order=2), rel=1e-10)
    assert series.suboptimality_constant <= series.curvature * series.optimal_ridge[1] ** 2


@given(strategies.random_features())
def test_c_eta_is_the_derivative_of_the_risk_at_fixed_ridge(rf):
    """The envelope theorem, by a route that shares no series in s: risk at two widths, 60 digits."""
    admissible(rf)
    with mp.workdps(70):
        ridge, h = rf.optimal_ridge(precision=65), mp.mpf(10) ** -20
        wide = rf.risk(ridge, mp.mpf(float(rf.psi1)) / h, precision=60)
        slope = (wide - rf.risk(ridge, math.inf, precision=60)) / h
        assert abs(slope / rf.large_width(1, precision=20).loss_gap_constant - 1) < mp.mpf(10) ** -9


def test_the_printed_constants_are_wrong():
    """C_eta of (16) and C_lambda of (17) as printed miss the measured slopes by more than a tenth."""
    psi1, u, a, noise = (float(Fraction(x)) for x in ("4", "0.93", "0.73", "0.0625"))
    b = 1 - a + noise
    s = 2 * a * psi1 / (math.sqrt((b + a - a * psi1) ** 2 + 4 * a * b * psi1) + b + a - a * psi1)
    t, big_s = 1 + s, psi1 * (1 + s) ** 2 - s**2
    printed_c_eta = 2 * b * (u + (1 - u) * t) * s**3 / (u * big_s * (psi1 * t - s))
    printed_c_lambda = ((3 * psi1 - 4 * u * psi1 + 1) * t**2 + 2 * (2 * u * psi1 - 1) * t + 1) / (
        2 * psi1 * t**2
    )
    eta = 1e-7
    c_eta = FIGURE_4.gaps(psi1 / eta).loss / eta
    c_lambda = (FIGURE_4.optimal_ridge(psi1 / eta) - FIGURE_4.optimal_ridge()) / eta
    series = FIGURE_4.large_width(1)
    # The next term of each series is of relative size eta; b_n is a difference of two floats (1e-16/1e-7).
    assert c_eta == pytest.approx(series.loss_gap_constant, rel=1e-5)
    assert c_lambda == pytest.approx(series.hyperparameter_gap_constant, rel=1e-5)
    assert abs(printed_c_eta / c_eta - 1) > 0.1
    assert abs(printed_c_lambda / c_lambda - 1) > 0.1


def test_a_limit_optimum_that_is_not_positive_is_an_error():
    rf = RandomFeatures(4.0, 0.5, 0.99)
    with pytest.raises(NonPositiveOptimumError, match=r"-0\.494949494949.* <= 0"):
        rf.large_width()
    assert rf.large_width(negative_ridge=True).optimal_ridge[0] == pytest.approx(-0.494949494949495)


def test_moments_from_functions_are_not_exact():
    rf = RandomFeatures.from_functions("erf", "relu", 4.0, 0.25)
    with pytest.raises(HPTheoryError, match="pass mu1_sq"):
        rf.large_width(exact=True)


@pytest.mark.parametrize("order", [0, -1, 1.5])
def test_the_order_is_a_whole_number(order):
    with pytest.raises(HPTheoryError, match="whole number >= 1"):
        FIGURE_4.large_width(order)
