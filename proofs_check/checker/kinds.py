"""What an item of a certificate can show, but for what is shown over a box (`regions`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction

from proofs_check.checker.algebra import CertificateError, Field, Quotient
from proofs_check.checker.items import Item, Names, prepare
from proofs_check.checker.regions import average, boxes, majorant
from proofs_check.checker.univariate import roots_between, sturm_chain


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
    at = _at_a_point(item, field, names)
    if _holds(item["fails"], field, names, at):
        raise CertificateError(f"{item['fails'][:80]} holds at the point")


def _at_a_point(item: Item, field: Field, names: Names) -> dict[str, Fraction]:
    values = {name: Fraction(value) for name, value in item["point"].items()}
    if set(values) != set(field.shift):
        raise CertificateError("the point does not give a value to each variable")
    for condition in _texts(item, "conditions"):
        if not _holds(condition, field, names, values):
            raise CertificateError(f"the condition {condition} does not hold at the point")
    return values


def _holds(relation: str, field: Field, names: Names, point: Mapping[str, Fraction]) -> bool:
    left, operator, right = re.split(r"(==|!=|>=|<=|>|<)", relation)
    x, y = (field.at_point(field.value(side, names), point) for side in (left, right))
    return {"==": x == y, "!=": x != y, ">=": x >= y, "<=": x <= y, ">": x > y, "<": x < y}[operator]


def point(item: Item) -> None:
    """At a rational ``point`` all ``conditions`` hold."""
    field, names = prepare(item)
    _at_a_point(item, field, names)


def resultant(item: Item) -> None:
    """Where two polynomials vanish together, so does one that is free of the variable ``eliminated``.

    The ``pair`` times the two ``cofactors``, polynomials too, adds up to the ``resultant``, which is not 0.
    """
    field, names = prepare(item)
    pair, cofactors = ([field.value(text, names) for text in item[key]] for key in ("pair", "cofactors"))
    found = field.value(item["resultant"], names)
    if any(set(value.denom) != {0} for value in (*pair, *cofactors, found)):
        raise CertificateError("not all are polynomials")
    position = list(field.shift).index(item["eliminated"])
    if not found.numer or any(field.exponents(monomial)[position] for monomial in found.numer):
        raise CertificateError(f"the resultant is 0, or depends on {item['eliminated']}")
    total = field.constant(0)
    for cofactor, member in zip(cofactors, pair, strict=True):
        total = field.add(total, field.multiply(cofactor, member))
    if not field.equal(total, found):
        raise CertificateError("the products with the cofactors do not add up to the resultant")


def combination(item: Item) -> None:
    """``conclusion`` >= 0 follows from the ``hypotheses``: it is a sum of products of non-negative parts.

    Each term is a ``coefficient`` (a rational function of the variables in ``positive``, which are > 0),
    times the square of a formula (``square``, optional), times the hypotheses named in ``of``. Where the
    ``relation`` is > instead of >=, one term has no square, and only hypotheses that are ``strict``.
    """
    field, names = prepare(item)
    relation = item.get("relation", ">=")
    if relation not in (">", ">="):
        raise CertificateError(f"the relation {relation} is neither > nor >=")
    hypotheses = {name: field.value(text, names) for name, text in item["hypotheses"].items()}
    strict, allowed = set(item.get("strict", ())), set(item.get("positive", ()))
    total, is_strict = field.constant(0), False
    for term in item["terms"]:
        if not set(term) <= {"coefficient", "square", "of"}:
            raise CertificateError(f"a term with the unknown fields {sorted(term)}")
        coefficient = field.value(term["coefficient"], {})
        if not field.variables(coefficient) <= allowed:
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
    if relation == ">" and not is_strict:
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
    if low is not None and high is not None and low >= high:
        raise CertificateError(f"the interval from {low} to {high} is empty")
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


def _texts(item: Item, key: str) -> list[str]:
    texts = item[key]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise CertificateError(f"nothing to check under {key}")
    return list(texts)


COMMENT = frozenset({"what"})
"""The fields that carry no meaning: words for a reader."""

ALWAYS = COMMENT | {"kind", "variables"}

KINDS: dict[str, tuple[str, Callable[[Item], None], frozenset[str]]] = {
    kind: (words, check, ALWAYS | set(fields.split()))
    for kind, words, check, fields in (
        ("zero", "identity", zero, "steps zero"),
        ("positive", "sign by coefficients", positive, "steps positive"),
        ("counterexample", "counterexample", counterexample, "steps point conditions fails"),
        ("point", "point", point, "steps point conditions"),
        (
            "combination",
            "combination of hypotheses",
            combination,
            "steps hypotheses conclusion relation terms positive strict",
        ),
        ("resultant", "resultant", resultant, "steps eliminated pair cofactors resultant"),
        ("roots", "root count", roots, "steps polynomial interval count chain"),
        ("boxes", "bisection into boxes", boxes, "steps polynomial region tree"),
        ("majorant", "majorant on boxes", majorant, "steps small polynomial size bound without region tree"),
        ("average", "mean over a box", average, "steps polynomial region mean"),
    )
}
"""What each kind shows, in words; its check; and its fields: another one is an error, not a remark."""
