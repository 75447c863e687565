"""The search behind the planner: the allocation of a budget with the least (median) expected loss.

A grid is placed without knowing the optimum, so its nearest point is off by an offset that is uniform in a
cell: by rho^2/3 in the mean square. Theorem 2's rates hold as they do for rho, the worst case; a plan is to
say what comes.

With draws of the laws there is no closed form (``grid_search`` has it for a law known exactly), but a plan
has two free numbers at most: the points k an axis and what the search costs; proxy and target width follow.
For each k the best cost is found by zooming in, then the best k, for all draws at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.laws import TransferLaw
from hptheory.transfer.prices import ROUNDING, Prices

Floats = NDArray[np.float64]
Drift = Literal["target", "limit"]

_SIDES = 16  # tried at once; the neighbours of the best bound the next range, as the loss has one minimum
_OUTCOMES = 4000  # of a choice, at least: of 90 % intervals each end's probability is good to 0.005
_PLACES, _ZOOMS = 9, 10  # the same for the cost of the search: each zoom leaves a quarter, 1e-6 in the end


@dataclass(frozen=True)
class Choice:
    """A search of ``side`` points an axis at ``proxy_width``; the final model has ``target_width``.

    Numbers, or arrays of one shape that are tried together.
    """

    proxy_width: Floats
    side: Floats
    target_width: Floats


def expected_losses(law: TransferLaw, choice: Choice, drift: Drift | None) -> Floats:
    """phi*_M + (tau/2) (rho^2/3 + drift^2), ``[draws, ...]``: the mean over where the grid may fall.

    rho = L/side is the grid's covering radius; there is no drift for direct tuning.
    """
    target = np.asarray(choice.target_width)
    square = (law.hp_radius / np.asarray(choice.side)) ** 2 / 3 + _drift(law, choice, drift) ** 2
    half_curvature = law.curvature.reshape((-1,) + (1,) * target.ndim) / 2
    return law.optimal_loss(target) + half_curvature * square


def drawn_losses(law: TransferLaw, choice: Choice, drift: Drift | None) -> Floats:
    """phi*_M + (tau/2) |offset + drift|^2, ``[places, draws]``: what one choice may end with.

    The grid's offset is uniform in a cell, a cube; the drift lies along its first axis.

    *Laws*: the mean over many places is ``expected_losses``.
    """
    places = math.ceil(_OUTCOMES / law.draws)
    half = law.hp_radius / float(choice.side) / math.sqrt(law.hp_count)
    # A Latin hypercube: evenly spaced along every axis, in an order of its own.
    even = (np.arange(places * law.draws) + 0.5) / (places * law.draws) * 2 - 1
    mixed = np.random.default_rng(0).permuted(np.tile(even, (law.hp_count, 1)), axis=1)
    offset = half * mixed.reshape(law.hp_count, places, law.draws)
    offset[0] += _drift(law, choice, drift)
    return law.optimal_loss(choice.target_width) + law.curvature / 2 * np.sum(offset**2, axis=0)


def _drift(law: TransferLaw, choice: Choice, drift: Drift | None) -> Floats:
    """How far the proxy's optimum is off, signed, ``[draws, ...]``."""
    if drift is None:
        return np.zeros((1,) * (1 + np.ndim(choice.target_width)))
    if drift == "limit":
        return law.hp_gap(choice.proxy_width)
    return law.drift(choice.proxy_width, choice.target_width)


def best_direct(law: TransferLaw, prices: Prices, budget: float, target_width: float | None) -> Choice:
    """The direct search with the least median loss; at a given width, the finest grid that is paid for."""
    if target_width is not None:
        side = _most_points(budget / float(prices.cost(target_width)), law.hp_count)
        width = np.array(target_width, dtype=np.float64)
        return Choice(width, np.array(side, dtype=np.float64), width)

    def choice(side: Floats, _: Floats) -> Choice:
        width = prices.widest(budget / side**law.hp_count)
        return Choice(width, side, width)

    most = _most_points(budget / float(prices.cost(prices.smallest_width)), law.hp_count)
    return _best(law, choice, None, most, free_cost=False)


def best_transfer(
    law: TransferLaw,
    prices: Prices,
    budget: float,
    target_width: float | None,
    drift: Drift,
    proxy_width: float | None = None,
) -> Choice:
    """The transfer with the least median loss, at a given proxy width if there is one."""
    least = float(prices.cost(prices.smallest_width if proxy_width is None else proxy_width))
    final = prices.cost(prices.smallest_width if target_width is None else target_width)
    money = budget - float(final)  # the most that the search may cost

    def choice(side: Floats, place: Floats) -> Choice:
        """The search's runs cost from the narrowest one's price (``place`` 0) to all the money (1)."""
        runs = side**law.hp_count
        width = prices.widest(least ** (1 - place) * (money / runs) ** place)
        if proxy_width is not None:
            width = np.broadcast_to(proxy_width, width.shape)
        if target_width is not None:
            return Choice(width, side, np.broadcast_to(target_width, width.shape))
        return Choice(width, side, prices.widest(budget - runs * prices.cost(width)))

    most = _most_points(money / least, law.hp_count)
    return _best(law, choice, drift, most, free_cost=proxy_width is None)


def _best(
    law: TransferLaw,
    choice: Callable[[Floats, Floats], Choice],
    drift: Drift | None,
    most: int,
    free_cost: bool,
) -> Choice:
    """The choice with the least median loss over side = 1..most and, if it is free, place in [0, 1]."""
    low, high = 1.0, float(most)
    while True:
        few = high - low < _SIDES
        side = np.arange(low, high + 1) if few else np.unique(np.rint(np.geomspace(low, high, _SIDES)))
        tried, median = _best_places(law, choice, drift, side, free_cost)
        best = int(np.argmin(median))
        if few:
            return Choice(tried.proxy_width[best], tried.side[best], tried.target_width[best])
        low, high = side[max(best - 1, 0)], side[min(best + 1, len(side) - 1)]


def _best_places(
    law: TransferLaw,
    choice: Callable[[Floats, Floats], Choice],
    drift: Drift | None,
    side: Floats,
    free: bool,
) -> tuple[Choice, Floats]:
    """For each side the best place, zooming in on all at once; the choices and their median losses."""
    rows, steps = np.arange(len(side)), np.linspace(0, 1, _PLACES if free else 1)
    low, high = np.zeros(len(side)), np.ones(len(side))
    for _ in range(_ZOOMS if free else 1):
        place = low[:, None] + (high - low)[:, None] * steps
        tried = choice(np.broadcast_to(side[:, None], place.shape), place)
        median = np.median(expected_losses(law, tried, drift), axis=0)
        best = np.argmin(median, axis=1)
        low, high = (place[rows, np.clip(best + step, 0, len(steps) - 1)] for step in (-1, 1))
    chosen = Choice(tried.proxy_width[rows, best], side, tried.target_width[rows, best])
    return chosen, median[rows, best]


def _most_points(runs: float, axes: int) -> int:
    """The most points an axis that ``runs`` runs pay for."""
    return math.floor(runs ** (1 / axes) * ROUNDING)
