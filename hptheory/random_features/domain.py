"""Validation of the arguments of the theory: a named error with the first value outside its domain."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from hptheory.errors import DomainError
from hptheory.random_features.arbitrary import to_fraction


def is_jax(*values: Any) -> bool:
    """Tell whether any value is a JAX array (without importing JAX)."""
    return any(type(value).__module__.startswith(("jax", "jaxlib")) for value in values)


def to_float(value: Any) -> float:
    """Return the nearest float of a number of any kind, or of a decimal string.

    >>> to_float("0.1"), to_float(Fraction(1, 4))
    (0.1, 0.25)
    """
    return float(to_fraction(value)) if isinstance(value, str | Fraction) else float(value)


def check(name: str, value: Any, inside: Callable[[np.ndarray], Any], bound: str) -> None:
    """Raise `DomainError` with the first value outside; JAX arrays pass, being unknown under jit.

    ``inside`` takes an array and is False for NaN.

    >>> check("ridge", [0.5, -1.0], lambda x: x >= 0, ">= 0")
    Traceback (most recent call last):
    ...
    hptheory.errors.DomainError: ridge = -1.0 is outside its domain: it must be >= 0
    """
    if is_jax(value):
        return
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        objects = np.asarray(value, dtype=object).ravel()
        array = np.array([_checked_float(name, one, bound) for one in objects])
    outside = ~np.asarray(inside(array))
    if np.any(outside):
        first = int(np.flatnonzero(outside)[0])
        raise DomainError(name, np.asarray(value, dtype=object).ravel()[first], bound)


def _checked_float(name: str, value: Any, bound: str) -> float:
    try:
        return to_float(value)
    except (TypeError, ValueError) as error:
        raise DomainError(name, repr(value), f"a real number {bound}") from error
