"""Where the first coefficients of the optimal ridge vanish: the surface, a curve on it, a point on that.

Everything is shown for all admissible parameters: signs by coefficients, zero sets by resultants, the point
in exact algebraic numbers. The formulas are `hptheory.random_features.exceptional`, the expansion is
`large_width`.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

from hptheory.random_features import exceptional
from hptheory.random_features.curve import Model
from hptheory.random_features.large_width import expand
from proofs_check.algebraic import AlgebraicNumber, enclosed_root, require_flint
from proofs_check.certificates import require_positive, require_zero
from proofs_check.claims import Refuted
from proofs_check.rational import generators

QUARTIC = (-2952, -5304, -3588, -790, 75)
"""The minimal polynomial of s at the exceptional point, lowest degree first."""

MU2_SQ_AT_POINT = ("14380631/5779401", "1404944/912537", "2448365/23117604", "-122275/7705868")
"""mu2^2 at the exceptional point as a polynomial in s, lowest degree first."""

WITNESSES = {
    2: (Fraction(2), Fraction(1, 20)),
    3: (Fraction(20), Fraction(1, 190)),
}
"""(s, mu2^2) of rational models, by the order of the first coefficient that they leave."""


def third_order_factor(s: Any, v: Any) -> Any:
    """Return N3(s, v), whose zeros on the curve are the zeros of the third coefficient."""
    return (
        v**4 * s**3 * (9 * s**5 + 54 * s**4 + 142 * s**3 + 204 * s**2 + 162 * s + 60)
        + v**3 * s**2 * (11 * s**5 + 61 * s**4 + 162 * s**3 + 252 * s**2 + 230 * s + 110)
        + v**2 * s * (-9 * s**4 - 25 * s**3 - 18 * s**2 + 18 * s + 50)
        + v * (-4 * s**4 - 13 * s**3 - 27 * s**2 - 34 * s + 4)
        + (4 * s**2 + 7 * s - 2)
    )


def model_on_surface(s: Any, v: Any, one: Any) -> Model:
    """Return the model with C_lambda = 0 at s, mu2^2 = v, with a linear teacher: noise_var = B/A.

    The optimal ridge depends on the teacher and the noise through B/A only.
    """
    psi1 = exceptional.surface_psi1(s, 1 - v)
    return Model(psi1, 1 - v, one, exceptional.noise_to_signal(s, psi1))


def sign_of_first_coefficient() -> str:
    """Check: C_lambda > 0 where a >= 0; where a < 0 its sign is that of surface_psi1 - psi1.

    The surface is admissible: psi1 and B/A are positive, and so is lambda*(inf).
    margin = psi1 t - s is positive because B is; b = a - (a - b) with a - b > 0.
    """
    s, r, margin, psi1, a_free = generators("s", "r", "margin", "psi1", "a_free")
    u, v, t = 1 / (1 + r), r / (1 + r), 1 + s
    a, b = exceptional.gap_polynomials(s, u)
    require_positive(a - b, "a > b")
    for value in (a_free, a_free * 0):  # a > 0 and a = 0
        numerator = (s + margin) * t * value - s**2 * (value - (a - b))
        require_positive(numerator, "C_lambda where a >= 0")

    on_surface = exceptional.surface_psi1(s, u)
    constant = exceptional.hyperparameter_gap_constant(s, psi1, u)
    require_zero(constant - a / (u * s * t) * (psi1 - on_surface) / psi1, "C_lambda as a factor times a")
    ratio = exceptional.noise_to_signal(s, on_surface)
    require_positive(-ratio * a, "B/A on the surface, where a < 0")
    terms = require_positive(-(u * ratio - v) * a, "lambda*(inf) on the surface, where a < 0")
    return f"C_lambda = 0 exactly at psi1 = s^2 b/(t^2 a), a < 0; lambda*(inf) > 0 there ({terms} terms)"


def range_of_surface() -> str:
    """Check: a < 0 somewhere exactly for mu1^2 > (2 + sqrt 2)/4; psi1 > (3 + 2 sqrt 3)/9 on the surface.

    a increases with v. At v = (2 - sqrt 2)/4 it is (s - sqrt 2)^2 times a positive quadratic. surface_psi1
    increases with v, too; at v = 0 it exceeds its bound by (s - (1 + sqrt 3)/2)^2 times a positive factor.
    """
    import sympy

    s, v, rest = sympy.symbols("s v rest", positive=True)
    a, b = exceptional.gap_polynomials(s, 1 - v)
    require_positive(sympy.diff(a, v), "a increases with v")
    root2, root3 = sympy.sqrt(2), sympy.sqrt(3)
    quotient, remainder = sympy.div(a.subs(v, (2 - root2) / 4), (s - root2) ** 2, s, extension=root2)
    if sympy.simplify(remainder) != 0:
        raise Refuted(f"a at v = (2 - sqrt 2)/4 has no double root at sqrt 2: remainder {remainder}")
    require_positive(quotient, "a/(s - sqrt 2)^2")

    a0, b0 = a.subs(v, 0), b.subs(v, 0)
    larger = sympy.expand(a * b0 - b * a0).subs(s, sympy.Rational(1, 2) + rest)  # |b||a0| - |b0||a|, s > 1/2
    require_positive(-larger, "surface_psi1 increases from v = 0")
    bound = (3 + 2 * root3) / 9
    excess = -(s**2) * b0 + bound * (1 + s) ** 2 * a0  # (surface_psi1 - bound) (1 + s)^2 |a0|
    quotient, remainder = sympy.div(sympy.expand(excess), (s - (1 + root3) / 2) ** 2, s, extension=root3)
    if sympy.simplify(remainder) != 0:
        raise Refuted(f"no double root at (1 + sqrt 3)/2: remainder {remainder}")
    require_positive(quotient, "excess of psi1 over its bound")
    return "the surface needs mu1^2 > (2 + sqrt 2)/4 and psi1 > (3 + 2 sqrt 3)/9, both sharp"


def expansion_on_surface() -> str:
    """Check the second and the third coefficient of the optimal ridge on the surface, for all (s, v)."""
    s, v = generators("s", "v")
    u, t = 1 - v, 1 + s
    h = u + v * t**2
    a, b = exceptional.gap_polynomials(s, u)
    _, first, second, third = expand(s, model_on_surface(s, v, s / s), 3).optimal_ridge
    expected = h**3 * a * exceptional.second_order_factor(s, u) / (u**3 * s**2 * t * b**2)
    if first != 0 or second != expected:
        raise Refuted("the first two coefficients on the surface are not 0 and h^3 a N/(mu1^6 s^2 t b^2)")
    if third != -3 * h**4 * a**2 * third_order_factor(s, v) / (2 * u**5 * s**4 * t * b**3):
        raise Refuted("the third coefficient on the surface is not -3 h^4 a^2 N3/(2 mu1^10 s^4 t b^3)")
    return "on the surface c2 = h^3 a N/(mu1^6 s^2 t b^2) and c3 = -3 h^4 a^2 N3/(2 mu1^10 s^4 t b^3)"


def zeros_on_curve() -> str:
    """Check: N = 0 is a graph v(s), with a < 0 exactly for s > (1 + 8 sqrt 85)/49; N3 = 0 at one such s only.

    N increases in v from -(s + 3) at v = 0 to 3 t^5 at v = 1. The resultants by v say where N and a, or N and
    N3, can vanish together; the sign of a along the graph is read off one rational point on each side.
    """
    import sympy

    flint = require_flint()
    x, y = sympy.symbols("s v", positive=True)
    factor = exceptional.second_order_factor(x, 1 - y)
    require_positive(sympy.diff(factor, y), "N increases with v")
    require_positive(-factor.subs(y, 0), "N < 0 at v = 0")
    require_zero(factor.subs(y, 1) - 3 * (1 + x) ** 5, "N at v = 1")

    s, v = flint.fmpz_mpoly_ctx.get(["s", "v"], "lex").gens()
    n, a = exceptional.second_order_factor(s, 1 - v), exceptional.gap_polynomials(s, 1 - v).a
    _require_resultant(n.resultant(a, "v"), 49 * s**2 - 2 * s - 111, s, "N and a")
    _require_resultant(n.resultant(third_order_factor(s, v), "v"), _quartic(s), s, "N and N3")
    for point, sign in (
        ((Fraction(41, 40), Fraction(560, 2747)), 1),
        ((Fraction(15, 7), Fraction(14, 135)), -1),
    ):
        on_graph = exceptional.second_order_factor(point[0], 1 - point[1]) == 0
        if not (on_graph and exceptional.gap_polynomials(point[0], 1 - point[1]).a * sign > 0):
            raise Refuted(f"(s, v) = {point}: not on the graph, or a has another sign")
    if (
        not 49 * Fraction(41, 40) ** 2 - 2 * Fraction(41, 40)
        < 111
        < 49 * Fraction(15, 7) ** 2 - 2 * Fraction(15, 7)
    ):
        raise Refuted("the two rational points are not on both sides")
    return "c2 = 0 on a curve, s > (1 + 8 sqrt 85)/49; c3 = 0 at one point of it, a root of the quartic"


def _quartic(s: Any) -> Any:
    return sum((c * s**k for k, c in enumerate(QUARTIC) if k), QUARTIC[0])


def _require_resultant(resultant: Any, factor: Any, s: Any, what: str) -> None:
    """Require that the resultant is the factor, times powers of s and s + 1, and has one positive root.

    The coefficients of the factor change sign once (Descartes).
    """
    _, factors = resultant.factor()
    others = [p for p, _ in factors if p not in (s, s + 1)]
    if others != [factor]:
        raise Refuted(f"the resultant of {what} has the factors {others}, not {factor}")
    signs = [c > 0 for c in factor.coeffs()]
    if sum(first != second for first, second in pairwise(signs)) != 1:
        raise Refuted(f"{factor} may have another number of positive roots than one")


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


def witness(order: int) -> str:
    """Check in fractions that this coefficient of the optimal ridge is the first one left at a witness."""
    s, v = WITNESSES[order]
    model = model_on_surface(s, v, Fraction(1))
    limit, *coefficients = expand(s, model, order).optimal_ridge
    if not (limit > 0 and model.noise_var > 0 and model.psi1 > 0):
        raise Refuted(f"{model} is not admissible")
    if any(coefficients[:-1]) or not coefficients[-1]:
        raise Refuted(f"coefficients of the optimal ridge at {model}: {coefficients}")
    shift = f"lambda* - {limit} = {coefficients[-1]} eta^{order} + ..."
    return f"psi1 = {model.psi1}, mu1^2 = {model.mu1_sq}, B/A = {model.noise_var}: {shift}"
