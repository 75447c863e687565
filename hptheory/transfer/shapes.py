"""Loss curves of one family: phi_n(x) = value_n + shape_n(x - position_n), the shape a polynomial with
minimum at 0.

One shape for all widths uses the data far better than a fit a width; where the data object, its coefficients
vary linearly in ln width. All widths are fitted at once by Gauss-Newton: given the positions, the model is
linear. Two parameters belong to each width and are projected out width by width, so the cost is linear in the
number of widths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.curves import Curve

Floats = NDArray[np.float64]
ITERATIONS = 25
HIGHEST_DEGREE = 8
MOST_PARAMETERS = 0.75
"""Parameters of a family, as a share of the cells."""
PATIENCE = 2
"""Degrees in a row that may fail to pay for themselves."""
ROOM = 1.5
"""Chi-square per degree of freedom beyond which higher degrees are tried in any case."""


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of several curves as padded arrays [width, cell]; padding has weight (1 / standard error)
    0."""

    x: Floats
    mean: Floats
    weight: Floats
    log_width: Floats
    unit: float

    @property
    def count(self) -> int:
        """How many cells there are."""
        return int((self.weight > 0).sum())


def cells_of(curves: Sequence[Curve]) -> Cells:
    """The curves as padded arrays; x is measured in units of half the widest curve."""
    longest = max(curve.x.size for curve in curves)
    shape = (len(curves), longest)
    x, mean, weight = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for row, curve in enumerate(curves):
        size = curve.x.size
        x[row], mean[row] = curve.x[-1], curve.mean[-1]
        x[row, :size], mean[row, :size] = curve.x, curve.mean
        weight[row, :size] = 1.0 / curve.standard_error
    log_width = np.log([curve.width for curve in curves])
    span = max(float(np.ptp(curve.x)) for curve in curves)
    return Cells(x, mean, weight, log_width - log_width.mean(), span / 2 or 1.0)


@dataclass(frozen=True, order=True)
class Family:
    """A kind of shape: its degree, whether its coefficients vary with width, whether the two sides differ."""

    degree: int
    varying: bool = False
    sided: bool = False

    def meet(self, other: Family) -> Family:
        """The largest family inside both."""
        return Family(
            min(self.degree, other.degree), self.varying and other.varying, self.sided and other.sided
        )

    @property
    def terms(self) -> int:
        """Coefficients of one shape."""
        return (self.degree - 1) * (1 + self.sided)

    def columns(self, z: Floats) -> tuple[Floats, Floats]:
        """The terms at z and their derivatives, [..., terms]: z^2, z^3, ..., on either side if sided."""
        sides = (np.maximum(z, 0.0), np.minimum(z, 0.0)) if self.sided else (z,)
        terms, slopes = np.empty((*z.shape, self.terms)), np.empty((*z.shape, self.terms))
        for i, side in enumerate(sides):
            power = side
            for j in range(2, self.degree + 1):
                at = (j - 2) * len(sides) + i
                slopes[..., at] = j * power
                power = power * side
                terms[..., at] = power
        return terms, slopes


@dataclass(frozen=True, eq=False)
class ShapeFit:
    """A fitted family: values and positions [width] with their joint covariance (values first).

    `coefficients` are those of the family's terms in z = (x - position)/unit, [width, terms]; `residual` the
    weighted residuals [width, cell]; `score` is Akaike's criterion.
    """

    family: Family
    value: Floats
    position: Floats
    covariance: Floats
    coefficients: Floats
    unit: float
    residual: Floats
    parameters: int
    score: float

    @property
    def chi_square(self) -> float:
        """The weighted sum of squared residuals."""
        return float(np.sum(self.residual**2))

    @property
    def curvature(self) -> Floats:
        """d^2 loss / dx^2 at the optimum of each width, the mean of both sides."""
        sides = 1 + self.family.sided
        return 2.0 * self.coefficients[:, :sides].mean(axis=1) / self.unit**2

    def curve(self, row: int, x: Floats) -> Floats:
        """The fitted loss at x, for the width with this index."""
        z = (np.asarray(x) - self.position[row]) / self.unit
        return self.value[row] + self.family.columns(z)[0] @ self.coefficients[row]


