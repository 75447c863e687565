"""Direct tuning and transfer replayed at every budget from a stored sweep, against Theorem 2's exponents.

A finished sweep holds the outcome of many smaller searches: of every width, of every coarser grid (each k-th
learning rate, from any start), by every seed. A search picks the best HP of its grid by one seed; what it is
worth is the loss of this HP, at the width of the final run, by the other seeds, so that luck in the search is
not counted. The best allocation of each budget is found by trying them all; nothing here knows an exponent.

Source: 2512.22768, Theorem 2 and App. B.3, here on measured losses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hptheory.errors import DomainError
from hptheory.transfer.exponents import Interval
from hptheory.transfer.prices import costs_at, prices_of
from hptheory.transfer.rates import direct_tuning, transfer_tuning
from hptheory.transfer.report import Report
from hptheory.transfer.table import SweepTable

Floats = NDArray[np.float64]
Strategy = Literal["direct", "transfer"]
STRATEGIES: tuple[Strategy, ...] = ("direct", "transfer")
DRAWS = 200
FEWEST_POINTS = 3
"""Points of a frontier through which a slope is drawn."""


@dataclass(frozen=True, eq=False)
class Allocation:
    """A search of `grid_points` runs (on average over its grids) at `proxy_width`, a final run at
    `target_width`.

    `losses` [seeds] is the loss to expect by the seed that searched, the mean over the grids' starts; `cost`
    that of all runs. Of direct tuning both widths are the same and no run is added.
    """

    strategy: Strategy
    proxy_width: float
    grid_points: float
    target_width: float
    cost: float
    losses: Floats

    @property
    def loss(self) -> float:
        """The mean over seeds."""
        return float(self.losses.mean())


def replay(table: SweepTable) -> tuple[Allocation, ...]:
    """Every direct tuning and every transfer that the table holds.

    Runs cost the mean of the finished ones of their width, without a cost column width**2 (`costs_at`).
    Allocations whose outcome the table does not hold (a final run that was not made, or that diverged) are
    left out.

    Domain: one HP, at least 2 widths; else ``DomainError``.

    *Laws*: with one seed and no noise, the finest direct search of a width costs all its runs and has its
    lowest loss; a transfer costs its proxy's search and one run more.

    >>> n, lr = np.meshgrid([1.0, 2.0], [0.5, 1.0, 2.0], indexing="ij")
    >>> columns = {"width": n.ravel(), "lr": lr.ravel(), "loss": (1 / n + np.log(lr) ** 2).ravel()}
    >>> found = [a for a in replay(SweepTable.from_columns(columns)) if a.grid_points == 3]
    >>> [(a.strategy, a.target_width, a.cost, a.loss) for a in found]
    [('direct', 1.0, 3.0, 1.0), ('transfer', 2.0, 7.0, 0.5), ('direct', 2.0, 12.0, 0.5)]
    """
    if len(table.hp_names) != 1:
        raise DomainError("number of hyperparameters", len(table.hp_names), "1", "keep the others fixed")
    if table.widths.size < 2:
        raise DomainError("number of widths", table.widths.size, ">= 2")
    loss, others, price = _cubes(table)
    return tuple(_allocations(table.widths, loss, others, price))


def _cubes(table: SweepTable) -> tuple[Floats, Floats, Floats]:
    """Losses [width, HP, seed], their means over the other seeds, and the price of a run [width]."""
    widths, hps, seeds = table.widths, np.unique(table.hp[:, 0]), np.unique(table.seed)
    place = (np.searchsorted(axis, column) for axis, column in (
        (widths, table.scale), (hps, table.hp[:, 0]), (seeds, table.seed),
    ))  # fmt: skip
    loss = np.full((widths.size, hps.size, seeds.size), np.nan)
    loss[tuple(place)] = table.loss
    others = loss
    if seeds.size > 1:  # a sum with inf (diverged) is inf, with nan (not run) nan
        others = np.stack([np.delete(loss, k, axis=2).mean(axis=2) for k in range(seeds.size)], axis=2)
    return loss, others, costs_at(table, widths)


def _allocations(widths: Floats, loss: Floats, others: Floats, price: Floats) -> Iterator[Allocation]:
    for n, width in enumerate(widths):
        tried = np.flatnonzero(~np.isnan(loss[n]).any(axis=1))
        for stride in range(1, tried.size + 1):
            grids = [tried[start::stride] for start in range(stride)]
            # [start, seed]: a grid all of whose runs diverged has no choice, and a loss of inf
            chosen = np.stack([grid[np.argmin(loss[n, grid], axis=0)] for grid in grids])
            points = tried.size / stride
            for m in range(n, widths.size):
                outcome = others[m][chosen, np.arange(loss.shape[2])].mean(axis=0)
                if np.isfinite(outcome).all():
                    final = 0.0 if m == n else float(price[m])
                    strategy = STRATEGIES[int(m > n)]
                    cost = points * float(price[n]) + final
                    yield Allocation(strategy, float(width), points, float(widths[m]), cost, outcome)


def frontier(allocations: Sequence[Allocation], strategy: Strategy) -> Floats:
    """(cost, loss) [2, points] of the best allocations: each the least loss of all that cost no more."""
    cost, losses = _columns(allocations, strategy)
    return _lowest(cost, losses.mean(axis=1))


def _columns(allocations: Sequence[Allocation], strategy: Strategy) -> tuple[Floats, Floats]:
    """Cost [allocations] and losses [allocations, seeds] of one strategy, ascending in cost."""
    own = sorted((one for one in allocations if one.strategy == strategy), key=lambda one: one.cost)
    losses = np.stack([one.losses for one in own]) if own else np.empty((0, 1))
    return np.array([one.cost for one in own]), losses


def _lowest(cost: Floats, loss: Floats) -> Floats:
    """The points of a staircase that falls, of points ascending in cost."""
    best = np.minimum.accumulate(loss)
    last = np.append(cost[1:] > cost[:-1], True)[: cost.size]  # of equal costs, where the best one is in
    cost, best = cost[last], best[last]
    keep = np.append(True, best[1:] < best[:-1])[: best.size]
    return np.stack([cost[keep], best[keep]])


@dataclass(frozen=True, eq=False)
class ReplayedStrategy:
    """One strategy's frontier (cost, loss) [2, points], its slope of ln(loss - limit) against ln cost, and
    that of Theorem 2, each with its 90 % interval."""

    strategy: Strategy
    points: Floats
    measured: Interval
    predicted: Interval


@dataclass(frozen=True, eq=False)
class Replay:
    """Both strategies replayed; `limit` is the fitted loss at infinite width, `cost_exponent` r as fitted."""

    direct: ReplayedStrategy
    transfer: ReplayedStrategy
    limit: float
    cost_exponent: float


def replayed(report: Report, seed: int = 0) -> Replay:
    """The replay of a report's sweep, its slopes, and those of Theorem 2 for the fitted alpha, beta and r.

    Theorem 2 charges a transfer with the drift to the limit. In a sweep the drift ends at the width of the
    final run, and proxies reach up to it: where transfer is slow, its measured slope is steeper than the
    theorem's, up to alpha/r.

    The interval of a measured slope holds the doubt about the limit (draws of the fitted law) and about the
    seeds (resampled); that of a predicted one the doubt about alpha and beta (a beta <= 0 predicts 0).

    Domain: a report with at least 3 widths to fit; frontiers of at least 3 points above the limit; else
    ``DomainError``.
    """
    table, rng = report.table, np.random.default_rng(seed)
    law = report.law(draws=DRAWS, seed=seed)
    allocations, r = replay(table), prices_of(table).cost_exponent
    limit = report.loss_limit.estimate
    if limit is None:
        raise DomainError("limit of the loss", None, "identified", "run wider models")
    rates = {
        "direct": [direct_tuning(a, 1, r).loss_exponent for a in law.loss_exponent.tolist()],
        "transfer": [
            transfer_tuning(a, b, 1, r).loss_exponent if b > 0 else 0.0
            for a, b in zip(law.loss_exponent.tolist(), law.hp_exponent.tolist(), strict=True)
        ],
    }
    seeds = allocations[0].losses.size
    found = {}
    for strategy in STRATEGIES:
        (cost, losses), drawn = _columns(allocations, strategy), []
        points = _lowest(cost, losses.mean(axis=1))
        for bound in law.loss_limit:
            again = losses[:, rng.integers(seeds, size=seeds)].mean(axis=1) if seeds > 1 else losses[:, 0]
            drawn.append(_slope(_lowest(cost, again), float(bound)))
        slope = _slope(points, limit)
        if not np.isfinite(slope):
            advice = "run more widths, or a finer grid"
            raise DomainError(f"points of the {strategy} frontier", points.shape[1], ">= 3", advice)
        predicted = -np.array(rates[strategy], dtype=np.float64)
        found[strategy] = ReplayedStrategy(
            strategy,
            points,
            _interval(slope, np.array(drawn)),
            _interval(float(np.median(predicted)), predicted),
        )
    return Replay(found["direct"], found["transfer"], limit, r)


def _slope(points: Floats, limit: float) -> float:
    """The slope of ln(loss - limit) against ln cost; nan with fewer than 3 points above the limit."""
    above = points[1] > limit
    if above.sum() < FEWEST_POINTS:
        return float("nan")
    return float(np.polyfit(np.log(points[0, above]), np.log(points[1, above] - limit), 1)[0])


def _interval(estimate: float, draws: Floats) -> Interval:
    low, high = np.nanpercentile(draws, [5.0, 95.0])
    return Interval(estimate, float(low), float(high))
