"""Evaluate a formula at ridges and widths, in the number system of its arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hptheory.errors import DomainError
from hptheory.random_features.arbitrary import FLOAT_DIGITS, MoreDigitsNeeded, to_mpf, to_precision
from hptheory.random_features.blocks import blockwise
from hptheory.random_features.curve import Model, Number, Slacks
from hptheory.random_features.domain import to_floats
from hptheory.random_features.edge import ridge_edge
from hptheory.random_features.inverse import BelowEdgeError, finite_width, invert, invert_jax, invert_mpmath

# (s, slacks, model, q) -> a number or a tuple of numbers
Formula = Callable[[Number, Slacks, Model, Number], Any]

# Floats hold all intermediate numbers while the parameters lie in these ranges; beyond, mpmath takes over.
_RIDGES = (1e-60, 1e60)
RATIOS = (1e-40, 1e40)


def with_numpy(
    formula: Formula, model: Model, ridge: Any, psi2: Any, exact: Callable[[], Model] | None = None
) -> Any:
    """Return the formula's values as floats or arrays of the broadcast shape.

    Ridges below 0, where P1 - g and the determinant of the branch cancel, and parameters that overflow
    doubles on the way are evaluated with mpmath, one by one; exact() gives the parameters for it, where they
    are not those of the model (a decimal next to 1).
    """

    def on_block(ridge: np.ndarray, psi2: np.ndarray) -> Any:
        s, slack = invert(ridge, model.psi1, psi2, model.mu1_sq)
        return formula(s, slack, model, 1 / (psi2 * model.mu1_sq))

    # Ridge -0.0 is the limit from above, too: adding 0 takes its sign away.
    ridge, psi2 = to_floats(ridge) + 0.0, to_floats(psi2)
    # Values that are infinite in truth (the interpolation peak) come out of divisions by zero.
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        if not (beyond_floats(model) or _any_hard(ridge, psi2)):
            return _plain(blockwise(on_block, ridge, psi2))
        hard = beyond_floats(model) | _hard_ridges(ridge) | outside(psi2, RATIOS, psi2 < np.inf)
        values = blockwise(on_block, np.where(hard, 1.0, ridge), np.where(hard, 1.0, psi2))
    exact = exact or (lambda: Model(*map(to_mpf, model)))
    return _plain(_mend(values, formula, exact, ridge, psi2, hard))


def _any_hard(ridge: np.ndarray, psi2: np.ndarray) -> bool:
    """Tell quickly, from the extremes alone, whether any element may need mpmath."""
    if not (ridge.size and psi2.size):
        return False
    easy_ridges = ridge.min() >= _RIDGES[0] and ridge.max() <= _RIDGES[1]
    easy_widths = psi2.min() >= RATIOS[0] and psi2.max() <= RATIOS[1]
    if not easy_ridges and np.any(_hard_ridges(ridge)):
        return True
    return not easy_widths and bool(np.any(outside(psi2, RATIOS, psi2 < np.inf)))


def outside(values: np.ndarray, bounds: tuple[float, float], where: Any = True) -> np.ndarray:
    """Return which of the values selected by `where` lie outside the bounds."""
    return ((values < bounds[0]) | (values > bounds[1])) & where


def _hard_ridges(ridge: np.ndarray) -> np.ndarray:
    return (ridge < 0) | outside(ridge, _RIDGES, ridge > 0)


def beyond_floats(model: Model) -> bool:
    """Tell whether a parameter is so extreme that double-precision formulas may overflow."""
    psi1, mu1_sq, teacher_mu1_sq, noise_var = model
    return any(
        not RATIOS[0] < x < RATIOS[1] for x in (psi1, mu1_sq, 1 - mu1_sq, teacher_mu1_sq, 1 + noise_var)
    )


def _mend(
    values: Any,
    formula: Formula,
    model: Callable[[], Model],
    ridge: np.ndarray,
    psi2: np.ndarray,
    hard: np.ndarray,
) -> Any:
    """Replace the hard elements of the values (an array or a tuple of arrays) by their mpmath values."""
    parts = tuple(np.array(part) for part in (values if isinstance(values, tuple) else (values,)))
    shape = parts[0].shape
    hard, ridge, psi2 = (np.broadcast_to(x, shape) for x in (hard, ridge, psi2))
    exact = with_mpmath(formula, model, ridge[hard], psi2[hard], FLOAT_DIGITS)
    for part, found in zip(parts, exact if isinstance(exact, tuple) else (exact,), strict=True):
        part[hard] = np.asarray(found, dtype=float)
    return parts if isinstance(values, tuple) else parts[0]


def _plain(value: Any) -> Any:
    """Turn arrays without dimensions into floats."""
    if isinstance(value, tuple):
        return tuple(_plain(part) for part in value)
    return float(value) if np.ndim(value) == 0 else value


def with_jax(formula: Formula, model: Model, ridge: Any, psi2: Any) -> Any:
    """Return the formula's values as JAX arrays; the arguments may be tracers."""
    import jax.numpy as jnp

    ridge, psi2 = jnp.asarray(ridge), jnp.asarray(psi2)
    s, slack = invert_jax(ridge, model.psi1, psi2, model.mu1_sq)
    q = jnp.where(jnp.isinf(psi2), 0.0, 1 / (finite_width(jnp, psi2, 1.0) * model.mu1_sq))
    return formula(s, slack, model, q)


