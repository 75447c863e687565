"""Products of powers as their logarithms: one more number system, for the scaling rules.

Up to constants every quantity of a scaling rule is a monomial in the dimensions, with exponents that may be
symbols. Its logarithm is then a polynomial in exponents and logarithms of dimensions, so that "these two are
the same" is an identity that the independent checker can verify.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from proofs_check.rational import RationalFunction

Exponent = RationalFunction | Fraction | int


@dataclass(frozen=True, eq=False)
class Monomial:
    """exp(log), multiplied, divided and raised to powers; the number 1 is the only other factor it takes.

    >>> from proofs_check.rational import generators
    >>> x, y, e = generators("x", "y", "e")
    >>> a, b = Monomial(x), Monomial(y)
    >>> (a * b) ** e / a ** Fraction(1, 2) == Monomial(e * (x + y) - x / 2), 1 / a == a**-1
    (True, True)
    """

    log: RationalFunction

    def __mul__(self, other: object) -> Monomial:
        return Monomial(self.log + self._log_of(other))

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> Monomial:
        return Monomial(self.log - self._log_of(other))

    def __rtruediv__(self, other: object) -> Monomial:
        return Monomial(self._log_of(other) - self.log)

    def __pow__(self, exponent: Exponent) -> Monomial:
        return Monomial(self.log * exponent)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Monomial) and self.log == other.log

    __hash__ = None  # type: ignore[assignment]

    def _log_of(self, other: Any) -> RationalFunction | int:
        if isinstance(other, Monomial):
            return other.log
        if other != 1:  # another constant is a mistake: orders of magnitude have none
            raise TypeError(f"{other!r} is no monomial")
        return 0
