"""The numerical route: (9), (10) solved as printed, differentiated implicitly or by difference quotients.

Nothing here knows the rational curve. At eta = 0 the equations are one quadratic (Marchenko-Pastur); from
there Newton's method follows the solution to any eta. Derivatives by lambda of m1, m2 come from the linear
system that (9), (10) give; all others are central differences at `DIGITS` digits, where their error is below
`TOLERANCE`.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import mpmath as mp

from proofs_check.formulas import parse

EQUATION_9 = "(m1 - m2)*(v*m1 + u*m2)/psi1 + u*m1*m2*(lam*m1 - 1)"
EQUATION_10 = "psi2/psi1*(u*m1*m2 + (m2 - m1)/psi1) + u*m1*m2*(lam*m1 - 1)"
"""The left-hand sides of (9) and (10), z = lam, as printed."""

DIGITS = 120
STEP_LAM, STEP_ETA = mp.mpf(10) ** -30, mp.mpf(10) ** -18
"""Steps of the central differences: their errors are of order 1e-60 and 1e-36 times a third derivative;
rounding costs 1e-120/1e-30/1e-18 at worst. The step in eta is the larger one as it is taken last."""
TOLERANCE = mp.mpf(10) ** -25


class Parameters(NamedTuple):
    """A model, by exact numbers: A = mu1*^2 and B = mu2*^2 + sigma_eps^2."""

    psi1: Fraction
    mu1_sq: Fraction
    A: Fraction
    B: Fraction


class Transforms(NamedTuple):
    """m1, m2 and their derivatives by lambda."""

    m1: Any
    m2: Any
    dm1: Any
    dm2: Any


class NoSolutionError(ArithmeticError):
    """Newton's method left the positive solutions of (9), (10)."""


def number(value: Fraction | int | str | mp.mpf) -> mp.mpf:
    """Return an mpmath number at the working precision."""
    value = Fraction(value) if isinstance(value, str) else value
    return mp.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else mp.mpf(value)


def transforms(model: Parameters, lam: mp.mpf, eta: mp.mpf) -> Transforms:
    """Return m1, m2 > 0 of (9), (10) and their slopes; eta = psi1/psi2, of either sign when it is tiny."""
    psi1, u = number(model.psi1), number(model.mu1_sq)
    m1, m2 = _follow(psi1, u, lam, eta)
    at = (m1, m2, lam, eta, psi1, u, 1 - u)
    dm1, dm2 = _solve(_compiled().jacobian(*at), _compiled().by_lam(*at))
    return Transforms(m1, m2, -dm1, -dm2)


def risk(model: Parameters, lam: mp.mpf, eta: mp.mpf) -> mp.mpf:
    """Return R = -(B m1' + A m2')/m1^2, as the paper defines it."""
    m1, _, dm1, dm2 = transforms(model, lam, eta)
    return -(number(model.B) * dm1 + number(model.A) * dm2) / m1**2


def optimal_ridge(model: Parameters, eta: mp.mpf) -> mp.mpf:
    """Return a ridge > 0 where dR/dlambda = 0: bisected between 1e-6 and 1e6, then Newton's secants."""

    def slope(lam: mp.mpf) -> mp.mpf:
        return difference(lambda x: risk(model, x, eta), lam, STEP_LAM)

    low, high = mp.mpf(10) ** -6, mp.mpf(10) ** 6
    if not slope(low) < 0 < slope(high):
        raise NoSolutionError(f"no optimal ridge between {low} and {high} for {model} at eta = {eta}")
    while high > 2 * low:
        middle = mp.sqrt(low * high)
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return mp.findroot(slope, (low, high), solver="secant", tol=mp.mpf(10) ** -110)


def difference(function: Callable[[mp.mpf], mp.mpf], at: mp.mpf, step: mp.mpf) -> mp.mpf:
    """Return the central difference quotient of a function."""
    return (function(at + step) - function(at - step)) / (2 * step)


class _Compiled(NamedTuple):
    residual: Callable[..., Any]
    jacobian: Callable[..., Any]
    by_lam: Callable[..., Any]


@lru_cache(maxsize=1)
def _compiled() -> _Compiled:
    """(9) and eta times (10), so that eta = 0 is no special case, with their derivatives, for mpmath."""
    import sympy

    names = m1, m2, lam, eta, psi1, _, _, psi2 = sympy.symbols("m1 m2 lam eta psi1 u v psi2")
    rows = [parse(EQUATION_9), sympy.expand(eta * parse(EQUATION_10).subs(psi2, psi1 / eta))]

    def compile_mp(formulas: Any) -> Callable[..., Any]:
        return sympy.lambdify(names[:-1], formulas, modules="mpmath")

    return _Compiled(
        compile_mp(rows),
        compile_mp([[row.diff(m1), row.diff(m2)] for row in rows]),
        compile_mp([row.diff(lam) for row in rows]),
    )


def _marchenko_pastur(psi1: mp.mpf, u: mp.mpf, lam: mp.mpf) -> tuple[mp.mpf, mp.mpf]:
    """Return the positive solution of T1 = T2 = 0: a u psi1 m1^2 + (a + u - u psi1) m1 = 1, a = lam + v."""
    a = lam + 1 - u
    b = a + u - u * psi1
    m1 = 2 / (b + mp.sqrt(b**2 + 4 * a * u * psi1))
    return m1, m1 / (1 + u * psi1 * m1)


def _follow(psi1: mp.mpf, u: mp.mpf, lam: mp.mpf, eta: mp.mpf) -> tuple[mp.mpf, mp.mpf]:
    """Follow the solution from eta = 0, halving the step wherever Newton's method objects."""
    reached, step, solution = mp.mpf(0), eta, _marchenko_pastur(psi1, u, lam)
    while reached != eta:
        found = _newton(psi1, u, lam, reached + step, *solution)
        if found is not None:
            reached, solution = reached + step, found
            step = eta - reached
        elif abs(step) < abs(eta) / 2**20:
            raise NoSolutionError(f"(9), (10) not followed beyond eta = {reached} at lambda = {lam}")
        else:
            step /= 2
    return solution


def _newton(psi1: Any, u: Any, lam: Any, eta: Any, m1: Any, m2: Any) -> tuple[mp.mpf, mp.mpf] | None:
    """Newton's method in (log m1, log m2), which stay positive; None where it does not settle soon."""
    enough = mp.mpf(10) ** (-mp.mp.dps // 2 - 4)  # the last step squares it
    for _ in range(12):
        at = (m1, m2, lam, eta, psi1, u, 1 - u)
        rows = [(a * m1, b * m2) for a, b in _compiled().jacobian(*at)]
        try:
            steps = _solve(rows, _compiled().residual(*at))
        except ZeroDivisionError:
            return None
        if max(map(abs, steps)) > 3:
            return None
        m1, m2 = m1 * mp.exp(-steps[0]), m2 * mp.exp(-steps[1])
        if max(map(abs, steps)) < enough:
            return m1, m2
    return None


def _solve(rows: Any, right: Any) -> tuple[mp.mpf, mp.mpf]:
    (a, b), (c, d) = rows
    determinant = a * d - b * c
    return (right[0] * d - b * right[1]) / determinant, (a * right[1] - c * right[0]) / determinant
