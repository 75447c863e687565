"""Rational functions over the integers, in nothing but Python: the arithmetic of the independent checker.

A polynomial is a dictionary from a packed monomial (20 bits an exponent) to an integer. An exponent stays
below 2^19, so that two of them never carry over into the next variable's. Nothing is ever cancelled here:
reduced forms come from the certificate, and are checked by cross-multiplication.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

Polynomial = dict[int, int]
_BITS = 20
_MASK = (1 << _BITS) - 1
_VARIABLES = 500
_TOO_LARGE = sum(1 << (_BITS * k + _BITS - 1) for k in range(_VARIABLES))
"""The bits that no exponent may reach."""


class CertificateError(Exception):
    """A certificate does not show what it says; the message says where."""


class Quotient(NamedTuple):
    """A rational function: numerator and denominator, not reduced."""

    numer: Polynomial
    denom: Polynomial


def plus(a: Polynomial, b: Polynomial, factor: int = 1) -> Polynomial:
    """Return a + factor b."""
    total = dict(a)
    for monomial, coefficient in b.items():
        value = total.get(monomial, 0) + factor * coefficient
        if value:
            total[monomial] = value
        else:
            total.pop(monomial, None)
    return total


def times(a: Polynomial, b: Polynomial) -> Polynomial:
    """Return a b."""
    if len(a) > len(b):
        a, b = b, a
    product: Polynomial = {}
    get = product.get
    for m, c in a.items():
        for n, d in b.items():
            product[m + n] = get(m + n, 0) + c * d
    _require_small(product)
    return {monomial: value for monomial, value in product.items() if value}


def _require_small(monomials: Iterable[int]) -> None:
    reached = 0
    for monomial in monomials:
        reached |= monomial
    if reached & _TOO_LARGE:
        raise CertificateError("an exponent is too large for this checker")


class Field:
    """The field of rational functions of the named variables.

    >>> field = Field(["x", "y"])
    >>> both = field.value("(x**2 - y**2)/(x - y)", {}), field.value("x + y", {})
    >>> field.equal(*both), field.equal(field.value("D(x**2*y, x)", {}), field.value("2*x*y", {}))
    (True, True)
    """

    def __init__(self, variables: list[str]) -> None:
        if len(variables) > _VARIABLES or len(set(variables)) < len(variables):
            raise CertificateError("too many variables, or one of them twice")
        self.shift = {name: _BITS * k for k, name in enumerate(variables)}

    def constant(self, value: int | Fraction) -> Quotient:
        """Return a number as a rational function."""
        return Quotient({0: value.numerator} if value else {}, {0: value.denominator})

    def equal(self, x: Quotient, y: Quotient) -> bool:
        """Whether two rational functions are the same."""
        return times(x.numer, y.denom) == times(y.numer, x.denom)

    def add(self, x: Quotient, y: Quotient, factor: int = 1) -> Quotient:
        """Return x + factor y."""
        if x.denom == y.denom:
            return Quotient(plus(x.numer, y.numer, factor), x.denom)
        crossed = plus(times(x.numer, y.denom), times(y.numer, x.denom), factor)
        return Quotient(crossed, times(x.denom, y.denom))

    def multiply(self, x: Quotient, y: Quotient) -> Quotient:
        """Return x y."""
        return Quotient(times(x.numer, y.numer), times(x.denom, y.denom))

    def divide(self, x: Quotient, y: Quotient) -> Quotient:
        """Return x / y."""
        if not y.numer:
            raise CertificateError("a formula divides by zero")
        return Quotient(times(x.numer, y.denom), times(x.denom, y.numer))

    def power(self, x: Quotient, exponent: int) -> Quotient:
        """Return x to an integer power."""
        if abs(exponent) > _MASK >> 1:  # of a constant too, whose powers would take for ever
            raise CertificateError("an exponent is too large for this checker")
        base = x if exponent >= 0 else self.divide(self.constant(1), x)
        result = self.constant(1)
        for _ in range(abs(exponent)):
            result = self.multiply(result, base)
        return result

    def derivative(self, x: Quotient, name: str) -> Quotient:
        """Return the partial derivative by a variable."""
        shift = self._shift(name)

        def of(p: Polynomial) -> Polynomial:
            slopes = {}
            for monomial, coefficient in p.items():
                exponent = monomial >> shift & _MASK
                if exponent:
                    slopes[monomial - (1 << shift)] = exponent * coefficient
            return slopes

        top = plus(times(of(x.numer), x.denom), times(x.numer, of(x.denom)), -1)
        return Quotient(top, times(x.denom, x.denom))

    def substitute(self, x: Quotient, name: str, value: Quotient) -> Quotient:
        """Return x with a rational function in place of a variable."""
        shift = self._shift(name)

        def of(p: Polynomial) -> Quotient:
            by_power: dict[int, Polynomial] = {}
            for monomial, coefficient in p.items():
                exponent = monomial >> shift & _MASK
                by_power.setdefault(exponent, {})[monomial - (exponent << shift)] = coefficient
            total = self.constant(0)
            for exponent in range(max(by_power, default=0), -1, -1):
                here = Quotient(by_power.get(exponent, {}), {0: 1})
                total = self.add(self.multiply(total, value), here)
            return total

        return self.divide(of(x.numer), of(x.denom))

    def at_point(self, x: Quotient, point: Mapping[str, Fraction]) -> Fraction:
        """Return the value at a rational point."""

        def of(p: Polynomial) -> Fraction:
            total = Fraction(0)
            for monomial, coefficient in p.items():
                term = Fraction(coefficient)
                for name, shift in self.shift.items():
                    exponent = monomial >> shift & _MASK
                    if exponent:
                        term *= point[name] ** exponent
                total += term
            return total

        bottom = of(x.denom)
        if not bottom:
            raise CertificateError("a denominator vanishes at the point")
        return of(x.numer) / bottom

    def packed(self, terms: Mapping[tuple[int, ...], int]) -> Polynomial:
        """Return a polynomial that is given by exponents, in the order of the variables."""
        return {
            sum(power << shift for power, shift in zip(powers, self.shift.values(), strict=True)): c
            for powers, c in terms.items()
        }

    def exponents(self, monomial: int) -> tuple[int, ...]:
        """Return the exponents of a packed monomial, in the order of the variables."""
        return tuple(monomial >> shift & _MASK for shift in self.shift.values())

    def variables(self, x: Quotient) -> set[str]:
        """Return the names of the variables that occur in the numerator or the denominator."""
        powers = [self.exponents(monomial) for part in x for monomial in part]
        return {
            name for name, column in zip(self.shift, zip(*powers, strict=True), strict=True) if any(column)
        }

    def polynomial(self, text: str) -> Polynomial:
        """Return an expanded polynomial, written as ``3*x**2*y - 2``."""
        result: Polynomial = {}
        for sign, term in re.findall(r"([+-]?)\s*([^\s+-]+)", text):
            monomial, coefficient = 0, -1 if sign == "-" else 1
            for factor in term.replace("**", "^").split("*"):
                base, _, exponent = factor.partition("^")
                if base.isdigit():
                    if exponent:
                        raise CertificateError(f"an expanded polynomial holds a power of a number: {factor}")
                    coefficient *= int(base)
                else:
                    monomial += min(int(exponent or 1), 1 << _BITS - 1) << self._shift(base)
                    _require_small([monomial])
            result = plus(result, {monomial: coefficient})
        return result

    def value(self, text: str, names: Mapping[str, Quotient]) -> Quotient:
        """Return the value of a formula in the variables and in names that have a value already."""
        return self._value(_parsed(text), names)

    def _value(self, node: ast.expr, names: Mapping[str, Quotient]) -> Quotient:
        match node:
            case ast.Constant(value=int(number)):
                return self.constant(number)
            case ast.Name(id=name):
                if name in names:
                    return names[name]
                return Quotient({1 << self._shift(name): 1}, {0: 1})
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.add(self.constant(0), self._value(operand, names), -1)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self.power(self._value(left, names), _integer(right))
            case ast.BinOp(left=left, op=operator, right=right):
                x, y = self._value(left, names), self._value(right, names)
                if isinstance(operator, (ast.Add, ast.Sub)):
                    return self.add(x, y, 1 if isinstance(operator, ast.Add) else -1)
                if isinstance(operator, ast.Mult):
                    return self.multiply(x, y)
                if isinstance(operator, ast.Div):
                    return self.divide(x, y)
            case ast.Call(func=ast.Name(id="D"), args=[of, ast.Name(id=by)]):
                return self.derivative(self._value(of, names), by)
            case ast.Call(func=ast.Name(id="At"), args=[of, ast.Name(id=by), value]):
                return self.substitute(self._value(of, names), by, self._value(value, names))
        raise CertificateError(f"{ast.unparse(node)} is not a formula")

    def _shift(self, name: str) -> int:
        if name not in self.shift:
            raise CertificateError(f"the name {name} has no meaning")
        return self.shift[name]


def _integer(node: ast.expr) -> int:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_integer(node.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    raise CertificateError(f"the exponent {ast.unparse(node)} is not an integer")


@lru_cache(maxsize=1024)
def _parsed(text: str) -> ast.expr:
    # Python reads letters that look alike as one name: what a reader takes for two would be the same.
    if not text.isascii():
        raise CertificateError(f"{text[:80]!a} is not a formula: it is not in ASCII")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError):
        raise CertificateError(f"{text[:80]} is not a formula") from None
