"""What an item of a certificate says, tried at random rational points: a second opinion on the checker's.

A point can show that an item is false, whatever the checker found. That no point does is evidence: of an
identity strong (another rational function vanishes at few points), of a sign or a bound weak. It shares no
code with the checker; the coefficients of a majorant come from flint, roots are counted by SymPy.
"""

from __future__ import annotations

import json
import operator
import random
import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import product
from math import comb, prod
from typing import Any

from proofs_check import recipes
from proofs_check.pointwise import Point
from proofs_check.rational import RationalFunction, generators, terms

IDENTITIES, INEQUALITIES = 3, 12
"""At how many points an identity, or a sign, is tried."""

Item = Mapping[str, Any]
Draw = Callable[[random.Random, str], Fraction]


class Contradicted(Exception):
    """An item is false: a point shows it."""


def sampled(item: Item) -> int:
    """Return at how many points an item was found to hold; 0 if it has no value at any that was tried.

    Raises `Contradicted` where it is false.

    >>> item = {"kind": "zero", "variables": ["x", "y"], "zero": ["(x + y)**2 - x**2 - y**2"]}
    >>> sampled(item | {"zero": ["(x + y)**2 - x**2 - y**2 - 2*x*y"]})
    3
    >>> try:
    ...     sampled(item)
    ... except Contradicted:
    ...     print("a point refutes it")
    a point refutes it
    """
    generator = random.Random(json.dumps(item, sort_keys=True))
    steps = _tried(item, generator, _anywhere, lambda at: None, IDENTITIES)
    try:
        return min(steps, KINDS[item["kind"]](item, generator))
    except ZeroDivisionError:
        return 0


def _tried(
    item: Item, generator: random.Random, draw: Draw, test: Callable[[Point], None], points: int
) -> int:
    """Return at how many points all steps equal their reduced forms, and the test does not object."""
    steps = {name: rest for name, *rest in item.get("steps", ())}
    agreed = 0
    for _ in range(2 * points):
        at = Point(steps, {name: draw(generator, name) for name in item["variables"]})
        try:
            for name, (formula, *reduced) in steps.items():
                if reduced and at.value(formula) != at.name(name):
                    raise Contradicted(f"{name} = {formula[:80]} is not equal to its reduced form")
            test(at)
        except ZeroDivisionError:
            continue
        agreed += 1
        if agreed == points:
            break
    return agreed


def _anywhere(generator: random.Random, name: str) -> Fraction:
    return Fraction(2 * generator.randint(-999, 999) + 1, generator.randint(1, 60))


def _positive(generator: random.Random, name: str) -> Fraction:
    size = Fraction(10) ** generator.randint(-3, 3)
    return size * Fraction(generator.randint(1, 999), generator.randint(1, 99))


def _require(holds: bool, what: str, at: Point) -> None:
    if not holds:
        where = ", ".join(f"{name} = {value}" for name, value in at.values.items())
        raise Contradicted(f"{what[:200]} does not hold at {where}")


def _zero(item: Item, generator: random.Random) -> int:
    def test(at: Point) -> None:
        for text in item["zero"]:
            _require(at.value(text) == 0, f"{text} == 0", at)

    return _tried(item, generator, _anywhere, test, IDENTITIES)


def _sign(item: Item, generator: random.Random) -> int:
    def test(at: Point) -> None:
        for text in item["positive"]:
            _require(at.value(text) > 0, f"{text} > 0", at)

    return _tried(item, generator, _positive, test, INEQUALITIES)


def _point(item: Item, generator: random.Random) -> int:
    """The item names its point; there everything is decided."""
    values = {name: Fraction(value) for name, value in item["point"].items()}
    at = Point({name: rest for name, *rest in item.get("steps", ())}, values)
    for condition in item["conditions"]:
        _require(_holds(condition, at), condition, at)
    if item["kind"] == "counterexample":
        _require(not _holds(item["fails"], at), f"not {item['fails']}", at)
    return INEQUALITIES


def _holds(relation: str, at: Point) -> bool:
    left, sign, right = re.split(r"(==|!=|>=|<=|>|<)", relation)
    return bool(_COMPARE[sign](at.value(left), at.value(right)))


