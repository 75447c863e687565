"""Exact numbers in Q(alpha), alpha a root of an irreducible polynomial: one more number system for the curve.

Sums, products and quotients are polynomials modulo the minimal polynomial (python-flint), so that zero is
decided exactly; signs are decided by ball arithmetic at an enclosed root.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hptheory.errors import MissingExtraError

if TYPE_CHECKING:
    from flint import arb, fmpq_poly


def require_flint() -> Any:
    """Return the module flint, or say how to install it."""
    try:
        import flint
    except ImportError:
        raise MissingExtraError("python-flint", "proofs", "this certificate") from None
    return flint


def _as_polynomial(value: object) -> fmpq_poly | None:
    """Return a number as a polynomial in alpha; None for what is no number of this field (a series, say)."""
    flint = require_flint()
    if isinstance(value, AlgebraicNumber):
        return value.polynomial
    if isinstance(value, (int, Fraction)):
        return flint.fmpq_poly([flint.fmpq(value.numerator, value.denominator)])
    return None


def _inverse(polynomial: fmpq_poly, modulus: fmpq_poly) -> fmpq_poly:
    common, inverse, _ = polynomial.xgcd(modulus)
    if common.degree() != 0:
        raise ZeroDivisionError(f"{polynomial} has no inverse modulo {modulus}")
    return inverse / common[0]


def _between_numbers(operation: Callable[..., Any]) -> Callable[[Any, object], Any]:
    """Let an operation on two polynomials (and the modulus) take and return numbers of the field."""

    def operator(self: AlgebraicNumber, other: object) -> Any:
        value = _as_polynomial(other)
        if value is None:
            return NotImplemented
        return AlgebraicNumber(operation(self.polynomial, value, self.modulus), self.modulus)

    return operator


class AlgebraicNumber:
    """An element of Q(alpha), written as a polynomial in alpha of lower degree than its minimal polynomial.

    >>> flint = require_flint()
    >>> root2 = AlgebraicNumber(flint.fmpq_poly([0, 1]), flint.fmpq_poly([-2, 0, 1]))
    >>> (root2 - 1) * (1 + root2) == 1, 1 / (1 + root2) == root2 - 1
    (True, True)
    """

    def __init__(self, polynomial: fmpq_poly, modulus: fmpq_poly) -> None:
        self.polynomial, self.modulus = polynomial % modulus, modulus

    def __eq__(self, other: object) -> bool:
        value = _as_polynomial(other)
        return NotImplemented if value is None else bool(self.polynomial == value)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"AlgebraicNumber({self.polynomial} mod {self.modulus})"

    def __neg__(self) -> AlgebraicNumber:
        return AlgebraicNumber(-self.polynomial, self.modulus)

    __add__ = __radd__ = _between_numbers(lambda x, y, modulus: x + y)
    __sub__ = _between_numbers(lambda x, y, modulus: x - y)
    __rsub__ = _between_numbers(lambda x, y, modulus: y - x)
    __mul__ = __rmul__ = _between_numbers(lambda x, y, modulus: x * y)
    __truediv__ = _between_numbers(lambda x, y, modulus: x * _inverse(y, modulus))
    __rtruediv__ = _between_numbers(lambda x, y, modulus: y * _inverse(x, modulus))

    def __pow__(self, exponent: int) -> AlgebraicNumber:
        return AlgebraicNumber(self.polynomial**exponent, self.modulus)

    def enclose(self, alpha: arb) -> arb:
        """Return a ball that contains the value at a root alpha enclosed by a ball."""
        return require_flint().arb_poly(self.polynomial)(alpha)


def enclosed_root(coefficients: list[int], low: Fraction, high: Fraction) -> arb:
    """Return a narrow ball around the one root of an integer polynomial (lowest degree first) in [low, high].

    Bisection in exact rational numbers; the signs at low and high must differ.
    """
    flint = require_flint()

    def value(x: Fraction) -> Fraction:
        return sum((c * x**k for k, c in enumerate(coefficients)), Fraction(0))

    rising = value(low) < 0 < value(high)
    if not rising and not value(high) < 0 < value(low):
        raise ValueError(f"no sign change between {low} and {high}")
    while high - low > Fraction(1, 10**30):
        middle = (low + high) / 2
        low, high = (middle, high) if (value(middle) < 0) == rising else (low, middle)
    ends = [flint.arb(flint.fmpq(end.numerator, end.denominator)) for end in (low, high)]
    return ends[0].union(ends[1])
