"""The optimal ridge: against brute force, at two precisions, and the laws that make it unique."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, example, given

from hptheory.random_features import NoOptimumError, RandomFeatures
from hptheory.random_features.curve import stationarity
from hptheory.random_features.inverse import invert
from tests import strategies


@given(strategies.random_features(), strategies.widths())
@example(RandomFeatures(1.0, 1 - 1e-6, 0.5), 1.0)
@example(RandomFeatures(1e3, 1e-6, 1e-3), 1e-2)
@example(RandomFeatures(1.0, 0.5, 1.0), 1e12)
@example(RandomFeatures(1.0, 0.5, 1.0), 1e30)
def test_float64_is_right_to_1e_12(rf, psi2):
    """The acceptance bound, relative, over the box: mpmath takes over where cancellation would break it."""
    found = rf.optimal_ridge(psi2, negative_ridge=True)
    exact = rf.optimal_ridge(psi2, negative_ridge=True, precision=30)
    assert abs(found - exact) <= 1e-12 * abs(exact)
    risk = rf.optimal_risk(psi2, negative_ridge=True, precision=30)
    assert abs(rf.optimal_risk(psi2, negative_ridge=True) - risk) <= 1e-12 * risk


@given(strategies.random_features(), strategies.widths())
def test_two_precisions_agree(rf, psi2):
    short = rf.optimal_ridge(psi2, negative_ridge=True, precision=15)
    long = rf.optimal_ridge(psi2, negative_ridge=True, precision=45)
    with mp.workdps(50):
        assert abs(short - long) <= abs(long) * mp.mpf(10) ** -14


@given(strategies.random_features(), strategies.widths())
def test_no_other_ridge_does_better(rf, psi2):
    """Brute force on 400 ridges over twenty decades around the optimum, and at ridge 0."""
    best = rf.optimal_ridge(psi2)
    scale = best or 1.0
    risks = rf.risk(scale * np.logspace(-10, 10, 400), psi2)
    # The risk is computed to 4e-15 relative (test_model).
    assert rf.optimal_risk(psi2) <= min(risks.min(), rf.risk(0.0, psi2)) * (1 + 1e-14)


@given(strategies.random_features(), strategies.widths())
def test_unimodal(rf, psi2):
    """The risk falls up to the optimum and rises after it, on ridges over twenty decades."""
    best = rf.optimal_ridge(psi2)
    ridges = np.unique(np.concatenate([(best or 1.0) * np.logspace(-10, 10, 200), [best]]))
    steps = np.diff(rf.risk(ridges, psi2))
    level = 1e-14 * rf.risk(ridges[1:], psi2)
    assert np.all(steps[ridges[1:] <= best] <= level[ridges[1:] <= best])
    assert np.all(steps[ridges[:-1] >= best] >= -level[ridges[:-1] >= best])


@given(
    strategies.ridges(),
    strategies.random_features(),
    strategies.widths(infinite=False),
)
def test_rise_over_fall_increases_along_the_curve(ridge, rf, psi2):
    """The law that makes the optimum unique, at the slacks of two neighbouring ridges."""
    q = 1 / (psi2 * rf.mu1_sq)
    ratios = []
    for r in (1.5 * ridge, ridge):
        s, slack = invert(r, rf.psi1, psi2, rf.mu1_sq)
        fall, rise = stationarity(s, slack, rf.psi1, rf.mu1_sq, rf.teacher_mu1_sq, rf.noise_var, q)
        ratios.append(float(rise / fall))
    assert ratios[1] >= ratios[0] * (1 - 1e-13)


@given(strategies.random_features(), strategies.widths(infinite=False))
def test_with_no_more_features_than_samples_the_optimum_is_positive(rf, psi2):
    assume(psi2 <= rf.psi1)
    assert rf.optimal_ridge(psi2, negative_ridge=True) > 0


@given(strategies.random_features())
def test_the_limit_is_equation_11(rf):
    with mp.workdps(40):
        u, a = mp.mpf(rf.mu1_sq), mp.mpf(rf.teacher_mu1_sq)
        expected = u * (1 - a + mp.mpf(rf.noise_var)) / a - (1 - u)
        found = rf.optimal_ridge(negative_ridge=True, precision=25)
        assert abs(found - expected) <= abs(expected) * mp.mpf(10) ** -24


@given(strategies.random_features(), strategies.widths(infinite=False))
def test_more_width_is_better(rf, psi2):
    """optimal_risk falls with psi2 (checked here; not proved)."""
    widths = psi2, 2 * psi2, math.inf
    wide, wider, limit = (rf.optimal_risk(w, negative_ridge=True, precision=40) for w in widths)
    assert wide > wider > limit


def test_a_negative_optimum_is_cut_at_zero_or_found():
    rf = RandomFeatures(psi1=2.0, mu1_sq=0.5, teacher_mu1_sq=0.95)
    assert rf.optimal_ridge(100.0) == 0.0
    assert rf.optimal_risk(100.0) == rf.risk(0.0, 100.0)
    negative = rf.optimal_ridge(100.0, negative_ridge=True)
    edge = rf.ridge_edge(100.0)
    assert edge < negative < 0
    grid = np.linspace(edge * 0.999, 0.3, 4001)
    assert abs(grid[np.argmin(rf.risk(grid, 100.0))] - negative) <= grid[1] - grid[0]


def test_the_optimum_crosses_zero_where_the_risk_at_zero_turns():
    """Around the sign change the derivative at ridge 0 changes sign with the optimum."""
    models = [RandomFeatures(1.0, 0.2, a) for a in np.linspace(0.3, 0.9, 25)]
    optima = [m.optimal_ridge(50.0, negative_ridge=True) for m in models]
    slopes = [m.risk_derivative(0.0, 50.0) for m in models]
    assert {np.sign(o) for o in optima} == {-1.0, 1.0}
    assert [np.sign(o) for o in optima] == [-np.sign(s) for s in slopes]


def test_a_noiseless_linear_teacher_has_no_optimum_in_the_limit():
    """Over ridge >= 0 the optimum of infinite width is 0; over the whole branch there is none."""
    rf = RandomFeatures(2.0, 0.5, 1.0)
    with pytest.raises(NoOptimumError, match="no ridge is optimal"):
        rf.optimal_ridge(negative_ridge=True)
    for precision in (None, 20):
        assert list(rf.optimal_ridge([1.5, math.inf], precision=precision) > 0) == [True, False]
        assert rf.optimal_ridge(precision=precision) == 0
        assert rf.optimal_risk(precision=precision) == rf.risk(0.0, precision=precision)
    with pytest.raises(NoOptimumError, match="no ridge is optimal"):
        RandomFeatures("2", "0.5", "1", "0").optimal_ridge(negative_ridge=True)
    assert RandomFeatures("2", "0.5", "1", "0").optimal_ridge() == 0
    assert RandomFeatures(0.5, 0.5, 1.0).optimal_ridge(negative_ridge=True) == -0.5


def test_a_risk_that_overflows_at_a_negative_optimum_is_cut_off_in_silence():
    rf = RandomFeatures(1 - 1e-12, 0.5, 1.0)
    assert rf.optimal_ridge(1e30) == 0
    assert rf.optimal_risk(1e30) == rf.risk(0.0, 1e30)


@pytest.mark.parametrize("negative_ridge", [False, True])
def test_an_optimum_among_huge_noise(negative_ridge):
    """Far above the teacher's signal the ridge is in proportion to the noise."""
    loud, louder = (RandomFeatures(2.0, 0.25, 0.9, noise) for noise in (1e60, 1e200))
    ratio = louder.optimal_ridge(3.0, negative_ridge=negative_ridge) / loud.optimal_ridge(
        3.0, negative_ridge=negative_ridge
    )
    assert ratio == pytest.approx(1e140, rel=1e-13)


