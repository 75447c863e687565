"""The optimum of each width: where the loss curve is lowest, how low, how curved, and how sure that is.

The local model is chosen on evidence: families of polynomial shapes (`shapes`) on windows of cells around the
optimum, averaged with Akaike weights, so that the covariance holds the doubt about the model as well as the
noise between seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.curves import Curve
from hptheory.transfer.exponents import Interval
from hptheory.transfer.noise import Noise, has_repeats, least_variances, measure_noise, smooth_variances
from hptheory.transfer.seed_blocks import levelled, seed_covariance
from hptheory.transfer.shape_families import ShapeFit
from hptheory.transfer.shapes import cells_of, fit_families

Floats = NDArray[np.float64]
HEIGHTS = (1.0, 0.3, 0.1, 0.03)
"""Windows: the cells around the lowest one whose loss is within this share of the curve's range."""
FEWEST_CELLS = 5
NEAR = 0.25
"""The height up to which cells count as near the optimum when noises are compared."""
DISAGREE = 2.5
"""Windows disagree beyond this many standard errors in one of four contrasts (5 % by chance)."""
FORGIVEN = 0.5
"""Share of the families' disagreement by chance that is not counted as doubt."""
ADEQUATE = 0.05
"""Errors are widened if the best family is refuted by the noise at this level."""
BETTER = 0.01
"""Without repeats a smaller window is taken if it lowers the residual variance at this level."""


class FittedCurves(Protocol):
    """What is drawn and read off: the fitted loss of every width."""

    def curve(self, row: int, x: Floats) -> Floats:
        """The fitted loss at x, for the width with this index."""
        ...


@dataclass(frozen=True, eq=False)
class Optima:
    """Optimal loss and position x of every width that has an interior optimum, with their joint covariance.

    `width`, `value`, `position`, `curvature` are [widths used]; `covariance` [2 widths, 2 widths] (values
    first) is known up to a scale with `df` (of values, of positions). `fits` and `weights` are the averaged
    models, `misfit` the p-value of the best one's lack of fit, `inflation` what the covariance was multiplied
    by for it, `cells` the number of cells in the window, `window` its ends in x, [widths used, 2], `variance`
    that of a run.
    """

    width: Floats
    value: Floats
    position: Floats
    covariance: Floats
    curvature: Floats
    df: tuple[float, float]
    fits: tuple[FittedCurves, ...]
    weights: Floats
    misfit: float
    inflation: float
    cells: int
    window: Floats
    variance: Floats

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
        from scipy.special import stdtrit

        half = float(stdtrit(self.df[1], 0.5 + level / 2)) * float(self.position_error[row])
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
        return np.sum([w * f.curve(row, x) for w, f in zip(self.weights, self.fits, strict=True)], axis=0)


def fit_optima(curves: Sequence[Curve], noise: Noise | None = None) -> Optima | None:
    """The optima of curves that each have an interior lowest cell; None where no family gives them a minimum.

    `noise` is that of these curves, where `noise_near_optimum` has measured it already.
    """
    if not has_repeats(curves):
        return _unreplicated(curves)
    return _replicated(curves, noise or noise_near_optimum(curves))


def _windows(curves: Sequence[Curve]) -> Iterator[list[Curve]]:
    """The windows, widest first, without repeats."""
    size = -1
    for height in HEIGHTS:
        window = [_window(curve, height) for curve in curves]
        if sum(curve.x.size for curve in window) != size:
            yield window
        size = sum(curve.x.size for curve in window)


def _window(curve: Curve, height: float) -> Curve:
    """The run of cells around the lowest one below this share of the range; at least FEWEST_CELLS of them."""
    mean = curve.mean
    lowest = int(np.argmin(mean))
    above = np.flatnonzero(mean > mean[lowest] + height * float(np.ptp(mean)))
    left = int(above[above < lowest].max(initial=-1)) + 1
    right = int(above[above > lowest].min(initial=mean.size))
    while right - left < min(FEWEST_CELLS, mean.size):
        grow_left = left > 0 and (right == mean.size or mean[left - 1] <= mean[right])
        left, right = (left - 1, right) if grow_left else (left, right + 1)
    keep = np.zeros(mean.size, dtype=bool)
    keep[left:right] = True
    return curve.take(keep)


