"""While a check runs, what it shows is written down as items of a certificate, for the independent checker.

A rational function remembers its operations; they become the steps of an item, with a reduced form wherever
something was cancelled. So the steps repeat what the library's own formula did to its arguments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from proofs_check.rational import RationalFunction, terms

if TYPE_CHECKING:
    from flint import fmpz_mpoly
    from sympy import Expr

Item = dict[str, Any]
_items: ContextVar[list[Item] | None] = ContextVar("items", default=None)


@contextmanager
def recording() -> Iterator[list[Item]]:
    """Collect the items that checks record inside this block."""
    items: list[Item] = []
    token = _items.set(items)
    try:
        yield items
    finally:
        _items.reset(token)


def record(item: Mapping[str, Any]) -> None:
    """Write an item down, if a recording is on (the same one only once)."""
    items = _items.get()
    if items is not None and item not in items:
        items.append(dict(item))


def is_recording() -> bool:
    """Return whether items are being collected."""
    return _items.get() is not None


def polynomial_text(polynomial: fmpz_mpoly) -> str:
    """Return an expanded polynomial as the checker reads it.

    >>> from proofs_check.rational import generators
    >>> x, y = generators("x", "y")
    >>> polynomial_text((3 * x**2 * y - y + 1).numer)
    '3*x**2*y - y + 1'
    """
    names, text = polynomial.context().names(), ""
    for powers, coefficient in terms(polynomial):
        factors = [name if k == 1 else f"{name}**{k}" for name, k in zip(names, powers, strict=True) if k]
        size = abs(coefficient)
        if size != 1 or not factors:
            factors.insert(0, str(size))
        text += (" - " if coefficient < 0 else " + ") + "*".join(factors)
    return text[1:].replace("- ", "-", 1) if text.startswith(" - ") else text[3:] or "0"


def reduced_form(function: RationalFunction) -> list[str]:
    """Return numerator and denominator as text."""
    return [polynomial_text(function.numer), polynomial_text(function.denom)]


def steps_of(*functions: RationalFunction) -> tuple[list[list[str]], list[str]]:
    """Return the steps that lead to functions, and the formula of each in their names."""
    uses: Counter[int] = Counter()
    order: list[RationalFunction] = []

    def visit(node: RationalFunction) -> None:
        uses[id(node)] += 1
        if uses[id(node)] == 1:
            for operand in _operands(node):
                visit(operand)
            order.append(node)

    for function in functions:
        visit(function)
    wanted = {id(function) for function in functions}
    steps: list[list[str]] = []
    text: dict[int, str] = {}
    for node in order:
        formula = _formula(node, text)
        atom = not node.origin
        if atom or not (node.was_reduced or uses[id(node)] > 1 or id(node) in wanted):
            text[id(node)] = formula if atom and formula.isidentifier() else f"({formula})"
            continue
        name = f"f{len(steps) + 1}"
        steps.append([name, formula, *(reduced_form(node) if node.was_reduced else ())])
        text[id(node)] = name
    return steps, [text[id(function)] for function in functions]


def _operands(node: RationalFunction) -> list[RationalFunction]:
    return [operand for operand in node.origin[1:] if isinstance(operand, RationalFunction)]


def _formula(node: RationalFunction, text: Mapping[int, str]) -> str:
    if not node.origin:
        top, bottom = reduced_form(node)
        return top if bottom == "1" else f"({top})/({bottom})"
    sign, first, *rest = node.origin
    left = text[id(first)]
    if sign == "neg":
        return f"-{left}"
    if sign == "D":
        return f"D({left}, {rest[0]})"
    if sign == "At":
        return f"At({left}, {rest[0]}, {text[id(rest[1])]})"
    if sign == "**":
        return f"{left}**{rest[0]}" if rest[0] >= 0 else f"{left}**({rest[0]})"
    return f"{left} {sign} {text[id(rest[0])]}"


def of_function(function: RationalFunction, kind: str, what: str) -> Item:
    """Return the item that states that a function is zero or positive."""
    steps, formulas = steps_of(function)
    if kind == "positive":
        steps = [*steps[:-1], [*steps[-1][:2], *reduced_form(function)]] if steps else steps
    return {"kind": kind, "what": what, "variables": list(function.names), "steps": steps, kind: formulas}


def of_functions(kind: str, what: str, **roles: RationalFunction | Sequence[RationalFunction]) -> Item:
    """Return the beginning of an item in which named functions, or lists of them, play a role."""
    functions = [
        part for role in roles.values() for part in (role if isinstance(role, Sequence) else (role,))
    ]
    steps, texts = steps_of(*functions)
    item: Item = {"kind": kind, "what": what, "variables": list(functions[0].names), "steps": steps}
    left = iter(texts)
    for name, role in roles.items():
        item[name] = [next(left) for _ in role] if isinstance(role, Sequence) else next(left)
    return item


def of_expression(expression: Expr, kind: str, what: str) -> Item | None:
    """The same for a SymPy expression; None where it has irrational numbers."""
    import sympy

    names = sorted(str(symbol) for symbol in expression.free_symbols)
    if any(not power.exp.is_Integer for power in expression.atoms(sympy.Pow)):
        return None
    step = ["f1", str(expression)]
    if kind == "positive":
        top, bottom = sympy.fraction(sympy.factor(expression))
        step += [str(sympy.expand(part)) for part in (top, bottom)]
    return {"kind": kind, "what": what, "variables": names, "steps": [step], kind: ["f1"]}
