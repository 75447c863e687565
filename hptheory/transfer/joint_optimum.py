"""The optimum in several HPs at every width: polynomials on the widest window of cells that is adequate.

The windows are those of `optimum`: the cells within a share of the range above the lowest one. Within a
window the degree is one above the best by Akaike's criterion: what it costs in noise it saves in bias, which
the intervals do not hold. A narrower window is taken where it disagrees with the wider one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.noise import Noise, has_repeats, least_variances, measure_noise
from hptheory.transfer.optimum import ADEQUATE, BETTER, HEIGHTS, NEAR, Optima, disagree
from hptheory.transfer.seed_blocks import levelled, seed_covariance
from hptheory.transfer.surfaces import Surface, SurfaceFit, same_degree

Floats = NDArray[np.float64]
DEGREES = (2, 3, 4, 5, 6)


@dataclass(frozen=True, eq=False)
class ProfileParabolas:
    """The loss of every width along one HP, the others at their best, to second order about the optimum."""

    value: Floats
    position: Floats
    curvature: Floats

    def curve(self, row: int, x: Floats) -> Floats:
        """The loss at x, for the width with this index."""
        return self.value[row] + self.curvature[row] / 2 * (np.asarray(x) - self.position[row]) ** 2


@dataclass(frozen=True, eq=False)
class JointOptima:
    """The fits of all widths, ascending in width, with the noise behind them and what their misfit adds.

    `level` is the variance of the values that seeds cause by lifting whole surfaces, [width].
    """

    surfaces: tuple[Surface, ...]
    fits: tuple[SurfaceFit, ...]
    variance: Floats
    level: Floats
    df: float
    misfit: float
    inflation: float

    @property
    def position(self) -> Floats:
        """The optima, [width, HPs]."""
        return np.stack([fit.position for fit in self.fits])

    def of(self, hp: int) -> Optima:
        """The optima along one HP, as those of a sweep over this HP alone."""
        size = len(self.fits)
        covariance = np.zeros((2, size, 2, size))
        for k, fit in enumerate(self.fits):
            pick = np.ix_([0, hp + 1], [0, hp + 1])
            covariance[:, k, :, k] = self.inflation * fit.covariance[pick]
            covariance[0, k, 0, k] += self.level[k]
        value = np.array([fit.value for fit in self.fits])
        place = self.position[:, hp]
        curvature = np.array([1 / np.linalg.inv(fit.hessian)[hp, hp] for fit in self.fits])
        return Optima(
            width=np.array([surface.width for surface in self.surfaces]),
            value=value,
            position=place,
            covariance=covariance.reshape(2 * size, 2 * size),
            curvature=curvature,
            df=(self.df, self.df),
            fits=(ProfileParabolas(value, place, curvature),),
            weights=np.ones(1),
            misfit=self.misfit,
            inflation=self.inflation,
            cells=sum(len(surface.x) for surface in self.surfaces),
            window=np.array([[fit.low[hp], fit.high[hp]] for fit in self.fits]),
            variance=self.variance,
        )


def fit_joint(surfaces: Sequence[Surface]) -> JointOptima | None:
    """The optima of widths that have an interior one; None where no polynomial has a minimum at each."""
    noise = _near_noise(surfaces) if has_repeats([surface.cells for surface in surfaces]) else None
    if noise:
        surfaces = [s.with_cells(levelled(s.cells, noise.lift, noise.tilt)) for s in surfaces]
    chosen: JointOptima | None = None
    cells = -1
    for height in HEIGHTS:
        window = [surface.within(height) for surface in surfaces]
        if sum(len(surface.x) for surface in window) == cells:
            continue
        cells = sum(len(surface.x) for surface in window)
        found = _of_known_noise(window, noise) if noise else _of_residuals(window)
        if found is not None and (chosen is None or _rather(chosen, found, known=noise is not None)):
            chosen = found
    return chosen


def _rather(wide: JointOptima, narrow: JointOptima, known: bool) -> bool:
    """Whether the narrower window is the better one: the wide one is biased, or leaves more noise over."""
    from scipy.special import fdtrc

    if known:
        if wide.misfit < ADEQUATE <= narrow.misfit:
            return True
        return any(disagree(wide.of(hp), narrow.of(hp)) for hp in range(wide.position.shape[1]))
    return bool(fdtrc(wide.df, narrow.df, float(np.mean(wide.variance / narrow.variance))) < BETTER)


def _near_noise(surfaces: Sequence[Surface]) -> Noise:
    near = [surface.within(NEAR).cells for surface in surfaces]
    return measure_noise(near if has_repeats(near) else [surface.cells for surface in surfaces])


def _of_known_noise(surfaces: Sequence[Surface], noise: Noise) -> JointOptima | None:
    """One degree above that of the least Akaike criterion, its errors widened where the noise refutes it."""
    from scipy.special import fdtrc

    tried = [(fits, _parameters(surfaces, fits)) for fits in _degrees(surfaces, noise.variance)]
    if not tried:
        return None
    scores = [sum(fit.chi_square for fit in fits) + 2 * parameters for fits, parameters in tried]
    fits, _ = tried[min(int(np.argmin(scores)) + 1, len(tried) - 1)]
    spare = sum(fit.spare for fit in fits)
    ratio = sum(fit.chi_square for fit in fits) / spare
    misfit = float(fdtrc(spare, noise.df, ratio))
    inflation = max(1.0, ratio) if misfit < ADEQUATE else 1.0
    seeds = [seed_covariance(surface.cells, noise.lift, noise.tilt)[0, 0] for surface in surfaces]
    level = noise.variance * np.array(seeds)
    return JointOptima(tuple(surfaces), tuple(fits), noise.variance, level, noise.df, misfit, inflation)


def _of_residuals(surfaces: Sequence[Surface]) -> JointOptima | None:
    """The same, the noise taken to be what the fit leaves over, and the same at all widths."""
    size, ones = len(surfaces), np.ones(len(surfaces))
    cells = sum(len(surface.x) for surface in surfaces)
    tried = [(fits, _parameters(surfaces, fits)) for fits in _degrees(surfaces, ones)]
    if not tried:
        return None
    least = float(np.max(least_variances([surface.cells for surface in surfaces])))
    squares = [max(sum(fit.chi_square for fit in fits), least) for fits, _ in tried]
    # Akaike's criterion corrected for few cells, the noise being one more parameter.
    scores = [
        cells * float(np.log(square / cells)) + 2 * cells * k / max(cells - k - 2, 0.5)
        for square, (_, k) in zip(squares, tried, strict=True)
    ]
    at = min(int(np.argmin(scores)) + 1, len(tried) - 1)
    fits, spare = tried[at][0], cells - tried[at][1]
    variance = squares[at] / spare
    scaled = tuple(fit.with_variance(variance) for fit in fits)
    return JointOptima(
        tuple(surfaces), scaled, np.full(size, variance), np.zeros(size), float(spare), 1.0, 1.0
    )


def _degrees(surfaces: Sequence[Surface], variance: Floats) -> list[list[SurfaceFit]]:
    """The fits of every degree that has a minimum at every width."""
    found = [same_degree(surfaces, degree, variance.tolist()) for degree in DEGREES]
    return [fits for fits in found if fits is not None]


def _parameters(surfaces: Sequence[Surface], fits: Sequence[SurfaceFit]) -> int:
    return sum(len(surface.x) - fit.spare for surface, fit in zip(surfaces, fits, strict=True))
