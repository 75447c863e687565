"""The noise of a run at each width, from the spread between seeds.

Seeds are blocks: with one seed, all learning rates see the same start and the same batches, so a seed may
lift or tilt its whole curve. These two contrasts are taken out of the noise of single cells; where they
exceed it, they are added to the errors of the optimum that they cause. Where a seed did not run every cell
of its width, `seed_blocks` finds them among the runs that are there.

Few seeds leave each width's own variance uncertain, so the widths lend each other strength: ln s^2 is fitted
by a line in ln width, and every width is shrunk towards the line as far as its own value is uncertain
(empirical Bayes: Smyth, SAGMB 3, 2004). Constant noise and noise falling as a power of width are both on the
line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.curves import Curve
from hptheory.transfer.seed_blocks import BlockSums, block_sums, is_incomplete

Floats = NDArray[np.float64]
FEWEST_CELLS = 4
"""A seed's lift and tilt are told from noise on at least so many cells."""
RESOLUTION = 1e-10
"""Least noise of a run, as a share of the loss."""
FEWEST_REPEATS = 6
EVIDENCE = 0.05
"""A block effect is believed at this p-value."""


@dataclass(frozen=True, eq=False)
class Noise:
    """Variance of a run per width, its total df and sums of squares per width, and the excess variance of
    seed lifts and tilts.

    `lift` and `tilt` are variances in units of the run's variance, of the coefficients of the unit contrasts
    1/sqrt(cells) and (x - mean x)/norm; 0 where they do not stand out. `block_df` is the df behind them.
    """

    variance: Floats
    df: float
    squares: Floats
    lift: float
    tilt: float
    block_df: float


def measure_noise(curves: Sequence[Curve]) -> Noise:
    """The noise of curves that have repeats."""
    from scipy.special import fdtrc

    parts = [_sums(curve) for curve in curves]
    residual, df = (np.array(column) for column in zip(*(part[:2] for part in parts), strict=True))
    residual = np.maximum(residual, df * least_variances(curves))
    variance = smooth_variances(np.array([curve.width for curve in curves]), residual, df)
    total = float(df.sum())
    # [lift, tilt] of each width
    squares, block_df, expected = (
        np.array([getattr(part[2], name) for part in parts]) for name in ("squares", "each_df", "expected")
    )
    blocks = block_df.sum(axis=0)

    def excess(effect: int) -> float:
        if blocks[effect] == 0 or not expected[:, effect].sum() > 0:
            return 0.0
        ratio = float(np.sum(squares[:, effect] / variance) / blocks[effect])
        if ratio <= 1 or fdtrc(blocks[effect], total, ratio) >= EVIDENCE:
            return 0.0
        return (ratio - 1.0) * float(blocks[effect] / expected[:, effect].sum())

    least = min((float(df) for df in blocks if df > 0), default=0.0)
    return Noise(variance, total, residual, excess(0), excess(1), least)


def least_variances(curves: Sequence[Curve]) -> Floats:
    """The least variance that is believed, per width: tables made by a formula have no noise at all."""
    sizes = [max(float(np.abs(curve.mean).max(initial=0.0)), 1e-100) for curve in curves]
    return (RESOLUTION * np.array(sizes)) ** 2


def has_repeats(curves: Sequence[Curve]) -> bool:
    """Whether there are runs enough of the same cell to judge the noise by."""
    return sum(int((curve.count - 1).sum()) for curve in curves) >= max(FEWEST_REPEATS, 2 * len(curves))


def rough_variance(curve: Curve) -> float:
    """Variance of a run where no cell was repeated, from third differences of the means, which no parabola
    has.

    The median makes it robust against a wall at the grid's end. On an uneven grid, or with fewer than 6
    cells, it errs to the large side; nan with fewer than 4.

    >>> x = np.linspace(-1.0, 1.0, 9)
    >>> rough_variance(Curve(64.0, x, x[:, None] ** 2, True, x, 0, 0 * x)) < 1e-30
    True
    """
    if curve.x.size < 4:
        return float("nan")
    # A third difference has variance 1 + 9 + 9 + 1; the median of a squared normal variable is 0.4549.
    return float(np.median(np.diff(curve.mean, 3) ** 2)) / 20.0 / 0.4549


def _sums(curve: Curve) -> tuple[float, float, BlockSums]:
    """Sum of squares between runs of a cell and its df, without lifts and tilts; and theirs."""
    plain = np.nansum(curve.runs, axis=1) / curve.count
    deviation = curve.runs - plain[:, None]
    total, df = float(np.nansum(deviation**2)), float((curve.count - 1).sum())
    cells, seeds = curve.runs.shape
    if not curve.blocks or cells < FEWEST_CELLS or seeds < 2:
        return total, df, BlockSums(0.0, 0.0, (0.0, 0.0), (0.0, 0.0), (0.0, 0.0))
    if is_incomplete(curve):
        sums = block_sums(curve)
    else:
        across, free = curve.x - curve.x.mean(), seeds - 1.0
        lift = float(np.sum(deviation.sum(axis=0) ** 2)) / cells
        tilt = float(np.sum((across @ deviation) ** 2) / np.sum(across**2))
        sums = BlockSums(lift + tilt, 2 * free, (lift, tilt), (free, free), (free, free))
    return total - sums.together, df - sums.df, sums


def smooth_variances(width: Floats, squares: Floats, df: Floats) -> Floats:
    """Variance per width, shrunk towards a line of ln variance in ln width.

    Formula: E ln s_k^2 = ln sigma_k^2 + digamma(df/2) - ln(df/2), with variance trigamma(df/2).
    *Laws*: a factor of the squares is a factor of the variances; fewer than 3 widths: one pooled variance.

    >>> ones = np.ones(3)
    >>> smooth_variances(np.array([1.0, 2.0, 4.0]), 1e2 * ones, 1e6 * ones).round(7).tolist()
    [0.0001, 0.0001, 0.0001]
    """
    from scipy.special import polygamma, psi

    own = (df > 0) & (squares > 0)
    if own.sum() < 3:
        total = squares.sum() / df.sum() if df.sum() > 0 else np.nan
        return np.full(width.size, total)
    log = np.log(squares[own] / df[own]) - psi(df[own] / 2) + np.log(df[own] / 2)
    error = polygamma(1, df[own] / 2)
    place = np.log(width) - np.log(width).mean()
    design = np.stack([np.ones(int(own.sum())), place[own]], axis=1)
    extra = 0.0
    for _ in range(5):
        weighted = design / (error + extra)[:, None]
        line = np.linalg.solve(weighted.T @ design, weighted.T @ log)
        residual = log - design @ line
        extra = max(0.0, float((residual**2).sum() / max(own.sum() - 2, 1) - error.mean()))
    smooth = np.exp(line[0] + line[1] * place)
    smooth[own] *= np.exp(residual * extra / (extra + error))
    return smooth