_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def _combination(item: Item, generator: random.Random) -> int:
    """The terms add up anywhere; their coefficients are positive; so is the conclusion where it has to be.

    With the relation > some term consists of what is > 0.
    """
    positive, strict = set(item.get("positive", ())), set(item.get("strict", ()))

    def draw(generator: random.Random, name: str) -> Fraction:
        return _positive(generator, name) if name in positive else _anywhere(generator, name)

    def test(at: Point) -> None:
        values = {name: at.value(text) for name, text in item["hypotheses"].items()}
        total = Fraction(0)
        for term in item["terms"]:
            coefficient = at.value(term["coefficient"])
            _require(coefficient > 0, f"{term['coefficient']} > 0", at)
            square = at.value(term.get("square", "1")) ** 2
            total += coefficient * square * prod((values[name] for name in term["of"]), start=Fraction(1))
        conclusion = at.value(item["conclusion"])
        _require(total == conclusion, f"the sum of the terms == {item['conclusion']}", at)
        if all(value > 0 if name in strict else value >= 0 for name, value in values.items()):
            _require(_COMPARE[item.get("relation", ">=")](conclusion, 0), item["conclusion"], at)

    if item.get("relation") == ">" and not any(
        "square" not in term and set(term["of"]) <= strict for term in item["terms"]
    ):
        raise Contradicted("all terms may be 0")
    return _tried(item, generator, draw, test, INEQUALITIES)


def _resultant(item: Item, generator: random.Random) -> int:
    def test(at: Point) -> None:
        parts = [[at.value(text) for text in item[key]] for key in ("pair", "cofactors")]
        found = at.value(item["resultant"])
        _require(sum(x * y for x, y in zip(*parts, strict=True)) == found, "the sum == resultant", at)
        moved = Point(at.steps, at.values | {item["eliminated"]: at.values[item["eliminated"]] + 1})
        _require(moved.value(item["resultant"]) == found != 0, f"it is free of {item['eliminated']}", at)
        for text in (*item["pair"], *item["cofactors"], item["resultant"]):
            _require(_is_polynomial(text, at), f"{text} is a polynomial", at)

    return _tried(item, generator, _anywhere, test, IDENTITIES)


def _is_polynomial(text: str, at: Point, degree: int = 40) -> bool:
    """Whether differences vanish along a line: they do for polynomials of at most this degree."""
    line = [
        Point(at.steps, {name: x + t * (k + 1) for k, (name, x) in enumerate(at.values.items())}).value(text)
        for t in range(degree + 2)
    ]
    return sum((-1) ** t * comb(degree + 1, t) * value for t, value in enumerate(line)) == 0


def _roots(item: Item, generator: random.Random) -> int:
    """SymPy counts the roots of the polynomial that interpolates; the chain says of what degree it is."""
    import sympy

    (name,), size = item["variables"], len(item["chain"][0])
    steps, x = {step: rest for step, *rest in item.get("steps", ())}, sympy.Symbol(item["variables"][0])
    values = [Point(steps, {name: Fraction(k)}).value(item["polynomial"]) for k in range(size + 2)]
    pairs = [(k, sympy.Rational(v.numerator, v.denominator)) for k, v in enumerate(values)]
    polynomial = sympy.Poly(sympy.interpolate(pairs[:size], x), x)
    if any(polynomial.eval(k) != value for k, value in pairs):
        raise Contradicted(f"the polynomial is not of the degree {size - 1}")
    low, high = (None if end is None else sympy.Rational(end) for end in item["interval"])
    count = polynomial.count_roots(low, high) - int(low is not None and polynomial.eval(low) == 0)
    if count != item["count"]:
        raise Contradicted(f"{count} roots, not {item['count']}")
    return INEQUALITIES


def _boxes(item: Item, generator: random.Random) -> int:
    def test(at: Point) -> None:
        bound = _leaf(item["tree"], at.values)
        _require(0 < bound <= at.value(item["polynomial"]), f"the bound {bound}", at)

    return _tried(item, generator, _inside(item), test, INEQUALITIES)


def _inside(item: Item) -> Draw:
    region = {name: [Fraction(end) for end in ends] for name, ends in item["region"].items()}

    def draw(generator: random.Random, name: str) -> Fraction:
        if name not in region:
            return _anywhere(generator, name)
        low, high = region[name]
        return low + (high - low) * Fraction(generator.randint(0, 64), 64)  # corners and faces included

    return draw


