"""The slow reference is itself checked: by Marchenko-Pastur's law, numerical derivatives and scipy."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath as mp
import pytest

from tests.random_features.reference import (
    NoReferenceError,
    printed_equations,
    risk_reference,
    stieltjes_derivative_reference,
    stieltjes_reference,
    stieltjes_scipy,
)

CORNERS = [
    (ridge, psi1, psi2, mu1_sq)
    for ridge in (1e-8, 1e-2, 1e6)
    for psi1, psi2 in ((4.0, 2.0), (4.0, 4.0), (0.3, 7.0), (1e3, 1e-2), (1e-3, 1e6), (1.0, math.inf))
    for mu1_sq in (1e-6, 0.9, 1 - 1e-6)
]


@pytest.mark.parametrize(("ridge", "psi1", "psi2", "mu1_sq"), CORNERS)
def test_solves_the_printed_equations_on_the_physical_branch(ridge, psi1, psi2, mu1_sq):
    m1, m2 = stieltjes_reference(ridge, psi1, psi2, mu1_sq, dps=70)
    with mp.workdps(70):
        residuals = [equation(m1, m2) for equation in printed_equations(ridge, psi1, psi2, mu1_sq)]
        # each residual is a difference of terms no larger than this; 70 digits were asked, 65 are left
        size = (1 + psi1) ** 2 / psi1**2 * (1 + (0 if psi2 == math.inf else psi2)) * (1 + ridge + m1) ** 3
        assert max(abs(value) for value in residuals) < size * mp.mpf("1e-65")
        assert 0 < m2 < m1 < 1 / mp.mpf(ridge)


@pytest.mark.parametrize("ridge", [1e-8, 0.3, 1e6])
@pytest.mark.parametrize("psi1", [0.01, 1.0, 4.0])
@pytest.mark.parametrize("mu1_sq", [1e-6, 0.7])
def test_infinite_width_is_marchenko_pastur(ridge, psi1, mu1_sq):
    # At infinite width the kernel is mu1^2 X X^T / d + mu2^2 I, so m1 is the trace of its resolvent:
    # psi1 mu1^2 m^2 + (a + mu1^2 (1 - psi1)) m - 1 = 0 with a = ridge + mu2^2 (Marchenko-Pastur).
    m1, m2 = stieltjes_reference(ridge, psi1, math.inf, mu1_sq, dps=30)
    with mp.workdps(60):
        mu, psi1 = mp.mpf(mu1_sq), mp.mpf(psi1)
        a = mp.mpf(ridge) + 1 - mu
        b = a + mu * (1 - psi1)
        root = (-b + mp.sqrt(b**2 + 4 * a * psi1 * mu)) / (2 * psi1 * mu * a)
        assert abs(a * psi1 * mu * root**2 + b * root - 1) < mp.mpf("1e-45")
        assert abs(m1 / root - 1) < mp.mpf("1e-29")
        assert abs((1 - a * m1) / (mu * m2) - 1) < mp.mpf("1e-15")  # T2; cancels up to 12 of the 30 digits


@pytest.mark.parametrize("psi2", [0.5, 3.0, 40.0, math.inf])
def test_the_slopes_are_those_of_a_numerical_derivative(psi2):
    slopes = stieltjes_derivative_reference("0.1", 3, psi2, "0.9", dps=60)
    with mp.workdps(60):
        z, h = mp.mpf("0.1"), mp.mpf("1e-15")
        above, below = (stieltjes_reference(z + step, 3, psi2, "0.9", dps=60) for step in (h, -h))
        for slope, high, low in zip(slopes, above, below, strict=True):
            # truncation is h^2/6 times a third derivative, about slope/z^2: 1e-28; rounding is far below
            assert abs((high - low) / (2 * h) / slope - 1) < mp.mpf("1e-26")


@pytest.mark.parametrize("psi2", [0.5, 4.0, math.inf])
def test_scipy_finds_the_same_root(psi2):
    exact = stieltjes_reference(0.05, 4.0, psi2, 0.9)
    found = stieltjes_scipy(0.05, 4.0, psi2, 0.9)
    assert found == pytest.approx([float(m) for m in exact], rel=1e-9)  # rounding times a condition of 1e3


def test_zero_signal_at_infinite_ridge():
    # the null estimator: risk -> 1 + noise_var as the ridge grows, with an error of order 1/ridge
    risk = risk_reference(10**12, 4, 2, "0.9", "0.7", Fraction(1, 16))
    assert abs(risk - (1 + mp.mpf(1) / 16)) < 1e-10


def test_reaches_negative_ridge_and_stops_at_the_end_of_the_branch():
    before = stieltjes_reference("-0.05", "1.5", 4, "0.7")[0]
    assert before > stieltjes_reference(0, "1.5", 4, "0.7")[0]  # m1 falls with the ridge
    with pytest.raises(NoReferenceError, match=r"-0\.0672"):
        stieltjes_reference("-0.1", "1.5", 4, "0.7")
    with pytest.raises(NoReferenceError):
        stieltjes_reference(0, 4, 2, "0.7")  # m1 is infinite there
