"""Loss curves of one family: phi_n(x) = value_n + shape_n(x - position_n), the shape a polynomial with
minimum at 0.

One shape for all widths uses the data far better than a fit a width; where the data object, its coefficients
vary linearly in ln width, or differ between the two sides; and where they refute all of that, every width
gets a shape of its own. Degrees rise until they no longer pay for themselves, in all windows at once; the
fits themselves are those of `shape_fits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.curves import Curve
from hptheory.transfer.shape_families import Cells, Family, ShapeFit, Task, Varying, joined
from hptheory.transfer.shape_fits import fit_shapes

Floats = NDArray[np.float64]
HIGHEST_DEGREE = 8
MOST_PARAMETERS = 0.75
"""Parameters of a family, as a share of the cells."""
OWN_PARAMETERS = 0.9
"""The same for shapes of their own, which are tried where the noise is far below what they describe."""
PATIENCE = 2
"""Degrees in a row that may fail to pay for themselves."""
ROOM = 1.5
"""Chi-square per degree of freedom beyond which higher degrees are tried in any case."""
KINDS = ((Varying.NOT, False), (Varying.NOT, True), (Varying.LINEARLY, False))
"""(varying, sided) of the families that are tried."""
REFUTED = 0.01
"""Shapes of their own are tried where the noise refutes the best family at this level."""


def cells_of(windows: Sequence[Sequence[Curve]]) -> Cells:
    """Several windows on the same widths as padded arrays; padding has weight 0."""
    first = windows[0]
    shape = (len(windows), len(first), max(curve.x.size for window in windows for curve in window))
    x, mean, weight = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for i, window in enumerate(windows):
        for k, curve in enumerate(window):
            size = curve.x.size
            x[i, k], mean[i, k] = curve.x[-1], curve.mean[-1]
            x[i, k, :size], mean[i, k, :size] = curve.x, curve.mean
            weight[i, k, :size] = 1.0 / curve.standard_error
    log_width = np.log([curve.width for curve in first])
    span = np.max(x.max(axis=2) - x.min(axis=2), axis=1)
    return Cells(x, mean, weight, log_width - log_width.mean(), np.where(span > 0, span / 2, 1.0))


@dataclass
class _Climb:
    """One kind of family in one window, on its way to higher degrees."""

    window: int
    varying: Varying
    sided: bool
    position: Floats
    shape: Floats | None = None
    best: float = np.inf
    idle: int = 0
    fits: list[ShapeFit] = field(default_factory=list)

    def task(self, degree: int) -> Task:
        return Task(self.window, Family(degree, self.varying, self.sided), self.position, self.shape)

    def goes_on(self, cells: Cells, degree: int) -> bool:
        parameters = self.task(degree).family.parameters(cells.log_width.size)
        return parameters <= MOST_PARAMETERS * cells.count[self.window] and self.idle < PATIENCE

    def add(self, cells: Cells, fit: ShapeFit, known_noise: bool) -> None:
        self.fits.append(fit)
        self.position, self.shape = fit.position, fit.shared
        poor = known_noise and fit.chi_square > ROOM * (cells.count[self.window] - fit.parameters)
        self.idle = 0 if fit.score < self.best or poor else self.idle + 1
        self.best = min(self.best, fit.score)


def fit_families(cells: Cells, noise_df: float | None = None) -> list[list[ShapeFit]]:
    """For every window the families of rising degree, until further degrees do not pay for themselves.

    `noise_df` are the degrees of freedom behind the noise; None: it is not known, only that it is the same.
    """
    kinds, known = KINDS if cells.log_width.size > 2 else KINDS[:2], noise_df is not None
    start = cells.lowest()
    climbs = [_Climb(i, *kind, start[i]) for i in range(len(cells.unit)) for kind in kinds]
    going = climbs
    for degree in range(2, HIGHEST_DEGREE + 1):
        going = [climb for climb in going if climb.goes_on(cells, degree)]
        found = fit_shapes(cells, [climb.task(degree) for climb in going], known) if going else []
        for climb, fit in zip(going, found, strict=True):
            if fit is not None:
                climb.add(cells, fit, known)
    fits = [[fit for c in climbs if c.window == i for fit in c.fits] for i in range(len(cells.unit))]
    refuted = [i for i, some in enumerate(fits) if not (some and _adequate(some, noise_df))]
    for i, more in zip(refuted, _own_shapes(cells, refuted, known), strict=True):
        fits[i] += more
    return fits


def _adequate(fits: list[ShapeFit], noise_df: float | None) -> bool:
    """Whether the noise, if known, allows the best family (F test)."""
    from scipy.special import fdtrc

    if noise_df is None:
        return False
    best = min(fits, key=lambda fit: fit.score)
    spare = max(best.cells - best.parameters, 1)
    return bool(fdtrc(spare, noise_df, best.chi_square / spare) > REFUTED)


def _own_shapes(cells: Cells, windows: list[int], known_noise: bool) -> list[list[ShapeFit]]:
    """For these windows the families with a shape for every width, of all degrees that the cells allow."""
    widths = cells.log_width.size
    if widths < 2 or not windows:
        return [[] for _ in windows]
    alone, start = cells.one_by_one(), cells.lowest()
    last: dict[tuple[int, int], tuple[Floats, Floats | None]]
    last = {(i, k): (start[i, k : k + 1], None) for i in windows for k in range(widths)}
    found: list[list[ShapeFit]] = [[] for _ in windows]
    for degree in range(2, HIGHEST_DEGREE + 1):
        family = Family(degree, Varying.FREELY)
        room = [family.parameters(widths) <= OWN_PARAMETERS * cells.count[i] for i in windows]
        if not any(room):
            break
        tasks = [Task(i * widths + k, Family(degree), *at) for (i, k), at in last.items()]
        fits = dict(zip(last, fit_shapes(alone, tasks, known_noise), strict=True))
        last.update({key: (fit.position, fit.shared) for key, fit in fits.items() if fit is not None})
        for place, i in enumerate(windows):
            own = [fit for k in range(widths) if (fit := fits[i, k]) is not None]
            if room[place] and len(own) == widths:
                found[place].append(joined(own, known_noise))
    return found
