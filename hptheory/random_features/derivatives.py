"""Derivatives of the risk in the ridge (any order) and in eta = psi1/psi2, from series along the curve."""

from __future__ import annotations

from hptheory.random_features.curve import (
    Model,
    Number,
    Slacks,
    branch_determinant,
    fitted,
    ridge_on_curve,
    risk_on_curve,
)
from hptheory.random_features.series import Series


def series_along(s: Number, slack: Slacks, psi1: Number, mu1_sq: Number, q: Number, order: int) -> Slacks:
    """Return the slacks as series in the displacement of s, starting from their accurate values at s."""
    g = fitted(Series.variable(s, order), mu1_sq)
    return Slacks((psi1 * mu1_sq - g).with_constant(slack.sample), (1 - q * g).with_constant(slack.width))


def risk_ridge_derivative(s: Number, slack: Slacks, model: Model, q: Number, order: int) -> Number:
    """Return d^order risk / d ridge^order (order 1 or 2) at curve parameter s.

    Along the curve R = sum r_k x^k and ridge = sum l_k x^k, so that R' = r1/l1 and R'' = 2 (r2 - R' l2) /
    l1^2.
    """
    along = Series.variable(s, order)
    slack = series_along(s, slack, model.psi1, model.mu1_sq, q, order)
    risk, ridge = risk_on_curve(along, slack, *model, q), ridge_on_curve(along, slack)
    first = risk[1] / ridge[1]
    return first if order == 1 else 2 * (risk[2] - first * ridge[2]) / ridge[1] ** 2


def risk_eta_derivative(s: Number, slack: Slacks, model: Model, q: Number) -> Number:
    r"""Return d risk / d eta at fixed ridge, eta = psi1/psi2 = q P1.

    At fixed ridge s moves with q by ds/dq = (d ridge/dq) s^2 / D = -g delta s / D; the risk is then
    differentiated along that direction. At infinite width this is eq. (15), whose print is wrong.
    """
    psi1, mu1_sq = model.psi1, model.mu1_sq
    g = fitted(s, mu1_sq)
    per_eta = 1 / (psi1 * mu1_sq)
    ds = -g * slack.sample * s / branch_determinant(s, slack, mu1_sq, q) * per_eta
    along, q_along = Series([s, ds]), Series([q, per_eta])
    g_along = fitted(along, mu1_sq)
    moved = Slacks(
        (psi1 * mu1_sq - g_along).with_constant(slack.sample),
        (1 - q_along * g_along).with_constant(slack.width),
    )
    return risk_on_curve(along, moved, *model, q_along)[1]
