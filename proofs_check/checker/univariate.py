"""Real roots of a polynomial counted by Sturm's theorem, and its sign on a box by Bernstein's coefficients.

Dense coefficients, lowest degree first, in fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise, product
from math import comb

from proofs_check.checker.algebra import CertificateError

Dense = list[Fraction]
Terms = dict[tuple[int, ...], Fraction]
"""A polynomial of several variables: its coefficients by the exponents."""
Interval = tuple[Fraction, Fraction]


def sturm_chain(p: Sequence[Fraction]) -> list[Dense]:
    """Return p, p' and the negated remainders that follow, up to positive factors.

    >>> [len(member) - 1 for member in sturm_chain([Fraction(-2), Fraction(0), Fraction(1)])]
    [2, 1, 0]
    """
    chain = [_trimmed(p), _trimmed([k * c for k, c in enumerate(p)][1:])]
    while chain[-1]:
        chain.append([-c / abs(r[-1]) for c in r] if (r := _remainder(chain[-2], chain[-1])) else [])
    return chain[:-1]


def roots_between(p: Sequence[Fraction], low: Fraction | None, high: Fraction | None) -> int:
    """Return the number of distinct real roots in (low, high]; None is infinite.

    p must not vanish at low, nor have a multiple root at high: there the whole chain vanishes.

    >>> roots_between([Fraction(-2), Fraction(0), Fraction(1)], Fraction(0), None)
    1
    """
    chain = sturm_chain(p)
    if low is not None and not _at(chain[0], low):
        raise CertificateError(f"the polynomial vanishes at the end {low}")
    if high is not None and not any(_at(member, high) for member in chain):
        raise CertificateError(f"the polynomial has a multiple root at the end {high}")
    return _changes([_sign(member, low, -1) for member in chain]) - _changes(
        [_sign(member, high, 1) for member in chain]
    )


def bernstein_minimum(terms: Terms, box: Sequence[Interval]) -> Fraction:
    """Return the least Bernstein coefficient of a polynomial on a box: a lower bound of it there."""
    return bernstein_range(terms, box)[0]


def bernstein_range(terms: Terms, box: Sequence[Interval]) -> Interval:
    """Return the least and the largest Bernstein coefficient of a polynomial on a box: bounds of it there.

    >>> square = {(2,): Fraction(1), (1,): Fraction(-1), (0,): Fraction(1)}                 # x^2 - x + 1
    >>> low, high = bernstein_range(square, [(Fraction(0), Fraction(1))])
    >>> print(low, high)
    1/2 1
    """
    if not terms:
        return Fraction(0), Fraction(0)
    degrees = [max(powers[k] for powers in terms) for k in range(len(box))]
    grid = {index: terms.get(index, Fraction(0)) for index in product(*(range(n + 1) for n in degrees))}
    for axis, (n, (low, high)) in enumerate(zip(degrees, box, strict=True)):
        lines: dict[tuple[int, ...], Dense] = {}
        for index in grid:
            lines.setdefault((*index[:axis], *index[axis + 1 :]), [Fraction(0)] * (n + 1))
        for index, value in grid.items():
            lines[(*index[:axis], *index[axis + 1 :])][index[axis]] = value
        for rest, line in lines.items():
            for k, value in enumerate(_bernstein(line, low, high)):
                grid[(*rest[:axis], k, *rest[axis:])] = value
    return min(grid.values()), max(grid.values())


def _bernstein(line: Dense, low: Fraction, high: Fraction) -> Dense:
    """Power coefficients in x to Bernstein coefficients on [low, high]."""
    n = len(line) - 1
    shifted = [
        sum((comb(k, j) * line[k] * low ** (k - j) for k in range(j, n + 1)), Fraction(0)) * (high - low) ** j
        for j in range(n + 1)
    ]
    return [
        sum((Fraction(comb(k, j), comb(n, j)) * shifted[j] for j in range(k + 1)), Fraction(0))
        for k in range(n + 1)
    ]


def _trimmed(p: Sequence[Fraction]) -> Dense:
    end = len(p)
    while end and not p[end - 1]:
        end -= 1
    return [Fraction(c) for c in p[:end]]


def _remainder(a: Dense, b: Dense) -> Dense:
    rest = list(a)
    while len(rest) >= len(b):
        factor = rest[-1] / b[-1]
        for k, c in enumerate(b):
            rest[len(rest) - len(b) + k] -= factor * c
        rest = _trimmed(rest[:-1])
    return rest


def _at(p: Dense, x: Fraction) -> Fraction:
    return sum((c * x**k for k, c in enumerate(p)), Fraction(0))


def _sign(p: Dense, x: Fraction | None, side: int) -> int:
    value = _at(p, x) if x is not None else p[-1] * side ** (len(p) - 1)
    return (value > 0) - (value < 0)


def _changes(signs: list[int]) -> int:
    kept = [sign for sign in signs if sign]
    return sum(first != second for first, second in pairwise(kept))
