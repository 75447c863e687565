"""What a run costs: a price list, and the one that a sweep table tells by its cost column."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hptheory.errors import DomainError
from hptheory.transfer.table import SweepTable

Floats = NDArray[np.float64]

ROUNDING = 1 + 1e-12
"""Money for exactly nine runs pays for nine."""
LEAST_GROWTH = 0.01
"""A smaller exponent is no growth: constant costs give one of rounding, and would pay for any width."""


@dataclass(frozen=True)
class Prices:
    """The price list: a run at width n costs run_cost n^cost_exponent; widths are multiples of width_step.

    ``width_step`` 0 allows any real width. No run is narrower than ``smallest_width``.
    """

    cost_exponent: float = 2.0
    run_cost: float = 1.0
    smallest_width: float = 1.0
    width_step: float = 1.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (0 < value < math.inf or (name == "width_step" and value == 0)):
                raise DomainError(name, value, "> 0 and finite")

    def cost(self, width: ArrayLike) -> Floats:
        """The cost of one run."""
        return self.run_cost * np.asarray(width, dtype=np.float64) ** self.cost_exponent

    def widest(self, money: ArrayLike) -> Floats:
        """The widest run that ``money`` pays for: a multiple of the step, not below ``smallest_width``."""
        width = (np.maximum(money, 0.0) / self.run_cost) ** (1 / self.cost_exponent)
        return self.round_down(width)

    def round_down(self, width: ArrayLike) -> Floats:
        """To a multiple of the step, not below ``smallest_width``."""
        width = np.asarray(width, dtype=np.float64)
        if self.width_step:
            width = np.floor(width / self.width_step * ROUNDING) * self.width_step
        return np.maximum(width, self.smallest_width)


def prices_of(table: SweepTable, cost_exponent: float | None = None) -> Prices:
    """The price list of a table: its cost column's, by least squares in logarithms; without one, width**2.

    With ``cost_exponent`` given, only the cost at width 1 is taken from the column (1 without a column). Runs
    that diverged are left out: they may have stopped early.

    Domain: finished runs, of two widths or more and of costs that grow with width unless ``cost_exponent`` is
    given; else ``DomainError``.

    >>> columns = {"width": [1, 2, 4], "lr": [0.1, 0.1, 0.1], "loss": [3, 2, 1], "cost": [5.0, 40.0, 320.0]}
    >>> prices = prices_of(SweepTable.from_columns(columns))
    >>> round(prices.run_cost, 9), round(prices.cost_exponent, 9)
    (5.0, 3.0)
    """
    if table.cost is None:
        return Prices(cost_exponent=2.0 if cost_exponent is None else cost_exponent)
    finished = ~table.diverged
    if not finished.any():
        raise DomainError("number of finished runs", 0, ">= 1", "their costs are the prices")
    log_width, log_cost = np.log(table.scale[finished]), np.log(table.cost[finished])
    if cost_exponent is None:
        if np.ptp(log_width) == 0:
            raise DomainError("cost_exponent", None, "given for finished runs of one width only")
        cost_exponent = float(np.polyfit(log_width, log_cost, 1)[0])
        if cost_exponent < LEAST_GROWTH:
            advice = "give cost_exponent, or leave the cost column out"
            raise DomainError("growth of the cost with width", cost_exponent, f">= {LEAST_GROWTH}", advice)
    run_cost = float(np.exp(np.mean(log_cost - cost_exponent * log_width)))
    return Prices(cost_exponent=cost_exponent, run_cost=run_cost)


def costs_at(table: SweepTable, widths: ArrayLike, cost_exponent: float | None = None) -> Floats:
    """The cost of one run at some widths of a table: the mean of the finished runs there.

    Where the table tells none (no cost column, no finished run), or with ``cost_exponent`` given, it is that
    of ``prices_of``.

    >>> columns = {"width": [1, 1, 2, 2], "lr": [0.1, 0.2] * 2, "loss": [3.0, 2.0, 1.0, float("nan")]}
    >>> table = SweepTable.from_columns({**columns, "cost": [4.0, 6.0, 11.0, 1.0]})
    >>> costs_at(table, [1.0, 2.0]).tolist()
    [5.0, 11.0]
    """

    def cost(width: float) -> float:
        own = (table.scale == width) & ~table.diverged
        if table.cost is None or cost_exponent is not None or not own.any():
            return float(prices_of(table, cost_exponent).cost(width))
        return float(table.cost[own].mean())

    return np.array([cost(width) for width in np.atleast_1d(np.asarray(widths, dtype=np.float64)).tolist()])
