"""The gaps: right relative to their own size where subtraction has nothing left, and the laws."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, example, given

from hptheory.random_features import NonPositiveOptimumError, RandomFeatures
from tests import strategies

# The paper's Figure 4 (tanh, ReLU), its moments rounded to doubles: floats mean their binary value here.
FIGURE_4 = RandomFeatures(
    psi1=4.0, mu1_sq=0.9304699236152953, teacher_mu1_sq=0.73347110346213, noise_var=0.0625
)


@given(strategies.random_features(), strategies.widths(infinite=False))
@example(FIGURE_4, 1e10)
@example(RandomFeatures(1e-3, 1 - 1e-6, 0.5), 1e6)
def test_gaps_are_right_relative_to_their_own_size(rf, psi2):
    """Against their definition, subtracted at 150 digits: the smallest gap here is above 1e-60."""
    assume(rf.optimal_ridge(negative_ridge=True) > 0)
    found = rf.gaps(psi2)
    ridge, limit = (rf.optimal_ridge(w, precision=150) for w in (psi2, math.inf))
    with mp.workdps(150):
        loss = rf.optimal_risk(psi2, precision=150) - rf.optimal_risk(precision=150)
        worse = rf.risk(ridge, precision=150) - rf.risk(limit, precision=150)
        for one, exact in (
            (found.loss, loss),
            (found.hyperparameter, abs(ridge - limit)),
            (found.suboptimality, worse),
        ):
            assert abs(mp.mpf(one) - exact) <= 1e-15 * exact


@given(strategies.random_features(), strategies.widths(infinite=False))
def test_laws(rf, psi2):
    assume(rf.optimal_ridge(negative_ridge=True) > 0)
    gaps = rf.gaps(psi2)
    assert gaps.loss > 0
    assert gaps.hyperparameter >= 0
    assert gaps.suboptimality >= 0


def test_a_narrow_models_ridge_may_cost_more_than_its_width():
    """c_n <= a_n is no law: at this ridge the narrow model is better than the infinite one."""
    gaps = RandomFeatures(10, "0.9999", "0.5", 0).gaps(10**0.25)
    assert gaps.suboptimality > 1.05 * gaps.loss


def test_float_subtraction_has_nothing_left_at_1e10():
    """Why the gaps are not subtracted: at psi2 = 1e10 the float difference of c_n is zero or noise."""
    ridge = FIGURE_4.optimal_ridge(1e10)
    naive = FIGURE_4.risk(ridge) - FIGURE_4.optimal_risk()
    exact = FIGURE_4.gaps(1e10).suboptimality
    assert 0 < exact < 1e-20
    assert abs(naive / exact - 1) > 0.99


def test_theorem_3_sharply():
    """a_n ~ C_eta eta, b_n ~ |C_lambda| eta, c_n ~ constant eta^2, to the size of the next term."""
    series = FIGURE_4.large_width(1)
    for psi2 in (1e6, 1e12):
        eta = 4.0 / psi2
        gaps = FIGURE_4.gaps(psi2)
        assert gaps.loss / eta == pytest.approx(series.loss_gap_constant, rel=10 * eta + 1e-12)
        assert gaps.hyperparameter / eta == pytest.approx(
            abs(series.hyperparameter_gap_constant), rel=10 * eta + 1e-12
        )
        assert gaps.suboptimality / eta**2 == pytest.approx(
            series.suboptimality_constant, rel=20 * eta + 1e-12
        )


def test_arrays_and_digits():
    widths = np.array([[1.0, 10.0], [100.0, math.inf]])
    gaps = FIGURE_4.gaps(widths)
    assert gaps.loss.shape == (2, 2)
    assert gaps.loss[1, 1] == gaps.hyperparameter[1, 1] == gaps.suboptimality[1, 1] == 0
    with mp.workdps(50):
        precise, again = (FIGURE_4.gaps(1e10, precision=digits) for digits in (40, 50))
        assert abs(precise.suboptimality / again.suboptimality - 1) < mp.mpf(10) ** -39


def test_a_negative_limit_needs_the_whole_branch():
    rf = RandomFeatures(4.0, 0.5, 0.99)
    with pytest.raises(NonPositiveOptimumError, match="negative_ridge=True"):
        rf.gaps(3.0)
    gaps = rf.gaps(100.0, negative_ridge=True)
    optima = rf.optimal_ridge([100.0, math.inf], negative_ridge=True)
    assert gaps.hyperparameter == pytest.approx(abs(optima[0] - optima[1]), rel=1e-12)