def with_mpmath(formula: Formula, model: Callable[[], Model], ridge: Any, psi2: Any, precision: int) -> Any:
    """Return the formula's values with `precision` correct digits; model() gives its numbers, each time."""

    def at(ridge: Any, psi2: Any) -> Any:
        def compute() -> tuple[Number, ...]:
            numbers, width = model(), to_mpf(psi2)
            s, slack = _invert(ridge, width, numbers)
            try:
                value = formula(s, slack, numbers, 1 / (width * numbers.mu1_sq))
            except ZeroDivisionError:
                if to_mpf(ridge) != 0:
                    raise
                value = _at_interpolation(formula, width == numbers.psi1)
            return value if isinstance(value, tuple) else (value,)

        return to_precision(precision, compute)

    return elementwise(at, ridge, psi2)


def _invert(ridge: Any, psi2: Number, model: Model) -> tuple[Number, Slacks]:
    try:
        return invert_mpmath(to_mpf(ridge), model.psi1, psi2, model.mu1_sq)
    except BelowEdgeError:
        edge = ridge_edge(model.psi1, psi2, model.mu1_sq)
        if to_mpf(ridge) > edge:
            raise MoreDigitsNeeded from None
        bound = f"above the edge of the spectrum, {float(edge)!r} at psi2 = {float(psi2)!r}"
        raise DomainError("ridge", ridge, bound) from None


def _at_interpolation(formula: Formula, at_peak: bool) -> Any:
    """Return a formula's signed infinities at ridge 0, where a slack is exactly 0, as NumPy finds them.

    Their signs are those of any model with psi2 = psi1 (the peak), or else with psi2 < psi1.
    """
    values = with_numpy(formula, Model(1.0, 0.5, 0.5, 0.5), 0.0, 1.0 if at_peak else 0.5)
    if not np.all(np.isinf(values)):
        raise MoreDigitsNeeded
    return tuple(map(to_mpf, values)) if isinstance(values, tuple) else to_mpf(values)


def elementwise(function: Callable[..., tuple[Number, ...]], *arguments: Any) -> Any:
    """Apply a function of single numbers over broadcast arguments, into arrays of dtype object."""
    arrays = np.broadcast_arrays(*(np.asarray(x, dtype=object) for x in arguments))
    shape, size = arrays[0].shape, arrays[0].size
    # An empty array still needs to know how many results the function has.
    results = [function(*values) for values in zip(*(a.ravel() for a in arrays), strict=True)] or [
        function(*[1.0] * len(arrays))
    ]
    parts = []
    for column in zip(*results, strict=True):
        part = np.empty(len(column), dtype=object)
        part[:] = column
        parts.append(part[:size].reshape(shape)[()])
    return parts[0] if len(parts) == 1 else tuple(parts)
