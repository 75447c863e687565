"""From fitted laws to a plan: which proxy width, how fine a grid, which target width, and the loss to expect.

The model is that of ``search_model``, with what a practitioner needs on top: whole grids (k points an axis,
so k^h runs), whole widths, and parameters known only as draws. The grid is placed without knowing where the
optimum is, and what is predicted is the mean over its places, (tau/6) rho^2, not the worst of them,
(tau/2) rho^2. A plan minimises the median of this loss over the draws; its interval holds the doubt about the
laws and the luck of the grid, but not the noise of a single run.

One thing is sharper than the theorem: the final model has a finite width M, so what a transferred
hyperparameter is off by is nu*(n) - nu*(M), which data over the widths pin down even where the limit
nu*(inf) is not identified. ``drift="limit"`` charges B n^-beta, like Theorem 2.

Source: 2512.22768, Theorem 2 and App. B.3.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from hptheory.errors import DomainError
from hptheory.transfer.laws import TransferLaw
from hptheory.transfer.plan_search import (
    Choice,
    Drift,
    Floats,
    best_direct,
    best_transfer,
    drawn_losses,
    expected_losses,
)
from hptheory.transfer.prices import Prices

_PERCENTILES = (50.0, 5.0, 95.0)  # median and the 90 % interval, as everywhere in the reports
_SEARCH_DRAWS = 100  # of the draws, evenly spaced, while searching; the report uses all


@dataclass(frozen=True)
class PlannedStrategy:
    """What to run and what to expect: grid_points runs at proxy_width, then one at target_width.

    For direct tuning both widths are the same, and the best of the grid's runs is the final one. ``loss`` is
    the expected final loss over the places of the grid (the median over the draws of the laws), ``low`` and
    ``high`` the 5th and 95th percentile of the loss over both.
    """

    proxy_width: float
    grid_points: int
    target_width: float
    loss: float
    low: float
    high: float
    cost: float


@dataclass(frozen=True)
class Plan:
    """The best direct tuning and the best transfer for one budget, and how sure it is which is better.

    ``saving`` is direct loss - transfer loss, both expected over the places of their grids (median, 5th, 95th
    percentile over the draws of the laws): positive where transfer is better.
    ``probability_transfer_better`` is the share of draws in which it is. ``prices`` tells what a run was
    taken to cost.
    """

    budget: float
    prices: Prices
    direct: PlannedStrategy
    transfer: PlannedStrategy
    saving: tuple[float, float, float]
    probability_transfer_better: float

    @property
    def better(self) -> Literal["direct", "transfer"]:
        """The strategy with the lower expected loss, by the median saving: the better one in most draws."""
        return "transfer" if self.saving[0] > 0 else "direct"


@dataclass(frozen=True)
class ProxyChoice:
    """Transfer with the proxy at one width, and what this width buys over the narrower one before it.

    ``gain`` is the expected loss saved (median, 5th, 95th percentile over the draws of the laws); None for
    the narrowest.
    """

    transfer: PlannedStrategy
    gain: tuple[float, float, float] | None


def plan(
    law: TransferLaw,
    budget: float,
    target_width: float | None = None,
    *,
    cost_exponent: float = 2.0,
    run_cost: float = 1.0,
    smallest_width: float = 1.0,
    width_step: float = 1.0,
    drift: Drift = "target",
) -> Plan:
    """The best direct tuning and the best transfer within the budget, with the loss to expect of each.

    A run at width n costs run_cost n^cost_exponent; by default, then, the budget is in runs at width 1.
    ``target_width`` None: the best one. Widths are whole multiples of ``width_step`` (0: any real number).

    A budget that does not pay for the final run and one proxy run raises ``DomainError``, as do prices,
    widths and steps that are not positive.

    *Laws*: no strategy spends more than the budget; for a law known exactly, ``width_step=0`` and
    ``drift="limit"`` the two are ``direct_optimum`` and ``transfer_optimum`` with ``whole="axis"`` and L by
    sqrt(3), which charge the worst place of the grid; the interval holds the loss for 90 % of the places.

    >>> law = TransferLaw(loss_limit=2.0, loss_amplitude=5.0, loss_exponent=0.5, hp_limit=-6.0,
    ...                   hp_amplitude=2.0, hp_exponent=1.0, curvature=0.3, hp_radius=2.0)
    >>> best = plan(law, budget=1e6)
    >>> best.better, best.transfer.proxy_width < best.direct.proxy_width < best.transfer.target_width
    ('transfer', True)
    """
    prices = Prices(cost_exponent, run_cost, smallest_width, width_step)
    _check_budget(prices, budget, target_width)
    few = _thinned(law)
    direct = best_direct(few, prices, budget, target_width)
    transfer = best_transfer(few, prices, budget, target_width, drift)
    direct_losses = expected_losses(law, direct, None)
    transfer_losses = expected_losses(law, transfer, drift)
    return Plan(
        budget=budget,
        prices=prices,
        direct=_strategy(law, prices, direct, None),
        transfer=_strategy(law, prices, transfer, drift),
        saving=_summary(direct_losses - transfer_losses),
        probability_transfer_better=float(np.mean(transfer_losses < direct_losses)),
    )


def proxy_choices(
    law: TransferLaw,
    budget: float,
    proxy_widths: Sequence[float],
    target_width: float | None = None,
    *,
    cost_exponent: float = 2.0,
    run_cost: float = 1.0,
    drift: Drift = "target",
) -> tuple[ProxyChoice, ...]:
    """What one more proxy width buys: the best transfer from each width, with the gain over the one before.

    ``proxy_widths`` must rise. Those for which the budget does not pay are left out; if it pays for none,
    ``DomainError``. A gain is negative where the wider proxy leaves too coarse a grid or too narrow a target.

    >>> law = TransferLaw(loss_limit=2.0, loss_amplitude=5.0, loss_exponent=0.5, hp_limit=-6.0,
    ...                   hp_amplitude=2.0, hp_exponent=1.0, curvature=0.3, hp_radius=2.0)
    >>> [choice.gain[0] > 0 for choice in proxy_choices(law, 1e5, [4, 8, 16, 200])[1:]]
    [True, True, False]
    """
    if any(a >= b for a, b in itertools.pairwise(proxy_widths)):
        raise DomainError("proxy_widths", list(proxy_widths), "strictly rising")
    few, choices = _thinned(law), list[ProxyChoice]()
    previous: Floats | None = None
    for width in proxy_widths:
        prices = Prices(cost_exponent, run_cost, smallest_width=width, width_step=0.0)
        if choices and budget < _least_budget(prices, target_width):
            break
        _check_budget(prices, budget, target_width)
        found = best_transfer(few, prices, budget, target_width, drift, proxy_width=width)
        losses = expected_losses(law, found, drift)
        gain = None if previous is None else _summary(previous - losses)
        choices.append(ProxyChoice(_strategy(law, prices, found, drift), gain))
        previous = losses
    return tuple(choices)


def _strategy(law: TransferLaw, prices: Prices, choice: Choice, drift: Drift | None) -> PlannedStrategy:
    """A choice with its prediction; without ``drift`` direct tuning, which makes no further run."""
    points = round(float(choice.side)) ** law.hp_count
    final = 0.0 if drift is None else float(prices.cost(choice.target_width))
    loss = float(np.median(expected_losses(law, choice, drift)))
    _, low, high = _summary(drawn_losses(law, choice, drift))
    return PlannedStrategy(
        proxy_width=_plain(choice.proxy_width),
        grid_points=points,
        target_width=_plain(choice.target_width),
        loss=loss,
        low=low,
        high=high,
        cost=points * float(prices.cost(choice.proxy_width)) + final,
    )


def _summary(values: Floats) -> tuple[float, float, float]:
    """Median, 5th and 95th percentile."""
    median, low, high = np.percentile(values, _PERCENTILES)
    return float(median), float(low), float(high)


def _plain(width: Floats) -> float:
    """A Python number, an int where it is whole."""
    number = float(width)
    return int(number) if number.is_integer() else number


def _thinned(law: TransferLaw) -> TransferLaw:
    """The law with at most ``_SEARCH_DRAWS`` of its draws, evenly spaced."""
    if law.draws <= _SEARCH_DRAWS:
        return law
    kept = np.linspace(0, law.draws - 1, _SEARCH_DRAWS).round().astype(int)
    thin = {name: values[kept] for name, values in vars(law).items() if np.size(values) > 1}
    return replace(law, **thin)


def _least_budget(prices: Prices, target_width: float | None) -> float:
    """The final run and one proxy run."""
    final = prices.smallest_width if target_width is None else target_width
    return float(prices.cost(final) + prices.cost(prices.smallest_width))


def _check_budget(prices: Prices, budget: float, target_width: float | None) -> None:
    if target_width is not None and not 0 < target_width < math.inf:
        raise DomainError("target_width", target_width, "> 0 and finite")
    least = _least_budget(prices, target_width)
    if not least <= budget < math.inf:
        advice = "it pays for the final run and one proxy run"
        raise DomainError("budget", budget, f"finite and >= {least:g}", advice)
    with np.errstate(over="ignore"):
        widest = float(prices.widest(budget))
    if widest == math.inf:
        bound = "so large that a finite width spends the budget"
        raise DomainError("cost_exponent", prices.cost_exponent, bound)
