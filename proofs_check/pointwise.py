"""The formulas of a certificate at one rational point: numbers, and dual numbers where they differentiate.

A second route beside the independent checker, which expands polynomials: here nothing is expanded, and D(f,
x) is the slope of f along x at the point. A name of a step is worth its reduced form, where it has one.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

Number = Any
"""A fraction, or a `Dual` of fractions or of duals of a lower level."""


class Dual:
    """a + b e with e^2 = 0; each nested derivative has an e, and a level, of its own.

    >>> x = Dual(Fraction(3), Fraction(1), 1)
    >>> (x**2 / (1 + x)).slope                                                  # (x^2 + 2 x)/(1 + x)^2
    Fraction(15, 16)
    """

    def __init__(self, value: Number, slope: Number, level: int) -> None:
        self.value, self.slope, self.level = value, slope, level

    def __add__(self, other: Number) -> Dual:
        return _joined(self, other, lambda a, da, b, db: (a + b, da + db))

    def __mul__(self, other: Number) -> Dual:
        return _joined(self, other, lambda a, da, b, db: (a * b, da * b + a * db))

    def __truediv__(self, other: Number) -> Dual:
        return _joined(self, other, _quotient)

    def __rtruediv__(self, other: Number) -> Dual:
        return _joined(other, self, _quotient)

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope, self.level)

    def __sub__(self, other: Number) -> Dual:
        return self + -other

    def __rsub__(self, other: Number) -> Dual:
        return -self + other

    def __pow__(self, exponent: int) -> Number:
        if exponent < 0:
            return 1 / self**-exponent
        half: Number = self ** (exponent // 2) if exponent > 1 else Fraction(1)
        return half * half * self if exponent % 2 else half * half

    __radd__, __rmul__ = __add__, __mul__


def _quotient(a: Number, da: Number, b: Number, db: Number) -> tuple[Number, Number]:
    return a / b, (da * b - a * db) / (b * b)


def _joined(x: Number, y: Number, rule: Callable[..., tuple[Number, Number]]) -> Dual:
    level = max(getattr(x, "level", 0), getattr(y, "level", 0))
    parts = [(n.value, n.slope) if getattr(n, "level", 0) == level else (n, Fraction(0)) for n in (x, y)]
    return Dual(*rule(*parts[0], *parts[1]), level)


class Point:
    """The values of an item's variables, and with them of its formulas.

    >>> at = Point({"f": ["(x**2 - 1)/(x - 1)", "x + 1", "1"]}, {"x": Fraction(1), "y": Fraction(2)})
    >>> at.value("f"), at.value("D(f*x, x) + At(f, x, y)")
    (Fraction(2, 1), Fraction(6, 1))
    """

    def __init__(self, steps: Mapping[str, list[str]], values: Mapping[str, Number], level: int = 0) -> None:
        self.steps, self.values, self.level = steps, dict(values), level
        self._known: dict[str, Number] = {}

    def value(self, text: str) -> Number:
        """Return the value of a formula; raises ZeroDivisionError where it has none."""
        return self._visit(_parsed(text))

    def name(self, name: str) -> Number:
        """Return the value of a variable or of a step."""
        if name in self.values:
            return self.values[name]
        if name not in self._known:
            formula, *reduced = self.steps[name]
            if reduced:
                top, bottom = (self.polynomial(text) for text in reduced)
                self._known[name] = top / bottom
            else:
                self._known[name] = self.value(formula)
        return self._known[name]

    def polynomial(self, text: str) -> Number:
        """Return the value of an expanded polynomial."""
        total: Number = Fraction(0)
        for coefficient, powers in _terms(text):
            term: Number = Fraction(coefficient)
            for name, power in powers:
                term = term * self.values[name] ** power
            total = total + term
        return total

    def _visit(self, node: ast.expr) -> Number:
        match node:
            case ast.Constant(value=int(number)):
                return Fraction(number)
            case ast.Name(id=name):
                return self.name(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._visit(operand)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self._visit(left) ** ast.literal_eval(right)
            case ast.BinOp(left=left, op=sign, right=right):
                return _OPERATORS[type(sign)](self._visit(left), self._visit(right))
            case ast.Call(func=ast.Name(id="D"), args=[of, ast.Name(id=by)]):
                level = self.level + 1
                found = self._moved(by, Dual(self.values[by], Fraction(1), level), level)._visit(of)
                return found.slope if getattr(found, "level", 0) == level else Fraction(0)
            case ast.Call(func=ast.Name(id="At"), args=[of, ast.Name(id=by), value]):
                return self._moved(by, self._visit(value), self.level)._visit(of)
        raise ValueError(f"{ast.unparse(node)} is not a formula")

    def _moved(self, name: str, value: Number, level: int) -> Point:
        return Point(self.steps, self.values | {name: value}, level)


_OPERATORS: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@lru_cache(maxsize=1024)
def _parsed(text: str) -> ast.expr:
    return ast.parse(text.strip(), mode="eval").body


@lru_cache(maxsize=1024)
def _terms(text: str) -> list[tuple[int, list[tuple[str, int]]]]:
    """The coefficient of each term, and the powers of its variables."""
    found = []
    for term in text.replace(" - ", " + -").split(" + "):
        coefficient, powers = -1 if term.startswith("-") else 1, []
        for factor in term.removeprefix("-").replace("**", "^").split("*"):
            base, _, exponent = factor.partition("^")
            if base.isdigit():
                coefficient *= int(base) ** int(exponent or 1)
            else:
                powers.append((base, int(exponent or 1)))
        found.append((coefficient, powers))
    return found
