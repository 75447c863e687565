"""The budgets at which transfer overtakes direct tuning, or falls behind again.

There may be no such budget (a drift too large for transfer ever to win), one (the rule where beta > alpha/2),
or two (beta < alpha/2 with a small B: transfer leads in between). Beyond the range that is scanned the
exponents decide, at the tie beta = alpha/2 the constants. Source: 2512.22768, Theorem 2 and its proof.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hptheory.errors import DomainError
from hptheory.transfer.grid_search import divide_budget
from hptheory.transfer.rates import is_useful
from hptheory.transfer.search_model import SearchModel, best_search, run_cost, search_loss, training_loss

Strategy = Literal["direct", "transfer"]


@dataclass(frozen=True)
class Crossings:
    """The budgets, rising, at which the better strategy changes, and who leads before, between and after.

    ``leaders`` has one entry more than ``budgets``. ``eventually`` is the leader as the budget tends to
    infinity; where it is not the last of ``leaders``, a further change lies beyond ``highest``.
    """

    budgets: tuple[float, ...]
    leaders: tuple[Strategy, ...]
    lowest: float
    highest: float
    eventually: Strategy

    @property
    def overtaking_budget(self) -> float | None:
        """The budget from which transfer leads up to ``highest``; None if it does not lead there."""
        if self.leaders[-1] == "direct":
            return None
        return self.budgets[-1] if self.budgets else self.lowest


def direct_losses(model: SearchModel, budgets: ArrayLike) -> NDArray[np.float64]:
    """``direct_optimum(model, F).loss`` for each budget F, in one go."""
    twin = model.as_direct()
    return search_loss(twin, *best_search(twin, np.asarray(budgets, dtype=np.float64)))


def transfer_losses(model: SearchModel, budgets: ArrayLike) -> NDArray[np.float64]:
    """``transfer_optimum(model, F).loss`` for each budget F, in one go."""
    cost, target = divide_budget(model, np.asarray(budgets, dtype=np.float64))
    return training_loss(model, target) + search_loss(model, *best_search(model, cost))


def crossings(
    model: SearchModel, lowest: float | None = None, highest: float | None = None, scan: int = 400
) -> Crossings:
    """The changes of the better strategy between two budgets, found on ``scan`` budgets and then refined.

    By default from what two runs at ``smallest_width`` (or width 1, if wider) cost, over 18 decades. Two
    changes closer than a step of the scan (a factor 1.11 by default) would be missed together.

    Domain: ``lowest`` pays for two runs at ``smallest_width``; lowest < highest; else ``DomainError``.
    *Laws*: at every budget found both strategies have the same loss; transfer leads eventually iff
    beta > alpha/2, or beta = alpha/2 and tau B^2 / 2 < A (both with ``aligned=False``).

    >>> model = SearchModel(loss_amplitude=1.0, loss_exponent=1.0, hp_amplitude=1.0, hp_exponent=1.0)
    >>> found = crossings(model)
    >>> found.leaders, round(found.overtaking_budget, 1)
    (('direct', 'transfer'), 59.9)
    """
    least = 2 * run_cost(model, max(model.smallest_width, 1.0 if lowest is None else 0.0))
    lowest = least if lowest is None else lowest
    highest = 1e18 * lowest if highest is None else highest
    if lowest < least or lowest <= 0:
        raise DomainError(
            "lowest", lowest, f"> 0 and >= {least:g}, the cost of two runs at the smallest width"
        )
    if not lowest < highest < math.inf:
        raise DomainError("highest", highest, f"finite and > lowest = {lowest:g}")

    def lead(log_budget: Any) -> Any:
        """> 0 where transfer leads."""
        budget = np.exp(log_budget)
        return np.log(direct_losses(model, budget)) - np.log(transfer_losses(model, budget))

    from scipy.optimize import brentq

    logs = np.linspace(math.log(lowest), math.log(highest), scan)
    ahead = lead(logs) > 0
    changes = np.flatnonzero(ahead[1:] != ahead[:-1])
    found = tuple(math.exp(brentq(lead, logs[i], logs[i + 1], xtol=1e-13)) for i in changes)
    leaders: list[Strategy] = ["transfer" if ahead[i] else "direct" for i in (0, *(changes + 1))]
    return Crossings(found, tuple(leaders), lowest, highest, eventual_leader(model))


def eventual_leader(model: SearchModel) -> Strategy:
    """Who leads as the budget tends to infinity.

    Where beta is not alpha/2 the exponents decide. At the tie both losses are K F^-(2 alpha/(h alpha + 2 r)),
    training being negligible in transfer's, and the smaller K leads: that is the smaller search loss at
    one (large) budget. If the K agree too, direct tuning leads: it is spared the final run.
    """
    if 2 * model.hp_exponent != model.loss_exponent or model.hp_amplitude == 0:
        useful = is_useful(model.loss_exponent, model.hp_exponent) or model.hp_amplitude == 0
        return "transfer" if useful else "direct"
    if not model.aligned:
        drift, gap = model.curvature / 2 * model.hp_amplitude**2, model.loss_amplitude
        return "transfer" if drift < gap else "direct"
    budget = np.float64(1e30)
    transfer = search_loss(model, *best_search(model, budget))
    return "transfer" if transfer < direct_losses(model, budget) else "direct"
