"""Broken variants of what a claim's check says: of its formulas, and of each item of its certificate."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import Enum
from fractions import Fraction
from functools import partial
from typing import Any

from proofs_check import recipes
from proofs_check.checker import check_item
from proofs_check.equations import Equation
from proofs_check.exact import exact_values
from proofs_check.formulas import mutants, parse
from proofs_check.rational import RationalFunction, generators, has_positive_coefficients
from proofs_check.recording import Item
from proofs_check.sampling import Contradicted, sampled
from proofs_check.slips import slips

LONG, FEW = 2_000, 12
"""An item with a formula of that many characters is changed as text, in about so many places."""

LARGE = 40_000
"""An item of that many characters is not sampled: a point takes seconds."""


class Fate(Enum):
    """What becomes of a broken variant."""

    KILLED = "killed"
    TRUE = "still true"
    """Accepted, and found to hold at random points, which share nothing with what accepted it."""
    VOUCHED = "vouched"
    """Accepted, and not sampled: only who accepted it says that it is true."""
    ALIVE = "alive"


Variant = tuple[str, Callable[[], Fate]]
"""What was broken, and its fate (raising `Refuted` or dividing by zero is objecting: it is killed)."""


def must_object(check: Callable[[], Any]) -> Callable[[], Fate]:
    """A variant that is known to be false: accepting it is being alive."""

    def fate() -> Fate:
        check()
        return Fate.ALIVE

    return fate


def _must_be_rejected(item: Item, **changes: Any) -> Callable[[], Fate]:
    return must_object(partial(check_item, item | changes))


def _passes(item: Item, **changes: Any) -> Callable[[], Fate]:
    """The fate of a changed item that may be true: the checker's word, and a second opinion on it."""

    def fate() -> Fate:
        check_item(item | changes)
        return second_opinion(item | changes)

    return fate


def _computed(item: Item) -> Callable[[], Fate]:
    """The same by computing the item anew, in place of the checker."""
    return lambda: second_opinion(item) if holds(item) else Fate.KILLED


def second_opinion(item: Item) -> Fate:
    """Return the fate of an item that was accepted: a sampled point that refutes it makes it alive."""
    if len(str(item)) > LARGE:
        return Fate.VOUCHED
    try:
        return Fate.TRUE if sampled(item) else Fate.VOUCHED
    except Contradicted:
        return Fate.ALIVE


def of_equation(equation: Equation) -> Iterator[Variant]:
    """Yield every slip of the pen in one side of a displayed formula; each makes another function of it."""
    known = exact_values(equation.setting)
    for position, side in enumerate(equation.sides):
        others = [other for k, other in enumerate(equation.sides) if k != position]
        for mutant in mutants(parse(side)):
            if {str(name) for name in mutant.free_symbols} <= set(known):
                broken = replace(equation, sides=(*others, str(mutant)))
                yield f"{side} -> {mutant}", must_object(broken.find_counterexample)


def of_item(item: Item) -> Iterator[Variant]:
    """Yield the broken variants of one item of a certificate."""
    if any(len(formula) > LONG for _, formula, *_ in item.get("steps", ())):
        yield from _changed_text(item)
    elif item["kind"] in ("zero", "positive"):
        if item["kind"] == "positive":
            yield from _dropped_signs(item)
        yield from _broken_steps(item)
    elif item["kind"] == "counterexample":
        yield from _other_counterexamples(item)
    elif item["kind"] == "point":
        yield from _other_points(item)
    elif item["kind"] == "combination":
        yield from _dropped_hypotheses(item)
    elif item["kind"] == "resultant":
        yield from _other_cofactors(item)
    elif item["kind"] == "majorant":
        yield from _other_sizes(item)
    else:
        yield from _changed_numbers(item)


