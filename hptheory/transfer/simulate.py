"""Actual grid searches on a family, at every allocation of a budget: Theorem 2 without its formulas.

A grid of k points is laid over the box at random (all placements of a stratified sample), the losses of the
searched width are evaluated on it, the best point is taken to the target width, and its loss there counts.
The best allocation is found by trying them all. Nothing here knows an exponent. One hyperparameter, h = 1.

Source: 2512.22768, App. B.3. Its Assumption 1, that the grid misses the optimum by about its resolution, is
what the random placement makes true on average.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hptheory.errors import DomainError
from hptheory.transfer.families import Family, minimise

Floats = NDArray[np.float64]

_SHARES = 1 / (1 + np.exp(-np.linspace(-5.0, 5.0, 16)))  # of the budget, for the search


@dataclass(frozen=True)
class SimulatedSearch:
    """The best allocation found: grid_points runs at proxy_width, the final one at target_width.

    ``loss`` is the mean over placements of the loss above phi*_inf; ``cost`` is in runs at width 1.
    """

    proxy_width: float
    grid_points: int
    target_width: float
    loss: float
    cost: float


@dataclass(frozen=True)
class Simulation:
    """How thoroughly to search: placements of a grid, widths a factor apart, and the most grid points.

    Transfer uses proxies of at most ``widest_proxy`` of the target width. Without that bound it could fall
    back on a proxy as wide as the target, which is direct tuning with one run more.
    """

    cost_exponent: float = 2.0
    placements: int = 16
    width_factor: float = 1.15
    most_points: int = 4096
    widest_proxy: float = 0.25

    def __post_init__(self) -> None:
        if self.width_factor <= 1:
            raise DomainError("width_factor", self.width_factor, "> 1")
        if self.placements < 1 or self.most_points < 1:
            raise DomainError("placements and most_points", (self.placements, self.most_points), ">= 1")


def grid_choices(family: Family, width: float, points: int, placements: int) -> Floats:
    """The grid point of least phi_n for each placement of low + (i + u) (high - low)/k: ``[placements]``.

    The shifts u are the midpoints of ``placements`` equal parts of (0, 1), so the distance to any point away
    from the edges is spread evenly over [0, half a spacing].

    >>> parabola = Family(lambda n, x: x**2, box=((-1.0, 1.0),))
    >>> grid_choices(parabola, 1.0, points=4, placements=2).tolist()
    [0.125, -0.125]
    """
    ((low, high),) = family.box
    shifts = (np.arange(placements) + 0.5) / placements
    grids = low + (np.arange(points) + shifts[:, None]) * (high - low) / points
    return np.take_along_axis(grids, np.argmin(family(width, grids), axis=1)[:, None], axis=1)[:, 0]


def simulate_direct(family: Family, budget: float, how: Simulation | None = None) -> SimulatedSearch:
    """The best direct tuning within the budget, by trying all widths, with floor(F / n^r) points at each.

    >>> from hptheory.transfer import zoo
    >>> found = simulate_direct(zoo.fast(), budget=1e4)
    >>> found.cost <= 1e4, found.grid_points * found.proxy_width**2 == found.cost
    (True, True)
    """
    how = how or Simulation()
    floor = minimise(family, math.inf).value
    found = []
    for width, points in _affordable(budget, how):
        chosen = grid_choices(family, width, points, how.placements)
        loss = float(np.mean(family(width, chosen))) - floor
        found.append(SimulatedSearch(width, points, width, loss, points * width**how.cost_exponent))
    return min(found, key=lambda search: search.loss)


def simulate_transfer(family: Family, budget: float, how: Simulation | None = None) -> SimulatedSearch:
    """The best transfer within the budget, by trying all proxy widths and all divisions of the budget.

    >>> from hptheory.transfer import zoo
    >>> simulate_transfer(zoo.fast(), 1e4).loss < simulate_direct(zoo.fast(), 1e4).loss
    True
    """
    how = how or Simulation()
    floor = minimise(family, math.inf).value
    found = []
    for share in _SHARES:
        for proxy, points in _affordable(share * budget, how):
            cost = points * proxy**how.cost_exponent
            target = (budget - cost) ** (1 / how.cost_exponent)
            if proxy <= how.widest_proxy * target:
                chosen = grid_choices(family, proxy, points, how.placements)
                loss = float(np.mean(family(target, chosen))) - floor
                found.append(SimulatedSearch(proxy, points, target, loss, budget))
    if not found:
        raise DomainError("budget", budget, "enough for one run at width 1 and a wider final run")
    return min(found, key=lambda search: search.loss)


def _affordable(budget: float, how: Simulation) -> Iterator[tuple[float, int]]:
    """The widths from 1 on, a factor apart, with the most points that the budget pays for at each."""
    if budget < 1:
        return
    steps = math.floor(math.log(budget) / how.cost_exponent / math.log(how.width_factor))
    for step in range(steps + 1):
        width = how.width_factor**step
        points = min(math.floor(budget / width**how.cost_exponent), how.most_points)
        yield width, max(points, 1)