def _replicated(curves: Sequence[Curve], noise: Noise) -> Optima | None:
    """The averaged families on the widest window that agrees with the narrower ones, the noise known from
    seeds."""
    curves = [
        levelled(curve.with_variance(variance), noise.lift, noise.tilt)
        for curve, variance in zip(curves, noise.variance, strict=True)
    ]
    chosen: Optima | None = None
    windows = list(_windows(curves))
    for window, fits in zip(windows, fit_families(cells_of(windows), noise.df), strict=True):
        if not fits:
            continue
        found = _with_misfit(_average(window, fits, noise), fits, noise.df)
        if chosen is None or disagree(chosen, found):
            chosen = found
    return chosen


def _with_misfit(optima: Optima, fits: list[ShapeFit], df: float) -> Optima:
    """The same with its lack of fit tested, and its errors widened where that is found."""
    from scipy.special import fdtrc

    best = min(fits, key=lambda fit: fit.score)
    spare = max(optima.cells - best.parameters, 1)
    ratio = best.chi_square / spare
    misfit = float(fdtrc(spare, df, ratio))
    inflation = max(1.0, ratio) if misfit < ADEQUATE else 1.0
    return replace(optima, misfit=misfit, inflation=inflation, covariance=inflation * optima.covariance)


def disagree(wide: Optima, narrow: Optima) -> bool:
    """Whether the wide window's optima are biased, judged by the narrow one's (Hausman's test).

    Compared are mean and trend in ln n of values and of positions; where the wide window's model holds, the
    difference has the variance of the narrow one less that of the wide one.
    """
    size = wide.width.size
    trend = np.log(wide.width) - np.log(wide.width).mean()
    contrasts = np.kron(np.eye(2), np.stack([np.ones(size), trend]) if size > 1 else np.ones((1, 1)))
    shift = contrasts @ np.concatenate([wide.value - narrow.value, wide.position - narrow.position])
    variance = [np.einsum("ci,ij,cj->c", contrasts, o.covariance, contrasts) for o in (wide, narrow)]
    doubt = np.maximum(variance[1] - variance[0], 0.1 * variance[1])
    return bool(np.max(shift**2 / doubt) > DISAGREE**2)


def noise_near_optimum(curves: Sequence[Curve]) -> Noise:
    """The noise of all cells, or of those near the optimum where the others are noisier."""
    from scipy.special import fdtrc

    everywhere = measure_noise(curves)
    near = [_window(curve, NEAR) for curve in curves]
    if not has_repeats(near):
        return everywhere
    close = measure_noise(near)
    far_df = everywhere.df - close.df
    far = float(np.sum(everywhere.squares / close.variance)) - float(np.sum(close.squares / close.variance))
    noisier = far_df > 0 and fdtrc(far_df, close.df, max(far, 0.0) / far_df) < BETTER
    return close if noisier else everywhere


def _unreplicated(curves: Sequence[Curve]) -> Optima | None:
    """The averaged families on the best window, the noise judged by what is left over (no lack of fit)."""
    from scipy.special import fdtrc

    chosen: Optima | None = None
    for found in _with_residual_noise(list(_windows(curves))):
        if chosen is not None:
            ratio = float(np.exp(np.mean(np.log(chosen.variance / found.variance))))
            if fdtrc(chosen.df[1], found.df[1], ratio) > BETTER:
                continue
        chosen = found
    return chosen


def _with_residual_noise(windows: list[list[Curve]]) -> Iterator[Optima]:
    """The averaged families of each window that has one; first fitted with equal weights, for the noise."""
    windows = [[curve.with_variance(1.0) for curve in window] for window in windows]
    judged, noises = [], []
    for window, fits in zip(windows, fit_families(cells_of(windows)), strict=True):
        if fits:
            noises.append(_noise_left_over(window, min(fits, key=lambda fit: fit.score)))
            variances = zip(window, noises[-1].variance, strict=True)
            judged.append([curve.with_variance(variance) for curve, variance in variances])
    df = min((noise.df for noise in noises), default=1.0)
    found = fit_families(cells_of(judged), df) if judged else []
    for window, fits, noise in zip(judged, found, noises, strict=True):
        if fits:
            yield _average(window, fits, noise)


