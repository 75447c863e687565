"""The gaps a_n, b_n, c_n of random-features regression, accurate relative to their own size at any width.

Theory: 2512.22768, Definition 1 and Theorem 3. The gaps are differences of numbers that agree in ever more
digits as the width grows (c_n falls like eta^2, or eta^4 on the exceptional surface); they are computed at
a working precision that grows until the difference itself is right.
"""

from __future__ import annotations

from typing import Any

from hptheory.random_features.curve import Model, Slacks, ridge_on_curve, risk_on_curve
from hptheory.random_features.inverse import invert_mpmath
from hptheory.random_features.optimum import optimal_point_mpmath

Number = Any


def optimum(psi2: Number, model: Model, negative_ridge: bool) -> tuple[Number, Number]:
    """Return (optimal ridge, optimal risk) at mpmath's working precision.

    Where the optimum of the whole branch has a negative ridge and only ridge >= 0 is allowed, the risk
    rises on ridge >= 0 (it is unimodal), so that the optimum is ridge 0.
    """
    import mpmath

    s, slack = optimal_point_mpmath(psi2, model)
    q = 1 / (psi2 * model[1])
    if slack.sample <= 0 and not negative_ridge:
        s, slack = invert_mpmath(mpmath.mpf(0), model[0], psi2, model[1])
        return mpmath.mpf(0), risk_on_curve(s, Slacks(mpmath.mpf(0), slack.width), *model, q)
    return ridge_on_curve(s, slack), risk_on_curve(s, slack, *model, q)


def gaps(psi2: Number, model: Model, negative_ridge: bool) -> tuple[Number, Number, Number]:
    """Return (a_n, b_n, c_n) at mpmath's working precision, before any guard against cancellation."""
    import mpmath

    ridge, risk = optimum(psi2, model, negative_ridge)
    limit_ridge, limit_risk = optimum(mpmath.inf, model, negative_ridge)
    s, slack = invert_mpmath(ridge, model[0], mpmath.inf, model[1])
    transferred = risk_on_curve(s, slack, *model, mpmath.mpf(0))
    return abs(risk - limit_risk), abs(ridge - limit_ridge), transferred - limit_risk
