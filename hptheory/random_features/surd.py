"""Exact numbers a + b sqrt(D): the field in which the large-width coefficients of a rational model live."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Any

Number = Any


class Surd:
    """a + b sqrt(D) with exact a, b, D (Fraction, or elements of a field of rational functions).

    >>> root2 = Surd(Fraction(0), Fraction(1), Fraction(2))
    >>> (1 + root2) * (1 - root2) == -1
    True
    >>> 1 / (1 + root2)
    -1 + 1*sqrt(2)
    """

    __slots__ = ("a", "b", "d")

    def __init__(self, a: Number, b: Number, d: Number) -> None:
        self.a, self.b, self.d = a, b, d

    def __repr__(self) -> str:
        return f"{self.a} + {self.b}*sqrt({self.d})"

    def __eq__(self, other: object) -> bool:
        # sqrt(D) is irrational by construction, so that the two parts are unique.
        a, b = (other.a, other.b) if isinstance(other, Surd) else (other, 0)
        return bool(self.a == a and self.b == b)

    def __hash__(self) -> int:
        return hash((self.a, self.b, self.d))

    def _lift(self, other: Number) -> Surd | None:
        """Return other as a + b sqrt(D), or None if it is no number of this field (a series, say)."""
        if isinstance(other, Surd):
            return other
        if isinstance(other, int | type(self.a)):
            return Surd(other, 0 * self.a, self.d)
        return None

    def __neg__(self) -> Surd:
        return Surd(-self.a, -self.b, self.d)

    def __add__(self, other: Number) -> Surd:
        o = self._lift(other)
        return NotImplemented if o is None else Surd(self.a + o.a, self.b + o.b, self.d)

    __radd__ = __add__

    def __sub__(self, other: Number) -> Surd:
        return self + (-other)

    def __rsub__(self, other: Number) -> Surd:
        return (-self) + other

    def __mul__(self, other: Number) -> Surd:
        o = self._lift(other)
        if o is None:
            return NotImplemented
        return Surd(self.a * o.a + self.b * o.b * self.d, self.a * o.b + self.b * o.a, self.d)

    __rmul__ = __mul__

    def inverse(self) -> Surd:
        """Return 1 / (a + b sqrt(D)) through the conjugate."""
        norm = self.a * self.a - self.b * self.b * self.d
        return Surd(self.a / norm, -self.b / norm, self.d)

    def __truediv__(self, other: Number) -> Surd:
        o = self._lift(other)
        if o is None:
            return NotImplemented
        return Surd(self.a / o.a, self.b / o.a, self.d) if o.b == 0 else self * o.inverse()

    def __rtruediv__(self, other: Number) -> Surd:
        return self.inverse() * other

    def __pow__(self, exponent: int) -> Surd:
        power = self
        for _ in range(exponent - 1):
            power = power * self
        return power


def exact_sqrt(d: Fraction) -> Fraction | Surd:
    """Return sqrt(d) for a rational d >= 0: a Fraction where it is rational, else a Surd.

    >>> exact_sqrt(Fraction(9, 4)), exact_sqrt(Fraction(8))
    (Fraction(3, 2), 0 + 1*sqrt(8))
    """
    p, q = isqrt(d.numerator), isqrt(d.denominator)
    if p * p == d.numerator and q * q == d.denominator:
        return Fraction(p, q)
    return Surd(Fraction(0), Fraction(1), d)
