"""Truncated power series over any kind of number: one more number system for the formulas of `curve`.

Substituting a series for s and q yields derivatives and large-width coefficients of the very formulas that
users call, exactly where the coefficients are exact. Operators only: +, -, *, / and integer powers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Number = Any


class Series:
    """c0 + c1 x + ... + cK x^K + O(x^(K+1)), with coefficients of any kind of number.

    Two series of different lengths meet at the shorter one.

    >>> from fractions import Fraction
    >>> x = Series([Fraction(0), Fraction(1), Fraction(0), Fraction(0)])
    >>> [str(c) for c in (1 / (1 - x) ** 2).coefficients]
    ['1', '2', '3', '4']
    """

    # NumPy must leave `array * series` to this class instead of spreading over the array.
    __array_ufunc__ = None

    def __init__(self, coefficients: Iterable[Number]) -> None:
        self.coefficients = tuple(coefficients)

    @classmethod
    def variable(cls, at: Number, order: int) -> Series:
        """Return the series of the variable itself around the point `at`."""
        return cls([at, 1, *[0] * (order - 1)][: order + 1])

    def __getitem__(self, k: int) -> Number:
        return self.coefficients[k]

    def __len__(self) -> int:
        return len(self.coefficients)

    def __repr__(self) -> str:
        return f"Series({list(self.coefficients)!r})"

    def with_constant(self, constant: Number) -> Series:
        """Return the same series with another constant term (one that was found more accurately)."""
        return Series((constant, *self.coefficients[1:]))

    def __neg__(self) -> Series:
        return Series(-c for c in self.coefficients)

    def __add__(self, other: Number) -> Series:
        if isinstance(other, Series):
            return Series(a + b for a, b in zip(self.coefficients, other.coefficients, strict=False))
        return self.with_constant(self.coefficients[0] + other)

    __radd__ = __add__

    def __sub__(self, other: Number) -> Series:
        return self + (-other)

    def __rsub__(self, other: Number) -> Series:
        return (-self) + other

    def __mul__(self, other: Number) -> Series:
        if not isinstance(other, Series):
            return Series(c * other for c in self.coefficients)
        a, b = self.coefficients, other.coefficients
        return Series(_sum(a[i] * b[k - i] for i in range(k + 1)) for k in range(min(len(a), len(b))))

    __rmul__ = __mul__

    def __truediv__(self, other: Number) -> Series:
        if not isinstance(other, Series):
            return Series(c / other for c in self.coefficients)
        a, b = self.coefficients, other.coefficients
        quotient: list[Number] = []
        for k in range(min(len(a), len(b))):
            taken = [quotient[i] * b[k - i] for i in range(k)]
            quotient.append((a[k] - _sum(taken) if taken else a[k]) / b[0])
        return Series(quotient)

    def __rtruediv__(self, other: Number) -> Series:
        return Series([other, *[0] * (len(self) - 1)]) / self

    def __pow__(self, exponent: int) -> Series:
        if not isinstance(exponent, int) or exponent < 1:
            raise TypeError(f"a series is raised to positive integer powers only, not {exponent!r}")
        power = self
        for _ in range(exponent - 1):
            power = power * self
        return power


def _sum(terms: Iterable[Number]) -> Number:
    """Add without a starting 0, which not every kind of number accepts."""
    total: Number = None
    for term in terms:
        total = term if total is None else total + term
    return total
