"""Expectations over z ~ N(0, 1) with an honest error, also for functions with kinks, to any precision.

Each integral is taken twice, over two different sets of pieces, both split at the kinks; the error is
their difference plus what each rule reports. Floats: adaptive Gauss-Kronrod. mpmath: tanh-sinh.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from hptheory.errors import HPTheoryError, PrecisionError
from hptheory.random_features.functions import ScalarFunction

FLOAT_DIGITS = 17
FLOAT_RADIUS = 37.5
"""Beyond it the Gaussian density leaves the normal range of floats (2e-306)."""
SPLITS = ((-8.0, -4.0, -1.9, 2.3, 4.5, 9.0), (-6.0, -3.0, -1.25, 1.5, 3.0, 6.0))
"""Where either set of pieces is split; both asymmetric, so that symmetry hides nothing."""
GRADING = ((0.003, 0.05), (0.002, 0.03))
"""Distances from every kink at which either set is split again, to see what is steep beside a kink."""


class MomentError(HPTheoryError):
    """The Gaussian moments of a function do not exist, are not finite, or could not be computed."""


class MomentPrecisionError(MomentError, PrecisionError):
    """A function cannot be evaluated, or integrated, to the number of digits asked."""


@dataclass(frozen=True)
class GaussianQuadrature:
    """The rule for one function f, through g = (f - centre) / scale, of order one; ``unit`` rounds g."""

    value: Callable[[Any], Any]
    density: Callable[[Any], Any]
    integrate: Callable[[Callable[[Any], Any], Sequence[float]], tuple[Any, Any]]
    pieces: tuple[list[float], list[float]]
    centre: Any
    scale: Any
    unit: Any

    def moments(self) -> tuple[Any, Any]:
        """((E g, E g^2, E z g), bound of their errors)."""

        def integrand(z: Any) -> list[Any]:
            g = (self.value(z) - self.centre) / self.scale
            weight = self.density(z)
            # together, so that an adaptive rule that refines for one refines for all: a step in g is a
            # needle in g^2, which it would miss alone
            return [g * weight, g * g * weight, z * g * weight]

        (first, first_error), (second, second_error) = (self.integrate(integrand, p) for p in self.pieces)
        difference = max(abs(a - b) for a, b in zip(first, second, strict=True))
        return first, difference + max(first_error, second_error) + self.unit


def float_quadrature(function: ScalarFunction) -> GaussianQuadrature:
    """The rule in floats; adaptive, so that a kink which was not declared costs time, seldom accuracy."""

    def value(z: float) -> float:
        return _float_value(function, z)

    def density(z: float) -> float:
        return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    return _quadrature(function, value, density, _gauss_kronrod, FLOAT_DIGITS, FLOAT_RADIUS, 2.0**-52)


def mpmath_quadrature(function: ScalarFunction) -> GaussianQuadrature:
    """The rule at mpmath's working precision."""

    def value(z: Any) -> Any:
        return _mpmath_value(function, z)

    digits = mpmath.mp.dps
    limit = 12 * mpmath.sqrt(digits)
    return _quadrature(
        function, value, mpmath.npdf, _tanh_sinh, digits, limit, mpmath.mpf(10) ** (1 - digits)
    )


def _quadrature(
    function: ScalarFunction,
    value: Callable[[Any], Any],
    density: Callable[[Any], Any],
    integrate: Callable[[Callable[[Any], Any], Sequence[Any]], tuple[Any, Any]],
    digits: int,
    limit: Any,
    unit: Any,
) -> GaussianQuadrature:
    grid = [(k + 0.5) * 0.37 for k in range(-16, 16)]  # no node where somebody would put a kink
    values, weights = [value(z) for z in grid], [density(z) for z in grid]
    centre = value(0) if function.odd else sum(map(operator.mul, values, weights)) / sum(weights)
    scale = max(abs(v - centre) * w**0.5 for v, w in zip(values, weights, strict=True))
    if scale <= 100 * unit * max(map(abs, values)):
        raise MomentError(f"'{function.name}' is constant, so that it cannot be normalised")

    def tail(z: Any) -> Any:
        size = (1 + abs(z)) * abs((value(z) - centre) / scale) * density(z) ** 0.5
        return size * size  # a product overflows to infinity, where a power would raise

    radius = _radius(function.name, tail, digits, limit, unit / 10)
    first, second = (_pieces(radius, function.kinks, *points) for points in zip(SPLITS, GRADING, strict=True))
    unit = unit * (1 + abs(centre) / scale)
    return GaussianQuadrature(value, density, integrate, (first, second), centre, scale, unit)


