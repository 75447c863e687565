from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.transfer.noise import smooth_variances

WIDTH = np.array([64.0, 128.0, 256.0, 512.0, 1024.0])


@given(st.floats(1e-6, 1e6), st.integers(0, 2**32 - 1))
def test_a_factor_of_the_squares_is_a_factor_of_the_variances(factor: float, seed: int) -> None:
    squares = np.random.default_rng(seed).chisquare(18.0, 5)
    df = np.full(5, 18.0)
    one, two = smooth_variances(WIDTH, squares, df), smooth_variances(WIDTH, factor * squares, df)
    np.testing.assert_allclose(two, factor * one, rtol=1e-9)


@pytest.mark.parametrize("power", [0.0, -2.0])
def test_lending_strength_beats_every_width_for_itself(power: float) -> None:
    """On a power law of width the mean squared log error falls at least twofold (5 widths, 2 parameters)."""
    rng = np.random.default_rng(3)
    truth = WIDTH**power
    alone, together = [], []
    for _ in range(300):
        squares = truth * rng.chisquare(18.0, 5)
        alone.append(np.log(squares / 18.0 / truth))
        together.append(np.log(smooth_variances(WIDTH, squares, np.full(5, 18.0)) / truth))
    assert np.mean(np.square(together)) < 0.6 * np.mean(np.square(alone))


def test_a_width_that_stands_out_keeps_its_own_noise() -> None:
    truth = np.array([1.0, 1.0, 100.0, 1.0, 1.0])
    found = smooth_variances(WIDTH, truth * 1e4, np.full(5, 1e4))
    np.testing.assert_allclose(found, truth, rtol=0.01)


def test_no_repeats_no_variance() -> None:
    assert np.isnan(smooth_variances(WIDTH, np.zeros(5), np.zeros(5))).all()