KINDS = ((False, False), (False, True), (True, False))
"""(varying, sided) of the families that are tried."""


def fit_families(cells: Cells, known_noise: bool = True) -> list[ShapeFit]:
    """Families of rising degree, until further degrees do not pay for themselves."""
    widths = np.arange(cells.x.shape[0])
    start = cells.x[widths, np.argmin(np.where(cells.weight > 0, cells.mean, np.inf), axis=1)]
    fits: list[ShapeFit] = []
    for varying, sided in KINDS if widths.size > 2 else KINDS[:2]:
        last, best, idle = start, np.inf, 0
        for degree in range(2, HIGHEST_DEGREE + 1):
            family = Family(degree, varying, sided)
            parameters = 2 * widths.size + family.terms * (1 + varying)
            if parameters > MOST_PARAMETERS * cells.count or idle == PATIENCE:
                break
            fit = fit_shape(cells, family, last, known_noise)
            if fit is None:
                continue
            fits.append(fit)
            last = fit.position
            poor = known_noise and fit.chi_square > ROOM * (cells.count - fit.parameters)
            idle = 0 if fit.score < best or poor else idle + 1
            best = min(best, fit.score)
    return fits


def fit_shape(cells: Cells, family: Family, start: Floats, known_noise: bool = True) -> ShapeFit | None:
    """The least-squares member from these starting positions [width]; None: no minimum at every width."""
    try:
        return _gauss_newton(cells, family, start, known_noise)
    except np.linalg.LinAlgError:  # the cells cannot tell this many coefficients apart
        return None


def _gauss_newton(cells: Cells, family: Family, start: Floats, known_noise: bool) -> ShapeFit | None:
    basis = np.stack([np.ones_like(cells.log_width), cells.log_width], axis=1)[:, : 1 + family.varying]
    position = start.copy()
    shape = _first_shape(cells, position, family)
    previous = np.inf
    for iteration in range(ITERATIONS):
        terms, slopes = family.columns((cells.x - position[:, None]) / cells.unit)
        slope = -(slopes @ shape[..., None])[..., 0] / cells.unit
        solution = _Linear.solve(cells, terms, basis, slope)
        step = np.clip(solution.local[:, 1], -cells.unit / 4, cells.unit / 4)
        position = position + step
        shape = basis @ solution.shared.reshape(basis.shape[1], family.terms)
        size = float(np.max(np.abs(step) / solution.own_error))
        if size < 1e-2 and iteration:  # Gauss-Newton's next step would be far smaller than the noise
            break
        if not np.isfinite(size) or (iteration > 12 and size > previous):
            return None
        previous = size
    if not _is_minimum(cells, family, solution, position, shape):
        return None
    parameters = 2 * position.size + solution.shared.size
    score = _akaike(float(np.sum(solution.residual**2)), parameters, cells.count, known_noise)
    return ShapeFit(
        family, solution.local[:, 0], position, solution.covariance(), shape, cells.unit, solution.residual,
        parameters, score,
    )  # fmt: skip


def _is_minimum(cells: Cells, family: Family, solution: _Linear, position: Floats, shape: Floats) -> bool:
    """Whether every position lies among its cells, curves up, and no cell is fitted clearly lower."""
    inside = (position >= cells.x[:, 0]) & (position <= cells.x.max(axis=1))
    bound = solution.local[:, 0] - solution.own_error_value
    lower = cells.weight * (cells.mean - bound[:, None]) < solution.residual
    upward = shape[:, : 1 + family.sided] > 0
    return bool(inside.all() and upward.all() and not lower[cells.weight > 0].any())


def _akaike(chi_square: float, parameters: int, cells: int, known_noise: bool) -> float:
    """Akaike's criterion: the noise known, or judged by the residuals (corrected for few cells)."""
    if known_noise:
        return chi_square + 2 * parameters
    spare = max(cells - parameters - 1, 0.5)
    return cells * float(np.log(chi_square / cells + np.finfo(float).tiny)) + 2 * cells * parameters / spare


