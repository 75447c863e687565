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


@dataclass(frozen=True, eq=False)
class ShapeFit:
    """A fitted family: values and positions [width] with their joint covariance (values first), and its
    chi-square."""

    degree: int
    varying: bool
    value: Floats
    position: Floats
    covariance: Floats
    coefficients: Floats
    unit: float
    chi_square: float
    parameters: int
    residual: Floats

    @property
    def curvature(self) -> Floats:
        """d^2 loss / dx^2 at the optimum of each width."""
        return 2.0 * self.coefficients[:, 0] / self.unit**2

    def curve(self, row: int, x: Floats) -> Floats:
        """The fitted loss at x, for the width with this index."""
        z = (np.asarray(x) - self.position[row]) / self.unit
        return self.value[row] + _powers(z, self.degree) @ self.coefficients[row]


def fit_shape(cells: Cells, degree: int, varying: bool, start: Floats) -> ShapeFit | None:
    """The least-squares family from these starting positions [width]; None where it finds no minimum at every
    width."""
    basis = np.stack([np.ones_like(cells.log_width), cells.log_width], axis=1)[:, : 2 if varying else 1]
    position = start.copy()
    shape = _first_shape(cells, position, degree)
    previous, step_size = np.inf, np.inf
    for iteration in range(ITERATIONS):
        powers = _powers((cells.x - position[:, None]) / cells.unit, degree)
        slope = -_slopes((cells.x - position[:, None]) / cells.unit, shape) / cells.unit
        solution = _Linear.solve(cells, powers, basis, slope)
        step = np.clip(solution.local[:, 1], -cells.unit / 4, cells.unit / 4)
        position = position + step
        shape = np.einsum("wr,rd->wd", basis, solution.shared.reshape(basis.shape[1], degree - 1))
        previous, step_size = step_size, float(np.max(np.abs(step) / solution.position_error()))
        if step_size < 1e-3 and iteration:
            break
        if not np.isfinite(step_size) or (iteration > 12 and step_size > previous):
            return None
    if (shape[:, 0] <= 0).any():
        return None
    return ShapeFit(
        degree, varying, solution.local[:, 0], position, solution.covariance(), shape, cells.unit,
        solution.chi_square, 2 * position.size + solution.shared.size, solution.residual,
    )  # fmt: skip


def _powers(z: Floats, degree: int) -> Floats:
    """z^2 ... z^degree along a last axis."""
    return z[..., None] ** np.arange(2, degree + 1)


def _slopes(z: Floats, shape: Floats) -> Floats:
    """d shape / dz at z [width, cell] for coefficients [width, degree - 1]."""
    j = np.arange(2, shape.shape[1] + 2)
    return np.einsum("wcd,wd->wc", j * z[..., None] ** (j - 1), shape)


def _first_shape(cells: Cells, position: Floats, degree: int) -> Floats:
    """A starting shape [width, degree - 1]: the common parabola through the cells, given the positions."""
    square = ((cells.x - position[:, None]) / cells.unit) ** 2 * cells.weight
    ones = cells.weight / np.linalg.norm(cells.weight, axis=1, keepdims=True)
    square = square - ones * np.sum(ones * square, axis=1, keepdims=True)
    bend = np.sum(square * cells.mean * cells.weight) / np.sum(square**2)
    shape = np.zeros((position.size, degree - 1))
    shape[:, 0] = max(bend, 1e-12)
    return shape


@dataclass(frozen=True, eq=False)
class _Linear:
    """The linear problem of one Gauss-Newton step: local (value, shift) a width, shared shape
    coefficients."""

    local: Floats
    shared: Floats
    chi_square: float
    residual: Floats
    upper: Floats
    lift: Floats
    shared_inverse: Floats

    @classmethod
    def solve(cls, cells: Cells, powers: Floats, basis: Floats, slope: Floats) -> _Linear:
        weight = cells.weight[..., None]
        local_design = np.stack([np.ones_like(slope), slope], axis=2) * weight
        shared_design = np.einsum("wcd,wr->wcrd", powers, basis).reshape(*slope.shape, -1) * weight
        target = cells.mean * cells.weight
        ortho, upper = np.linalg.qr(local_design)
        into_shared = np.einsum("wci,wcp->wip", ortho, shared_design)
        into_target = np.einsum("wci,wc->wi", ortho, target)
        reduced = shared_design - np.einsum("wci,wip->wcp", ortho, into_shared)
        rest = target - np.einsum("wci,wi->wc", ortho, into_target)
        flat = reduced.reshape(-1, reduced.shape[2])
        scale = np.linalg.norm(flat, axis=0)
        shared_ortho, shared_upper = np.linalg.qr(flat / scale)
        inverse = np.linalg.inv(shared_upper) / scale[:, None]
        shared = inverse @ (shared_ortho.T @ rest.ravel())
        residual = rest - (flat @ shared).reshape(rest.shape)
        inverse_upper = np.linalg.inv(upper)
        local = np.einsum("wij,wj->wi", inverse_upper, into_target - into_shared @ shared)
        lift = inverse_upper @ into_shared
        return cls(local, shared, float(np.sum(residual**2)), residual, inverse_upper, lift, inverse)

    def covariance(self) -> Floats:
        """Covariance of (values, positions), [2 widths, 2 widths]."""
        size = self.local.shape[0]
        spread = (self.lift @ self.shared_inverse).transpose(1, 0, 2).reshape(2 * size, -1)
        covariance = spread @ spread.T
        own = np.einsum("wij,wkj->wik", self.upper, self.upper)
        index = np.arange(size)
        for i in range(2):
            for k in range(2):
                covariance[index + i * size, index + k * size] += own[:, i, k]
        return covariance

    def position_error(self) -> Floats:
        """Standard error of each position."""
        size = self.local.shape[0]
        return np.sqrt(np.diag(self.covariance())[size:])
