"""Rational functions over the integers by python-flint: one more number system for the formulas.

SymPy's field of fractions does the same; flint's greatest common divisors make it tens of times faster, which
the third coefficient of the large-width expansion needs. Each function remembers how it was computed, so that
a certificate can repeat the steps (`proofs_check.recording`).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from proofs_check.algebraic import require_flint

if TYPE_CHECKING:
    from flint import fmpz_mpoly

Origin = tuple[Any, ...]
"""The operator's sign and its operands; empty for a variable, or for a function given by its two parts."""


def generators(*names: str) -> tuple[RationalFunction, ...]:
    """Return the variables of Q(names) as rational functions."""
    context = require_flint().fmpz_mpoly_ctx.get(list(names), "lex")
    one = context.constant(1)
    return tuple(RationalFunction(generator, one) for generator in context.gens())


def _between_functions(sign: str, operation: Callable[..., tuple[Any, Any]], turned: bool = False) -> Any:
    """Let an operation on a/b and c/d, given as (a, b, c, d), take and return rational functions."""

    def operator(self: RationalFunction, other: object) -> Any:
        if not isinstance(other, (RationalFunction, int, Fraction)):
            return NotImplemented
        x, y = self, self.lifted(other)
        if turned:
            x, y = y, x
        return RationalFunction(*operation(x.numer, x.denom, y.numer, y.denom), (sign, x, y))

    return operator


class RationalFunction:
    """A quotient of integer polynomials in lowest terms.

    >>> x, y = generators("x", "y")
    >>> (x**2 - y**2) / (x - y) == x + y, 1 / (1 + x) + x / (1 + x) == 1
    (True, True)
    >>> ((x**2 - y) / x).diff("x") == 1 + y / x**2, (x / y).substitute("y", 1 / x) == x**2
    (True, True)
    """

    def __init__(self, numer: fmpz_mpoly, denom: fmpz_mpoly, origin: Origin = ()) -> None:
        if denom == 0:
            raise ZeroDivisionError(f"{numer} / 0")
        common = numer.gcd(denom)
        self.numer, self.denom = numer / common, denom / common
        if self.denom.leading_coefficient() < 0:
            self.numer, self.denom = -self.numer, -self.denom
        self.origin = origin
        self.was_reduced = not common.is_constant()

    def lifted(self, value: RationalFunction | int | Fraction) -> RationalFunction:
        """Return a number as a function in the same variables."""
        if isinstance(value, RationalFunction):
            return value
        context = self.numer.context()
        return RationalFunction(context.constant(value.numerator), context.constant(value.denominator))

    def without_history(self) -> RationalFunction:
        """Return the same function, given by its two parts."""
        return RationalFunction(self.numer, self.denom)

    @property
    def names(self) -> tuple[str, ...]:
        """The variables."""
        return tuple(self.numer.context().names())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (RationalFunction, int, Fraction)):
            return NotImplemented
        same = self.lifted(other)
        return bool(self.numer == same.numer and self.denom == same.denom)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"({self.numer})/({self.denom})"

    def __neg__(self) -> RationalFunction:
        return RationalFunction(-self.numer, self.denom, ("neg", self))

    def __pow__(self, exponent: int) -> RationalFunction:
        top, bottom = (self.numer, self.denom) if exponent >= 0 else (self.denom, self.numer)
        return RationalFunction(top ** abs(exponent), bottom ** abs(exponent), ("**", self, exponent))

    def at(self, name: str, value: int) -> RationalFunction:
        """Return the function with a number in place of one variable."""
        top, bottom = (part.subs({name: value}) for part in (self.numer, self.denom))
        return RationalFunction(top, bottom, ("At", self, name, self.lifted(value)))

    def diff(self, name: str) -> RationalFunction:
        """Return the partial derivative by one variable."""
        top = self.numer.derivative(name) * self.denom - self.numer * self.denom.derivative(name)
        return RationalFunction(top, self.denom**2, ("D", self, name))

    def substitute(self, name: str, value: RationalFunction) -> RationalFunction:
        """Return the function with another one in place of one variable."""
        top, bottom = (_composed(part, name, value) for part in (self.numer, self.denom))
        quotient = top / bottom
        quotient.origin = ("At", self, name, value)
        quotient.was_reduced = True
        return quotient

    def at_point(self, point: Mapping[str, Any]) -> Any:
        """Return the value at a point, in fractions or any other numbers."""
        values = [point[name] for name in self.names]
        top, bottom = (_value(part, values) for part in (self.numer, self.denom))
        return top / bottom

    __add__ = __radd__ = _between_functions("+", lambda a, b, c, d: (a * d + b * c, b * d))
    __sub__ = _between_functions("-", lambda a, b, c, d: (a * d - b * c, b * d))
    __rsub__ = _between_functions("-", lambda a, b, c, d: (a * d - b * c, b * d), turned=True)
    __mul__ = __rmul__ = _between_functions("*", lambda a, b, c, d: (a * c, b * d))
    __truediv__ = _between_functions("/", lambda a, b, c, d: (a * d, b * c))
    __rtruediv__ = _between_functions("/", lambda a, b, c, d: (a * d, b * c), turned=True)