def _first_shape(cells: Cells, position: Floats, family: Family) -> Floats:
    """A starting shape [width, terms]: the common parabola through the cells, given the positions."""
    square = ((cells.x - position[:, None]) / cells.unit) ** 2 * cells.weight
    ones = cells.weight / np.linalg.norm(cells.weight, axis=1, keepdims=True)
    square = square - ones * np.sum(ones * square, axis=1, keepdims=True)
    bend = np.sum(square * cells.mean * cells.weight) / np.sum(square**2)
    shape = np.zeros((position.size, family.terms))
    shape[:, : 1 + family.sided] = max(bend, 1e-12)
    return shape


@dataclass(frozen=True, eq=False)
class _Linear:
    """The linear problem of one Gauss-Newton step: local (value, shift) a width, shared shape
    coefficients."""

    local: Floats
    shared: Floats
    residual: Floats
    inverse: Floats
    lift: Floats
    root: Floats

    @classmethod
    def solve(cls, cells: Cells, powers: Floats, basis: Floats, slope: Floats) -> _Linear:
        """Least squares; the two local columns of each width are orthonormalised and projected out first."""
        weight = cells.weight
        shared_design = (powers[:, :, None, :] * basis[:, None, :, None]).reshape(*slope.shape, -1)
        design = np.concatenate([shared_design, cells.mean[..., None]], axis=2) * weight[..., None]
        ortho, inverse = _orthonormal(weight, slope * weight)
        inside = np.swapaxes(ortho, 1, 2) @ design
        rest = design - ortho @ inside
        flat, target = rest[..., :-1].reshape(weight.size, -1), rest[..., -1].ravel()
        scale = np.sqrt(np.sum(flat**2, axis=0))
        if not scale.all():
            raise np.linalg.LinAlgError("no cell on one side")
        flat = flat / scale
        root = np.linalg.inv(np.linalg.cholesky(flat.T @ flat)).T
        scaled = root @ (root.T @ (flat.T @ target))
        shared = scaled / scale
        residual = (target - flat @ scaled).reshape(weight.shape)
        local = (inverse @ (inside[..., -1] - inside[..., :-1] @ shared)[..., None])[..., 0]
        return cls(local, shared, residual, inverse, inverse @ inside[..., :-1], root / scale[:, None])

    @property
    def own_error(self) -> Floats:
        """Standard error of each position if the shape were known."""
        return np.abs(self.inverse[:, 1, 1])

    @property
    def own_error_value(self) -> Floats:
        """Standard error of each value if the shape were known."""
        return np.sqrt(np.sum(self.inverse[:, 0] ** 2, axis=1))

    def covariance(self) -> Floats:
        """Covariance of (values, positions), [2 widths, 2 widths]."""
        size = self.local.shape[0]
        spread = np.swapaxes(self.lift @ self.root, 0, 1).reshape(2 * size, -1)
        covariance = spread @ spread.T
        own = self.inverse @ np.swapaxes(self.inverse, 1, 2)
        index = np.arange(size)
        for i in range(2):
            for k in range(2):
                covariance[index + i * size, index + k * size] += own[:, i, k]
        return covariance


def _orthonormal(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Orthonormal columns [width, cell, 2] of two columns a width, and the inverse of the triangular
    factor."""
    r11 = np.sqrt(np.sum(first**2, axis=1))
    q1 = first / r11[:, None]
    r12 = np.sum(q1 * second, axis=1)
    left = second - q1 * r12[:, None]
    r22 = np.sqrt(np.sum(left**2, axis=1))
    inverse = np.zeros((first.shape[0], 2, 2))
    inverse[:, 0, 0], inverse[:, 1, 1] = 1 / r11, 1 / r22
    inverse[:, 0, 1] = -r12 / (r11 * r22)
    return np.stack([q1, left / r22[:, None]], axis=2), inverse
