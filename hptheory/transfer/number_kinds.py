"""What operators alone cannot say of a number of any kind: the smaller of two, and a domain check.

The formulas of this package take floats, Fractions, NumPy and JAX arrays, mpmath numbers, SymPy expressions
and python-flint balls; these two helpers are the only places that look at the kind.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hptheory.errors import DomainError

Number = Any
"""Anything with arithmetic operators: float, Fraction, array, mpmath number, SymPy expression, ball."""


def minimum(x: Number, y: Number) -> Number:
    """The smaller of x and y; elementwise for arrays, ``sympy.Min`` for symbols, an enclosure for balls.

    >>> from fractions import Fraction
    >>> minimum(Fraction(1, 3), Fraction(1, 2)), minimum(np.array([1.0, 4.0]), 2.0).tolist()
    (Fraction(1, 3), [1.0, 2.0])
    """
    if hasattr(x, "free_symbols") or hasattr(y, "free_symbols"):
        from sympy import Min

        return Min(x, y)
    if hasattr(x, "dtype") or hasattr(y, "dtype"):
        x_is_smaller = x <= y  # by products, which JAX can trace; both numbers are finite here
        return x_is_smaller * x + (1 - x_is_smaller * 1) * y
    if x <= y:
        return x
    if y <= x:
        return y
    return (x + y - abs(x - y)) / 2  # balls that overlap


def require(condition: Any, name: str, value: object, bound: str, advice: str = "") -> None:
    """Raise ``DomainError`` where ``condition`` is known to be false (of an array: anywhere).

    A condition on symbols, or on a number that is being traced, cannot be decided and passes.

    >>> require(-1.0 > 0, "alpha", -1.0, "> 0")
    Traceback (most recent call last):
        ...
    hptheory.errors.DomainError: alpha = -1.0 is outside its domain: it must be > 0
    """
    try:
        holds = bool(np.all(condition))
    except TypeError:  # a SymPy relation, a JAX tracer
        return
    if not holds:
        raise DomainError(name, value, bound, advice)
