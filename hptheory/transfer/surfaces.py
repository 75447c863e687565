"""The optimum of a loss in several HPs at one width: a polynomial fitted to the cells around the lowest one.

With several HPs a grid has cells enough for every width to have a polynomial of its own. Its minimum is found
by Newton's method, and the errors of the cells carry over to value and position by the implicit function
theorem: d position = -H^-1 d gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.curves import Curve, curve_of_cells
from hptheory.transfer.table import SweepTable

Floats = NDArray[np.float64]
MOST_PARAMETERS = 0.75
"""Terms of a polynomial, as a share of the cells."""
NEWTON_STEPS = 30
CLOSE = 1e-10


@dataclass(frozen=True, eq=False)
class Surface:
    """The cells of one width: places `x` [cells, HPs], and `cells`, a curve over their first HP."""

    width: float
    x: Floats
    cells: Curve

    def within(self, height: float) -> Surface:
        """The cells whose loss is within this share of the range above the lowest one."""
        mean = self.cells.mean
        keep = mean <= mean.min() + height * float(np.ptp(mean))
        return Surface(self.width, self.x[keep], self.cells.take(keep))

    def with_cells(self, cells: Curve) -> Surface:
        """The same places with other losses."""
        return replace(self, cells=cells)


def surfaces_of(table: SweepTable) -> list[Surface]:
    """One surface a width, ascending in width; cells with a diverged run are left out."""
    found = []
    for width in table.widths:
        at = table.scale == width
        places, cell = np.unique(table.x[at], axis=0, return_inverse=True)
        curve = curve_of_cells(width, cell.ravel().astype(np.float64), table.seed[at], table.loss[at])
        x = places[curve.x.astype(np.intp)]
        found.append(Surface(float(width), x, curve.on(x[:, 0])))
    return found


@dataclass(frozen=True, eq=False)
class SurfaceFit:
    """A polynomial's minimum: `value`, `position` [HPs], their `covariance` (value first), `hessian` in x.

    `low`, `high` [HPs] are the ends of its cells; `chi_square` and `spare` tell the misfit.
    """

    value: float
    position: Floats
    covariance: Floats
    hessian: Floats
    low: Floats
    high: Floats
    chi_square: float
    spare: int
    polynomial: Polynomial

    def with_variance(self, variance: float) -> SurfaceFit:
        """The same fit, if it was made for variance 1, for this variance of a run."""
        return replace(self, covariance=variance * self.covariance, chi_square=self.chi_square / variance)

    def loss(self, x: Floats) -> Floats:
        """The fitted loss at places [..., HPs]; nan outside the box of its cells."""
        inside = np.all((x >= self.low) & (x <= self.high), axis=-1)
        return np.where(inside, self.polynomial.at(x), np.nan)


@dataclass(frozen=True, eq=False)
class Polynomial:
    """sum_k c_k z^powers_k in z = (x - centre)/unit, by its powers [terms, HPs]."""

    powers: NDArray[np.intp]
    coefficients: Floats
    centre: Floats
    unit: Floats

    def at(self, x: Floats) -> Floats:
        """Its values at places [..., HPs]."""
        return monomials((x - self.centre) / self.unit, self.powers) @ self.coefficients


def monomials(z: Floats, powers: NDArray[np.intp]) -> Floats:
    """z^powers, [..., terms]."""
    return np.prod(z[..., None, :] ** powers, axis=-1)


def slopes(z: Floats, powers: NDArray[np.intp], axis: int) -> tuple[Floats, NDArray[np.intp]]:
    """The factors and the powers of the monomials' derivatives along one axis."""
    lower = powers.copy()
    lower[:, axis] = np.maximum(lower[:, axis] - 1, 0)
    return powers[:, axis].astype(np.float64), lower


def powers_of(degree: int, hps: int) -> NDArray[np.intp]:
    """The powers of all monomials up to a degree, [terms, HPs].

    >>> powers_of(2, 2).tolist()
    [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
    """
    chosen = [c for d in range(degree + 1) for c in combinations_with_replacement(range(hps), d)]
    return np.array([[axes.count(axis) for axis in range(hps)] for axes in chosen], dtype=np.intp)


