"""Where the first coefficient of the optimal ridge vanishes: the surface, and two rational models on it.

Everything is shown for all admissible parameters: signs by coefficients, ranges by exact algebra. The
formulas are `hptheory.random_features.exceptional`; for the later coefficients see `exceptional_orders`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hptheory.random_features import exceptional
from hptheory.random_features.curve import Model
from hptheory.random_features.large_width import expand
from proofs_check.certificates import require_positive, require_zero
from proofs_check.claims import Refuted
from proofs_check.elimination import require_square_factor
from proofs_check.rational import generators

WITNESSES = {
    2: (Fraction(2), Fraction(1, 20)),
    3: (Fraction(20), Fraction(1, 190)),
}
"""(s, mu2^2) of rational models, by the order of the first coefficient that they leave."""


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

    s, v, rest, root = sympy.symbols("s v rest root", positive=True)
    a, b = exceptional.gap_polynomials(s, 1 - v)
    require_positive(sympy.diff(a, v), "a increases with v")
    at_bound = a.subs(v, (2 - root) / 4)
    require_square_factor(at_bound, s, root, 2, root, (Fraction(7, 5), Fraction(3, 2)), "a at the bound")

    a0, b0 = a.subs(v, 0), b.subs(v, 0)
    larger = sympy.expand(a * b0 - b * a0).subs(s, sympy.Rational(1, 2) + rest)  # |b||a0| - |b0||a|, s > 1/2
    require_positive(-larger, "surface_psi1 increases from v = 0")
    excess = -(s**2) * b0 + (3 + 2 * root) / 9 * (1 + s) ** 2 * a0  # (surface_psi1 - bound) (1 + s)^2 |a0|
    ends, centre = (Fraction(17, 10), Fraction(7, 4)), (1 + root) / 2
    require_square_factor(excess, s, root, 3, centre, ends, "the excess of psi1 over its bound")
    return "the surface needs mu1^2 > (2 + sqrt 2)/4 and psi1 > (3 + 2 sqrt 3)/9, both sharp"


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
