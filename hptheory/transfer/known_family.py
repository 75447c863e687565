"""A family whose minimiser, minimum and gaps are known in closed form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hptheory.transfer.families import Family, Floats
from hptheory.transfer.gaps import Gaps
from hptheory.transfer.number_kinds import Number

BOX = ((-2.0, 2.0),)
"""The interval of ln HP that is searched where nothing else is said."""


@dataclass(frozen=True)
class KnownFamily(Family):
    """A family with its exponents and exact minimiser, minimum and gaps at every finite width.

    ``alpha`` and ``beta`` are the exponents of a_n and b_n (beta = inf: no drift from some width on).
    ``optimum(n)`` is nu*(n), ``best(n)`` is phi*_n, ``gaps(n)`` are a_n, b_n, c_n; all take arrays of widths.
    """

    name: str
    alpha: Number
    beta: Number
    optimum: Callable[[Number], Number]
    best: Callable[[Number], Number]
    gaps: Callable[[Number], Gaps]


def moving_parabola(
    name: str,
    alpha: Number,
    beta: Number,
    optimum: Callable[[Number], Number],
    best: Callable[[Number], Number],
    curvature: Number = 1,
    box: tuple[tuple[float, float], ...] = BOX,
) -> KnownFamily:
    """best(n) + (tau/2) (x - optimum(n))^2, whose limit has minimum 0 at 0."""

    def phi(n: float, x: Floats) -> Floats:
        return best(n) + curvature / 2 * (x - optimum(n)) ** 2

    def gaps(n: Number) -> Gaps:
        return Gaps(abs(best(n)), abs(optimum(n)), curvature / 2 * optimum(n) ** 2)

    return KnownFamily(phi, box, name, alpha, beta, optimum, best, gaps)
