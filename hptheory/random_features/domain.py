"""Validation of the arguments of the theory: a named error with the first value outside its domain."""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import index
from typing import Any

import numpy as np

from hptheory.errors import DomainError
from hptheory.random_features.arbitrary import is_infinity, to_fraction, to_mpf


def is_jax(*values: Any) -> bool:
    """Tell whether any value is a JAX array (without importing JAX)."""
    return any(type(value).__module__.startswith(("jax", "jaxlib")) for value in values)


def to_float(value: Any) -> float:
    """Return the nearest float of a number of any kind, or of a decimal string.

    >>> to_float("0.1"), to_float("1/4")
    (0.1, 0.25)
    """
    try:
        if isinstance(value, str):
            return math.inf if is_infinity(value) else float(to_fraction(value))
        return float(value)
    except OverflowError:
        found = f"{to_mpf(value)}"
        raise DomainError("number", found, "a double, below 1.8e308", "pass precision=15") from None


def to_floats(values: Any) -> np.ndarray:
    """Return numbers of any kind as an array of floats."""
    array = np.asarray(values)
    if array.dtype.kind in "fiu":
        return array.astype(float, copy=False)
    objects = np.asarray(values, dtype=object)
    return np.array([to_float(one) for one in objects.ravel()]).reshape(objects.shape)


def check(name: str, value: Any, inside: Callable[[np.ndarray], Any], bound: str) -> None:
    """Raise `DomainError` with the first value outside; JAX arrays pass, being unknown under jit.

    ``inside`` takes an array and is False for NaN. Exact numbers are compared exactly.

    >>> check("ridge", [0.5, -1.0], lambda x: x >= 0, ">= 0")
    Traceback (most recent call last):
    ...
    hptheory.errors.DomainError: ridge = -1.0 is outside its domain: it must be >= 0
    """
    if is_jax(value):
        return
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise DomainError(name, repr(value), f"a regular array of real numbers {bound}") from error
    if array.dtype.kind not in "fiu":
        objects = np.asarray(value, dtype=object).ravel()
        array = np.empty(objects.size, dtype=object)
        array[:] = [_comparable(name, one, bound) for one in objects]
    outside = ~np.asarray(inside(array), dtype=bool).ravel()
    if np.any(outside):
        first = int(np.flatnonzero(outside)[0])
        raise DomainError(name, np.asarray(value, dtype=object).ravel()[first], bound)


def check_scalar(name: str, value: Any, inside: Callable[[np.ndarray], Any], bound: str) -> None:
    """Raise `DomainError` unless value is one number inside the domain."""
    if np.ndim(value) != 0:
        raise DomainError(name, value, f"one number {bound}", "make one model for each value")
    check(name, value, inside, bound)


def check_precision(precision: Any) -> int | None:
    """Return the decimal digits asked, or None; raise `DomainError` unless a whole number >= 1."""
    if precision is None:
        return None
    try:
        digits = index(precision)
    except TypeError:
        digits = 0
    if isinstance(precision, bool) or digits < 1:
        raise DomainError("precision", precision, "a whole number of decimal digits >= 1")
    return digits


def _comparable(name: str, value: Any, bound: str) -> Any:
    """Return a number that compares exactly with floats: a Fraction, or a float where there is none."""
    try:
        if isinstance(value, float) or getattr(value, "is_Rational", True) is False:
            return float(value)
        if is_infinity(value):
            return math.inf
        return to_fraction(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise DomainError(name, repr(value), f"a real number {bound}") from error
