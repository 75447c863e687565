"""The noise of a single run at each width, from the spread between seeds.

Few seeds leave each width's own variance uncertain, so the widths lend each other strength: ln s^2 is fitted
by a line in ln width, and every width is shrunk towards the line as far as its own value is uncertain
(empirical Bayes, as in limma: Smyth, SAGMB 3, 2004). Constant noise and noise falling as a power of width are
both on the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.curves import Curve

Floats = NDArray[np.float64]


def pure_error(curves: Sequence[Curve]) -> tuple[Floats, Floats]:
    """Sum of squares between seeds, and its degrees of freedom, per width."""
    squares = np.array([curve.squares.sum() for curve in curves])
    return squares, np.array([float((curve.count - 1).sum()) for curve in curves])


def with_variance(curves: Sequence[Curve], squares: Floats, df: Floats) -> tuple[list[Curve], float]:
    """The curves with the variance of a run filled in from these sums of squares, and the total df."""
    variance = smooth_variances(np.array([curve.width for curve in curves]), squares, df)
    filled = [replace(c, variance=np.full(c.x.size, v)) for c, v in zip(curves, variance, strict=True)]
    return filled, float(df.sum())


def smooth_variances(width: Floats, squares: Floats, df: Floats) -> Floats:
    """Variance per width, shrunk towards a line of ln variance in ln width.

    Formula: E ln s_k^2 = ln sigma_k^2 + digamma(df/2) - ln(df/2), with variance trigamma(df/2).
    *Laws*: a constant factor of the squares is a factor of the variances; one width: its own estimate.

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
    centre = np.log(width).mean()
    design = np.stack([np.ones(int(own.sum())), np.log(width[own]) - centre], axis=1)
    extra = 0.0
    for _ in range(5):
        weight = 1.0 / (error + extra)
        normal = np.linalg.inv((design * weight[:, None]).T @ design)
        line = normal @ (design * weight[:, None]).T @ log
        residual = log - design @ line
        spare = max(own.sum() - 2, 1)
        extra = max(0.0, float((residual**2).sum() / spare - error.mean()))
    smooth = np.exp(line[0] + line[1] * (np.log(width) - centre))
    shrunk = smooth.copy()
    shrunk[own] = np.exp(design @ line + residual * extra / (extra + error))
    return shrunk
