"""Draws of the laws that a sweep allows: what estimation hands to the planner.

The draws are those of `curve_draws`: an exponent from its posterior, then limit and amplitude given it.
Exponents that the data leave open are spread over all that are looked at, so that a plan's interval shows the
doubt.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hptheory.errors import DomainError
from hptheory.transfer.curve_draws import LawDraws, draw_power_laws
from hptheory.transfer.exponents import PowerLaw
from hptheory.transfer.laws import TransferLaw
from hptheory.transfer.optimum import Optima

Floats = NDArray[np.float64]
LEAST_EXPONENT = 0.02
"""Exponents nearer to 0 are not drawn: n**-0 would leave no amplitude to fit."""


def draw_laws(
    optima: Optima, loss_law: PowerLaw, hp_law: PowerLaw, hp_radius: float, draws: int = 400, seed: int = 0
) -> TransferLaw:
    """Draws of (phi_inf, A, alpha), (nu_inf, B, beta) and tau, that of the largest width.

    Domain: at least 3 widths with an interior optimum, else `DomainError`. Errors of values and positions are
    drawn apart; their correlation, small at an optimum, is left out.

    *Laws*: the medians of the exponents lie within their intervals; the same seed gives the same draws.
    """
    if optima.width.size < 3:
        advice = "run more widths, or widen the grid so that the optimum is inside it"
        raise DomainError("widths with an interior optimum", optima.width.size, ">= 3", advice)
    rng = np.random.default_rng(seed)
    values, positions, _ = optima.blocks()

    def draw(law: PowerLaw, y: Floats, covariance: Floats, df: float, least: float) -> LawDraws:
        use = slice(law.left_out, None)
        errors = law.inflation * covariance[use, use]
        exponents = law.grid[(np.abs(law.grid) >= LEAST_EXPONENT) & (law.grid >= least)]
        return draw_power_laws(optima.width[use], y[use], errors, df, exponents, draws, rng)

    loss = draw(loss_law, optima.value, values, optima.df[0], LEAST_EXPONENT)
    place = draw(hp_law, optima.position, positions, optima.df[1], -np.inf)
    return TransferLaw(
        loss.limit,
        loss.amplitude,
        loss.exponent,
        place.limit,
        place.amplitude,
        place.exponent,
        optima.curvature[-1],
        hp_radius,
    )
