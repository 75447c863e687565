from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.synthetic_sweeps import sweep
from hptheory.transfer import SweepTable
from hptheory.transfer.curves import curves_of
from hptheory.transfer.noise import rough_variance, smooth_variances
from hptheory.transfer.optimum import fit_optima

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


def blocked(lift: float, tilt: float, seed: int, noise: float = 0.01) -> SweepTable:
    """A sweep in which every seed of a width lifts and tilts its whole curve."""
    table = sweep(0.5, 1.0, noise=noise, rng=seed)
    rng = np.random.default_rng(10_000 + seed)
    loss = table.loss.copy()
    for width in table.widths:
        for run in range(3):
            at = (table.scale == width) & (table.seed == run)
            loss[at] += lift * rng.standard_normal() + tilt * rng.standard_normal() * table.x[at, 0]
    columns = {"width": table.scale, "lr": table.hp[:, 0], "seed": table.seed, "loss": loss}
    return SweepTable.from_columns(columns)


@pytest.mark.parametrize(("lift", "tilt"), [(0.03, 0.0), (0.0, 0.02)])
def test_seeds_that_lift_or_tilt_their_curve_are_counted_in_the_errors(lift: float, tilt: float) -> None:
    truth = (WIDTH / 64) ** -1.0
    positions, values = [], []
    for seed in range(30):
        optima = fit_optima(curves_of(blocked(lift, tilt, seed)))
        assert optima is not None
        positions.append((optima.position - truth) / optima.position_error)
        values.append((optima.value - 0.3 * (WIDTH / 64) ** -0.5) / optima.value_error)
    # 150 scores each; taking cells as independent gives mean squares of 9 and more for what the block moves.
    assert 0.5 < np.mean(np.square(positions)) < 1.8
    assert 0.5 < np.mean(np.square(values)) < 1.8


def test_lifts_do_not_blur_positions() -> None:
    """What all learning rates share cannot move the optimum: its error stays that of the plain sweep."""
    plain, lifted = (fit_optima(curves_of(blocked(lift, 0.0, 3))) for lift in (0.0, 0.1))
    assert plain is not None
    assert lifted is not None
    np.testing.assert_allclose(lifted.position_error, plain.position_error, rtol=0.3)
    assert (lifted.value_error > 5 * plain.value_error).all()


def test_the_rough_variance_without_repeats() -> None:
    table = sweep(noise=0.02, seeds=1, grid=np.linspace(-1.5, 1.5, 33))
    found = [rough_variance(curve) for curve in curves_of(table)]
    # 5 curves with 30 dependent third differences each: a mean within a factor of two.
    assert 0.5 < np.mean(found) / 0.02**2 < 2.0
