"""Loss curves: the sweep table averaged over seeds, one curve a width, with its noise.

A cell is one (width, HP). Its mean loss carries the spread between seeds; a cell in which a run diverged has
no finite mean and cannot hold the optimum, so it is left out of fits and counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.table import SweepTable

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """Mean loss against x at one width, on the cells without diverged runs.

    `x`, `mean`, `count`, `squares` (sum of squared deviations from the mean) are per cell, x ascending;
    `variance` is the variance of a single run, `grid` all the x that were tried, `diverged` how many runs
    diverged.
    """

    width: float
    x: Floats
    mean: Floats
    count: NDArray[np.intp]
    squares: Floats
    variance: Floats
    grid: Floats
    diverged: int

    def take(self, keep: NDArray[np.bool_]) -> Curve:
        """The same curve on some of its cells."""
        parts = {name: getattr(self, name)[keep] for name in ("x", "mean", "count", "squares", "variance")}
        return replace(self, **parts)

    @property
    def standard_error(self) -> Floats:
        """Standard error of each mean."""
        return np.sqrt(self.variance / self.count)


def curves_of(table: SweepTable, hp: int = 0) -> list[Curve]:
    """One curve a width, ascending in width, for the HP with this index; the variances are not filled yet
    (nan)."""
    return [
        _curve(width, table.x[at, hp], table.loss[at])
        for width in table.widths
        for at in [table.scale == width]
    ]


def _curve(width: float, x: Floats, loss: Floats) -> Curve:
    grid, cell = np.unique(x, return_inverse=True)
    bad = np.bincount(cell, weights=~np.isfinite(loss), minlength=grid.size) > 0
    finite = np.where(np.isfinite(loss), loss, 0.0)
    count = np.bincount(cell, minlength=grid.size)
    mean = np.bincount(cell, weights=finite, minlength=grid.size) / count
    squares = np.bincount(cell, weights=(finite - mean[cell]) ** 2, minlength=grid.size)
    good = ~bad
    unknown = np.full(int(good.sum()), np.nan)
    return Curve(
        float(width),
        grid[good],
        np.asarray(mean[good], dtype=np.float64),
        count[good],
        np.asarray(squares[good], dtype=np.float64),
        unknown,
        grid,
        int((~np.isfinite(loss)).sum()),
    )
