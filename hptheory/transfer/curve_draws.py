"""Draws of power laws through a few noisy points: y = limit + amplitude * u**-exponent.

For a given exponent the law is linear in its other two numbers. So the posterior is one-dimensional: a weight
for each exponent on a grid, and Student's distribution for the rest. It serves plans and predictions, which
need whole laws; intervals of exponents and the verdict rest on the exact test of ``exponents``, on no prior.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hptheory.errors import DomainError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LawDraws:
    """Draws of limit, amplitude and exponent, ``[draws]``."""

    limit: Floats
    amplitude: Floats
    exponent: Floats


def draw_power_laws(
    scale: Floats,
    y: Floats,
    covariance: Floats,
    df: float,
    exponents: Floats,
    draws: int,
    rng: np.random.Generator,
) -> LawDraws:
    """Posterior draws of the power law through ``y [points]`` at ``scale``, with errors of this covariance.

    The covariance is known up to a factor with ``df`` degrees of freedom; 0: not known at all. Given e,
    y = c + s q_e(u) with u = scale / scale_0 and q_e = (1 - u^-e)/e, so s is the slope against ln u at the
    first point. The prior is flat in c and s (scaled by the design, so that it prefers no e), and equal on
    each of ``exponents``::

        weight(e) ~ (df + chi2_e)^(-(df + points - 2)/2);   (c, s) given e: Student, df + points - 2

    Domain: at least 3 points (4 if df is 0) at rising positive scales; exponents rising, not 0; else
    ``DomainError``.

    *Laws*: noise-free points give back their law; a change of the unit of scale leaves the curves the same.

    >>> n = np.array([1.0, 2.0, 4.0, 8.0])
    >>> grid, rng = np.linspace(0.1, 2.0, 191), np.random.default_rng(0)
    >>> found = draw_power_laws(n, 0.5 + 0.3 / n, 1e-10 * np.eye(4), 100.0, grid, 50, rng)
    >>> bool(np.ptp(found.exponent) < 0.02 and abs(found.limit - 0.5).max() < 0.01)
    True
    """
    scale, y = np.asarray(scale, dtype=np.float64), np.asarray(y, dtype=np.float64)
    fewest = 3 if df > 0 else 4
    if scale.size < fewest or not (np.diff(scale) > 0).all() or scale[0] <= 0:
        raise DomainError("scale", scale.tolist(), f"at least {fewest} rising positive numbers")
    if not ((exponents != 0).all() and (np.diff(exponents) > 0).all()):
        raise DomainError("exponents", exponents.tolist(), "rising and different from 0")
    whiten = np.linalg.inv(np.linalg.cholesky(covariance))
    u, e = scale / scale[0], exponents[:, None]
    design = np.stack([np.ones((exponents.size, u.size)), -np.expm1(-e * np.log(u)) / e], axis=2)
    ortho, upper = np.linalg.qr(whiten @ design)  # [exponents, points, 2], [exponents, 2, 2]
    target = whiten @ y
    inside = np.swapaxes(ortho, 1, 2) @ target
    chi2 = np.sum((target - np.einsum("eij,ej->ei", ortho, inside)) ** 2, axis=1)
    freedom = df + u.size - 2
    least = max(df + chi2.min(), 1e-24 * float(target @ target))  # of points that lie on a law exactly
    weight = (1 + (chi2 - chi2.min()) / least) ** (-freedom / 2) * np.gradient(exponents)
    chosen = rng.choice(exponents.size, size=draws, p=weight / weight.sum())
    factor = np.sqrt((df + chi2[chosen]) / rng.chisquare(freedom, size=draws))
    noisy = inside[chosen] + factor[:, None] * rng.standard_normal((draws, 2))
    level, slope = np.linalg.solve(upper[chosen], noisy[..., None])[..., 0].T
    exponent = exponents[chosen]
    return LawDraws(
        limit=level + slope / exponent, amplitude=-slope / exponent * scale[0] ** exponent, exponent=exponent
    )
