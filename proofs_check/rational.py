"""Rational functions over the integers by python-flint: one more number system for the formulas.

SymPy's field of fractions does the same; flint's greatest common divisors make it tens of times faster, which
the third coefficient of the large-width expansion needs.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from proofs_check.algebraic import require_flint

if TYPE_CHECKING:
    from flint import fmpz_mpoly


def generators(*names: str) -> tuple[RationalFunction, ...]:
    """Return the variables of Q(names) as rational functions."""
    context = require_flint().fmpz_mpoly_ctx.get(list(names), "lex")
    one = context.constant(1)
    return tuple(RationalFunction(generator, one) for generator in context.gens())


def _parts(value: object, like: RationalFunction) -> tuple[fmpz_mpoly, fmpz_mpoly] | None:
    if isinstance(value, RationalFunction):
        return value.numer, value.denom
    if isinstance(value, (int, Fraction)):
        context = like.numer.context()
        return context.constant(value.numerator), context.constant(value.denominator)
    return None


def _between_functions(operation: Callable[..., tuple[Any, Any]]) -> Callable[[Any, object], Any]:
    """Let an operation on a/b and c/d, given as (a, b, c, d), take and return rational functions."""

    def operator(self: RationalFunction, other: object) -> Any:
        parts = _parts(other, self)
        if parts is None:
            return NotImplemented
        return RationalFunction(*operation(self.numer, self.denom, *parts))

    return operator


class RationalFunction:
    """A quotient of integer polynomials in lowest terms.

    >>> x, y = generators("x", "y")
    >>> (x**2 - y**2) / (x - y) == x + y, 1 / (1 + x) + x / (1 + x) == 1
    (True, True)
    """

    def __init__(self, numer: fmpz_mpoly, denom: fmpz_mpoly) -> None:
        if denom == 0:
            raise ZeroDivisionError(f"{numer} / 0")
        common = numer.gcd(denom)
        self.numer, self.denom = numer / common, denom / common
        if self.denom.leading_coefficient() < 0:
            self.numer, self.denom = -self.numer, -self.denom

    def __eq__(self, other: object) -> bool:
        parts = _parts(other, self)
        return NotImplemented if parts is None else bool(self.numer * parts[1] == parts[0] * self.denom)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"({self.numer})/({self.denom})"

    def __neg__(self) -> RationalFunction:
        return RationalFunction(-self.numer, self.denom)

    def __pow__(self, exponent: int) -> RationalFunction:
        return RationalFunction(self.numer**exponent, self.denom**exponent)

    def at(self, name: str, value: int) -> RationalFunction:
        """Return the function with a number in place of one variable."""
        return RationalFunction(self.numer.subs({name: value}), self.denom.subs({name: value}))

    __add__ = __radd__ = _between_functions(lambda a, b, c, d: (a * d + b * c, b * d))
    __sub__ = _between_functions(lambda a, b, c, d: (a * d - b * c, b * d))
    __rsub__ = _between_functions(lambda a, b, c, d: (b * c - a * d, b * d))
    __mul__ = __rmul__ = _between_functions(lambda a, b, c, d: (a * c, b * d))
    __truediv__ = _between_functions(lambda a, b, c, d: (a * d, b * c))
    __rtruediv__ = _between_functions(lambda a, b, c, d: (b * c, a * d))
