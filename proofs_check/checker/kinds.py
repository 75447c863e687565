"""What an item of a certificate can show: identities, signs, roots, boxes, counterexamples, combinations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import prod
from typing import Any

from proofs_check.checker.algebra import CertificateError, Field, Quotient
from proofs_check.checker.univariate import bernstein_minimum, roots_between, sturm_chain

Item = Mapping[str, Any]
Names = dict[str, Quotient]


def prepare(item: Item) -> tuple[Field, Names]:
    """Return the field of an item's variables, and the value of each name that its steps introduce."""
    field = Field(list(item["variables"]))
    names: Names = {}
    for name, formula, *reduced in item.get("steps", ()):
        if name in names or name in field.shift:
            raise CertificateError(f"the name {name} is introduced twice")
        value = field.value(formula, names)
        if reduced:
            claimed = Quotient(*(field.polynomial(text) for text in reduced))
            if not claimed.denom or not field.equal(value, claimed):
                raise CertificateError(f"{name} = {formula[:80]} is not equal to its reduced form")
            value = claimed
        names[name] = value
    return field, names


def zero(item: Item) -> None:
    """Each formula of ``zero`` is identically 0."""
    field, names = prepare(item)
    for text in _texts(item, "zero"):
        if field.value(text, names).numer:
            raise CertificateError(f"{text[:80]} is not 0")


def positive(item: Item) -> None:
    """Each formula of ``positive`` is > 0 where all variables are: every coefficient of both parts is."""
    field, names = prepare(item)
    for text in _texts(item, "positive"):
        _require_positive(field.value(text, names), text)


def _require_positive(value: Quotient, text: str) -> None:
    signs = [{c > 0 for c in part.values()} for part in value]
    if signs not in ([{True}, {True}], [{False}, {False}]):
        raise CertificateError(f"{text[:80]} has coefficients of both signs, or none")


def counterexample(item: Item) -> None:
    """At a rational ``point`` all ``conditions`` hold and the relation ``fails`` does not."""
    field, names = prepare(item)
    point = {name: Fraction(value) for name, value in item["point"].items()}
    if set(point) != set(field.shift):
        raise CertificateError("the point does not give a value to each variable")
    for condition in _texts(item, "conditions"):
        if not _holds(condition, field, names, point):
            raise CertificateError(f"the condition {condition} does not hold at the point")
    if _holds(item["fails"], field, names, point):
        raise CertificateError(f"{item['fails'][:80]} holds at the point")


def _holds(relation: str, field: Field, names: Names, point: Mapping[str, Fraction]) -> bool:
    left, operator, right = re.split(r"(==|!=|>=|<=|>|<)", relation)
    x, y = (field.at_point(field.value(side, names), point) for side in (left, right))
    return {"==": x == y, "!=": x != y, ">=": x >= y, "<=": x <= y, ">": x > y, "<": x < y}[operator]


def combination(item: Item) -> None:
    """``conclusion`` >= 0 follows from the ``hypotheses``: it is a sum of products of non-negative parts.

    Each term is a ``coefficient`` (a rational function of the variables in ``positive``, which are > 0),
    times the square of a formula (``square``, optional), times the hypotheses named in ``of``. Where the
    ``relation`` is > instead of >=, one term has no square, and only hypotheses that are ``strict``.
    """
    field, names = prepare(item)
    hypotheses = {name: field.value(text, names) for name, text in item["hypotheses"].items()}
    strict, allowed = set(item.get("strict", ())), set(item.get("positive", ()))
    total, is_strict = field.constant(0), False
    for term in item["terms"]:
        coefficient = field.value(term["coefficient"], {})
        if not set(re.findall(r"[A-Za-z_]\w*", term["coefficient"])) <= allowed:
            raise CertificateError(f"the coefficient {term['coefficient']} may be negative")
        _require_positive(coefficient, term["coefficient"])
        value = coefficient
        if "square" in term:
            value = field.multiply(value, field.power(field.value(term["square"], names), 2))
        for name in term["of"]:
            value = field.multiply(value, hypotheses[name])
        total = field.add(total, value)
        is_strict |= "square" not in term and set(term["of"]) <= strict
    if not field.equal(total, field.value(item["conclusion"], names)):
        raise CertificateError(f"the terms do not add up to {item['conclusion'][:80]}")
    if item.get("relation", ">=") == ">" and not is_strict:
        raise CertificateError("no term is strictly positive")


