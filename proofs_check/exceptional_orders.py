"""Where the coefficients after the first vanish, on the exceptional surface: a curve on it, a point on that.

On the surface c2 vanishes where N(s, v) does, v = mu2^2, and c3 where N3 does. Zero sets are found by
resultants with their cofactors, and counted by Sturm chains; at the point, where v is a polynomial in s, all
that remains are polynomials in one variable s, on a short interval around the root of a quartic.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from hptheory.random_features import exceptional
from hptheory.random_features.large_width import expand
from proofs_check.algebraic import AlgebraicNumber, enclosed_root, require_flint
from proofs_check.certificates import require_point, require_positive, require_zero, require_zeros
from proofs_check.claims import Refuted
from proofs_check.elimination import require_one_root, require_resultant
from proofs_check.exceptional import model_on_surface
from proofs_check.rational import generators
from proofs_check.regions import require_positive_on
from proofs_check.taylor import require_expansion

QUARTIC = (-2952, -5304, -3588, -790, 75)
"""The minimal polynomial of s at the exceptional point, lowest degree first."""

MU2_SQ_AT_POINT = ("14380631/5779401", "1404944/912537", "2448365/23117604", "-122275/7705868")
"""mu2^2 at the exceptional point as a polynomial in s, lowest degree first."""

BORDER = (-111, -2, 49)
"""The polynomial of s where the curve N = 0 meets a = 0, lowest degree first."""

ON_THE_CURVE = (
    (Fraction(41, 40), Fraction(560, 2747)),
    (Fraction(15, 7), Fraction(14, 135)),
)
"""Two rational points (s, v) with N = 0, below and above the positive root of `BORDER`."""


def third_order_factor(s: Any, v: Any) -> Any:
    """Return N3(s, v), whose zeros on the curve are the zeros of the third coefficient."""
    return (
        v**4 * s**3 * (9 * s**5 + 54 * s**4 + 142 * s**3 + 204 * s**2 + 162 * s + 60)
        + v**3 * s**2 * (11 * s**5 + 61 * s**4 + 162 * s**3 + 252 * s**2 + 230 * s + 110)
        + v**2 * s * (-9 * s**4 - 25 * s**3 - 18 * s**2 + 18 * s + 50)
        + v * (-4 * s**4 - 13 * s**3 - 27 * s**2 - 34 * s + 4)
        + (4 * s**2 + 7 * s - 2)
    )


def expansion_on_surface() -> str:
    """Check the second and the third coefficient of the optimal ridge on the surface, for all (s, v)."""
    x, eta, s, psi1, v = generators("x", "eta", "s", "psi1", "v")
    u, t = 1 - v, 1 + s
    h = u + v * t**2
    a, b = exceptional.gap_polynomials(s, u)
    second = h**3 * a * exceptional.second_order_factor(s, u) / (u**3 * s**2 * t * b**2)
    third = -3 * h**4 * a**2 * third_order_factor(s, v) / (2 * u**5 * s**4 * t * b**3)
    surface, expected = exceptional.surface_psi1(s, u), {1: s * 0, 2: second, 3: third}
    require_expansion((x, eta, s, psi1, u), expected, "c1, c2, c3 on the surface", surface)
    return "on the surface c2 = h^3 a N/(mu1^6 s^2 t b^2) and c3 = -3 h^4 a^2 N3/(2 mu1^10 s^4 t b^3)"


def zeros_on_curve() -> str:
    """Check: N = 0 is a graph v(s), with a < 0 exactly for s > (1 + 8 sqrt 85)/49; N3 = 0 at one such s only.

    N increases in v from -(s + 3) at v = 0 to 3 t^5 at v = 1. By resultants N and a vanish together only
    where 49 s^2 - 2 s - 111 does, N and N3 only where the quartic does: at one s > 0 each. The sign of a
    along the graph is read off one rational point on each side.
    """
    import sympy

    s, v = sympy.symbols("s v", positive=True)
    factor, a = exceptional.second_order_factor(s, 1 - v), exceptional.gap_polynomials(s, 1 - v).a
    require_positive(sympy.diff(factor, v), "N increases with v")
    require_positive(-factor.subs(v, 0), "N < 0 at v = 0")
    require_zero(factor.subs(v, 1) - 3 * (1 + s) ** 5, "N at v = 1")
    for other, coefficients, names in (
        (a, BORDER, "N and a"),
        (third_order_factor(s, v), QUARTIC, "N and N3"),
    ):
        require_resultant(factor, other, v, s, polynomial(coefficients, s), names)
        require_one_root(coefficients, Fraction(0), None, f"what {names} have in common")
    steps = [["N", str(factor)], ["a", str(a)], ["border", str(polynomial(BORDER, s))]]
    for point, conditions in zip(
        ON_THE_CURVE, (["border < 0", "a > 0"], ["border > 0", "a < 0"]), strict=True
    ):
        place = dict(zip(("s", "v"), point, strict=True))
        require_point("the sign of a on this side", place, ["N == 0", *conditions], steps)
    return "c2 = 0 on a curve, s > (1 + 8 sqrt 85)/49; c3 = 0 at one point of it, a root of the quartic"


def fourth_order_at_point() -> str:
    """Check: at a root of the quartic N = N3 = 0, 0 < v < 1 and a < 0; there the fourth coefficient is not 0.

    v is a polynomial V(s) there, and N(s, V), N3(s, V) are multiples of the quartic. On the surface c4 = h^4
    a^3 N4/(4 mu1^14 s^6 t b^4) with a polynomial N4, negative at V on an interval around the root.
    """
    x, eta, s, psi1, v = generators("x", "eta", "s", "psi1", "v")
    u, t = 1 - v, 1 + s
    h, (a, b) = u + v * t**2, exceptional.gap_polynomials(s, u)
    surface = exceptional.surface_psi1(s, u)
    outer = h**4 * a**3 / (4 * u**7 * s**6 * t * b**4)
    *_, fourth = require_expansion(
        (x, eta, s, psi1, u),
        {1: s * 0, 4: lambda c4: outer * (c4 / outer).without_history()},
        "c1, ..., c4 on the surface",
        surface,
    )
    factor = (fourth / outer).without_history()

    quartic = polynomial(QUARTIC, s)
    place = polynomial([Fraction(c) for c in MU2_SQ_AT_POINT], s)
    for value, name in (
        (exceptional.second_order_factor(s, 1 - place), "N"),
        (third_order_factor(s, place), "N3"),
    ):
        multiple = (value / quartic).without_history()
        if not multiple.denom.is_constant():
            raise Refuted(f"{name} does not vanish at the point")
        require_zeros([value - quartic * multiple], f"{name} at the point is a multiple of the quartic")
    low, high = around_the_root()
    require_one_root(QUARTIC, low, high, "the quartic")
    for value, name in (
        (place, "v > 0"),
        (1 - place, "v < 1"),
        (-exceptional.gap_polynomials(s, 1 - place).a, "a < 0"),
        (-factor.substitute("v", place), "N4 < 0"),
    ):
        require_positive_on({"s": (low, high)}, value, f"{name} at the point")
    return "at the exceptional point c1 = c2 = c3 = 0, and c4 > 0"


def polynomial(coefficients: Sequence[Fraction | int], s: Any) -> Any:
    """A polynomial of one variable, lowest degree first."""
    return sum((c * s**k for k, c in enumerate(coefficients)), 0 * s)


def around_the_root() -> tuple[Fraction, Fraction]:
    """Two rational numbers, 10^-6 apart, between which the quartic has its positive root."""
    root = enclosed_root(list(QUARTIC), Fraction(14), Fraction(15))
    low = Fraction(int(float(root.mid()) * 10**6), 10**6)
    return low, low + Fraction(1, 10**6)


def exceptional_point() -> tuple[AlgebraicNumber, AlgebraicNumber]:
    """Return (s, mu2^2) of the exceptional point, exactly."""
    flint = require_flint()
    modulus = flint.fmpq_poly(list(QUARTIC))
    s = AlgebraicNumber(flint.fmpq_poly([0, 1]), modulus)
    v = AlgebraicNumber(
        flint.fmpq_poly([flint.fmpq(*map(int, c.split("/"))) for c in MU2_SQ_AT_POINT]), modulus
    )
    return s, v


def order_at_point() -> str:
    """Check in exact algebraic numbers: at the point, coefficients 1 to 3 vanish and the fourth does not."""
    s, v = exceptional_point()
    root = enclosed_root(list(QUARTIC), Fraction(14), Fraction(15))
    if not (exceptional.second_order_factor(s, 1 - v) == 0 == third_order_factor(s, v)):
        raise Refuted("N or N3 does not vanish at the point")
    if not 0 < v.enclose(root) < 1 or not exceptional.gap_polynomials(s, 1 - v).a.enclose(root) < 0:
        raise Refuted("the point does not lie on the surface")
    limit, *coefficients = expand(s, model_on_surface(s, v, s / s), 4).optimal_ridge
    if [c == 0 for c in coefficients] != [True, True, True, False] or not limit.enclose(root) > 0:
        raise Refuted(f"coefficients at the point: {coefficients}")
    return (
        f"at s = {root.str(8)}, mu2^2 = {v.enclose(root).str(8)}: coefficients 1 to 3 are 0, "
        f"the fourth is {coefficients[3].enclose(root).str(8)}"
    )
