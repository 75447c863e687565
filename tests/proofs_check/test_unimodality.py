"""The proof that every width has one optimal ridge: broken formulas are rejected, other routes agree."""

from __future__ import annotations

from fractions import Fraction

import mpmath as mp
import pytest
import sympy

from hptheory.random_features import curve
from proofs_check import unimodality
from proofs_check.certificates import require_positive
from proofs_check.claims import Refuted
from proofs_check.implicit import Parameters, difference, number, risk
from proofs_check.numeric import SAMPLES
from tests.proofs_check.breaking import broken_versions

NAMES = ("s", "sample", "epsilon", "psi1", "mu1_sq", "teacher_mu1_sq", "noise_var", "q")


def flat(s, sample, epsilon, *others):
    return curve.stationarity(s, curve.Slacks(sample, epsilon), *others)


BROKEN = [
    lambda s, slack, *others, part=part, version=version: (
        (version(s, *slack, *others), flat(s, *slack, *others)[1])
        if part == 0
        else (flat(s, *slack, *others)[0], version(s, *slack, *others))
    )
    for part in (0, 1)
    for version in broken_versions(lambda *x, part=part: flat(*x)[part], NAMES)
]


def test_there_are_many_broken_versions():
    assert len(BROKEN) > 60


@pytest.mark.parametrize("number_of", range(0, len(BROKEN), 9))
def test_a_broken_stationarity_condition_is_rejected(number_of):
    with pytest.raises(Refuted):
        unimodality.sign_of_slope(BROKEN[number_of])


def flipped(s, slack, *others):
    fall, rise = curve.stationarity(s, slack, *others)
    return fall, -rise


def without_last_term(s, slack, psi1, u, A, noise_var, q):
    fall, rise = curve.stationarity(s, slack, psi1, u, A, noise_var, q)
    h = (1 - u) * (1 + s) ** 2 + u
    return fall, rise - s * q**2 * s * h**3 * (A / (1 + s) + 1 - A + noise_var)


def falling_remainder(s, slack, psi1, u, A, noise_var, q):
    fall, rise = curve.stationarity(s, slack, psi1, u, A, noise_var, q)
    return fall, rise / (1 + s) ** 4


@pytest.mark.parametrize("version", [flipped, without_last_term, falling_remainder])
def test_a_condition_that_may_have_two_roots_is_rejected(version):
    with pytest.raises(Refuted):
        unimodality.rises_where_epsilon_is_positive(version)


@pytest.mark.parametrize(
    "version", [flipped, without_last_term, lambda *x: (-curve.stationarity(*x)[0],) * 2]
)
def test_a_root_at_negative_ridge_is_rejected(version):
    with pytest.raises(Refuted):
        unimodality.falls_with_negative_ridge(version)


@pytest.mark.parametrize("part", [0, 1])
def test_a_second_certificate_agrees_that_rise_over_fall_rises(part):
    # Another proof of the same step: with q = 1/(g + w), w > 0, and v = r/(1 + r), the derivative at fixed q
    # has positive coefficients up to a few, which squares of (1 - s w) absorb.
    s, w, r, q = sympy.symbols("s w r q", positive=True)
    u = 1 / (1 + r)
    g = curve.fitted(s, u)
    function = unimodality.parts(curve.stationarity, s, curve.Slacks(1, 1 - q * g), u, q)[part]
    slope = sympy.diff(function / ((1 + s) ** 3 * (1 - q * g)), s).subs(q, 1 / (g + w))
    numer, denom = sympy.fraction(sympy.factor(slope))
    if sympy.Poly(denom, s, w, r).LC() < 0:
        numer, denom = -numer, -denom
    require_positive(denom, "denominator")
    x = s * w
    squares = (
        s**2 * (1 - x) ** 2
        if part == 0
        else s**2 * (1 - x) ** 2 * (1 + x) + s * x * ((1 - x) ** 2 + 4 * x**2)
    )
    require_positive(sympy.expand(numer - squares), "the rest")


@pytest.mark.parametrize("sample", SAMPLES, ids=range(len(SAMPLES)))
@pytest.mark.parametrize("eta", ["1/4", "3"])
def test_solutions_of_the_equations_show_one_change_of_sign(sample, eta):
    with mp.workdps(60):  # the slopes are of order 1e-6 at least; their error is of order 1e-30
        ridges = [mp.mpf(10) ** (mp.mpf(k) / 3) for k in range(-9, 10)]
        slopes = [
            difference(lambda lam: risk(sample.model, lam, number(eta)), x, mp.mpf("1e-15")) for x in ridges
        ]
    rising = [slope > 0 for slope in slopes]
    assert rising == sorted(rising)
    assert rising[-1]


def test_more_samples_than_features_always_need_a_ridge():
    # The limit optimum of this model is negative (u B < v A), yet at psi2 <= psi1 the risk falls at a ridge
    # near 0.
    model = Parameters(Fraction(3), Fraction(1, 4), Fraction(9, 10), Fraction(1, 10))
    with mp.workdps(60):
        for eta, falls in (("1", True), ("2", True), ("1/100", False)):
            value = number(eta)
            slope = difference(
                lambda lam, value=value: risk(model, lam, value), mp.mpf("1e-4"), mp.mpf("1e-15")
            )
            assert (slope < 0) is falls
