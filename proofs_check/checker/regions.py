"""What an item can show over a box of parameters: a lower bound, a mean, and a sum of sizes below a bound.

A box is bisected as its ``tree`` says: a tree is a positive lower bound (a leaf), or [variable, value, tree
below, tree above]. On a leaf the least Bernstein coefficient has to be as large as the bound.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import prod
from typing import Any

from proofs_check.checker.algebra import CertificateError, Field, Quotient
from proofs_check.checker.items import Item, prepare
from proofs_check.checker.univariate import Interval, Terms, bernstein_minimum, bernstein_range

Box = dict[str, Interval]


def boxes(item: Item) -> None:
    """A polynomial is at least a positive bound on every box of a bisection of a ``region``."""
    field, names = prepare(item)
    region = _region(item)
    terms = polynomial_terms(field, field.value(item["polynomial"], names), tuple(region))

    def show(bound: Fraction, box: Box) -> None:
        least = bernstein_minimum(terms, list(box.values()))
        if not bound <= least:
            raise CertificateError(f"the bound {bound} is not shown on {box}: {least}")

    walk(item["tree"], region, show)


def majorant(item: Item) -> None:
    """The sizes of a polynomial's terms in two ``small`` variables add up to less than a ``bound``.

    Each small variable is replaced by a ``size``, a polynomial in the parameters of the ``region``; so the
    polynomial itself is smaller than the bound for all complex values of at most these sizes. The terms with
    the powers in ``without`` are left out.
    """
    field, names = prepare(item)
    region = _region(item)
    first, second = item["small"]
    if first == second or {first, second} & set(region):
        raise CertificateError("the small variables are not two others than the region's")
    by_power = coefficients(field, field.value(item["polynomial"], names), (first, second), tuple(region))
    for powers in item["without"]:
        by_power.pop(tuple(powers), None)
    sizes = [polynomial_terms(field, field.value(text, names), tuple(region)) for text in item["size"]]
    bound = polynomial_terms(field, field.value(item["bound"], names), tuple(region))
    for size in sizes:
        if not size or bernstein_minimum(size, list(region.values())) < 0:
            raise CertificateError("a size may be negative, or is 0")
    sum_of_sizes = Majorant(by_power, (sizes[0], sizes[1]), bound)

    def show(least: Fraction, box: Box) -> None:
        if not least <= (found := sum_of_sizes.slack(box)):
            raise CertificateError(f"the slack {least} is not shown on {box}: {found}")

    walk(item["tree"], region, show)


class Majorant:
    """bound - sum of abs(c_ij) size_0^i size_1^j, from below: a polynomial c of either sign has a majorant.

    On a box where c is at most a > 0 it is abs(c) <= 2 a - c, and likewise from below.
    """

    def __init__(
        self, by_power: dict[tuple[int, int], Terms], sizes: tuple[Terms, Terms], bound: Terms
    ) -> None:
        self.parts = {
            powers: (terms, _times(_power(sizes[0], powers[0]), _power(sizes[1], powers[1])))
            for powers, terms in by_power.items()
        }
        self.bound = bound

    def slack(self, box: Box) -> Fraction:
        """Return a lower bound of the difference on a box."""
        ends, total = list(box.values()), dict(self.bound)
        for terms, size in self.parts.values():
            low, high = bernstein_range(terms, ends)
            sign, shift = (1, -2 * min(low, Fraction(0))) if -low < high else (-1, 2 * max(high, Fraction(0)))
            largest = {powers: sign * c for powers, c in terms.items()}
            none = (0,) * len(ends)
            largest[none] = largest.get(none, Fraction(0)) + shift
            for powers, c in _times(largest, size).items():
                total[powers] = total.get(powers, Fraction(0)) - c
        return bernstein_minimum(total, ends)


def average(item: Item) -> None:
    """The mean of a polynomial over a box is what it says: integrated term by term."""
    field, names = prepare(item)
    region = _region(item)
    terms = polynomial_terms(field, field.value(item["polynomial"], names), tuple(region))
    total = Fraction(0)
    for powers, coefficient in terms.items():
        means = [
            (high ** (k + 1) - low ** (k + 1)) / ((k + 1) * (high - low))
            for k, (low, high) in zip(powers, region.values(), strict=True)
        ]
        total += coefficient * prod(means, start=Fraction(1))
    if total != Fraction(item["mean"]):
        raise CertificateError(f"the mean is {total}, not {item['mean']}")


def walk(tree: Any, box: Box, show: Callable[[Fraction, Box], None]) -> None:
    """Call ``show`` with the bound and the box of every leaf."""
    if not isinstance(tree, list):
        if not Fraction(tree) > 0:
            raise CertificateError(f"the bound {tree} is not shown: it is not positive")
        show(Fraction(tree), box)
        return
    name, at, below, above = tree
    (low, high), cut = box[name], Fraction(at)
    if not low < cut < high:
        raise CertificateError(f"the cut {name} = {cut} lies outside {box}")
    walk(below, box | {name: (low, cut)}, show)
    walk(above, box | {name: (cut, high)}, show)


def polynomial_terms(field: Field, value: Quotient, names: tuple[str, ...]) -> Terms:
    """Return the coefficients of a polynomial in the named variables, on which alone it must depend."""
    return coefficients(field, value, (), names).get((), {})


def coefficients(
    field: Field, value: Quotient, small: tuple[str, ...], names: tuple[str, ...]
) -> dict[Any, Terms]:
    """Return the coefficients of the powers of the small variables, as polynomials in the named ones."""
    if set(value.denom) != {0}:
        raise CertificateError("not a polynomial")
    found: dict[Any, Terms] = {}
    for monomial, coefficient in value.numer.items():
        powers = dict(zip(field.shift, field.exponents(monomial), strict=True))
        if any(power and name not in (*small, *names) for name, power in powers.items()):
            raise CertificateError("the polynomial depends on more than the region says")
        part = found.setdefault(tuple(powers[name] for name in small), {})
        part[tuple(powers[name] for name in names)] = Fraction(coefficient, value.denom[0])
    return found


def _region(item: Item) -> Box:
    region = {name: (Fraction(low), Fraction(high)) for name, (low, high) in item["region"].items()}
    if not region or not set(region) <= set(item["variables"]):
        raise CertificateError("the region is not a box of the variables")
    if any(low >= high for low, high in region.values()):
        raise CertificateError("the region is empty")
    return region


def _times(a: Terms, b: Terms) -> Terms:
    product: Terms = {}
    for m, c in a.items():
        for n, d in b.items():
            powers = tuple(i + j for i, j in zip(m, n, strict=True))
            product[powers] = product.get(powers, Fraction(0)) + c * d
    return product


def _power(a: Terms, exponent: int) -> Terms:
    result: Terms = {(0,) * len(next(iter(a))): Fraction(1)}
    for _ in range(exponent):
        result = _times(result, a)
    return result
