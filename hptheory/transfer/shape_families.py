"""Families of loss curves, the cells that they are fitted to, and a fitted member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of curves on one or several windows: `x`, `mean`, `weight` are [window, width, cell].

    `weight` is 1 / standard error, 0 for padding; `log_width` [width] has mean 0; `unit` [window] is the unit
    of x, half the widest curve.
    """

    x: Floats
    mean: Floats
    weight: Floats
    log_width: Floats
    unit: Floats

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """How many cells each window has."""
        return np.sum(self.weight > 0, axis=(1, 2))

    def one_by_one(self) -> Cells:
        """Every width of every window as a window of its own."""
        shape = (self.x.shape[0] * self.x.shape[1], 1, self.x.shape[2])
        unit = np.repeat(self.unit, self.x.shape[1])
        x, mean, weight = (a.reshape(shape) for a in (self.x, self.mean, self.weight))
        return Cells(x, mean, weight, np.zeros(1), unit)

    def lowest(self) -> Floats:
        """The place of the lowest cell, [window, width]."""
        at = np.argmin(np.where(self.weight > 0, self.mean, np.inf), axis=2)
        return np.take_along_axis(self.x, at[..., None], axis=2)[..., 0]


class Varying(IntEnum):
    """How the coefficients of a shape depend on width: not at all, linearly in ln width, freely."""

    NOT = 0
    LINEARLY = 1
    FREELY = 2


@dataclass(frozen=True, order=True)
class Family:
    """A kind of shape: its degree, how its coefficients vary with width, whether the two sides differ.

    The terms are z^2, z^3, ...; a second block of them, for z < 0 only (the first is then for z >= 0) or
    times ln width, belongs to sided and to linearly varying families. No family is both.
    """

    degree: int
    varying: Varying = Varying.NOT
    sided: bool = False

    def meet(self, other: Family) -> Family:
        """The largest family inside both."""
        return Family(
            min(self.degree, other.degree), min(self.varying, other.varying), self.sided and other.sided
        )

    def parameters(self, widths: int) -> int:
        """All parameters: a value and a position a width, and the coefficients."""
        shapes = widths if self.varying is Varying.FREELY else 1 + (self.sided or self.varying > 0)
        return 2 * widths + shapes * (self.degree - 1)


@dataclass(frozen=True, eq=False)
class Task:
    """A family to fit on a window, from these positions [width] and, if any, this shape of a lower degree."""

    window: int
    family: Family
    position: Floats
    shape: Floats | None = None


@dataclass(frozen=True, eq=False)
class ShapeFit:
    """A fitted family: values and positions [width] with their joint covariance (values first).

    `coefficients` [side, width, degree - 1] are those of z^2, z^3, ..., on the right and on the left side
    (one where they agree), `shared` [2, degree - 1] the blocks that they come from; `residual` the weighted
    residuals [width, cell]; `score` is Akaike's criterion.
    """

    family: Family
    value: Floats
    position: Floats
    covariance: Floats
    coefficients: Floats
    shared: Floats
    unit: float
    residual: Floats
    parameters: int
    cells: int
    score: float

    @cached_property
    def chi_square(self) -> float:
        """The weighted sum of squared residuals."""
        return float(np.sum(self.residual**2))

    @property
    def curvature(self) -> Floats:
        """d^2 loss / dx^2 at the optimum of each width, the mean of both sides."""
        return 2.0 * self.coefficients[:, :, 0].mean(axis=0) / self.unit**2

    def curve(self, row: int, x: Floats) -> Floats:
        """The fitted loss at x, for the width with this index."""
        z = (np.asarray(x) - self.position[row]) / self.unit
        powers = z[..., None] ** np.arange(2, self.family.degree + 1)
        right, left = (powers @ self.coefficients[side, row] for side in (0, -1))
        return self.value[row] + np.where(z < 0, left, right)


def joined(fits: Sequence[ShapeFit], known_noise: bool = True) -> ShapeFit:
    """Fits of one degree at one width each, as the fit of a freely varying family."""
    size = len(fits)
    covariance = np.zeros((2, size, 2, size))
    for k, fit in enumerate(fits):
        covariance[:, k, :, k] = fit.covariance
    family = Family(fits[0].family.degree, Varying.FREELY)
    residual = np.concatenate([fit.residual for fit in fits])
    parameters, cells = family.parameters(size), sum(fit.cells for fit in fits)
    return ShapeFit(
        family, np.concatenate([fit.value for fit in fits]), np.concatenate([fit.position for fit in fits]),
        covariance.reshape(2 * size, 2 * size), np.concatenate([f.coefficients for f in fits], axis=1),
        np.empty((0, 0)), fits[0].unit, residual, parameters, cells,
        akaike(float(np.sum(residual**2)), parameters, cells, known_noise),
    )  # fmt: skip


def akaike(chi_square: float, parameters: int, cells: int, known_noise: bool) -> float:
    """Akaike's criterion: the noise known, or judged by the residuals (corrected for few cells)."""
    if known_noise:
        return chi_square + 2 * parameters
    spare = max(cells - parameters - 1, 0.5)
    return cells * float(np.log(chi_square / cells + np.finfo(float).tiny)) + 2 * cells * parameters / spare
