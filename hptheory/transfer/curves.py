"""Loss curves: the sweep table averaged over seeds, one curve a width.

A cell is one (width, HP). A cell in which a run diverged has no finite mean and cannot hold the optimum, so
it is left out of fits and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.table import SweepTable

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """Losses against x at one width, on the cells without diverged runs, x ascending.

    `runs` is [cells, seeds], nan where a seed did not run; `blocks` says that a column is one seed throughout
    (else columns only count repeats). `variance` is that of a single run, per cell (nan: not known yet),
    `grid` all the x that were tried, `diverged` how many runs diverged. `effect` [cells, seeds] is what each
    seed lifts and tilts its curve by, taken out of the means (`seed_blocks`); None: nothing.
    """

    width: float
    x: Floats
    runs: Floats
    blocks: bool
    grid: Floats
    diverged: int
    variance: Floats
    effect: Floats | None = None

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """Runs per cell."""
        return np.sum(~np.isnan(self.runs), axis=1)

    @cached_property
    def mean(self) -> Floats:
        """Mean loss per cell."""
        runs = self.runs if self.effect is None else self.runs - self.effect
        return np.nansum(runs, axis=1) / self.count

    @property
    def standard_error(self) -> Floats:
        """Standard error of each mean."""
        return np.sqrt(self.variance / self.count)

    def take(self, keep: NDArray[np.bool_]) -> Curve:
        """The same curve on some of its cells."""
        effect = None if self.effect is None else self.effect[keep]
        return replace(
            self, x=self.x[keep], runs=self.runs[keep], variance=self.variance[keep], effect=effect
        )

    def with_runs(self, runs: Floats) -> Curve:
        """The same cells with other losses."""
        return replace(self, runs=runs)

    def on(self, x: Floats) -> Curve:
        """The same cells at other places."""
        return replace(self, x=x)

    def with_variance(self, variance: float) -> Curve:
        """The same curve with this variance of a run in every cell."""
        return replace(self, variance=np.full(self.x.size, variance))


def curves_of(table: SweepTable, hp: int = 0) -> list[Curve]:
    """One curve a width, ascending in width, for the HP with this index; the variances are not known yet.

    With several HPs it is the profile: at every x, the setting of the others with the lowest mean loss.
    """
    table = profile(table, [hp])
    curves = []
    for width in table.widths:
        at = table.scale == width
        curves.append(curve_of_cells(width, table.x[at, 0], table.seed[at], table.loss[at]))
    return curves


def curve_at(curves: Sequence[Curve], width: float) -> Curve:
    """The curve of a width that has one."""
    return next(curve for curve in curves if curve.width == width)


def profile(table: SweepTable, hps: Sequence[int]) -> SweepTable:
    """The rows with the best setting of the other HPs at their width and their values of these."""
    if len(hps) == len(table.hp_names):
        return table
    rows = np.column_stack([table.scale, table.hp])
    settings, setting = np.unique(rows, axis=0, return_inverse=True)
    setting = setting.ravel()
    mean = np.bincount(setting, weights=table.loss) / np.bincount(setting)
    places, place = np.unique(settings[:, [0, *(j + 1 for j in hps)]], axis=0, return_inverse=True)
    # Of every place the setting with the lowest mean: the first, ordered by place and then by mean.
    order = np.lexsort([mean, place.ravel()])
    first = np.searchsorted(place.ravel()[order], np.arange(len(places)))
    return table.take(np.isin(setting, order[first])).of_hps(hps)


def curve_of_cells(width: float, x: Floats, seed: NDArray[np.int64], loss: Floats) -> Curve:
    """The curve of one width's runs; those of one x are a cell."""
    grid, cell = np.unique(x, return_inverse=True)
    seeds, column = np.unique(seed, return_inverse=True)
    most = int(np.bincount(cell).max())
    blocks = seeds.size <= 2 * most
    if not blocks:  # seeds that are never shared between cells only count repeats
        order = np.argsort(cell, kind="stable")
        first = np.searchsorted(cell[order], np.arange(grid.size))
        column = np.empty(cell.size, dtype=np.intp)
        column[order] = np.arange(cell.size) - first[cell[order]]
    runs = np.full((grid.size, seeds.size if blocks else most), np.nan)
    runs[cell, column] = loss
    good = ~np.isinf(runs).any(axis=1)
    return Curve(
        width=float(width),
        x=grid[good],
        runs=runs[good],
        blocks=blocks,
        grid=grid,
        diverged=int(np.isinf(loss).sum()),
        variance=np.full(int(good.sum()), np.nan),
    )