def _noise_left_over(curves: Sequence[Curve], best: ShapeFit) -> Noise:
    """The noise that the best family leaves over."""
    cells = np.array([float(curve.x.size) for curve in curves])
    df = cells * (1 - best.parameters / cells.sum())
    left = np.sum(best.residual[:, : int(cells.max())] ** 2, axis=1)
    squares = np.maximum(left, df * least_variances(curves))
    variance = smooth_variances(np.array([curve.width for curve in curves]), squares, df)
    return Noise(variance, float(df.sum()), squares, 0.0, 0.0, 0.0)


def _average(curves: Sequence[Curve], fits: list[ShapeFit], noise: Noise) -> Optima:
    """The families averaged with Akaike weights; their disagreement and the seeds' blocks are errors too."""
    scores = np.array([fit.score for fit in fits])
    weight = np.exp(-(scores - scores.min()) / 2)
    use = np.flatnonzero(weight > 1e-3 * weight.sum())
    weight = weight[use] / weight[use].sum()
    used = [fits[i] for i in use]
    points = np.stack([np.concatenate([fit.value, fit.position]) for fit in used])
    mean = weight @ points
    within = _average_covariance(used, weight, fits)
    within = within + _doubt(used, weight, (points - mean) * np.sqrt(weight)[:, None], within)
    size = len(curves)
    curvature = weight @ np.stack([fit.curvature for fit in used])
    extra = _block_covariance(curves, noise, mean[size:], curvature)
    df = _joined_df(np.diag(within), noise.df, np.diag(extra), noise.block_df).reshape(2, size)
    return Optima(
        width=np.array([curve.width for curve in curves]),
        value=mean[:size],
        position=mean[size:],
        covariance=within + extra,
        curvature=curvature,
        df=(float(df[0].min()), float(df[1].min())),
        fits=tuple(used),
        weights=weight,
        misfit=1.0,
        inflation=1.0,
        cells=sum(curve.x.size for curve in curves),
        window=np.array([[curve.x[0], curve.x[-1]] for curve in curves]),
        variance=noise.variance,
    )


def _doubt(used: list[ShapeFit], weight: Floats, spread: Floats, within: Floats) -> Floats:
    """The families' disagreement, less a part of what noise alone makes of it.

    Subtracting all of it would be right if one of the families were true. Keeping a share costs a little
    overcoverage there, and buys coverage on shapes outside all families.
    """
    disagreement = spread.T @ spread
    noise = sum(w * np.diag(fit.covariance) for w, fit in zip(weight, used, strict=True)) - np.diag(within)
    unit = 1.0 / np.diag(within)
    total = float(unit @ np.diag(disagreement))
    excess = total - FORGIVEN * float(unit @ noise)
    return disagreement * (excess / total) if excess > 0 else np.zeros_like(within)


def _average_covariance(used: list[ShapeFit], weight: Floats, fits: list[ShapeFit]) -> Floats:
    """Covariance of the weighted mean of nested least-squares fits.

    Two fits of the same data covary as the family in which both are nested from below: an efficient estimate
    is uncorrelated with what a larger family adds to it (Hausman, Econometrica 46, 1978).
    """
    known = {fit.family: fit.covariance for fit in fits}
    total = np.zeros_like(used[0].covariance)
    for one, w in zip(used, weight, strict=True):
        for two, v in zip(used, weight, strict=True):
            simpler = one if one.parameters <= two.parameters else two
            total += w * v * known.get(one.family.meet(two.family), simpler.covariance)
    return total


def _block_covariance(curves: Sequence[Curve], noise: Noise, position: Floats, curvature: Floats) -> Floats:
    """What the seeds' lifts and tilts add: a lift moves the value, a tilt moves value and position."""
    size = len(curves)
    extra = np.zeros((2 * size, 2 * size))
    for k, curve in enumerate(curves):
        across = curve.x - curve.x.mean()
        tilt = np.array([position[k] - curve.x.mean(), -1.0 / curvature[k]]) / np.linalg.norm(across)
        moves = np.stack([[1.0, 0.0], tilt], axis=1)
        block = moves @ seed_covariance(curve, noise.lift, noise.tilt) @ moves.T
        extra[np.ix_([k, k + size], [k, k + size])] = block * noise.variance[k]
    return extra


def _joined_df(one: Floats, one_df: float, two: Floats, two_df: float) -> Floats:
    """Degrees of freedom of a sum of two variances (Satterthwaite 1946)."""
    if two_df == 0:
        return np.full(one.size, one_df)
    return (one + two) ** 2 / (one**2 / one_df + two**2 / two_df)
