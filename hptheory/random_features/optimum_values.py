"""Optimal ridge and risk as values: with mpmath at one width, and for arrays of widths in floats."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hptheory.random_features.curve import Model, Number, Slacks, ridge_on_curve, risk_on_curve
from hptheory.random_features.evaluate import RATIOS, beyond_floats, outside
from hptheory.random_features.inverse import invert_mpmath
from hptheory.random_features.optimum import optimal_point, optimal_point_mpmath

# Below this fraction of P1 the sample slack has lost digits to cancellation, and mpmath takes over.
_CANCELLED = 1e-2


def optimum(psi2: Number, model: Model, negative_ridge: bool) -> tuple[Number, Number]:
    """Return (optimal ridge, optimal risk) at mpmath's working precision.

    Where the optimum of the whole branch has a negative ridge and only ridge >= 0 is allowed, the risk
    rises on ridge >= 0 (it is unimodal), so that the optimum is ridge 0.
    """
    import mpmath

    s, slack = optimal_point_mpmath(psi2, model)
    if slack.sample <= 0 and not negative_ridge:
        return mpmath.mpf(0), risk_at_zero(psi2, model)
    return ridge_on_curve(s, slack), risk_on_curve(s, slack, *model, 1 / (psi2 * model.mu1_sq))


def risk_at_zero(psi2: Number, model: Model) -> Number:
    """Return the risk of interpolation for psi1 < psi2, at mpmath's working precision."""
    import mpmath

    s, slack = invert_mpmath(mpmath.mpf(0), model.psi1, psi2, model.mu1_sq)
    return risk_on_curve(s, Slacks(mpmath.mpf(0), slack.width), *model, 1 / (psi2 * model.mu1_sq))


def optimum_on_widths(
    psi2: np.ndarray,
    model: Model,
    negative_ridge: bool,
    digits: Callable[[float], tuple[Number, ...]],
) -> tuple[np.ndarray, np.ndarray]:
    """Return (optimal ridge, optimal risk) for an array of widths, infinity included.

    ``digits(width)`` computes the two with mpmath; it is called once per width where float64 would overflow
    or lose digits to the cancellation of P1 - g (a ridge close to 0), and for infinite width; and where a
    negative ridge is wanted, as the determinant of the branch cancels there. Elsewhere they are those of the
    whole branch: the caller cuts negative ridges off where it wants none.
    """
    flat = psi2.ravel()
    ridge, risk = np.empty(flat.shape), np.empty(flat.shape)
    risky = ~np.isfinite(flat) | outside(flat, RATIOS) | beyond_floats(model)
    finite = ~risky
    if np.any(finite):
        s, slack, _ = optimal_point(flat[finite], model)
        ridge[finite] = ridge_on_curve(s, slack)
        with np.errstate(divide="ignore"):  # a determinant that cancels to 0 is risky, or cut off
            risk[finite] = risk_on_curve(s, slack, *model, 1 / (flat[finite] * model.mu1_sq))
        cancelled = slack.sample if negative_ridge else np.abs(slack.sample)
        risky[finite] = cancelled < _CANCELLED * model.psi1 * model.mu1_sq
    for width in np.unique(flat[risky]):
        here = flat == width
        ridge[here], risk[here] = map(float, digits(width))
    return ridge.reshape(psi2.shape), risk.reshape(psi2.shape)