def _leaf(tree: Any, values: Mapping[str, Fraction]) -> Fraction:
    while isinstance(tree, list):
        name, cut, below, above = tree
        tree = below if values[name] <= Fraction(cut) else above
    return Fraction(tree)


def _majorant(item: Item, generator: random.Random) -> int:
    left_out = {tuple(powers) for powers in item["without"]}
    function = _function(item, item["polynomial"])
    places = [item["variables"].index(name) for name in item["small"]]

    def test(at: Point) -> None:
        parts: dict[tuple[int, ...], Fraction] = {}
        for powers, coefficient in terms(function.numer):
            small = tuple(powers[place] for place in places)
            rest = prod(
                at.values[name] ** power
                for k, (name, power) in enumerate(zip(item["variables"], powers, strict=True))
                if k not in places
            )
            parts[small] = parts.get(small, Fraction(0)) + coefficient * rest
        sizes = [at.value(text) for text in item["size"]]
        total = sum(
            abs(part) * sizes[0] ** powers[0] * sizes[1] ** powers[1]
            for powers, part in parts.items()
            if powers not in left_out
        ) / int(function.denom.leading_coefficient())
        slack = _leaf(item["tree"], at.values)
        _require(min(sizes) >= 0 and 0 < slack <= at.value(item["bound"]) - total, f"slack {slack}", at)

    return _tried(item, generator, _inside(item), test, INEQUALITIES)


def _function(item: Item, text: str) -> RationalFunction:
    """A formula as a polynomial, by flint; the steps computed anew."""
    names = dict(zip(item["variables"], generators(*item["variables"]), strict=True))
    lifted = names[item["variables"][0]].lifted
    for name, formula, *_ in item.get("steps", ()):
        names[name] = lifted(recipes.evaluate(formula, names.__getitem__))
    return lifted(recipes.evaluate(text, names.__getitem__))


def _average(item: Item, generator: random.Random) -> int:
    """The mean by quadrature, 6 nodes an axis: exact up to degree 5. Where 9 nodes differ, it is 0."""
    found = [_quadrature(item, nodes) for nodes in (6, 9)]
    if found[0] != found[1]:
        return 0
    if found[0] != Fraction(item["mean"]):
        raise Contradicted(f"the mean is {found[0]}, not {item['mean']}")
    return INEQUALITIES


def _quadrature(item: Item, nodes: int) -> Fraction:
    region = {name: [Fraction(end) for end in ends] for name, ends in item["region"].items()}
    steps, total = {name: rest for name, *rest in item.get("steps", ())}, Fraction(0)
    others = dict.fromkeys(item["variables"], Fraction(0))
    for chosen in product(list(_nodes(nodes)), repeat=len(region)):
        ends = zip(region.items(), chosen, strict=True)
        values = {name: low + (high - low) * place for (name, (low, high)), (place, _) in ends}
        weight = prod(weight for _, weight in chosen)
        total += weight * Point(steps, others | values).value(item["polynomial"])
    return total


def _nodes(count: int) -> Iterator[tuple[Fraction, Fraction]]:
    """Equidistant nodes of [0, 1] with the weights that integrate polynomials of lower degree exactly."""
    places = [Fraction(k, count - 1) for k in range(count)]
    for place in places:
        basis = [Fraction(1)]  # Lagrange's polynomial, lowest degree first
        for other in places:
            if other != place:
                shifted = [Fraction(0), *basis]
                pairs = zip(shifted, [*basis, Fraction(0)], strict=True)
                basis = [(a - other * b) / (place - other) for a, b in pairs]
        yield place, sum((c / (k + 1) for k, c in enumerate(basis)), Fraction(0))


KINDS: dict[str, Callable[[Item, random.Random], int]] = {
    "zero": _zero,
    "positive": _sign,
    "counterexample": _point,
    "point": _point,
    "combination": _combination,
    "resultant": _resultant,
    "roots": _roots,
    "boxes": _boxes,
    "majorant": _majorant,
    "average": _average,
}
"""How each kind of item is tried."""
