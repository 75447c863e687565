"""Theorem 3 of 2512.22768 where nothing is left to regularise: a linear teacher and no noise.

Assumption 2 admits it (B = mu2*^2 + sigma_eps^2 = 0, psi1 > 1). The limit of the optimal ridge is then the
edge of the spectrum, -mu2^2, and it is approached at half the order.
"""

from __future__ import annotations

from fractions import Fraction

import mpmath as mp

from hptheory.random_features import curve
from proofs_check.certificates import require_point, require_zero
from proofs_check.claims import Refuted
from proofs_check.implicit import DIGITS, STEP_LAM, Parameters, difference, number, risk
from proofs_check.rational import RationalFunction, generators

PSI1, MU1_SQ, ROOT = Fraction(4), Fraction(1, 2), Fraction(2)
"""A witness for which the root k of the leading equation is rational."""


def theorem_3_without_noise() -> str:
    """Refute by exact leading terms for A = 1, B = 0, psi1 > 1: b_n ~ psi2^(-1/2), c_n ~ psi2^-1.

    With s = 1/x and q = k x^2, x^3 (fall - rise) = u (psi1 - 1) - 2 v^2 k - v^3 k^2 + O(x): a simple root k >
    0, so that s* is of order psi2^(1/2). Then lambda* - lambda*(inf) = (u (psi1 - 1) + v^2 k) x + ..., of
    order psi2^(-1/2), and R_inf at that ridge is of order x^2, as R* is
    (k = 0 in the same formulas is infinite width).
    """
    x, k = generators("x", "k")
    s, q, u, v = 1 / x, k * x**2, MU1_SQ, 1 - MU1_SQ
    slack, model = curve.slacks(s, PSI1, u, q), curve.Model(PSI1, u, 1, 0)
    fall, rise = curve.stationarity(s, slack, *model, q)
    equation = u * (PSI1 - 1) - 2 * v**2 * k - v**3 * k**2
    _require_limit(x**3 * (fall - rise), equation, "stationarity")
    _require_limit((curve.ridge_on_curve(s, slack) + v) / x, u * (PSI1 - 1) + v**2 * k, "ridge")
    risk_constant = PSI1 * u * (1 + k * v) / (u * (PSI1 - 1) - k * v**2)
    _require_limit(curve.risk_on_curve(s, slack, *model, q) / x**2, risk_constant, "risk")
    leading = [["v", "1 - u"], ["equation", "u*(psi1 - 1) - 2*v**2*k - v**3*k**2"]]
    try:
        require_point(
            "a simple root k > 0, with a ridge and a risk that move at first order in x",
            {"psi1": PSI1, "u": MU1_SQ, "k": ROOT},
            ["equation == 0", "k > 0", "D(equation, k) != 0", "u*(psi1 - 1) + v**2*k > 0", "psi1*u > 0"],
            leading,
        )
    except Refuted as error:
        raise ValueError(f"k = {ROOT} is not the root of the leading equation: {error}") from None
    _confirm()
    raise Refuted(
        f"linear teacher, no noise (B = 0), psi1 = {PSI1}, mu1^2 = {MU1_SQ}: "
        "b_n ~ psi2^(-1/2), and c_n ~ psi2^-1, of the order of a_n"
    )


def _require_limit(function: RationalFunction, expected: RationalFunction, what: str) -> None:
    """Require that the function tends to `expected` as x -> 0."""
    difference = (function - expected).at("x", 0)
    if difference != 0:
        raise ValueError(f"{what}: leading term is not {expected}")
    require_zero(difference, f"{what}, less its leading term, at x = 0")


def _confirm() -> None:
    """Confirm by solutions of (9), (10) that the optimum is where it is claimed, to 1 % at eta = 1e-12."""
    model = Parameters(PSI1, MU1_SQ, Fraction(1), Fraction(0))
    with mp.workdps(DIGITS):
        eta = mp.mpf(10) ** -12
        u, v = number(MU1_SQ), 1 - number(MU1_SQ)
        x = mp.sqrt(eta / (number(PSI1) * u * number(ROOT)))  # q = eta/(psi1 u) = k x^2
        shift = (u * (number(PSI1) - 1) + v**2 * number(ROOT)) * x
        slopes = [
            difference(lambda lam: risk(model, lam, eta), -v + shift * part / 100, STEP_LAM)
            for part in (99, 101)
        ]
    if not slopes[0] < 0 < slopes[1]:
        raise ValueError(f"the risk has the slopes {slopes} around the claimed optimum")
