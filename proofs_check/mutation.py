"""Every claim is broken by rule, and its check must object: ``make proofs`` prints the table.

Rules: a sign, a factor 2, an exponent, an index in one formula; a step of a certificate changed in one of
these ways; a variable's sign, or a hypothesis, dropped; a counterexample moved. A broken variant may still be
true (a positive quantity stays positive when it is doubled): then the check proves it anew, and it counts as
`still true`, not as killed. A variant that is accepted although it is false would be alive; there must be
none, and at least three killed for every claim that is proved, certified or refuted.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from enum import Enum
from functools import partial
from itertools import islice
from typing import Any

from hptheory.errors import HPTheoryError
from proofs_check import recipes
from proofs_check.checker import CertificateError, check_item
from proofs_check.claims import Claim, Refuted, Verdict
from proofs_check.equations import Equation, equations
from proofs_check.exact import exact_values
from proofs_check.files import verify_and_record
from proofs_check.formulas import INDEX_PARTNERS, mutants, parse
from proofs_check.rational import RationalFunction, generators, has_positive_coefficients
from proofs_check.recording import Item
from proofs_check.register import REGISTER, find

NEEDED = 3
"""How many broken variants of a claim must be rejected at least."""

Variant = tuple[str, Callable[[], bool]]
"""What was broken, and whether the check accepts it (raising `Refuted` or dividing by zero is objecting)."""


class Fate(Enum):
    """What becomes of a broken variant."""

    KILLED = "killed"
    TRUE = "still true"
    ALIVE = "alive"


def fates(claim: Claim, limit: int | None = None) -> Counter[Fate]:
    """Return how many broken variants of a claim were killed, are still true, or are alive.

    ``limit`` bounds the variants of each source (a formula, an item of the certificate), evenly spread.
    """
    _, items = verify_and_record(claim)
    sources = [
        *([(name, _must_object(check))] for name, check in claim.breaks),
        *(list(of_equation(equation)) for equation in equations(claim.check) if not claim.corrected_by),
        *(list(of_item(item)) for item in items),
    ]
    count: Counter[Fate] = Counter()
    for variants in sources:
        step = 1 if limit is None else max(1, len(variants) // limit)
        for _, accepted in islice(variants, 0, None, step):
            count[_fate(accepted)] += 1
    return count


def _fate(accepted: Callable[[], bool]) -> Fate:
    try:
        return Fate.TRUE if accepted() else Fate.KILLED
    except (Refuted, CertificateError, ZeroDivisionError):
        return Fate.KILLED
    except _Alive:
        return Fate.ALIVE


class _Alive(Exception):
    """A variant that must be false was accepted."""


def _must_object(check: Callable[[], Any]) -> Callable[[], bool]:
    """A variant that is known to be false: accepting it is being alive."""

    def accepted() -> bool:
        check()
        raise _Alive

    return accepted


def _must_be_rejected(item: Item, **changes: Any) -> Callable[[], bool]:
    return _must_object(partial(check_item, item | changes))


def _passes(item: Item, **changes: Any) -> Callable[[], bool]:
    """Whether the checker takes a changed item: then it is true."""

    def accepted() -> bool:
        check_item(item | changes)
        return True

    return accepted


def of_equation(equation: Equation) -> Iterator[Variant]:
    """Yield every slip of the pen in one side of a displayed formula; each makes another function of it."""
    known = exact_values(equation.setting)
    for position, side in enumerate(equation.sides):
        others = [other for k, other in enumerate(equation.sides) if k != position]
        for mutant in mutants(parse(side)):
            if {str(name) for name in mutant.free_symbols} <= set(known):
                broken = replace(equation, sides=(*others, str(mutant)))
                yield f"{side} -> {mutant}", _must_object(broken.find_counterexample)


def of_item(item: Item) -> Iterator[Variant]:
    """Yield the broken variants of one item of a certificate."""
    if item["kind"] in ("zero", "positive"):
        if item["kind"] == "positive":
            yield from _dropped_signs(item)
        yield from _broken_steps(item)
    elif item["kind"] == "counterexample":
        yield from _other_counterexamples(item)
    elif item["kind"] == "combination":
        yield from _dropped_hypotheses(item)
    else:
        yield from _changed_numbers(item)


def _broken_steps(item: Item) -> Iterator[Variant]:
    """One step, or the formula itself, with a slip of the pen; the rest is computed anew."""
    kind, known = item["kind"], set(item["variables"])
    for number, (name, formula, *_) in enumerate(item["steps"]):
        for text in slips(formula, known):
            steps = [list(step[:2]) for step in item["steps"]]
            steps[number] = [name, text]
            yield f"{formula} -> {text}", partial(holds, item | {"steps": steps})
        known.add(name)
    for number, formula in enumerate(item[kind]):
        for text in slips(formula, known):
            formulas = [*item[kind][:number], text, *item[kind][number + 1 :]]
            yield f"{formula} -> {text}", partial(holds, item | {kind: formulas})


def _dropped_signs(item: Item) -> Iterator[Variant]:
    """The opposite sign of the whole; and no hypothesis that a variable is positive."""
    yield "the opposite sign", lambda: all(has_positive_coefficients(-value) for value in values(item))
    for name in item["variables"]:
        yield f"{name} of either sign", partial(_holds_for_negative, item, name)


def _holds_for_negative(item: Item, name: str) -> bool:
    return all(
        has_positive_coefficients(value.substitute(name, -_variable(value, name))) for value in values(item)
    )


def _variable(value: RationalFunction, name: str) -> RationalFunction:
    return generators(*value.names)[value.names.index(name)]


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


def slips(text: str, known: Collection[str]) -> Iterator[str]:
    """Yield a formula with one slip of the pen: a sign, a factor 2, an exponent, an index that has a meaning.

    >>> list(slips("u - s**2", {"u", "v", "s"}))
    ['u + s ** 2', '2 * u - s ** 2', 'v - s ** 2', 'u - s ** 3', 'u - s', 'u - (2 * s) ** 2']
    """
    tree = ast.parse(text, mode="eval")
    original = ast.unparse(tree)
    by = [id(node.args[1]) for node in ast.walk(tree) if isinstance(node, ast.Call)]  # D(f, x): x stays
    for node in (node for node in ast.walk(tree) if id(node) not in by):
        for broken in _broken(node, known):
            result = ast.unparse(_Replace(node, broken).visit(ast.parse(text, mode="eval"), tree))
            if result != original:
                yield result


class _Replace:
    """Put another node in place of one node of a tree; the copy is walked beside the original."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, copy: Any, original: Any) -> Any:
        if original is self.old:
            return self.new
        for name, value in ast.iter_fields(original):
            if isinstance(value, ast.AST):
                setattr(copy, name, self.visit(getattr(copy, name), value))
            elif isinstance(value, list):
                parts = zip(getattr(copy, name), value, strict=True)
                setattr(
                    copy,
                    name,
                    [self.visit(*pair) if isinstance(pair[1], ast.AST) else pair[0] for pair in parts],
                )
        return copy


