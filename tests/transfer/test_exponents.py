from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.transfer.exponents import Interval, fit_power_law

WIDTHS = np.array([1.0, 2.0, 4.0, 8.0, 16.0])


def law(y: np.ndarray, noise: float, widths: np.ndarray = WIDTHS):
    return fit_power_law(widths, y, noise**2 * np.eye(widths.size), df=1e6)


@given(st.floats(0.1, 3.0), st.floats(-3.0, 3.0), st.floats(0.2, 5.0), st.sampled_from([-1.0, 1.0]))
def test_recovers_a_law_without_noise(exponent: float, limit: float, size: float, sign: float) -> None:
    y = limit + sign * size * WIDTHS**-exponent
    fit = law(y, 1e-7)
    assert fit.exponent.estimate == pytest.approx(exponent, abs=1e-3)
    assert fit.limit.estimate == pytest.approx(limit, abs=5e-3 * size / exponent)
    assert fit.amplitude == pytest.approx(sign * size, rel=1e-2 / exponent)


@given(st.floats(0.01, 1000.0), st.integers(0, 2**32 - 1))
def test_invariant_under_the_unit_of_width(unit: float, seed: int) -> None:
    y = WIDTHS**-0.7 + 0.01 * np.random.default_rng(seed).standard_normal(5)
    one, two = law(y, 0.01), law(y, 0.01, unit * WIDTHS)
    assert one.exponent.to_dict() == pytest.approx(two.exponent.to_dict(), rel=1e-6, abs=1e-6)
    assert one.limit.to_dict() == pytest.approx(two.limit.to_dict(), rel=1e-6, abs=1e-6)


def inside(interval: Interval, truth: float) -> bool:
    return (interval.low is None or interval.low <= truth) and (
        interval.high is None or truth <= interval.high
    )


@pytest.mark.parametrize("amplitude", [1.0, 0.1, 0.0])
@pytest.mark.parametrize("exponent", [0.25, 1.5])
def test_coverage_is_exact_even_where_the_exponent_is_not_identified(
    amplitude: float, exponent: float
) -> None:
    """The law of the test; at amplitude 0 every exponent is true, and still 90 % of the intervals hold it."""
    rng = np.random.default_rng(1)
    runs = 400
    hits = sum(
        inside(law(amplitude * WIDTHS**-exponent + 0.007 * rng.standard_normal(5), 0.007).exponent, exponent)
        for _ in range(runs)
    )
    # Exact 90 % (more where the hull fills holes): 4 standard deviations of the binomial below, 0.995 above.
    assert 0.90 - 4 * np.sqrt(0.09 / runs) < hits / runs < 0.995


def test_drift_has_exponent_zero_and_no_limit() -> None:
    fit = law(1.0 - 0.5 * np.log(WIDTHS), 1e-4)
    assert fit.exponent.low == 0.0
    assert fit.exponent.high == pytest.approx(0.0, abs=0.01)
    assert None in (fit.limit.low, fit.limit.high)
    slope, error = fit.log_slope
    assert slope == pytest.approx(-0.5, abs=1e-9)
    assert error == pytest.approx(1e-4 / np.sqrt(np.sum((np.log(WIDTHS) - np.log(4)) ** 2)))


def test_a_constant_identifies_nothing() -> None:
    fit = law(np.array([0.001, -0.002, 0.0015, 0.0, -0.001]), 0.01)
    assert fit.exponent == Interval(None, None, None)
    assert fit.moves > 0.5


def test_two_widths_identify_nothing_but_the_slope() -> None:
    fit = law(np.array([0.0, 1.0]), 0.1, WIDTHS[:2])
    assert fit.exponent == fit.limit == Interval(None, None, None)
    assert fit.log_slope[0] == pytest.approx(1 / np.log(2))


def test_interval_shrinks_with_the_noise() -> None:
    y = WIDTHS**-1.0
    lengths = []
    for noise in (1e-2, 1e-3, 1e-4):
        interval = law(y, noise).exponent
        assert interval.low is not None
        assert interval.high is not None
        lengths.append(interval.high - interval.low)
    # Local linearity: the length is proportional to the noise.
    assert lengths[1] / lengths[0] == pytest.approx(0.1, rel=0.1)
    assert lengths[2] / lengths[1] == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize("turn", [-0.15, 0.15])
def test_a_path_that_turns_back_has_no_exponent(turn: float) -> None:
    """Down and up again, by more than the errors: no power law does that, and none is read off it. (It was
    called a drift, with a best exponent outside its own interval.)"""
    width = np.array([32.0, 64.0, 128.0])
    y = np.array([0.0, turn, 0.5 * turn])
    law = fit_power_law(width, y, np.diag([0.07, 0.02, 0.02]) ** 2, df=10)
    assert law.exponent == Interval(None, None, None)
    assert law.limit == Interval(None, None, None)


def test_an_estimate_lies_in_its_interval() -> None:
    rng = np.random.default_rng(0)
    width = np.array([32.0, 64.0, 128.0])
    for _ in range(300):
        found = fit_power_law(width, rng.normal(size=3), 0.1**2 * np.eye(3), df=10).exponent
        if found.estimate is not None:
            assert found.low <= found.estimate
            assert found.high is None or found.estimate <= found.high
