"""The edge of the spectrum: the (zero or negative) ridge at which the physical branch ends."""

from __future__ import annotations

import math

from hptheory.random_features.curve import Number, branch_determinant, ridge_on_curve, slacks
from hptheory.random_features.inverse import invert_mpmath

_WORKING_DIGITS = 50


def ridge_edge(psi1: float, psi2: float, mu1_sq: float) -> float:
    r"""Return the lowest ridge of the physical branch: minus the smallest eigenvalue of K on its range.

    There d ridge/ds = 0 and the risk diverges (for psi2 = inf and psi1 >= 1 the branch ends at s = inf
    instead, with ridge = -mu2^2 and a finite risk). The edge is 0 exactly for psi1 = psi2.

    Law: edge * psi2 is symmetric in psi1 and psi2.

    >>> ridge_edge(4.0, math.inf, 0.25)
    -0.75
    >>> bool(abs(ridge_edge(0.25, math.inf, 0.25) - (-(0.75 + 0.25 * (1 - 0.5) ** 2))) < 1e-9)
    True
    """
    import mpmath

    if psi1 == psi2:
        return 0.0
    if math.isinf(psi2) and psi1 >= 1:
        return -(1 - mu1_sq)
    if psi2 < psi1:
        return ridge_edge(psi2, psi1, mu1_sq) * psi1 / psi2
    # For psi1 next to psi2 the determinant at ridge 0 is a difference of nearly equal numbers.
    with mpmath.workdps(_WORKING_DIGITS):
        samples, features, u = mpmath.mpf(psi1), mpmath.mpf(psi2), mpmath.mpf(mu1_sq)
        q = 1 / (features * u)

        def determinant(log_s: Number) -> Number:
            s = mpmath.exp(log_s)
            return branch_determinant(s, slacks(s, samples, u, q), u, q)

        low = mpmath.log(invert_mpmath(mpmath.mpf(0), samples, features, u)[0])
        high = low + 1
        while determinant(high) > 0:
            high += 1
        s = mpmath.exp(mpmath.findroot(determinant, (low, high), solver="illinois", verify=False))
        return float(ridge_on_curve(s, slacks(s, samples, u, q)))