def _broken(node: ast.AST, known: Collection[str]) -> Iterator[ast.AST]:
    match node:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield ast.BinOp(left, ast.Sub(), right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            yield ast.BinOp(left, ast.Add(), right)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(exponent))):
            yield ast.BinOp(left, ast.Pow(), ast.Constant(exponent + 1))
            yield ast.BinOp(left, ast.Pow(), ast.Constant(exponent - 1)) if exponent != 2 else left
        case ast.BinOp(op=ast.Mult() | ast.Div()):
            yield ast.BinOp(ast.Constant(2), ast.Mult(), node)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield operand
        case ast.Name(id=name) if name not in ("D", "At"):
            yield ast.BinOp(ast.Constant(2), ast.Mult(), node)
            partners = INDEX_PARTNERS | {second: first for first, second in INDEX_PARTNERS.items()}
            if partners.get(name) in known:
                yield ast.Name(partners[name])


def table(claims: Sequence[Claim], limit: int | None = None) -> tuple[list[str], bool]:
    """Return the lines of the table, and whether all is well: enough killed, none alive."""
    lines, well, total = [f"{'claim':32} {'verdict':9} killed  still true  alive"], True, Counter[Fate]()
    for claim in claims:
        if claim.verdict not in (Verdict.PROVED, Verdict.CERTIFIED, Verdict.REFUTED):
            continue
        count = fates(claim, limit)
        total += count
        good = count[Fate.KILLED] >= NEEDED and not count[Fate.ALIVE]
        well &= good
        lines.append(
            f"{claim.id:32} {claim.verdict.value:9} {count[Fate.KILLED]:6}  {count[Fate.TRUE]:10}  "
            f"{count[Fate.ALIVE]:5}{'' if good else '  <-- too few killed, or one alive'}"
        )
    lines.append(
        f"{len(lines) - 1} claims: {total[Fate.KILLED]} broken variants killed, "
        f"{total[Fate.TRUE]} still true, {total[Fate.ALIVE]} alive"
    )
    return lines, well


def main(arguments: Sequence[str]) -> int:
    """Print the table, for all claims or for those named; the exit code says whether all is well."""
    try:
        lines, well = table([find(name) for name in arguments] or list(REGISTER.values()))
    except HPTheoryError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(lines))
    return int(not well)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
