"""Assumption 2 of 2512.22768 (App. B.4): what activation and teacher must satisfy for the theory to hold.

What the registry knows of a named function is taken from there; callables are probed numerically. A broken
clause that the formulas need is an error; a broken regularity clause, which proofs need, is a warning.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hptheory.errors import HPTheoryError
from hptheory.random_features.functions import ScalarFunction, scalar_function
from hptheory.random_features.moments import moments

Function = str | Callable[[Any], Any] | ScalarFunction

PROBES = np.linspace(0.013, 6.0, 200)
ODD_TOLERANCE = 1e-6
"""Of the largest value: single-precision callables pass, anything visibly not odd does not."""
STEPS = (2.0**-7, 2.0**-8)
"""Spacings of finite differences: 2^-8 leaves third derivatives nine digits; a kink shows by halving them."""
NEAR, FAR = 80.0, 800.0
GROWTH = 1.2
"""A derivative that grows more than this is called unbounded; a logarithm grows by 1.4 from 80 to 800."""
NUMERICALLY = " (this was only checked numerically)"


class AssumptionError(HPTheoryError):
    """A clause of Assumption 2 that the formulas rest on is broken; ``clause`` and ``function`` say which."""

    def __init__(self, function: str, clause: str, reason: str) -> None:
        self.function, self.clause = function, clause
        super().__init__(f"{function} breaks Assumption 2 ({clause}): {reason}")


class AssumptionWarning(UserWarning):
    """A regularity clause of Assumption 2 is broken: the formulas are evaluated, but not proved to hold."""


def check_assumptions(activation: Function, teacher: Function) -> None:
    """Nothing, where Assumption 2 holds for this student activation and this teacher.

    Errors (`AssumptionError`): a student that is not odd (once centred), is linear (mu2 = 0), or has mu1 = 0;
    a teacher with mu1* = 0. Warnings (`AssumptionWarning`): a student whose first three derivatives are not
    all bounded; a teacher that is not Lipschitz. For callables oddness and regularity are only checked
    numerically; the message says so.

    Source: 2512.22768, App. B.4, Assumption 2 and Remark 1. Also every `MomentError` of `moments`.

    *Laws*: a f + b is judged as f is.

    >>> check_assumptions("tanh", "relu")
    >>> check_assumptions("relu", "tanh")
    Traceback (most recent call last):
        ...
    hptheory.random_features.assumptions.AssumptionError: the activation 'relu' breaks Assumption 2 (sigma is
    odd): relu(z) - E relu is not an odd function of z; check_assumptions=False computes all the same
    """
    student, target = scalar_function(activation), scalar_function(teacher)
    _check_student(student)
    _check_teacher(target)


def _check_student(student: ScalarFunction) -> None:
    name = f"the activation '{student.name}'"
    found = moments(student)
    if found.mu2_sq <= found.error:
        raise AssumptionError(name, "sigma is nonlinear", "it is linear within rounding, so that mu2 = 0")
    if found.mu1_sq <= found.error:
        raise AssumptionError(
            name, "E sigma' != 0", "mu1 = E z sigma(z) is 0, so that the features do not see the input"
        )
    odd = is_odd(student, found.mean)
    if not odd:
        reason = f"{student.name}(z) - E {student.name} is not an odd function of z{odd.how}"
        # Of all clauses this one alone leaves formulas that have a value.
        raise AssumptionError(
            name, "sigma is odd", f"{reason}; check_assumptions=False computes all the same"
        )
    bounded = has_bounded_derivatives(student)
    if not bounded:
        _warn(f"{name} breaks Assumption 2 (bounded first three derivatives){bounded.how}")


def _check_teacher(teacher: ScalarFunction) -> None:
    name = f"the teacher '{teacher.name}'"
    found = moments(teacher)
    if found.mu1_sq <= found.error:
        raise AssumptionError(
            name, "E sigma*' != 0", "mu1* is 0, so that no estimator of this kind beats the null estimator"
        )
    lipschitz = is_lipschitz(teacher)
    if not lipschitz:
        _warn(f"{name} breaks Assumption 2 (sigma* is Lipschitz){lipschitz.how}")


def _warn(message: str) -> None:
    warnings.warn(
        f"{message}: the formulas are evaluated, but not proved for it", AssumptionWarning, stacklevel=4
    )


@dataclass(frozen=True)
class Finding:
    """A truth value and, in ``how``, the words to add where it was only checked numerically."""

    holds: bool
    how: str = ""

    def __bool__(self) -> bool:
        return self.holds


def is_odd(function: ScalarFunction, mean: float) -> Finding:
    """Whether f - mean is odd: known, or probed at 400 points in [-6, 6].

    >>> bool(is_odd(scalar_function("sigmoid"), 0.5)), bool(is_odd(scalar_function(lambda z: z**2 + z), 1.0))
    (True, False)
    """
    if function.odd is not None:
        return Finding(function.odd)
    values = np.stack([function(PROBES), function(-PROBES)]) - mean
    return Finding(
        bool(np.abs(values.sum(axis=0)).max() <= ODD_TOLERANCE * np.abs(values).max()), NUMERICALLY
    )


def is_lipschitz(function: ScalarFunction) -> Finding:
    """Whether f' is bounded: known, or judged by difference quotients as far as |z| = 800."""
    if function.lipschitz is not None:
        return Finding(function.lipschitz)
    return Finding(_bounded_up_to(1, function), NUMERICALLY)


def has_bounded_derivatives(function: ScalarFunction) -> Finding:
    """Whether f', f'' and f''' are bounded: known, or judged by difference quotients as far as |z| = 800."""
    if function.bounded_derivatives is not None:
        return Finding(function.bounded_derivatives)
    return Finding(_bounded_up_to(3, function), NUMERICALLY)


def _bounded_up_to(order: int, function: ScalarFunction) -> bool:
    """Whether no derivative to this order grows with the range, or where the step is halved (at a kink)."""
    near, finer = (_largest_derivatives(order, function, step, NEAR) for step in STEPS)
    far = _largest_derivatives(order, function, STEPS[0], FAR)
    return all(
        larger <= GROWTH * smaller + noise < np.inf
        for wider in (finer, far)
        for (smaller, _), (larger, noise) in zip(near, wider, strict=True)
    )


def _largest_derivatives(
    order: int, function: ScalarFunction, step: float, radius: float
) -> list[tuple[float, float]]:
    """For each order from 1: (the largest difference quotient on [-radius, radius], its rounding error)."""
    grid = np.arange(-radius, radius, step) + step / 3  # no node at a round number, where kinks like to be
    values = function(grid)
    if not np.isfinite(values).all():
        return [(np.inf, 0.0)] * order
    rounding = np.finfo(float).eps * np.abs(values).max()
    quotients = (np.abs(np.diff(values, k)).max() / step**k for k in range(1, order + 1))
    return [(float(q), float(2.0**k * rounding / step**k)) for k, q in enumerate(quotients, start=1)]
