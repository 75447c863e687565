"""The optimum of each width: where the loss curve is lowest, how low, how curved, and how sure that is.

The local model is chosen on evidence: families of polynomial shapes (`shapes`) on the widest window of cells
that some family still describes within the noise, averaged with Akaike weights, so that the covariance holds
the doubt about the model as well as the noise between seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.curves import Curve
from hptheory.transfer.exponents import Interval
from hptheory.transfer.noise import pure_error, with_variance
from hptheory.transfer.shapes import Cells, ShapeFit, cells_of, fit_shape

Floats = NDArray[np.float64]
HEIGHTS = (1.0, 0.5, 0.25, 0.12, 0.06, 0.03)
"""Windows: the cells around the lowest one whose loss is within this share of the curve's range."""
FEWEST_CELLS = 5
HIGHEST_DEGREE = 8
ADEQUATE = 0.05
"""A window is used if its best family is not refuted by the noise at this level."""


@dataclass(frozen=True, eq=False)
class Optima:
    """Optimal loss and position x of every width that has an interior optimum, with their joint covariance.

    `width`, `value`, `position`, `curvature` are [widths used]; `covariance` [2 widths, 2 widths] (values
    first) is known up to a scale with `df`. `fits` and `weights` are the averaged models, `misfit` the
    p-value of the best one's lack of fit, `inflation` what the covariance was multiplied by, `cells` the
    number of cells in the window, `window` its ends in x, [widths used, 2].
    """

    width: Floats
    value: Floats
    position: Floats
    covariance: Floats
    curvature: Floats
    df: float
    fits: tuple[ShapeFit, ...]
    weights: Floats
    misfit: float
    inflation: float
    cells: int
    window: Floats

    def row(self, width: float) -> int | None:
        """The index of this width; None where it was not used."""
        found = np.flatnonzero(self.width == width)
        return int(found[0]) if found.size else None

    def blocks(self) -> tuple[Floats, Floats, Floats]:
        """Covariances of the values, of the positions, and of values with positions, each [widths,
        widths]."""
        k = self.width.size
        return self.covariance[:k, :k], self.covariance[k:, k:], self.covariance[:k, k:]

    def interval(self, row: int, level: float = 0.90) -> Interval:
        """The position of one width with its interval, in x."""
        from scipy.stats import t

        half = float(t.ppf(0.5 + level / 2, self.df)) * float(self.position_error[row])
        place = float(self.position[row])
        return Interval(place, place - half, place + half)

    @property
    def position_error(self) -> Floats:
        """Standard error of each position."""
        return np.sqrt(np.diag(self.covariance)[self.width.size :])

    @property
    def value_error(self) -> Floats:
        """Standard error of each value."""
        return np.sqrt(np.diag(self.covariance)[: self.width.size])

    def curve(self, row: int, x: Floats) -> Floats:
        """The averaged fitted loss at x for the width with this index."""
        return sum(w * fit.curve(row, x) for w, fit in zip(self.weights, self.fits, strict=True)) + np.zeros(
            np.shape(x)
        )


def fit_optima(curves: Sequence[Curve]) -> Optima | None:
    """The optima of curves that each have an interior lowest cell; None where no family fits them with a
    minimum."""
    squares, df = pure_error(curves)
    replicated = df.sum() >= max(3, len(curves))
    if replicated:
        curves, total = with_variance(curves, squares, df)
    chosen: Optima | None = None
    for height in HEIGHTS:
        window = [_window(curve, height) for curve in curves]
        if chosen is not None and sum(c.x.size for c in window) >= chosen.cells:
            continue
        found = _average(window, total if replicated else None)
        if found is None:
            continue
        if chosen is None or _better(found, chosen, replicated):
            chosen = found
        if replicated and chosen.misfit > ADEQUATE:
            break
    return chosen


def _better(found: Optima, chosen: Optima, replicated: bool) -> bool:
    if replicated:
        return found.misfit > chosen.misfit
    return bool(np.sum(np.log(found.position_error)) < np.sum(np.log(chosen.position_error)))