def _changed_text(item: Item) -> Iterator[Variant]:
    """A step with one sign turned, or doubled: evenly spread, and read by the checker as they are."""
    steps = item["steps"]
    for number in range(0, len(steps), max(1, len(steps) // FEW)):
        name, formula, *reduced = steps[number]
        signs = [found.start() for found in re.finditer(r" [+-] ", formula)]
        if signs:
            at = signs[len(signs) // 2] + 1
            text = formula[:at] + ("-" if formula[at] == "+" else "+") + formula[at + 1 :]
        else:
            text = f"2*({formula})"
        changed = [*steps[:number], [name, text, *reduced], *steps[number + 1 :]]
        yield f"{name} changed", _passes(item, steps=changed)


def _broken_steps(item: Item) -> Iterator[Variant]:
    """One step, or the formula itself, with a slip of the pen; the rest is computed anew."""
    kind, known = item["kind"], set(item["variables"])
    for number, (name, formula, *_) in enumerate(item["steps"]):
        for text in slips(formula, known):
            yield f"{formula} -> {text}", _computed(_with_step(item, number, [name, text]))
        known.add(name)
    for number, formula in enumerate(item[kind]):
        for text in slips(formula, known):
            formulas = [*item[kind][:number], text, *item[kind][number + 1 :]]
            yield f"{formula} -> {text}", _computed(item | {kind: formulas})


def _with_step(item: Item, number: int, step: list[str]) -> Item:
    steps = [list(known[:2]) for known in item["steps"]]
    steps[number] = step
    return item | {"steps": steps}


def _dropped_signs(item: Item) -> Iterator[Variant]:
    """The opposite sign of the whole; and no hypothesis that a variable is positive."""
    formulas = item["positive"]
    yield "the opposite sign", _computed(item | {"positive": [f"-({text})" for text in formulas]})
    for name in item["variables"]:
        turned = [f"At({text}, {name}, -{name})" for text in formulas]
        yield f"{name} of either sign", _computed(item | {"positive": turned})


def values(item: Item) -> list[RationalFunction]:
    """Return the values of an item's formulas, its steps computed anew."""
    variables = item["variables"] or ["x"]
    names = dict(zip(variables, generators(*variables), strict=True))
    lifted = names[variables[0]].lifted
    for name, formula, *_ in item["steps"]:
        names[name] = lifted(recipes.evaluate(formula, names.__getitem__))
    return [lifted(recipes.evaluate(formula, names.__getitem__)) for formula in item[item["kind"]]]


def holds(item: Item) -> bool:
    """Return whether an item about identities or signs is true, by computing it anew."""
    test = has_positive_coefficients if item["kind"] == "positive" else (lambda value: value == 0)
    return all(test(value) for value in values(item))


def _other_counterexamples(item: Item) -> Iterator[Variant]:
    """What is no counterexample: the relation with equal sides or turned round, a point outside."""
    left, sign, right = recipes.split_relation(item["fails"])
    same = {"==": "==", "!=": "=="}.get(sign, ">=")
    yield "equal sides", _must_be_rejected(item, fails=f"{left} {same} {left}")
    yield "turned round", _must_be_rejected(item, fails=f"{left} {_TURNED[sign]} {right}")
    yield from _other_conditions(item)


def _other_points(item: Item) -> Iterator[Variant]:
    """Another value of one variable; a condition turned round."""
    for name, value in item["point"].items():
        point = item["point"] | {name: str(Fraction(value) + 1)}
        yield f"{name} + 1", _passes(item, point=point)
    yield from _other_conditions(item)


def _other_conditions(item: Item) -> Iterator[Variant]:
    for number, condition in enumerate(item["conditions"]):
        a, relation, b = recipes.split_relation(condition)
        conditions = list(item["conditions"])
        conditions[number] = f"{a} {_TURNED[relation]} {b}"
        yield f"not {condition}", _must_be_rejected(item, conditions=conditions)


_TURNED = {"==": "!=", "!=": "==", ">": "<=", ">=": "<", "<": ">=", "<=": ">"}


def _dropped_hypotheses(item: Item) -> Iterator[Variant]:
    """Without a hypothesis; and with slips in the conclusion or in a hypothesis."""
    known = set(item["variables"])
    for name, formula in item["hypotheses"].items():
        kept = {key: text for key, text in item["hypotheses"].items() if key != name}
        terms = [term for term in item["terms"] if name not in term["of"]]
        yield f"without {name}", _must_be_rejected(item, hypotheses=kept, terms=terms)
        for text in slips(formula, known):
            yield f"{name}: {text}", _passes(item, hypotheses=item["hypotheses"] | {name: text})
    for text in slips(item["conclusion"], known):
        yield f"conclusion {text}", _passes(item, conclusion=text)


def _other_cofactors(item: Item) -> Iterator[Variant]:
    """Slips in the pair, in a cofactor or in the resultant; no resultant."""
    known = set(item["variables"])
    for key in ("pair", "cofactors"):
        for number, formula in enumerate(item[key]):
            for text in slips(formula, known):
                formulas = [*item[key][:number], text, *item[key][number + 1 :]]
                yield f"{key}: {text}", _passes(item, **{key: formulas})
    for text in slips(item["resultant"], known):
        yield f"resultant {text}", _passes(item, resultant=text)
    yield "no resultant", _must_be_rejected(item, resultant="0", cofactors=["0", "0"])
    yield "the other variable", _must_be_rejected(item, eliminated=item["variables"][0])


def _other_sizes(item: Item) -> Iterator[Variant]:
    """A smaller bound, none, or of the other sign; larger sizes; the largest term not left out."""
    for factor in ("0", "-1", "1/1000000"):
        yield f"bound times {factor}", _passes(item, bound=f"({item['bound']})*({factor})")
    for number, size in enumerate(item["size"]):
        sizes = [*item["size"][:number], f"1000*({size})", *item["size"][number + 1 :]]
        yield f"size {number} times 1000", _passes(item, size=sizes)
    if item["without"]:
        yield "nothing left out", _must_be_rejected(item, without=[])
    yield "a larger slack", _must_be_rejected(item, tree=_raised(item["tree"]))


def _changed_numbers(item: Item) -> Iterator[Variant]:
    """Another count, mean or bound, and slips in the polynomial."""
    for other in (7, -1, 1000):
        if "count" in item:
            yield f"count {other}", _must_be_rejected(item, count=other)
        if "mean" in item:
            yield f"mean {other}", _must_be_rejected(item, mean=str(other))
    if "tree" in item:
        yield "a larger bound", _must_be_rejected(item, tree=_raised(item["tree"]))
    for text in slips(item["polynomial"], set(item["variables"])):
        yield f"polynomial {text}", _passes(item, polynomial=text)


def _raised(tree: Any) -> Any:
    return [*tree[:2], *map(_raised, tree[2:])] if isinstance(tree, list) else "1000000000000"
