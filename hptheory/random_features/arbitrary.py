"""Arbitrary precision: exact conversion of parameters, and results whose every digit is right.

A result is computed at growing working precision until two successive values agree to the digits asked for;
the gaps of a very wide model cancel most of their digits, and this is what restores them.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from hptheory.errors import DomainError, PrecisionError

Number = Any

_GUARD = 12
_ATTEMPTS = 14
FLOAT_DIGITS = 17
"""Digits that hold every double."""


class MoreDigitsNeeded(ArithmeticError):
    """A computation cannot tell at this working precision; `to_precision` tries again with more digits."""


def to_mpf(value: Number) -> Number:
    """Return a real number as an mpmath number at the current working precision.

    A float means its exact binary value; a str, Decimal or Fraction means the decimal or the quotient.

    >>> import mpmath
    >>> with mpmath.workdps(30):
    ...     print(to_mpf("0.1") == mpmath.mpf(1) / 10, to_mpf(0.1) == mpmath.mpf(1) / 10)
    True False
    """
    import mpmath

    if isinstance(value, mpmath.mpf):
        return value
    if is_infinity(value):
        return mpmath.inf
    if hasattr(value, "is_number") and not value.is_Rational:  # SymPy, irrational
        return mpmath.mpf(str(value.evalf(mpmath.mp.dps + 5)))
    if isinstance(value, float | np.floating) and not np.isfinite(value):
        return mpmath.mpf(float(value))
    exact = to_fraction(value)
    return mpmath.mpf(exact.numerator) / exact.denominator


def is_infinity(value: Any) -> bool:
    """Tell whether a number of any kind, or a str, is +infinity."""
    return value in ("inf", "+inf") if isinstance(value, str) else bool(value == float("inf"))


def to_fraction(value: Number) -> Fraction:
    """Return the exact rational value of an int, float, str, Decimal, Fraction, mpmath or SymPy number.

    >>> to_fraction("0.93"), to_fraction(0.5)
    (Fraction(93, 100), Fraction(1, 2))
    """
    import mpmath

    if isinstance(value, mpmath.mpf):
        sign, mantissa, exponent, _ = value._mpf_
        return Fraction(int(-mantissa if sign else mantissa)) * Fraction(2) ** exponent
    if getattr(value, "is_Rational", False):  # SymPy
        return Fraction(int(value.p), int(value.q))
    if getattr(value, "ndim", None) == 0:  # NumPy and JAX
        value = value.item()
    try:
        if isinstance(value, str):
            return Fraction(value)
        return Fraction(*map(int, value.as_integer_ratio()))
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        bound = "a finite, exact real number (int, float, str, Fraction)"
        raise DomainError("number", repr(value), bound) from error


def to_precision(precision: int, compute: Callable[[], tuple[Number, ...]]) -> tuple[Number, ...]:
    """Return compute() with `precision` correct decimal digits in each component (exact zeros stay exact).

    `compute` runs under growing mpmath working precisions and takes its constants from inside.

    >>> import mpmath
    >>> (value,) = to_precision(20, lambda: (mpmath.sqrt(1 + mpmath.mpf(10) ** -40) - 1,))
    >>> mpmath.nstr(value, 15)
    '5.0e-41'
    """
    import mpmath

    digits, previous = precision + _GUARD, None
    for _ in range(_ATTEMPTS):
        with mpmath.workdps(digits):
            try:
                values = compute()
            except (MoreDigitsNeeded, ZeroDivisionError):  # 1 - mu1_sq, say, is 0 to a few digits
                values = None
            if previous and values and all(map(_agree(precision + 2), previous, values)):
                break
            previous, digits = values, digits + max(digits // 2, 16)
    else:
        raise PrecisionError(f"{precision} digits were not reached with {digits} working digits")
    with mpmath.workdps(precision):
        return tuple(+v for v in values)


def _agree(digits: int) -> Callable[[Number, Number], bool]:
    import mpmath

    def close(x: Number, y: Number) -> bool:
        if mpmath.isinf(x) or mpmath.isinf(y):
            return bool(x == y)
        return bool(abs(x - y) <= abs(y) * mpmath.mpf(10) ** -digits)

    return close


class MPMath:
    """The handful of array functions that the solvers use, for single mpmath numbers."""

    abs = staticmethod(abs)
    minimum = staticmethod(min)
    maximum = staticmethod(max)

    @staticmethod
    def where(condition: Any, yes: Number, no: Number) -> Number:
        """Return yes or no."""
        return yes if condition else no

    @staticmethod
    def isinf(x: Number) -> bool:
        """Tell whether x is infinite."""
        import mpmath

        return bool(mpmath.isinf(x))

    @staticmethod
    def sqrt(x: Number) -> Number:
        """Return the square root."""
        import mpmath

        return mpmath.sqrt(x)

    @staticmethod
    def exp(x: Number) -> Number:
        """Return e to the x."""
        import mpmath

        return mpmath.exp(x)

    @staticmethod
    def log(x: Number) -> Number:
        """Return the natural logarithm."""
        import mpmath

        return mpmath.log(x)
