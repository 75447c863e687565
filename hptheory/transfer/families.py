"""A family of losses phi_n on a box of hyperparameters, with its limit, as one callable; and its minima.

Everything that Definitions 1-4 speak of is here: the losses ``family(n, x)``, n = inf for the limit, and the
box that is searched. Source: 2512.22768, Sec. 2 and App. B.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hptheory.errors import DomainError

Floats = NDArray[np.float64]

_NOISE = 8 * float(np.finfo(np.float64).eps)  # error granted to one evaluation, relative to the largest loss


@dataclass(frozen=True)
class Family:
    """The losses phi(n, x) of a family; ``phi(math.inf, x)`` is the limit.

    ``phi`` takes a width and an array of hyperparameters, ``[...]`` if there is one (h = 1) and ``[..., h]``
    if there are several, and gives the losses ``[...]``. ``box`` holds (low, high) of each.

    >>> drifting = Family(lambda n, x: 1 / n + (x - 1 / n) ** 2, box=((-1.0, 1.0),))
    >>> float(drifting(4.0, 0.25)), float(drifting(math.inf, 0.5))
    (0.25, 0.25)
    """

    phi: Callable[[float, Floats], Floats]
    box: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not self.box:
            raise DomainError("box", self.box, "one (low, high) per hyperparameter")
        for low, high in self.box:
            if not -math.inf < low < high < math.inf:
                raise DomainError("box", self.box, "finite with low < high")

    def __call__(self, width: float, x: ArrayLike) -> Floats:
        """phi_n(x)."""
        return np.asarray(self.phi(width, np.asarray(x, dtype=np.float64)), dtype=np.float64)

    @property
    def dimensions(self) -> int:
        """The number h of hyperparameters."""
        return len(self.box)

    def lattice(self, points: int) -> Floats:
        """About ``points`` points, evenly over the box and its edges: ``[m, h]``, or ``[m]`` for h = 1."""
        side = max(3, round(points ** (1 / self.dimensions)))
        axes = [np.linspace(low, high, side) for low, high in self.box]
        if self.dimensions == 1:
            return axes[0]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, self.dimensions)

    def room(self, x: ArrayLike) -> float:
        """The distance from x to the nearest face of the box; negative outside."""
        low, high = np.transpose(self.box)
        return float(np.min(np.minimum(np.atleast_1d(x) - low, high - np.atleast_1d(x))))


@dataclass(frozen=True)
class Minimum:
    """The minimiser and minimum of one loss over the box, and how far off each may be.

    ``x`` is a float, or ``[h]``. The errors are estimates from rounding and the two step sizes of the last
    refinement; they hold for a loss that is smooth at the scale of the lattice that was searched first.
    """

    x: float | Floats
    value: float
    x_error: float
    value_error: float


def minimise(family: Family, width: float, points: int = 2001) -> Minimum:
    """The global minimum of phi_n: the best of a lattice of ``points``, refined.

    For one hyperparameter: Brent's method between the lattice neighbours, then a Newton step with difference
    quotients of fourth order, which finds the minimiser some four digits better than values alone can. For
    several: Nelder-Mead within the box. A basin narrower than a cell of the lattice can be missed.

    >>> found = minimise(Family(lambda n, x: 1 / n + (x - 1 / n) ** 2, box=((-1.0, 1.0),)), width=3.0)
    >>> abs(found.x - 1 / 3) < found.x_error < 1e-9
    True
    """
    lattice = family.lattice(points)
    values = family(width, lattice)
    if not np.isfinite(values).all():
        raise DomainError("phi", float(values[~np.isfinite(values)][0]), "finite on the whole box")
    best, noise = int(np.argmin(values)), _NOISE * float(np.abs(values).max())
    if family.dimensions > 1:
        return _minimise_box(family, width, lattice[best], noise)
    return _minimise_line(family, width, float(lattice[best]), float(lattice[1] - lattice[0]), noise)


def _minimise_line(family: Family, width: float, start: float, cell: float, noise: float) -> Minimum:
    from scipy.optimize import minimize_scalar

    ((low, high),) = family.box
    ends = max(low, start - cell), min(high, start + cell)
    options = {"xatol": 1e-9 * cell}
    brent = minimize_scalar(lambda x: float(family(width, x)), bounds=ends, method="bounded", options=options)
    x = min((float(brent.x), *ends), key=lambda x: float(family(width, x)))
    step = min(cell, family.room(x)) / 2
    if step < 1e-6 * cell:
        return Minimum(x, float(family(width, x)), 0.0, noise)  # at the edge of the box
    (coarse, rough), (fine, curvature) = (_newton(family, width, x, step / part) for part in (1, 2))
    smooth = 0 < 0.9 * rough < curvature < 1.1 * rough  # of a kink the quotients would double
    error = 2 * (1.5e-8 * abs(x) + options["xatol"]) + math.sqrt(noise / curvature if smooth else 0.0)
    if smooth and abs(fine - x) < step:
        x, error = fine, abs(fine - coarse) + 4 * noise / (step * curvature)
    return Minimum(x, float(family(width, x)), error, noise)


def _newton(family: Family, width: float, x: float, step: float) -> tuple[float, float]:
    """One Newton step from x with five-point difference quotients: the new point and the curvature."""
    f = family(width, x + step * np.arange(-2.0, 3.0))
    slope = (f[0] - 8 * f[1] + 8 * f[3] - f[4]) / (12 * step)
    curvature = (-f[0] + 16 * f[1] - 30 * f[2] + 16 * f[3] - f[4]) / (12 * step**2)
    return (float(x - slope / curvature), float(curvature)) if curvature > 0 else (x, 0.0)


def _minimise_box(family: Family, width: float, start: Floats, noise: float) -> Minimum:
    from scipy.optimize import minimize

    options = {"xatol": 1e-10, "fatol": 0.0, "maxfev": 4000, "maxiter": 4000}
    found = minimize(
        lambda x: float(family(width, x)), start, method="Nelder-Mead", bounds=family.box, options=options
    )
    value, step = float(found.fun), 1e-4 * float(np.min(np.ptp(family.box, axis=1)))
    around = found.x + step * np.concatenate([np.eye(len(start)), -np.eye(len(start))])
    rise = float(np.min(family(width, np.clip(around, *np.transpose(family.box)))) - value)
    x_error = step * math.sqrt(noise / rise) if rise > noise else step
    return Minimum(found.x, value, max(x_error, 1e-10), noise)
