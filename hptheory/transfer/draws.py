"""Draws of the laws that a sweep allows: what estimation hands to the planner.

The exponent is drawn from its confidence distribution (the exact score of `exponents`), then limit and
amplitude from the Gaussian law that they have given the exponent. Exponents that the data leave open are
spread over all that are looked at, so that a plan's interval shows the doubt.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hptheory.errors import DomainError
from hptheory.transfer.exponents import PowerLaw
from hptheory.transfer.laws import TransferLaw
from hptheory.transfer.optimum import Optima

Floats = NDArray[np.float64]
LEAST_EXPONENT = 0.02
"""Laws with |exponent| below this are drawn with it: n**-0 would leave no amplitude to fit."""


def draw_laws(
    optima: Optima, loss_law: PowerLaw, hp_law: PowerLaw, hp_radius: float, draws: int = 400, seed: int = 0
) -> TransferLaw:
    """Draws of (phi_inf, A, alpha), (nu_inf, B, beta) and tau, that of the largest width.

    Domain: at least 3 widths with an interior optimum, else `DomainError`. Errors of values and positions are
    drawn apart; their correlation, small at an optimum, is left out.

    *Laws*: the medians of the exponents are the estimates; the same seed gives the same draws.
    """
    if optima.width.size < 3:
        advice = "run more widths, or widen the grid so that the optimum is inside it"
        raise DomainError("widths with an interior optimum", optima.width.size, ">= 3", advice)
    rng = np.random.default_rng(seed)
    values, positions, _ = optima.blocks()
    alpha, phi, a = _draw(optima.width, optima.value, values, loss_law, draws, rng, LEAST_EXPONENT)
    beta, nu, b = _draw(optima.width, optima.position, positions, hp_law, draws, rng, -np.inf)
    return TransferLaw(phi, a, alpha, nu, b, beta, max(float(optima.curvature[-1]), 1e-12), hp_radius)


def _draw(
    width: Floats,
    y: Floats,
    covariance: Floats,
    law: PowerLaw,
    draws: int,
    rng: np.random.Generator,
    least: float,
) -> tuple[Floats, Floats, Floats]:
    """Exponents, limits and amplitudes [draws] of y_n = limit + amplitude n**-exponent."""
    z = rng.standard_normal(draws)
    falling = np.minimum.accumulate(law.score)
    exponent = np.maximum(np.interp(-z, -falling, law.grid), least)
    small = np.abs(exponent) < LEAST_EXPONENT
    exponent = np.where(small, np.where(exponent < 0, -LEAST_EXPONENT, LEAST_EXPONENT), exponent)
    whiten = np.linalg.inv(np.linalg.cholesky(covariance))
    power = (width / law.scale)[None, :] ** -exponent[:, None]
    design = whiten @ np.stack([np.ones_like(power), power], axis=2)
    ortho, upper = np.linalg.qr(design)
    noisy = np.swapaxes(ortho, 1, 2) @ (whiten @ y)[:, None] + rng.standard_normal((draws, 2, 1))
    limit, amplitude = np.linalg.solve(upper, noisy)[..., 0].T
    return exponent, limit, amplitude * law.scale**exponent
