from __future__ import annotations

import numpy as np
import pytest

from hptheory.transfer.exponents import fit_power_law
from hptheory.transfer.settled_laws import settled_law, without_narrowest

SIX = 2.0 ** np.arange(6)


def settled(y: np.ndarray, noise: float = 1e-4):
    return settled_law(SIX, y, noise**2 * np.eye(6), df=1e6)


def test_widths_that_agree_with_a_law_are_all_used() -> None:
    y = 0.3 * SIX**-0.8 + 1e-4 * np.random.default_rng(0).standard_normal(6)
    assert settled(y).left_out == 0
    assert settled(y).exponent == fit_power_law(SIX, y, 1e-8 * np.eye(6), df=1e6).exponent


def test_narrow_widths_that_follow_no_law_are_left_out() -> None:
    fit = settled(0.3 * SIX**-0.8 + 0.05 * (SIX == 1) - 0.01 * (SIX == 2))
    assert (fit.left_out, fit.inflation) == (2, 1.0)
    assert fit.exponent.estimate == pytest.approx(0.8, abs=1e-3)
    np.testing.assert_array_equal(fit.direction[:, :2], 0.0)


def test_what_no_law_describes_widens_the_errors() -> None:
    """The four widest alternate about a law: chi-square is left over, and its root widens the interval."""
    fit = settled(0.3 * SIX**-0.8 + 2e-3 * np.array([0, 0, 1, -1, 1, -1]))
    assert fit.left_out == 2
    assert fit.inflation > 50
    naive = fit_power_law(
        SIX[2:], fit.limit.estimate + 0.3 * SIX[2:] ** -0.8, 1e-8 * np.eye(4), df=1e6
    ).exponent
    assert fit.exponent.high is None or fit.exponent.high - fit.exponent.low > 5 * (naive.high - naive.low)


def test_without_the_narrowest_is_the_fit_of_the_others() -> None:
    y = 0.3 * SIX**-0.8 + 1e-3 * np.random.default_rng(3).standard_normal(6)
    law = settled_law(SIX, y, 1e-6 * np.eye(6), df=50.0)
    rest = without_narrowest(law, SIX, y, 1e-6 * np.eye(6), df=50.0)
    assert rest.left_out == 1
    assert rest.exponent == fit_power_law(SIX[1:], y[1:], 1e-6 * np.eye(5), df=50.0).exponent
