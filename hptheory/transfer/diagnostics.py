"""What a loss curve looks like before any fit: edge, cliff, flat, how many minima, and jumps of the
optimum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.curves import Curve

Floats = NDArray[np.float64]
BARRIER = 4.0
"""A dip counts as a minimum of its own if the barriers around it exceed this many standard errors of a
difference."""
FEWEST_VALUES = 4
"""Cells that show an optimum at all."""
TIED = 2.0
"""Two minima within so many standard errors of a difference: which is the lower is not known."""


@dataclass(frozen=True)
class Look:
    """The findings at one width. `edge`: the lowest cell is the last of the grid; `cliff`: the next one
    diverged; `tied`: a second minimum is as low within the noise; `without`: of several HPs, no polynomial
    has its minimum among the runs."""

    width: float
    cells: int
    edge: bool
    cliff: bool
    flat: bool
    minima: int
    tied: bool = False
    without: bool = False

    @property
    def several(self) -> bool:
        """More than one minimum."""
        return self.minima > 1

    @property
    def usable(self) -> bool:
        """An interior minimum that stands out of the noise."""
        return self.cells >= FEWEST_VALUES and not (self.edge or self.cliff or self.flat or self.without)


def look(curve: Curve) -> Look:
    """What one curve shows; its variances must be filled in (nan: unknown noise, so flatness is not
    judged)."""
    if curve.x.size == 0:
        return Look(curve.width, 0, False, False, False, 0)
    lowest = int(np.argmin(curve.mean))
    at = curve.x[lowest]
    ends = at in (curve.grid[0], curve.grid[-1])
    alone = lowest in (0, curve.x.size - 1)
    minima = find_minima(curve)
    rivals = curve.mean[minima] - curve.mean[lowest] < TIED * _difference_error(curve)[minima]
    tied = int(rivals.sum()) > 1
    cliff = alone and not ends
    return Look(curve.width, curve.x.size, ends, cliff, is_flat(curve), max(len(minima), 1), tied)


def is_flat(curve: Curve, level: float = 0.01) -> bool:
    """Whether the losses of all cells agree within the noise (chi-square test); False where the noise is
    unknown."""
    from scipy.special import chdtrc

    if curve.x.size < 2 or not (curve.variance > 0).all():
        return False
    weight = curve.count / curve.variance
    centre = np.average(curve.mean, weights=weight)
    return bool(chdtrc(curve.x.size - 1, np.sum(weight * (curve.mean - centre) ** 2)) > level)


def find_minima(curve: Curve) -> list[int]:
    """The cells of the minima whose prominence exceeds BARRIER standard errors of a difference.

    >>> from hptheory.transfer.curves import Curve
    >>> x = np.linspace(-2.0, 2.0, 9)
    >>> find_minima(Curve(64.0, x, (x[:, None] ** 2 - 1) ** 2, True, x, 0, np.full(9, 1e-4)))
    [2, 6]
    """
    noise, mean = _difference_error(curve), curve.mean
    found = []
    for i in range(mean.size):
        left, right = mean[:i][::-1], mean[i + 1 :]
        if (left.size and left[0] < mean[i]) or (right.size and right[0] <= mean[i]):
            continue
        walls = [_wall(mean[i], left, ties=True), _wall(mean[i], right, ties=False)]
        lower = [wall for wall, sinks in walls if sinks]
        if not lower or min(lower) - mean[i] > BARRIER * noise[i]:
            found.append(i)
    return found


def _difference_error(curve: Curve) -> Floats:
    """Standard error of the difference between two cells' means; 0 where the noise is unknown."""
    return np.sqrt(2.0) * np.where(np.isfinite(curve.standard_error), curve.standard_error, 0.0)


def _wall(bottom: float, side: Floats, ties: bool) -> tuple[float, bool]:
    """The highest loss met before something lower (or as low) than the bottom, and whether there is any."""
    lower = np.flatnonzero(side <= bottom if ties else side < bottom)
    if lower.size == 0:
        return (float(side.max()) if side.size else np.inf), False
    return float(side[: lower[0] + 1].max()), True


def find_jumps(
    width: Floats, position: Floats, error: Floats, least: float
) -> list[tuple[float, float, float]]:
    """Moves between neighbouring widths that no power law makes: (from width, to width, move in x).

    A power law's moves have one sign, and shrink, or stay, from one width to the next. A jump is a move
    larger than `least` and than four standard errors, and either larger than twice every move before it, or
    against a move before it that is as large.
    """
    moves = np.diff(position)
    large = np.abs(moves) > np.maximum(least, 4 * np.hypot(error[1:], error[:-1]))
    found = []
    for i in np.flatnonzero(large):
        before = moves[:i]
        turns = bool(np.any(large[:i] & (np.sign(before) != np.sign(moves[i]))))
        if turns or (i and abs(moves[i]) > 2 * np.max(np.abs(before))):
            found.append((float(width[i]), float(width[i + 1]), float(moves[i])))
    return found


def least_jump(curves: Sequence[Curve]) -> float:
    """What a move must exceed to be called a jump: two grid steps, and a tenth of the widest grid."""
    steps = np.concatenate([np.diff(curve.grid) for curve in curves])
    span = max(float(np.ptp(curve.grid)) for curve in curves)
    return max(2 * float(np.median(steps)) if steps.size else 0.0, span / 10)
