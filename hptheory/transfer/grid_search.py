"""The exact optimum of a finite compute budget, tuned directly or transferred, with whole grids if asked.

In the logarithms of n, M and the number of grid points, losses and costs of ``search_model`` are sums of
exponentials of linear functions (a geometric program). So the loss is convex and the affordable set too: the
optimum is unique, and with a whole number of grid points it is one of the two neighbours of the free one.

Direct tuning is solved in closed form. Transfer divides the budget F = C + kappa M^r where the marginal
gains of search and training agree: a one-dimensional root. For large budgets, ``TransferRates`` says which of
the theorem's widths are the growth of this optimum, and which only have the right rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hptheory.errors import DomainError
from hptheory.transfer.search_model import (
    SearchModel,
    best_search,
    grid_radius,
    run_cost,
    search_gain,
    search_loss,
    training_loss,
)

Whole = Literal["axis", "total"]
_ROUNDING = 1 + 1e-12  # a budget of exactly nine runs pays for nine, whatever the last digit of n**r
_LOWEST_SHARE = math.exp(-200)  # no optimum leaves the search less: its share falls like a small power of F
_BISECTIONS = 60  # 200 / 2^60 = 2e-16, the rounding of a logarithm


@dataclass(frozen=True)
class Allocation:
    """How a budget is spent, and what it buys: ``loss`` = training_loss + search_loss, above phi*_inf.

    ``grid_points`` runs at ``proxy_width`` with covering radius ``grid_radius``, then one run at
    ``target_width`` (for direct tuning the same width, and no further run). ``cost`` is what is spent.
    """

    proxy_width: float
    target_width: float
    grid_points: float
    grid_radius: float
    training_loss: float
    search_loss: float
    cost: float

    @property
    def loss(self) -> float:
        """The loss above the optimum of the limit."""
        return self.training_loss + self.search_loss


def direct_optimum(
    model: SearchModel, budget: float, *, target_width: float | None = None, whole: Whole | None = None
) -> Allocation:
    """The best grid search at one width: the best width, or ``target_width`` if it is given.

    ``whole="axis"`` asks for k^h grid points with k whole, ``"total"`` for any whole number of them.
    A budget that does not pay for one run raises ``DomainError``.

    *Laws*: at an optimum with rho < L, search_loss = h alpha / (2 r) training_loss; the loss falls strictly
    with the budget, in the end like F^-``direct_tuning(...).loss_exponent``.

    >>> best = direct_optimum(SearchModel(1.0, 1.0, 1.0, 1.0), budget=1e6)
    >>> round(best.search_loss / best.training_loss, 12), round(best.cost)
    (0.25, 1000000)
    """
    _check_budget(budget, run_cost(model, target_width or model.smallest_width), "one run")
    twin = model.as_direct()

    def best(points: float | None) -> Allocation | None:
        if target_width is None:
            width, count = best_search(twin, budget, points)
        else:
            width, count = target_width, points or max(budget / run_cost(model, target_width), 1.0)
        if width * _ROUNDING < model.smallest_width or run_cost(model, width) * count > budget * _ROUNDING:
            return None
        return _allocation(model, float(width), float(count))

    return _best_grid(best, model, whole)


def transfer_optimum(
    model: SearchModel, budget: float, *, target_width: float | None = None, whole: Whole | None = None
) -> Allocation:
    """The best search on a proxy and one run at the best target width, or at ``target_width`` if it is given.

    ``whole`` as in ``direct_optimum``. The model charges the drift from the proxy to the *limit*, and nothing
    in it keeps the proxy narrower than the target; where it is not, direct tuning is the better strategy.

    A budget that does not pay for the final run and one proxy run raises ``DomainError``; so does B = 0
    without a ``smallest_width``, for which the best proxy would have width 0.

    *Laws*: the loss falls strictly with the budget, in the end like
    F^-``transfer_tuning(...).loss_exponent``, and the widths grow with its ``exact_*`` exponents; with
    B^2 >= 2A/tau and beta = alpha/2 transfer is always worse than direct tuning.

    >>> model = SearchModel(1.0, 1.0, 1.0, 1.0)
    >>> direct_optimum(model, 1e6).loss > 2 * transfer_optimum(model, 1e6).loss
    True
    """
    if model.hp_amplitude == 0 and model.smallest_width == 0:
        raise DomainError("smallest_width", 0, "> 0 where hp_amplitude = 0", "any proxy will do: say which")
    final = 0.0 if target_width is None else run_cost(model, target_width)
    lowest = run_cost(model, model.smallest_width)
    _check_budget(budget, final + lowest, "the final run and one proxy run", strictly=True)

    def best(points: float | None) -> Allocation | None:
        if final + lowest * (points or 1.0) >= budget:
            return None
        if target_width is None:
            cost, target = (float(part) for part in divide_budget(model, budget, points))
        else:
            cost, target = budget - final, target_width
        width, count = best_search(model, cost, points)
        return _allocation(model, float(width), float(count), target)

    return _best_grid(best, model, whole)


def divide_budget(
    model: SearchModel, budget: ArrayLike, points: float | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The search's cost C and the target width M of the best division F = C + kappa M^r; elementwise.

    Given C, equal marginal gains fix M: (alpha A / (r kappa)) M^(-alpha - r) = -dS/dC. The sum C + kappa M^r
    rises with C, and C is bisected on a log scale. Where even the cheapest search (one run, or ``points``
    of them, at ``smallest_width``) leaves too little for that M, M gets what is left.
    """
    budget = np.asarray(budget, dtype=np.float64)
    cheapest = run_cost(model, model.smallest_width) * (points or 1.0)
    low, high = np.log(np.maximum(cheapest, budget * _LOWEST_SHARE)), np.log(budget)

    def target(log_cost: NDArray[np.float64]) -> NDArray[np.float64]:
        gain = search_gain(model, np.exp(log_cost), points) * model.cost_exponent * model.run_cost
        training_gain = model.loss_exponent * model.loss_amplitude
        return (gain / training_gain) ** (-1 / (model.loss_exponent + model.cost_exponent))

    with np.errstate(divide="ignore", over="ignore"):  # no gain left: M = inf; a vanishing proxy: b = inf
        starved = np.exp(low) + run_cost(model, target(low)) >= budget
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            too_much = np.exp(middle) + run_cost(model, target(middle)) > budget
            low, high = np.where(too_much, low, middle), np.where(too_much, middle, high)
        left = ((budget - np.exp(low)) / model.run_cost) ** (1 / model.cost_exponent)
        return np.exp(low), np.where(starved, left, target(low))


