"""That numbers are the Taylor coefficients of the optimal ridge in eta, order by order.

The optimum of infinite width lies at s, that of finite width at s + x. With F = fall - rise and G = ridge(s +
x) - ridge(s), both cleared of denominators (that of G is D), x = x1 eta + x2 eta^2 + ... and ridge* = c0 + c1
eta + ... are determined by::

    F(x, eta) = 0,        G(x, eta) = D(x) (c1 eta + c2 eta^2 + ...).

The coefficient of each power of eta is a sum of products of x1, x2, ... and of Taylor coefficients of F, G
and D at x = eta = 0; that it vanishes is an identity of rational functions. As s is a simple zero, there is
one such series. Models are named by s, psi1 and u = mu1^2: s stands for B/A = psi1/s - 1/(1 + s), on which
alone the ridge depends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import factorial
from typing import Any

from hptheory.random_features import curve, exceptional
from hptheory.random_features.curve import Model
from hptheory.random_features.large_width import expand, optimum_series
from hptheory.random_features.series import Series
from proofs_check.certificates import require_zeros
from proofs_check.rational import RationalFunction, generators

Coefficients = dict[tuple[int, int], RationalFunction]
Names = tuple[RationalFunction, ...]
"""x, eta, s, psi1 and u."""


def condition_polynomial(
    x: RationalFunction,
    eta: RationalFunction,
    s: RationalFunction,
    psi1: RationalFunction,
    u: RationalFunction,
) -> RationalFunction:
    """F: fall - rise at s + x, times its denominator."""
    q = eta / (psi1 * u)
    slack = curve.slacks(s + x, psi1, u, q)
    fall, rise = curve.stationarity(s + x, slack, psi1, u, 1, exceptional.noise_to_signal(s, psi1), q)
    condition = fall - rise
    return condition * RationalFunction(condition.denom, (s / s).numer)


def ridge_polynomials(
    x: RationalFunction,
    eta: RationalFunction,
    s: RationalFunction,
    psi1: RationalFunction,
    u: RationalFunction,
) -> tuple[RationalFunction, RationalFunction]:
    """G and D, whose quotient is ridge(s + x, eta) - ridge(s, 0)."""
    there = curve.ridge_on_curve(s + x, curve.slacks(s + x, psi1, u, eta / (psi1 * u)))
    here = curve.ridge_on_curve(s, curve.slacks(s, psi1, u, 0 * eta))
    denominator = (s + x) * (1 + s + x) ** 2 * s * (1 + s) * psi1 * u
    return (there - here) * denominator, denominator


def taylor_coefficients(function: RationalFunction, order: int) -> Coefficients:
    """The coefficients of x^i eta^j, i + j <= order, that are not 0."""
    found: Coefficients = {}
    by_eta = function
    for j in range(order + 1):
        term = by_eta
        for i in range(order + 1 - j):
            value = term.at("x", 0).at("eta", 0) / (factorial(i) * factorial(j))
            if value != 0:
                found[i, j] = value
            term = term.diff("x")
        by_eta = by_eta.diff("eta")
    return found


def composed(parts: Coefficients, x: Series) -> Series:
    """The sum of parts_ij x^i eta^j as a series in eta, x having no constant."""
    zero, length = x[0] * 0, len(x)
    total, power = [zero] * length, Series([zero + 1, *[zero] * (length - 1)])
    for i in range(length):
        for (k, j), part in parts.items():
            for n in range(length - j) if k == i else ():
                if power[n] != 0:
                    total[n + j] = total[n + j] + part * power[n]
        power = power * x
    return Series(total)


def require_expansion(
    names: Names,
    expected: Mapping[int, RationalFunction | Callable[[RationalFunction], RationalFunction]],
    what: str,
    surface: RationalFunction | None = None,
    order: int = 0,
) -> tuple[RationalFunction, ...]:
    """Return c1, c2, ... by the library, shown to be the Taylor coefficients; some are as ``expected``.

    ``surface``, if given, is put in place of psi1; ``order``, if not, is the last one expected. With eta =
    scale z all coefficients are polynomials. What is expected may be made from what is found.
    """
    order = order or max(expected)
    _, _, s, psi1, u = names
    place = psi1 if surface is None else surface
    model = Model(place, u, s / s, exceptional.noise_to_signal(s, place))
    optimum = optimum_series(s, model, order)[0].coefficients
    ridge = expand(s, model, order).optimal_ridge
    scale = common_scale([*optimum[1:], *ridge[1:]], order)
    shift, change = (
        Series([s * 0, *((c * scale**k).without_history() for k, c in enumerate(known[1:], 1))])
        for known in (optimum, ridge)
    )

    def parts(function: RationalFunction) -> Coefficients:
        found = taylor_coefficients(function, order)
        if surface is not None:
            bottom = RationalFunction(surface.denom, (s / s).numer)
            found = {key: (part.substitute("psi1", surface)) * bottom**3 for key, part in found.items()}
        return {key: part * scale ** key[1] for key, part in found.items()}

    stationary = composed(parts(condition_polynomial(*names)), shift)
    top, bottom = (composed(parts(part), shift) for part in ridge_polynomials(*names))
    moved = top - bottom * change
    zeros = [*stationary.coefficients, *moved.coefficients[1:]]
    for n, value in expected.items():
        zeros.append(change[n] - (value(ridge[n]) if callable(value) else value) * scale**n)
    require_zeros([value for value in zeros if value.origin], what)
    return tuple(ridge[1:])


def common_scale(coefficients: Sequence[RationalFunction], order: int) -> RationalFunction:
    """The least polynomial whose k-th power clears the k-th of each ``order`` coefficients."""
    needed: dict[str, tuple[Any, int]] = {}
    for position, coefficient in enumerate(coefficients):
        k = position % order + 1
        number, factors = coefficient.denom.factor()
        for factor, power in [(coefficient.denom.context().constant(number), 1), *factors]:
            known = needed.get(str(factor), (factor, 0))[1]
            needed[str(factor)] = factor, max(known, -(-int(power) // k))
    one = coefficients[0].denom.context().constant(1)
    scale = one
    for factor, power in needed.values():
        scale *= factor**power
    return RationalFunction(scale, one)


def library_coefficients() -> str:
    """Check that the library's c1, c2 are Taylor coefficients of the optimal ridge, for all parameters."""
    require_expansion(generators("x", "eta", "s", "psi1", "u"), {}, "c1 and c2 of the ridge", order=2)
    return "F vanishes to second order along the library's series, whose ridge has the coefficients c1, c2"
