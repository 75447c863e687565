"""Polynomials over a box of parameters: the bisections that the independent checker then walks.

A polynomial is positive on a box where its least Bernstein coefficient is; where that does not say it, the
box is halved. What cannot be decided so in `BOXES` boxes is `Undecided`, never true.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction
from typing import Any

from proofs_check.certificates import require_item
from proofs_check.checker import regions
from proofs_check.checker.algebra import Field, Quotient
from proofs_check.checker.univariate import bernstein_minimum
from proofs_check.claims import Refuted, Undecided
from proofs_check.rational import RationalFunction, terms
from proofs_check.recording import of_functions

Box = dict[str, tuple[Fraction, Fraction]]
BOXES = 1000
"""Where that many boxes, halved ones included, do not show a sign, it is not decided."""

_end: ContextVar[Fraction | None] = ContextVar("end", default=None)


@contextmanager
def time_limit(seconds: Fraction | int | None) -> Iterator[None]:
    """Let bisections inside this block end, undecided, after so many seconds; None is no limit."""
    token = _end.set(None if seconds is None else Fraction(time.monotonic()) + seconds)
    try:
        yield
    finally:
        _end.reset(token)


def require_positive_on(region: Box, function: RationalFunction, what: str) -> int:
    """Return the number of boxes on which a polynomial is positive; raises `Refuted` with a point."""
    found = _terms(function, region)

    def least(box: Box) -> Fraction:
        for place in (0, Fraction(1, 2), 1):
            point = {name: low + (high - low) * place for name, (low, high) in box.items()}
            rest = dict.fromkeys(function.names, Fraction(0))
            if function.at_point(rest | point) <= 0:
                raise Refuted(f"{what}: not positive at {_shown(point)}")
        return bernstein_minimum(found, list(box.values()))

    tree, count = bisected(region, least, what)
    item = of_functions("boxes", what, polynomial=function)
    require_item(item | {"region": _texts(region), "tree": tree})
    return count


def require_majorant(
    region: Box,
    polynomial: RationalFunction,
    small: Mapping[str, RationalFunction],
    bound: RationalFunction,
    what: str,
    without: Sequence[tuple[int, int]] = (),
) -> int:
    """Return the number of boxes on which the terms of a polynomial add up to less than a bound in size.

    ``small`` are the two variables that are only known to be at most this large in size, complex or not.
    """
    names, (first, second) = tuple(region), tuple(small)
    field = Field(list(polynomial.names))
    by_power = regions.coefficients(field, _quotient(polynomial, field), (first, second), names)
    for powers in without:
        by_power.pop(powers, None)
    sizes = [_terms(size, region) for size in small.values()]
    slack = regions.Majorant(by_power, (sizes[0], sizes[1]), _terms(bound, region)).slack
    tree, count = bisected(region, slack, what)
    item = of_functions("majorant", what, polynomial=polynomial, size=list(small.values()), bound=bound)
    shown = {"small": [first, second], "without": [list(powers) for powers in without]}
    require_item(item | shown | {"region": _texts(region), "tree": tree})
    return count


def bisected(region: Box, least: Callable[[Box], Fraction], what: str) -> tuple[Any, int]:
    """Return a tree of halvings on whose boxes a lower bound is positive, and the number of its leaves."""
    leaves = looked_at = 0

    def tree(box: Box) -> Any:
        nonlocal leaves, looked_at
        if (end := _end.get()) is not None and time.monotonic() > end:
            raise Undecided(f"{what}: no sign in the time given, after {looked_at} boxes")
        looked_at += 1
        bound = least(box)
        if bound > 0:
            leaves += 1
            return str(_below(bound))
        if looked_at >= BOXES:
            corner = _shown({name: low for name, (low, _) in box.items()})
            raise Undecided(f"{what}: no sign on {looked_at} boxes; the last one starts at {corner}")
        name = max(box, key=lambda key: (box[key][1] - box[key][0]) / (region[key][1] - region[key][0]))
        low, high = box[name]
        middle = (low + high) / 2
        return [name, str(middle), tree(box | {name: (low, middle)}), tree(box | {name: (middle, high)})]

    return tree(region), leaves


def _below(bound: Fraction) -> Fraction:
    """A lower bound with a short denominator."""
    short = Fraction(int(bound * 1000), 1000)
    return short if short > 0 else bound


def _quotient(function: RationalFunction, field: Field) -> Quotient:
    return Quotient(*(field.packed(dict(terms(part))) for part in (function.numer, function.denom)))


def _terms(function: RationalFunction, region: Box) -> dict[tuple[int, ...], Fraction]:
    field = Field(list(function.names))
    return regions.polynomial_terms(field, _quotient(function, field), tuple(region))


def _texts(region: Box) -> dict[str, list[str]]:
    return {name: [str(low), str(high)] for name, (low, high) in region.items()}


def _shown(point: Mapping[str, Fraction]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in point.items())