def fit_surface(surface: Surface, degree: int, variance: float) -> SurfaceFit | None:
    """The minimum of the least-squares polynomial, the variance of a run given.

    None where the cells cannot tell its terms apart, or it has no minimum among them.

    >>> x = np.stack(np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 5)), axis=-1).reshape(-1, 2)
    >>> bowl = 1 + (x[:, 0] - 0.2) ** 2 + x[:, 1] ** 2 + x[:, 0] * x[:, 1]
    >>> cells = Curve(64.0, x[:, 0], bowl[:, None], True, x[:, 0], 0, np.ones(25))
    >>> fit_surface(Surface(64.0, x, cells), 2, 1.0).position.round(9).tolist()           # 2 x + y = 0.4, ...
    [0.266666667, -0.133333333]
    """
    x, cells = surface.x, surface.cells
    powers = powers_of(degree, x.shape[1])
    low, high = x.min(axis=0), x.max(axis=0)
    if len(powers) > MOST_PARAMETERS * len(x) or not (high > low).all():
        return None
    centre, unit = x[int(np.argmin(cells.mean))], (high - low) / 2
    weight = np.sqrt(cells.count / variance)
    design = monomials((x - centre) / unit, powers) * weight[:, None]
    ortho, upper = np.linalg.qr(design)
    if np.min(np.abs(np.diag(upper))) < 1e-9 * np.max(np.abs(np.diag(upper))):
        return None
    target = cells.mean * weight
    inverse = np.linalg.inv(upper)
    coefficients = inverse @ (ortho.T @ target)
    chi_square = float(np.sum((target - design @ coefficients) ** 2))
    found = _minimum(coefficients, powers)
    if found is None:
        return None
    z, gradient, hessian = found
    position = centre + unit * z
    if not ((position >= low) & (position <= high)).all():
        return None
    # A change of coefficients moves the value by the monomials, the place by -H^-1 of their slopes.
    moves = np.vstack([monomials(z, powers), -np.linalg.solve(hessian, gradient) * unit[:, None]]) @ inverse
    polynomial = Polynomial(powers, coefficients, centre, unit)
    return SurfaceFit(
        float(polynomial.at(position)), position, moves @ moves.T, hessian / np.outer(unit, unit), low, high,
        chi_square, len(x) - len(powers), polynomial,
    )  # fmt: skip


def _minimum(coefficients: Floats, powers: NDArray[np.intp]) -> tuple[Floats, Floats, Floats] | None:
    """The minimum near z = 0, the slopes of the monomials [HPs, terms] there, and the Hessian."""
    hps = powers.shape[1]
    z = np.zeros(hps)
    for _ in range(NEWTON_STEPS):
        gradient, hessian = np.empty((hps, len(powers))), np.empty((hps, hps))
        for i in range(hps):
            factor, lower = slopes(z, powers, i)
            gradient[i] = factor * monomials(z, lower)
            for j in range(hps):
                again, lowest = slopes(z, lower, j)
                hessian[i, j] = float((factor * again * monomials(z, lowest)) @ coefficients)
        if np.linalg.eigvalsh(hessian)[0] <= 0:
            return None
        step = -np.linalg.solve(hessian, gradient @ coefficients)
        if np.max(np.abs(step)) < CLOSE:
            return z, gradient, hessian
        z = z + step * min(1.0, 0.5 / float(np.max(np.abs(step))))
        if np.max(np.abs(z)) > 4:  # far outside the cells, which span 2
            return None
    return None


def same_degree(
    surfaces: Sequence[Surface], degree: int, variances: Sequence[float]
) -> list[SurfaceFit] | None:
    """The fits of one degree at every width; None if one has no minimum."""
    fits = [fit_surface(s, degree, v) for s, v in zip(surfaces, variances, strict=True)]
    good = [fit for fit in fits if fit is not None]
    return good if len(good) == len(fits) else None
