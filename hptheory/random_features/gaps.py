"""The gaps a_n, b_n, c_n of random-features regression, accurate relative to their own size at any width.

Theory: 2512.22768, Definition 1 and Theorem 3. The gaps are differences of numbers that agree in ever more
digits as the width grows (c_n falls like eta^2, or eta^4 on the exceptional surface); they are computed at
a working precision that grows until the difference itself is right.
"""

from __future__ import annotations

from hptheory.random_features.curve import Model, Number, risk_on_curve
from hptheory.random_features.inverse import invert_mpmath
from hptheory.random_features.optimum_values import optimum


def gaps(psi2: Number, model: Model, negative_ridge: bool) -> tuple[Number, Number, Number]:
    """Return (a_n, b_n, c_n) at mpmath's working precision, before any guard against cancellation."""
    import mpmath

    if mpmath.isinf(psi2):
        return (mpmath.mpf(0),) * 3
    ridge, risk = optimum(psi2, model, negative_ridge)
    limit_ridge, limit_risk = optimum(mpmath.inf, model, negative_ridge)
    s, slack = invert_mpmath(ridge, model.psi1, mpmath.inf, model.mu1_sq)
    transferred = risk_on_curve(s, slack, *model, mpmath.mpf(0))
    return abs(risk - limit_risk), abs(ridge - limit_ridge), transferred - limit_risk
