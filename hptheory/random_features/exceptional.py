r"""Where the optimal ridge stands still at first order in 1/width: C_lambda = 0, in operators only.

In the large-width expansion ridge*(psi2) = ridge*(inf) + C_lambda psi1/psi2 + ... the coefficient C_lambda
vanishes on a surface inside the admissible domain. Theory: 2512.22768, App. B.4, with the corrected (17) (see
the errata); the statements below are claims `exceptional-surface` to `exceptional-point` of `proofs_check`.

Notation as in `curve`: s is the curve's parameter at the optimum of infinite width, t = 1 + s, u = mu1_sq, v
= 1 - u.
"""

from __future__ import annotations

from typing import Any, NamedTuple

# A number of any kind that has operators: the formulas below ask for nothing else.
Number = Any


class GapPolynomials(NamedTuple):
    """The two polynomials that decide the sign of C_lambda."""

    a: Number
    """a(s, v) = v^2 s^2 (s^2 + 4 s + 6) + 6 s v + 1 - 2 s; C_lambda can vanish only where a < 0."""
    b: Number
    """b(s, v) = v^2 s^2 (s^2 + 2 s + 2) - 2 s^2 v - 2 s - 1, always below a."""


def gap_polynomials(s: Number, mu1_sq: Number) -> GapPolynomials:
    r"""Return (a, b) of the hyperparameter gap's first coefficient.

    .. math:: C_\lambda = \frac{\psi_1 t^2 a - s^2 b}{\psi_1 \mu_1^2\, s\, t^3}

    Source: replaces the closed form below (17), which does not follow from (9), (10).

    Laws: a > b; a < 0 needs s > 1/2 and mu1_sq > (2 + sqrt 2)/4.

    >>> gap_polynomials(2, 1)
    GapPolynomials(a=-3, b=-5)
    """
    v = 1 - mu1_sq
    a = v**2 * s**2 * (s**2 + 4 * s + 6) + 6 * s * v + 1 - 2 * s
    b = v**2 * s**2 * (s**2 + 2 * s + 2) - 2 * s**2 * v - 2 * s - 1
    return GapPolynomials(a, b)


def hyperparameter_gap_constant(s: Number, psi1: Number, mu1_sq: Number) -> Number:
    r"""Return C_lambda, the signed first coefficient of the optimal ridge in eta = psi1/psi2.

    .. math:: C_\lambda = \frac{\psi_1 t^2 a - s^2 b}{\psi_1 \mu_1^2\, s\, t^3}

    Laws: positive wherever a >= 0 and psi1 t > s; zero exactly on `surface_psi1`; negative beyond it.

    >>> from fractions import Fraction
    >>> u = Fraction(19, 20)
    >>> hyperparameter_gap_constant(2, surface_psi1(Fraction(2), u), u)
    Fraction(0, 1)
    """
    t = 1 + s
    a, b = gap_polynomials(s, mu1_sq)
    return (psi1 * t**2 * a - s**2 * b) / (psi1 * mu1_sq * s * t**3)


def surface_psi1(s: Number, mu1_sq: Number) -> Number:
    r"""Return the psi1 at which C_lambda = 0, for s and mu1_sq with a(s, v) < 0.

    .. math:: \psi_1 = \frac{s^2 b}{t^2 a}

    Laws: where a < 0 it is admissible: positive, with teacher and noise variances positive and ridge*(inf) >
    0; above (3 + 2 sqrt 3)/9. Where a >= 0 there is no such psi1 (the formula then breaks psi1 t > s).

    >>> surface_psi1(2, 1) == 20 / 27
    True
    """
    a, b = gap_polynomials(s, mu1_sq)
    return s**2 * b / ((1 + s) ** 2 * a)


def noise_to_signal(s: Number, psi1: Number) -> Number:
    r"""Return B/A = (1 - teacher_mu1_sq + noise_var)/teacher_mu1_sq of the model whose limit optimum lies at
    s.

    .. math:: \frac{B}{A} = \frac{\psi_1}{s} - \frac{1}{1+s}

    Source: the optimality condition above (12), with t* = 1 + s.

    Laws: strictly decreasing in s from infinity; positive exactly for psi1 (1 + s) > s.

    >>> noise_to_signal(1, 2)
    1.5
    """
    return psi1 / s - 1 / (1 + s)


def second_order_factor(s: Number, mu1_sq: Number) -> Number:
    r"""Return N(s, v), whose zeros on the surface are the zeros of the second coefficient too.

    On the surface ridge* = ridge*(inf) + c2 eta^2 + c3 eta^3 + ... with

    .. math:: c_2 = \frac{(\mu_1^2 + \mu_2^2 t^2)^3\, a\, N}{\mu_1^6\, s^2\, t\, b^2} .

    Laws: strictly increasing in v, from -(s + 3) at v = 0 to 3 (1 + s)^5 at v = 1.

    >>> from fractions import Fraction
    >>> second_order_factor(20, 1 - Fraction(1, 190))
    Fraction(0, 1)
    """
    v = 1 - mu1_sq
    cubic = s**2 * (3 * s**3 + 11 * s**2 + 15 * s + 9)
    quadratic = s * (4 * s**3 + 15 * s**2 + 21 * s + 16)
    return cubic * v**3 + quadratic * v**2 + 6 * v - s - 3
