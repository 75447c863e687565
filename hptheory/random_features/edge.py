"""The edge of the spectrum: the (zero or negative) ridge at which the physical branch ends."""

from __future__ import annotations

from hptheory.random_features.curve import Number, branch_determinant, ridge_on_curve, slacks
from hptheory.random_features.inverse import invert_mpmath


def ridge_edge(psi1: Number, psi2: Number, mu1_sq: Number) -> Number:
    r"""Return the lowest ridge of the physical branch, for mpmath numbers at the working precision.

    There d ridge/ds = 0 (`curve.branch_determinant` vanishes) and the risk diverges: -edge is the lower edge
    of the limiting spectrum of K, or of F^T F/n where that is the smaller matrix. For psi2 = inf and psi1 >=
    1 the branch ends at s = inf instead, with ridge = -mu2^2 and, for psi1 > 1, a finite risk. The edge is 0
    exactly for psi1 = psi2.

    Laws: edge * psi2 is symmetric in psi1 and psi2; at infinite width it is that of Marchenko and Pastur,
    -(mu2^2 + mu1^2 (1 - sqrt(psi1))^2) for psi1 < 1.

    >>> from mpmath import inf, mpf
    >>> print(ridge_edge(mpf(4), inf, mpf("0.25")))
    -0.75
    >>> abs(ridge_edge(mpf("0.25"), inf, mpf("0.25")) + mpf("0.75") + mpf("0.25") * mpf("0.5") ** 2) < 1e-14
    True
    """
    import mpmath

    if psi1 == psi2:
        return mpmath.mpf(0)
    if mpmath.isinf(psi2) and psi1 >= 1:
        return mu1_sq - 1
    if psi2 < psi1:
        return ridge_edge(psi2, psi1, mu1_sq) * psi1 / psi2
    q = 1 / (psi2 * mu1_sq)

    def determinant(log_s: Number) -> Number:
        s = mpmath.exp(log_s)
        return branch_determinant(s, slacks(s, psi1, mu1_sq, q), mu1_sq, q)

    # For psi1 next to psi2 the determinant at ridge 0 is a difference of nearly equal numbers: more digits.
    with mpmath.extradps(mpmath.mp.dps + 20):
        low = mpmath.log(invert_mpmath(mpmath.mpf(0), psi1, psi2, mu1_sq)[0])
        high = low + 1
        while determinant(high) > 0:
            high += 1
        s = mpmath.exp(mpmath.findroot(determinant, (low, high), solver="illinois", verify=False))
        edge = ridge_on_curve(s, slacks(s, psi1, mu1_sq, q))
    return +edge
