"""Gaussian moments of activations and teachers: the numbers mu1^2 and mu2^2 by which they enter the theory.

A function is centred and normalised, f -> (f - E f) / sd f over z ~ N(0, 1); then mu1 = E f'(z) = E z f(z)
(Stein) and mu1^2 + mu2^2 = 1. Source: 2512.22768, App. B.4, Assumption 2 and below (9), (10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mpmath

from hptheory.random_features.domain import check_precision
from hptheory.random_features.functions import ScalarFunction, scalar_function
from hptheory.random_features.quadrature import (
    FLOAT_DIGITS,
    GaussianQuadrature,
    MomentError,
    MomentPrecisionError,
    float_quadrature,
    mpmath_quadrature,
)

__all__ = ["MomentError", "MomentPrecisionError", "Moments", "moments"]

GUARD = 15
"""Digits beyond those asked: two or so for rounding and conditioning, the rest for a small mu1_sq."""
SMALL_MU1_SQ = 1e-10
"""Below it mu1_sq is given to ``precision`` digits after this one, since it may be zero."""
LARGEST_ERROR = 1e-6
"""A float quadrature worse than this did not converge; with the kinks declared 1e-13 is usual."""


@dataclass(frozen=True)
class Moments:
    """Moments of f over z ~ N(0, 1): ``mean`` and ``variance`` of f, ``mu1`` and ``mu1_sq`` of (f - mean)/sd.

    ``error`` bounds the absolute error of ``mu1_sq``; ``method`` says how it was found.
    """

    mean: Any
    variance: Any
    mu1: Any
    mu1_sq: Any
    error: Any
    method: str

    @property
    def mu2_sq(self) -> Any:
        """1 - mu1_sq, the share of the variance that is not linear; its absolute error is that of mu1_sq."""
        return 1 - self.mu1_sq

    def normalise(self, values: Any) -> Any:
        """Values of f, centred and normalised: (values - mean) / sqrt(variance)."""
        return (values - self.mean) / self.variance**0.5


def moments(
    function: str | Callable[[Any], Any] | ScalarFunction,
    precision: int | None = None,
    *,
    kinks: Iterable[float] = (),
) -> Moments:
    """The mean, variance and first Hermite coefficient of a function, which is centred and normalised for it.

    mu1 = E[z (f - E f)] / sd f, mu1_sq = mu1^2. Closed forms where they exist; else quadrature over two sets
    of pieces, split at the ``kinks`` of a callable, with their difference in the reported ``error``. Floats
    come back; with ``precision`` (decimal digits, at least 1) mpmath numbers with that many correct digits.

    Source: 2512.22768, App. B.4. `MomentError` where a moment is infinite or f is constant or not finite;
    its subclass `MomentPrecisionError` where a quadrature does not converge (to 1e-6 in floats, to
    ``precision`` digits otherwise), or f does not take mpmath numbers.

    *Laws*: 0 <= mu1_sq <= 1, and 1 for linear functions only; a f + b has the mu1_sq of f, and so has f(-z);
    two precisions agree.

    >>> round(moments("relu").mu1_sq, 12) == round((1 / 4) / (1 / 2 - 1 / (2 * 3.141592653589793)), 12)
    True
    >>> quadrature = moments(lambda z: z * (z > 0), kinks=[0])
    >>> abs(quadrature.mu1_sq - moments("relu").mu1_sq) <= quadrature.error < 1e-12
    True
    >>> import mpmath
    >>> print(mpmath.nstr(moments("tanh", precision=30).mu1_sq, 30))
    0.930469923615294928646184254088
    """
    known = scalar_function(function, kinks)
    precision = check_precision(precision)
    return _named_moments(known, precision) if known.odd is not None else _moments(known, precision)


@lru_cache(maxsize=256)
def _named_moments(function: ScalarFunction, precision: int | None) -> Moments:
    return _moments(function, precision)


def _moments(function: ScalarFunction, precision: int | None) -> Moments:
    if function.closed_form is not None:
        return _from_closed_form(function.name, function.closed_form, precision)
    if precision is None:
        return _converged(
            function.name, _from_quadrature(function, float_quadrature(function)), LARGEST_ERROR
        )
    wanted = mpmath.mpf(10) ** -precision
    with mpmath.workdps(precision + GUARD):
        found = _from_quadrature(function, mpmath_quadrature(function))
        _converged(function.name, found, wanted * max(found.mu1_sq, SMALL_MU1_SQ))
    with mpmath.workdps(precision):
        return Moments(+found.mean, +found.variance, +found.mu1, +found.mu1_sq, wanted, found.method)


def _from_closed_form(
    name: str, closed_form: Callable[[Any], tuple[Any, Any, Any]], precision: int | None
) -> Moments:
    with mpmath.workdps((precision or FLOAT_DIGITS) + GUARD):
        mean, second, slope = closed_form(mpmath.mp)
        variance = second - mean**2
        if not variance > 0:
            raise MomentError(f"'{name}' is constant: its variance is 0, it cannot be normalised")
        mu1, mu1_sq = slope / mpmath.sqrt(variance), slope**2 / variance
    if precision is None:
        return Moments(
            float(mean), float(variance), float(mu1), float(mu1_sq), error=2.0**-53, method="closed form"
        )
    with mpmath.workdps(precision):
        error = mpmath.mpf(10) ** -precision
        return Moments(+mean, +variance, +mu1, +mu1_sq, error=error, method="closed form")


def _from_quadrature(function: ScalarFunction, rule: GaussianQuadrature) -> Moments:
    (shift, second, slope), error = rule.moments()
    shift = 0 * shift if function.odd else shift  # the centre of an odd function is its mean
    variance = second - shift**2  # no cancellation: the shift is the error of a rough mean
    if not variance > 0:
        raise MomentError(f"the variance of '{function.name}' is not positive but {variance}")
    mu1_sq = min(slope**2 / variance, 1 + 0 * variance)
    return Moments(
        mean=rule.centre + rule.scale * shift,
        variance=rule.scale**2 * variance,
        mu1=slope / variance**0.5,
        mu1_sq=mu1_sq,
        # of a quotient: the slope enters it squared, the variance once (with 2 shift, which is below 1)
        error=(2 * abs(slope) * error + error**2 + 2 * mu1_sq * error) / variance + rule.unit,
        method="quadrature",
    )


def _converged(name: str, found: Moments, tolerance: Any) -> Moments:
    if not found.error <= tolerance:
        raise MomentPrecisionError(
            f"the moments of '{name}' did not converge: the error of mu1_sq is about "
            f"{mpmath.nstr(found.error, 2)}, and {mpmath.nstr(tolerance, 2)} was asked; declare its kinks "
            "(corners, jumps), or ask for fewer digits"
        )
    return found
