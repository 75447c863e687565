"""Evaluate a formula at ridges and widths, in the number system of its arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hptheory.errors import DomainError
from hptheory.random_features.arbitrary import MoreDigitsNeeded, to_mpf, to_precision
from hptheory.random_features.blocks import blockwise
from hptheory.random_features.curve import Model, Number, Slacks
from hptheory.random_features.edge import ridge_edge
from hptheory.random_features.inverse import (
    BelowEdgeError,
    invert,
    invert_below_zero,
    invert_jax,
    invert_mpmath,
)

# (s, slacks, model, q) -> a number or a tuple of numbers
Formula = Callable[[Number, Slacks, Model, Number], Any]


def with_numpy(formula: Formula, model: Model, ridge: Any, psi2: Any) -> Any:
    """Return the formula's values as floats or arrays of the broadcast shape."""

    def on_block(ridge: np.ndarray, psi2: np.ndarray) -> Any:
        s, slack = _invert_any_sign(ridge, psi2, model)
        return formula(s, slack, model, 1 / (psi2 * model.mu1_sq))

    # Values that are infinite in truth (the interpolation peak) come out of divisions by zero.
    with np.errstate(divide="ignore"):
        return _plain(blockwise(on_block, ridge, psi2))


def _invert_any_sign(ridge: np.ndarray, psi2: np.ndarray, model: Model) -> tuple[np.ndarray, Slacks]:
    if not np.any(ridge < 0):
        return invert(ridge, model.psi1, psi2, model.mu1_sq)
    ridge, psi2 = np.broadcast_arrays(ridge, psi2)
    s, slack = invert(np.maximum(ridge, 0.0), model.psi1, psi2, model.mu1_sq)
    s, slack = np.array(s), Slacks(*map(np.array, slack))
    below = ridge < 0
    try:
        s[below], (slack.sample[below], slack.width[below]) = invert_below_zero(
            ridge[below], model.psi1, psi2[below], model.mu1_sq
        )
    except BelowEdgeError:
        raise _below_edge(ridge[below], psi2[below], model) from None
    return s, slack


def _below_edge(ridge: np.ndarray, psi2: np.ndarray, model: Model) -> DomainError:
    """Name the first ridge below its edge."""
    for one, width in zip(np.ravel(ridge), np.ravel(psi2), strict=True):
        edge = float(ridge_edge(*map(to_mpf, (model.psi1, width, model.mu1_sq))))
        if one <= edge:
            return DomainError("ridge", one, f"above the edge of the spectrum, {edge!r} at psi2 = {width}")
    return DomainError("ridge", float(np.min(ridge)), "above the edge of the spectrum, to rounding")


def _plain(value: Any) -> Any:
    """Turn arrays without dimensions into floats."""
    if isinstance(value, tuple):
        return tuple(_plain(part) for part in value)
    return float(value) if np.ndim(value) == 0 else value


def with_jax(formula: Formula, model: Model, ridge: Any, psi2: Any) -> Any:
    """Return the formula's values as JAX arrays; the arguments may be tracers."""
    s, slack = invert_jax(ridge, model.psi1, psi2, model.mu1_sq)
    return formula(s, slack, model, 1 / (psi2 * model.mu1_sq))


def with_mpmath(formula: Formula, model: Callable[[], Model], ridge: Any, psi2: Any, precision: int) -> Any:
    """Return the formula's values with `precision` correct digits; model() gives its numbers, each time."""

    def at(ridge: Any, psi2: Any) -> Any:
        def compute() -> tuple[Number, ...]:
            numbers, width = model(), to_mpf(psi2)
            try:
                s, slack = invert_mpmath(to_mpf(ridge), numbers.psi1, width, numbers.mu1_sq)
            except BelowEdgeError:
                edge = ridge_edge(numbers.psi1, width, numbers.mu1_sq)
                if to_mpf(ridge) > edge:
                    raise MoreDigitsNeeded from None
                raise DomainError(
                    "ridge", ridge, f"above the edge of the spectrum, {float(edge)!r}"
                ) from None
            try:
                value = formula(s, slack, numbers, 1 / (width * numbers.mu1_sq))
            except ZeroDivisionError:
                # Only at ridge 0, where a slack is exactly 0; there NumPy's signed infinities are the values.
                floats = with_numpy(formula, Model(*map(float, numbers)), float(ridge), float(psi2))
                value = tuple(map(to_mpf, floats)) if isinstance(floats, tuple) else to_mpf(floats)
            return value if isinstance(value, tuple) else (value,)

        return to_precision(precision, compute)

    return elementwise(at, ridge, psi2)


def elementwise(function: Callable[..., tuple[Number, ...]], *arguments: Any) -> Any:
    """Apply a function of single numbers over broadcast arguments; arrays of results have dtype object."""
    arrays = np.broadcast_arrays(*(np.asarray(x, dtype=object) for x in arguments))
    results = [function(*values) for values in zip(*(a.ravel() for a in arrays), strict=True)]
    columns = []
    for column in zip(*results, strict=True):
        array = np.empty(len(column), dtype=object)
        array[:] = column
        columns.append(array.reshape(arrays[0].shape))
    parts = tuple(c[()] if c.ndim == 0 else c for c in columns)
    return parts[0] if len(parts) == 1 else parts