def _pieces(
    radius: float, kinks: Sequence[float], splits: Sequence[float], grading: Sequence[float]
) -> list[float]:
    beside = (kink + side * distance for kink in kinks for side in (-1, 1) for distance in grading)
    return sorted({-radius, radius, *(p for p in (*kinks, *beside, *splits) if abs(p) < radius)})


def _radius(name: str, tail: Callable[[Any], Any], digits: int, limit: Any, negligible: Any) -> float:
    """Where to cut the integrals: from there on z^2 f^2 times the density is negligible."""
    radius = 1.7 + math.sqrt(2 * digits * math.log(10))
    while radius <= limit:
        # three places a side: one alone may be a zero of f
        if all(tail(side * part * radius) < negligible for side in (-1, 1) for part in (1, 0.97, 0.94)):
            return radius
        radius *= 1.25
    raise MomentError(f"E f(z)^2 is infinite for f = '{name}', or converges too slowly, over z ~ N(0, 1)")


def _gauss_kronrod(integrand: Callable[[float], Any], pieces: Sequence[float]) -> tuple[list[float], float]:
    from scipy.integrate import quad_vec

    def vector(z: float) -> Any:
        return np.array(integrand(z))

    tolerances = {"epsabs": 1e-15, "epsrel": 1e-13, "norm": "max", "limit": 500}
    with np.errstate(all="ignore"):
        values, error = quad_vec(vector, pieces[0], pieces[-1], points=pieces[1:-1], **tolerances)
    return [float(value) for value in values], error


def _tanh_sinh(integrand: Callable[[Any], Any], pieces: Sequence[Any]) -> tuple[list[Any], Any]:
    kept: dict[Any, Any] = {}

    def component(z: Any, index: int) -> Any:
        if z not in kept:
            kept[z] = integrand(z)
        return kept[z][index]

    parts = [mpmath.quad(lambda z, i=i: component(z, i), pieces, error=True) for i in range(3)]
    return [part[0] for part in parts], max(part[1] for part in parts)


def _float_value(function: ScalarFunction, z: float) -> float:
    try:
        with np.errstate(all="ignore"):
            value = function.numpy(np.float64(z))
        number = math.nan if np.iscomplexobj(value) else float(value)
    except (TypeError, ValueError, ArithmeticError) as problem:
        raise MomentError(f"'{function.name}' gives no real number at z = {z:.6g}: {problem}") from problem
    if not math.isfinite(number):
        raise MomentError(f"'{function.name}' is {value} at z = {z:.6g}; its moments need finite real values")
    return number


def _mpmath_value(function: ScalarFunction, z: Any) -> Any:
    z = mpmath.mpf(z)
    try:
        value = function.mpmath(z)
    except (TypeError, AttributeError, ValueError, ArithmeticError) as problem:
        raise MomentPrecisionError(
            f"'{function.name}' does not take mpmath numbers, which precision= needs "
            f"({type(problem).__name__}: {problem}); write it with mpmath's functions"
        ) from problem
    value = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return mpmath.mpf(value)  # small whole numbers are exact in any type
    if not isinstance(value, mpmath.mpf):
        raise MomentPrecisionError(
            f"'{function.name}' turns mpmath numbers into {type(value).__name__}, which cannot hold the "
            "digits that precision= asks; write it with mpmath's functions"
        )
    if not mpmath.isfinite(value):
        raise MomentError(
            f"'{function.name}' is {value} at z = {mpmath.nstr(z, 6)}; its moments need finite values"
        )
    return value