def has_positive_coefficients(function: RationalFunction) -> bool:
    """Return whether all coefficients of both parts are positive, so that the function is."""
    return function.numer != 0 and all(
        c > 0 for part in (function.numer, function.denom) for c in part.coeffs()
    )


def from_field(element: Any, like: RationalFunction) -> RationalFunction:
    """Return an element of a SymPy field as a function in the variables of another one, by position.

    A variable of the other one that the field lacks is left out (the field of infinite width has no q).
    """
    known = [str(generator) for generator in element.field.symbols]
    context = like.numer.context()
    wanted = (name.removeprefix("free_") for name in like.names)
    places = [known.index(name) if name in known else None for name in wanted]

    def part(polynomial: Any) -> dict[tuple[int, ...], Any]:
        return {
            tuple(0 if place is None else powers[place] for place in places): coefficient
            for powers, coefficient in polynomial.terms()
        }

    numer, denom = part(element.numer), part(element.denom)
    scale = 1
    for coefficient in (*numer.values(), *denom.values()):
        scale = math.lcm(scale, int(coefficient.denominator))
    parts = ({powers: int(c * scale) for powers, c in pairs.items()} for pairs in (numer, denom))
    return RationalFunction(*(context.from_dict(pairs) for pairs in parts))


def terms(polynomial: fmpz_mpoly) -> list[tuple[tuple[int, ...], int]]:
    """Return the terms (exponents, coefficient) of a polynomial."""
    return [(tuple(map(int, powers)), int(c)) for powers, c in polynomial.terms()]


def _composed(polynomial: fmpz_mpoly, name: str, value: RationalFunction) -> RationalFunction:
    """Return a polynomial with a rational function in place of a variable, by Horner's rule."""
    context = polynomial.context()
    position = context.names().index(name)
    by_power: dict[int, dict[tuple[int, ...], int]] = {}
    for powers, coefficient in terms(polynomial):
        rest = (*powers[:position], 0, *powers[position + 1 :])
        by_power.setdefault(powers[position], {})[rest] = coefficient
    total = value.lifted(0)
    for exponent in range(max(by_power, default=0), -1, -1):
        here = RationalFunction(context.from_dict(by_power.get(exponent, {})), context.constant(1))
        total = total * value + here
    return total


def _value(polynomial: fmpz_mpoly, values: list[Any]) -> Any:
    total: Any = values[0] * 0
    for powers, coefficient in terms(polynomial):
        term = coefficient + 0 * values[0]
        for value, power in zip(values, powers, strict=True):
            if power:
                term = term * value**power
        total = total + term
    return total


OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
"""The binary operators that an origin can name."""