def _window(curve: Curve, height: float) -> Curve:
    """The run of cells around the lowest one below this share of the range; at least FEWEST_CELLS where there
    are."""
    lowest = int(np.argmin(curve.mean))
    bound = curve.mean[lowest] + height * float(np.ptp(curve.mean))
    above = np.flatnonzero(curve.mean > bound)
    left = int(above[above < lowest].max(initial=-1)) + 1
    right = int(above[above > lowest].min(initial=curve.x.size))
    while right - left < min(FEWEST_CELLS, curve.x.size):
        grow_left = left > 0 and (right == curve.x.size or curve.mean[left - 1] <= curve.mean[right])
        left, right = (left - 1, right) if grow_left else (left, right + 1)
    keep = np.zeros(curve.x.size, dtype=bool)
    keep[left:right] = True
    return curve.take(keep)


def _average(curves: Sequence[Curve], df: float | None) -> Optima | None:
    """The families that fit this window, averaged with Akaike weights."""
    if df is None:
        curves = [_unit_variance(curve) for curve in curves]
    cells = cells_of(curves)
    fits = _families(cells, curves)
    if not fits:
        return None
    if df is None:
        return _averaged_unknown(cells, curves, fits)
    return _combine(cells, curves, fits, 1.0, df)


def _unit_variance(curve: Curve) -> Curve:
    return replace(curve, variance=np.ones(curve.x.size))


def _families(cells: Cells, curves: Sequence[Curve]) -> list[ShapeFit]:
    start = np.array([curve.x[np.argmin(curve.mean)] for curve in curves])
    fits: list[ShapeFit] = []
    modes = (False, True) if len(curves) > 2 else (False,)
    for varying in modes:
        last = start
        for degree in range(2, HIGHEST_DEGREE + 1):
            parameters = 2 * len(curves) + (degree - 1) * (1 + varying)
            if parameters > 0.75 * cells.count:
                break
            fit = fit_shape(cells, degree, varying, last)
            if fit is None:
                continue
            if _inside(fit, curves):
                fits.append(fit)
                last = fit.position
    return fits


def _inside(fit: ShapeFit, curves: Sequence[Curve]) -> bool:
    """The fitted minimum lies among the cells, and no cell's fitted value lies clearly below it."""
    return all(
        curve.x[0] <= p <= curve.x[-1] and (fit.curve(row, curve.x) >= fit.value[row] - 1e-9).all()
        for row, (curve, p) in enumerate(zip(curves, fit.position, strict=True))
    )


def _averaged_unknown(cells: Cells, curves: Sequence[Curve], fits: list[ShapeFit]) -> Optima:
    """Without repeats the noise is what the best family leaves over (AICc over the families)."""
    n = cells.count
    score = [
        n * np.log(fit.chi_square / n) + 2 * n * fit.parameters / max(n - fit.parameters - 1, 0.5)
        for fit in fits
    ]
    best = fits[int(np.argmin(score))]
    spare = n - best.parameters
    return _combine(cells, curves, fits, best.chi_square / spare, float(spare), np.array(score))


def _combine(
    cells: Cells,
    curves: Sequence[Curve],
    fits: list[ShapeFit],
    scale: float,
    df: float,
    score: Floats | None = None,
) -> Optima:
    from scipy.stats import f

    if score is None:
        score = np.array([fit.chi_square + 2 * fit.parameters for fit in fits])
    weight = np.exp(-(score - score.min()) / 2)
    use = weight > 1e-3
    weight = weight[use] / weight[use].sum()
    used = [fit for fit, keep in zip(fits, use, strict=True) if keep]
    points = np.stack([np.concatenate([fit.value, fit.position]) for fit in used])
    mean = weight @ points
    covariance = sum(
        w * (scale * fit.covariance + np.outer(p - mean, p - mean))
        for w, fit, p in zip(weight, used, points, strict=True)
    ) + np.zeros((mean.size, mean.size))
    best = fits[int(np.argmin(score))]
    spare = max(cells.count - best.parameters, 1)
    ratio = best.chi_square / scale / spare
    misfit = float(f.sf(ratio, spare, df))
    inflation = max(1.0, ratio) if misfit < ADEQUATE else 1.0
    size = len(curves)
    return Optima(
        np.array([curve.width for curve in curves]), mean[:size], mean[size:], covariance * inflation,
        weight @ np.stack([fit.curvature for fit in used]), df, tuple(used), weight, misfit, inflation,
        cells.count, np.array([[curve.x[0], curve.x[-1]] for curve in curves]),
    )  # fmt: skip