@pytest.mark.parametrize("rf", [RandomFeatures(2.0, 0.25, 0.9), RandomFeatures(2.0, 0.25, 0.9, 1.0)])
def test_infinite_width_has_no_gaps(rf):
    found = rf.gaps(math.inf, negative_ridge=True)
    assert (found.loss, found.hyperparameter, found.suboptimality) == (0, 0, 0)
    assert tuple(rf.gaps([3.0, math.inf], negative_ridge=True).suboptimality > 0) == (True, False)


def test_numbers_that_a_few_digits_take_for_0():
    """B = 1e-30 and mu2^2 = 1e-50 are lost beside 1; more digits find them."""
    faint = RandomFeatures(2.0, 0.25, 1.0, 1e-30)
    # To first order in B at infinite width: 2 B at ridge B u/A - (1 - u).
    assert faint.large_width(1, negative_ridge=True).optimal_risk[0] == pytest.approx(2e-30, rel=1e-12)
    assert faint.optimal_ridge(negative_ridge=True) == -0.75
    assert faint.gaps(100.0, negative_ridge=True).loss == pytest.approx(
        faint.optimal_risk(100.0, negative_ridge=True), rel=1e-12
    )
    nearly_linear = RandomFeatures(2.0, "0." + "9" * 50, 0.9, 1.0)
    linear = RandomFeatures(2.0, 1 - 1e-15, 0.9, 1.0)
    assert nearly_linear.optimal_ridge(3.0) == pytest.approx(linear.optimal_ridge(3.0), rel=1e-13)
    assert nearly_linear.risk(0.1, 3.0) == pytest.approx(linear.risk(0.1, 3.0), rel=1e-13)


def test_arrays_of_widths():
    rf = RandomFeatures.from_functions("tanh", "relu", psi1=4.0, noise_std=0.25)
    widths = np.array([[0.5, 4.0], [40.0, math.inf]])
    ridge, risk = rf.optimal_ridge(widths), rf.optimal_risk(widths)
    assert ridge.shape == risk.shape == (2, 2)
    for index in np.ndindex(2, 2):
        assert ridge[index] == pytest.approx(rf.optimal_ridge(widths[index]), rel=1e-14)
        assert risk[index] == pytest.approx(rf.risk(ridge[index], widths[index]), rel=1e-14)