def _best_grid(
    best: Callable[[float | None], Allocation | None], model: SearchModel, whole: Whole | None
) -> Allocation:
    """The free optimum, or the better of its two neighbours with a whole number of grid points."""
    free = best(None)
    assert free is not None, "the caller has checked that the budget pays for one grid point"
    if whole is None:
        return free
    dimensions = model.hp_count if whole == "axis" else 1
    side = free.grid_points ** (1 / dimensions)
    neighbours = [best(float(k**dimensions)) for k in {max(1, math.floor(side)), math.ceil(side)}]
    return min((found for found in neighbours if found is not None), key=lambda found: found.loss)


def _allocation(model: SearchModel, width: float, points: float, target: float | None = None) -> Allocation:
    """Direct tuning without ``target``, transfer to it otherwise."""
    points = max(points, 1.0)  # rounding may leave 1 - 1e-16 of a run
    radius = grid_radius(model, points)
    return Allocation(
        proxy_width=width,
        target_width=width if target is None else target,
        grid_points=points,
        grid_radius=radius,
        training_loss=training_loss(model, width if target is None else target),
        search_loss=model.curvature / 2 * radius**2 if target is None else search_loss(model, width, points),
        cost=run_cost(model, width) * points + (0.0 if target is None else run_cost(model, target)),
    )


def _check_budget(budget: float, least: float, what: str, *, strictly: bool = False) -> None:
    pays = least < budget < math.inf if strictly else 0 < budget < math.inf and least <= budget * _ROUNDING
    if not pays:
        relation = ">" if strictly else ">="
        raise DomainError("budget", budget, f"finite and {relation} {least:g}, the cost of {what}")
