"""What the bounds read off a loss curve of one HP: on a measured grid, or of a polynomial on an interval.

Both kinds know the same: the best HP, the oscillation, the Lipschitz constant, the curvature mu (the largest
m for which f - (m/2) x^2 is convex; 2512.22768, Def. 5) and the growth gamma (the largest number with
f(x) - f* >= (gamma/2) (x - x*)^2). On an interval gamma >= mu. On a grid, HPs are the points of the grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike

from hptheory.decomposition.grid_measures import Floats, curve, lipschitz, second_derivatives
from hptheory.errors import DomainError

XTOL = 2.0**-52
"""To what share of the interval a crossing is found."""


class LossCurve(Protocol):
    """A loss as a function of one HP; measures are numbers, or arrays where many curves go at once."""

    @property
    def mesh(self) -> float:
        """The widest cell of the grid; 0 on an interval."""

    @property
    def best(self) -> Any:
        """The minimiser; of several, the smallest."""

    @property
    def oscillation(self) -> Any:
        """The maximum minus the minimum."""

    @property
    def supremum(self) -> Any:
        """The largest |value|."""

    @property
    def lipschitz(self) -> Any:
        """The largest |slope|."""

    @property
    def curvature(self) -> Any:
        """The least second derivative; on a grid, of the three-point estimates."""

    @property
    def growth(self) -> Any:
        """The infimum of 2 (f - f*)/(x - x*)^2 over the other HPs."""

    def __sub__(self, other: Any) -> Any:
        """The difference with a curve of the same kind."""


@dataclass(frozen=True, eq=False)
class GridCurve:
    """Values ``[..., g]`` at HPs ``[g]``, increasing; every measure is ``[...]``, so many curves go at once.

    >>> curve = GridCurve([0.0, 1.0, 3.0], [1.0, 0.0, 2.0])
    >>> float(curve.best), float(curve.growth), float(curve.lipschitz), curve.mesh
    (1.0, 1.0, 1.0, 2.0)
    """

    hps: ArrayLike
    values: ArrayLike

    def __post_init__(self) -> None:
        x, y = curve(self.hps, self.values, 2, "a slope")
        object.__setattr__(self, "hps", x)
        object.__setattr__(self, "values", y)

    def __sub__(self, other: Any) -> GridCurve:
        return GridCurve(self.hps, self._y - other._y)

    @property
    def _y(self) -> Floats:
        return np.asarray(self.values)

    @property
    def _x(self) -> Floats:
        return np.asarray(self.hps)

    @property
    def mesh(self) -> float:
        """The widest cell."""
        return float(np.diff(self._x).max())

    @cached_property
    def best(self) -> Any:
        """The HP with the least value; of several, the smallest."""
        return self._x[np.argmin(self._y, axis=-1)]

    @cached_property
    def oscillation(self) -> Any:
        """The largest minus the least value."""
        return self._y.max(axis=-1) - self._y.min(axis=-1)

    @cached_property
    def supremum(self) -> Any:
        """The largest |value|."""
        return np.abs(self._y).max(axis=-1)

    @cached_property
    def lipschitz(self) -> Any:
        """The largest |slope|, (20)."""
        return lipschitz(self._x, self._y)

    @cached_property
    def curvature(self) -> Any:
        """The least three-point second derivative; with two HPs there is none, and it says 0."""
        if self._x.size < 3:
            return np.zeros(self._y.shape[:-1])
        return second_derivatives(self._x, self._y).min(axis=-1)

    @cached_property
    def growth(self) -> Any:
        """min over the other HPs of 2 (f - f*)/(x - x*)^2; 0 where two HPs tie."""
        index = np.argmin(self._y, axis=-1)[..., None]
        distance = self._x - self._x[index]
        rise = self._y - np.take_along_axis(self._y, index, axis=-1)
        ratio = np.full(rise.shape, np.inf)
        np.divide(2 * rise, distance**2, out=ratio, where=distance != 0)
        return ratio.min(axis=-1)


@dataclass(frozen=True, eq=False)
class SmoothCurve:
    """A polynomial (any ``numpy.polynomial`` series) on an interval; its extremes are found by ``crossings``.

    >>> curve = SmoothCurve(Polynomial([0.0, 0.0, 0.5, 0.0, -1 / 12]), (-1.0, 1.0))      # f'' = 1 - x^2
    >>> curve.best, round(curve.curvature, 12), round(curve.growth, 12)
    (0.0, 0.0, 0.833333333333)
    """

    series: Any
    interval: tuple[float, float]

    def __post_init__(self) -> None:
        low, high = self.interval
        if not -np.inf < low < high < np.inf:
            raise DomainError("interval", self.interval, "two finite numbers, the smaller first")
        object.__setattr__(self, "series", self.series.convert(kind=Polynomial))

    @property
    def mesh(self) -> float:
        """0: between two HPs there are others."""
        return 0.0

    def __sub__(self, other: Any) -> SmoothCurve:
        return SmoothCurve(self.series - other.series, self.interval)

    @cached_property
    def best(self) -> float:
        """The minimiser; of several, the smallest."""
        x = self._candidates(self.series)
        return float(x[np.argmin(self.series(x))])

    @cached_property
    def oscillation(self) -> float:
        """The maximum minus the minimum."""
        low, high = self._range(self.series)
        return high - low

    @cached_property
    def supremum(self) -> float:
        """The largest |value|."""
        return max(map(abs, self._range(self.series)))

    @cached_property
    def lipschitz(self) -> float:
        """The largest |slope|."""
        return max(map(abs, self._range(self.series.deriv())))

    @cached_property
    def curvature(self) -> float:
        """The least second derivative."""
        return self._range(self.series.deriv(2))[0]

    @cached_property
    def growth(self) -> float:
        """The infimum of 2 (f - f*)/(x - x*)^2, by dividing the double root out (one root at a boundary)."""
        low, high = self.interval
        root = Polynomial([-self.best, 1.0])
        rise = self.series - self.series(self.best)
        if low < self.best < high or self.series.deriv()(self.best) == 0:
            return 2 * self._range(rise // root**2)[0]
        slope = (
            rise // root
        )  # rises like slope (x - x*), so that the ratio 2 slope/(x - x*) is infinite at x*
        x = self._candidates(slope, critical=slope.deriv() * root - slope)
        x = x[np.abs(x - self.best) > 1e-9 * (high - low)]
        return float((2 * slope(x) / (x - self.best)).min())

    def _range(self, f: Polynomial) -> tuple[float, float]:
        values = f(self._candidates(f))
        return float(values.min()), float(values.max())

    def _candidates(self, f: Polynomial, critical: Polynomial | None = None) -> Floats:
        """Both ends and the critical points between."""
        low, high = self.interval
        return np.unique([low, high, *crossings(f.deriv() if critical is None else critical, low, high)])


def crossings(f: Polynomial, low: float, high: float) -> list[float]:
    """Where a polynomial changes its sign between two numbers, ascending.

    Between neighbouring turning points, found in the same way, it is monotone, so that a bracketed search
    finds the crossing. Eigenvalues of a companion matrix, the usual way, lose roots of size 1 where
    the leading coefficient is tiny: its entries are the others divided by it.

    *Laws*: the signs between the crossings alternate, whatever the size of the coefficients.

    >>> crossings(Polynomial([-0.25, 0.0, 1.0, 0.0, 1e-200]), -1.0, 1.0)
    [-0.5, 0.5]
    """
    from scipy.optimize import brentq  # slow to import

    if f.degree() < 1:
        return []
    knots = np.array([low, *crossings(f.deriv(), low, high), high])
    values = f(knots)
    found = knots[1:-1][values[1:-1] == 0].tolist()  # touches zero there, up to rounding
    for left, right, start, end in zip(knots, knots[1:], values, values[1:], strict=False):
        if min(start, end) < 0 < max(start, end):
            found.append(float(brentq(f, left, right, xtol=XTOL * (high - low), maxiter=2000)))
    return sorted(found)