def roots(item: Item) -> None:
    """A polynomial of one variable has ``count`` distinct real roots in an ``interval`` (null: infinite)."""
    field, names = prepare(item)
    value = field.value(item["polynomial"], names)
    if len(field.shift) != 1 or set(value.denom) != {0}:
        raise CertificateError("not a polynomial of one variable")
    degree = max(value.numer)
    dense = [Fraction(value.numer.get(k, 0), value.denom[0]) for k in range(degree + 1)]
    low, high = (None if end is None else Fraction(end) for end in item["interval"])
    chain = [[Fraction(c) for c in member] for member in item["chain"]]
    mine = sturm_chain(dense)
    if len(chain) != len(mine) or any(not _same_direction(*pair) for pair in zip(chain, mine, strict=True)):
        raise CertificateError("the chain is not the Sturm chain of the polynomial")
    if (found := roots_between(dense, low, high)) != item["count"]:
        raise CertificateError(f"{found} roots in the interval, not {item['count']}")


def _same_direction(p: list[Fraction], q: list[Fraction]) -> bool:
    return (
        len(p) == len(q)
        and p[-1] * q[-1] > 0
        and all(x * q[-1] == y * p[-1] for x, y in zip(p, q, strict=True))
    )


def boxes(item: Item) -> None:
    """A polynomial is at least a positive bound on every box of a bisection of a ``region``.

    ``tree`` is a bound (a leaf), or [variable, value, tree below, tree above].
    """
    field, names = prepare(item)
    value = field.value(item["polynomial"], names)
    if set(value.denom) != {0} or value.denom[0] < 0:
        raise CertificateError("not a polynomial")
    terms = {field.exponents(m): Fraction(c, value.denom[0]) for m, c in value.numer.items()}
    region = {name: (Fraction(low), Fraction(high)) for name, (low, high) in item["region"].items()}
    if list(region) != list(field.shift) or any(low >= high for low, high in region.values()):
        raise CertificateError("the region is not a box of the variables")

    def visit(tree: Any, box: dict[str, tuple[Fraction, Fraction]]) -> None:
        if not isinstance(tree, list):
            bound, least = Fraction(tree), bernstein_minimum(terms, list(box.values()))
            if not 0 < bound <= least:
                raise CertificateError(f"the bound {bound} is not shown on {box}: {least}")
            return
        name, at, below, above = tree
        (low, high), cut = box[name], Fraction(at)
        if not low < cut < high:
            raise CertificateError(f"the cut {name} = {cut} lies outside {box}")
        visit(below, box | {name: (low, cut)})
        visit(above, box | {name: (cut, high)})

    visit(item["tree"], region)


def average(item: Item) -> None:
    """The mean of a polynomial over a box is what it says: integrated term by term."""
    field, names = prepare(item)
    value = field.value(item["polynomial"], names)
    region = {name: (Fraction(low), Fraction(high)) for name, (low, high) in item["region"].items()}
    if set(value.denom) != {0}:
        raise CertificateError("not a polynomial")
    total = Fraction(0)
    for monomial, coefficient in value.numer.items():
        parts = zip(field.exponents(monomial), (region[name] for name in field.shift), strict=True)
        means = [(high ** (k + 1) - low ** (k + 1)) / ((k + 1) * (high - low)) for k, (low, high) in parts]
        total += Fraction(coefficient, value.denom[0]) * prod(means, start=Fraction(1))
    if total != Fraction(item["mean"]):
        raise CertificateError(f"the mean is {total}, not {item['mean']}")


def _texts(item: Item, key: str) -> list[str]:
    texts = item[key]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise CertificateError(f"nothing to check under {key}")
    return list(texts)


KINDS: dict[str, tuple[str, Callable[[Item], None]]] = {
    "zero": ("identity", zero),
    "positive": ("sign by coefficients", positive),
    "counterexample": ("counterexample", counterexample),
    "combination": ("combination of hypotheses", combination),
    "roots": ("root count", roots),
    "boxes": ("bisection into boxes", boxes),
    "average": ("mean over a box", average),
}
"""What each kind shows, in words, and its check."""
