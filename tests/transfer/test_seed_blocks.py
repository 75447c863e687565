"""Lifts and tilts of seeds that did not run every cell, against general least squares over all runs."""

from __future__ import annotations

import numpy as np
import pytest

from hptheory.transfer.curves import Curve
from hptheory.transfer.noise import measure_noise
from hptheory.transfer.optimum import fit_optima
from hptheory.transfer.seed_blocks import block_sums, levelled, seed_covariance

X = np.array([-1.5, -1.0, -0.3, 0.0, 0.4, 1.0, 1.6])
LIFT, TILT = 3.0, 2.0


def curve_of(runs: np.ndarray, x: np.ndarray = X, width: float = 64.0) -> Curve:
    return Curve(width, x, runs, True, x, 0, np.full(x.size, np.nan))


def patchy(seed: int = 0) -> Curve:
    """Four seeds with a lift each, of which two ran the middle cells only, and one missed a cell."""
    rng = np.random.default_rng(seed)
    runs = rng.normal(size=(7, 4)) + rng.normal(size=4)
    runs[[0, 1, 5, 6], 2:] = np.nan
    runs[2, 0] = np.nan
    return curve_of(runs)


def columns(curve: Curve) -> tuple[np.ndarray, ...]:
    """The design of all runs: cells, lifts, tilts; and the losses."""
    cell, seed = np.nonzero(~np.isnan(curve.runs))
    lifts = np.eye(curve.runs.shape[1])[seed]
    across = curve.x - curve.x.mean()
    return np.eye(curve.x.size)[cell], lifts, lifts * across[cell, None], curve.runs[cell, seed]


def rest(y: np.ndarray, *blocks: np.ndarray) -> tuple[float, int]:
    """Sum of squares left over, and rank."""
    design = np.hstack(blocks)
    found, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    return float(np.sum((y - design @ found) ** 2)), int(rank)


def test_the_sums_are_those_of_least_squares() -> None:
    cells, lifts, tilts, y = columns(patchy())
    sums = block_sums(patchy())
    alone, full = rest(y, cells), rest(y, cells, lifts, tilts)
    assert sums.together == pytest.approx(alone[0] - full[0])
    assert sums.df == full[1] - alone[1]
    for i, other in enumerate((tilts, lifts)):
        without = rest(y, cells, other)
        assert sums.squares[i] == pytest.approx(without[0] - full[0])
        assert sums.each_df[i] == full[1] - without[1]


def test_with_all_runs_the_sums_are_the_closed_form_and_no_mean_changes() -> None:
    runs = np.random.default_rng(1).normal(size=(7, 3))
    curve, across = curve_of(runs), X - X.mean()
    deviation = runs - runs.mean(axis=1, keepdims=True)
    sums = block_sums(curve)
    assert sums.squares[0] == pytest.approx(np.sum(deviation.sum(axis=0) ** 2) / 7)
    assert sums.squares[1] == pytest.approx(np.sum((across @ deviation) ** 2) / np.sum(across**2))
    assert (sums.df, sums.each_df) == (4, (2, 2))
    assert sums.expected == pytest.approx((2, 2))
    assert levelled(curve, LIFT, TILT) is curve
    np.testing.assert_allclose(seed_covariance(curve, LIFT, TILT), np.diag([LIFT / 7, TILT]) / 3)


def test_means_and_their_covariance_are_those_of_generalised_least_squares() -> None:
    curve = patchy()
    cells, lifts, tilts, y = columns(curve)
    across = X - X.mean()
    variance = np.eye(y.size) + LIFT / 7 * lifts @ lifts.T + TILT / np.sum(across**2) * tilts @ tilts.T
    weighted = np.linalg.solve(variance, cells)
    covariance = np.linalg.inv(cells.T @ weighted)
    np.testing.assert_allclose(levelled(curve, LIFT, TILT).mean, covariance @ weighted.T @ y, atol=1e-12)
    line = np.stack([np.ones(7), across / np.linalg.norm(across)], axis=1)
    project = np.linalg.solve(line.T @ (curve.count[:, None] * line), line.T * curve.count)
    expected = project @ (covariance - np.diag(1 / curve.count)) @ project.T
    np.testing.assert_allclose(seed_covariance(curve, LIFT, TILT), expected, atol=1e-12)


WIDTHS = np.array([64.0, 128.0, 256.0, 512.0, 1024.0])
PLACES = np.linspace(-1.5, 1.5, 9)
OPTIMA, LOWEST = 0.3 + 32 / WIDTHS, 1 + (WIDTHS / 64) ** -0.5


def sweep(seed: int, lift: float, tilt: float, missing: str = "") -> list[Curve]:
    """Four seeds at nine places of five widths; two near the optimum only, or one run a width not there."""
    rng = np.random.default_rng(seed)
    curves = []
    for width, place, low in zip(WIDTHS, OPTIMA, LOWEST, strict=True):
        runs = low + 0.2 * (PLACES[:, None] - place) ** 2 + 0.003 * rng.normal(size=(9, 4))
        runs += lift * rng.normal(size=4) + PLACES[:, None] * tilt * rng.normal(size=4)
        if missing == "one run":
            runs[0, 1] = np.nan
        elif missing:
            runs[np.abs(PLACES - 0.4) > 0.6, 2:] = np.nan
        curves.append(curve_of(runs, PLACES, width))
    return curves


@pytest.mark.parametrize("missing", ["one run", "far cells of two seeds"])
@pytest.mark.parametrize(("lift", "tilt"), [(0.03, 0.0), (0.0, 0.01)])
def test_errors_hold_lifts_and_tilts_where_runs_are_missing(lift: float, tilt: float, missing: str) -> None:
    values, positions = [], []
    for seed in range(12):
        optima = fit_optima(sweep(seed, lift, tilt, missing))
        assert optima is not None
        values.append((optima.value - LOWEST) / optima.value_error)
        positions.append((optima.position - OPTIMA) / optima.position_error)
    # 60 scores each; runs taken as independent give mean squares of 6 and more for what the block moves.
    assert 0.3 < np.mean(np.square(values)) < 2.2
    assert 0.2 < np.mean(np.square(positions)) < 2.2


def test_the_excess_found_is_that_put_in() -> None:
    """A lift of 0.03 has 9 * 100 times the variance of a run, 0.003^2, along the unit contrast."""
    for missing in ("", "one run", "far cells of two seeds"):
        found = [measure_noise(sweep(seed, 0.03, 0.0, missing)) for seed in range(40)]
        assert {noise.block_df for noise in found} == {15.0}
        # Each has 15 df: a mean of 40 has a relative standard error of sqrt(2/600) = 0.06.
        assert np.mean([noise.lift for noise in found]) == pytest.approx(900, rel=0.25)
