"""What a sweep tells about cost: the price of a run, which runs to do next, and loss against compute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hptheory.errors import DomainError
from hptheory.transfer.analysis import analyse
from hptheory.transfer.multiplier import LossCurve, draw_loss_curve
from hptheory.transfer.next_runs import NextRuns, next_runs
from hptheory.transfer.notes import jumps
from hptheory.transfer.optimum import Optima
from hptheory.transfer.plan_search import Prices
from hptheory.transfer.report import Report
from hptheory.transfer.table import SweepTable

DRAWS = 2000
FEWEST_WIDTHS = 3


def prices_of(table: SweepTable, cost_exponent: float | None = None) -> Prices:
    """The price list of a table: from its cost column, by least squares in logarithms; else width**2.

    With ``cost_exponent`` given, only the cost at width 1 is taken from the column (1 without a column).

    >>> columns = {"width": [1, 2, 4], "lr": [0.1, 0.1, 0.1], "loss": [3, 2, 1], "cost": [5.0, 40.0, 320.0]}
    >>> prices = prices_of(SweepTable.from_columns(columns))
    >>> round(prices.run_cost, 9), round(prices.cost_exponent, 9)
    (5.0, 3.0)
    """
    if table.cost is None:
        return Prices(cost_exponent=2.0 if cost_exponent is None else cost_exponent)
    log_width, log_cost = np.log(table.scale), np.log(table.cost)
    if cost_exponent is None:
        if np.ptp(log_width) == 0:
            raise DomainError("cost_exponent", None, "given for a table with one width only")
        cost_exponent = float(np.polyfit(log_width, log_cost, 1)[0])
    run_cost = float(np.exp(np.mean(log_cost - cost_exponent * log_width)))
    return Prices(cost_exponent=cost_exponent, run_cost=run_cost)


def next_runs_of(
    report: Report, widths: Sequence[float] | None = None, cost_exponent: float | None = None
) -> tuple[NextRuns, ...]:
    """What a sweep at one more width costs, and how likely, at most, it settles the verdict: `next_runs`.

    The new sweep is taken to have as many runs as one of the table's, and the middle one of their errors. By
    default the widths are half the narrowest, and 2, 4, 8 times the widest.
    """
    optima, prices = _optima(report), prices_of(report.table, cost_exponent)
    if widths is None:
        widths = [float(optima.width[0]) / 2, *(float(optima.width[-1]) * factor for factor in (2, 4, 8))]
    return next_runs(
        report.law(draws=DRAWS),
        widths,
        loss_error=float(np.median(optima.value_error)),
        hp_error=float(np.median(optima.position_error)),
        runs=round(len(report.table) / report.table.widths.size),
        cost_exponent=prices.cost_exponent,
        run_cost=prices.run_cost,
    )


def next_runs_if_open(report: Report) -> tuple[NextRuns, ...]:
    """`next_runs_of` where the verdict is open and the widths allow an answer, else nothing."""
    widths = 0 if report.optima is None else report.optima.width.size
    if report.verdict != "undetermined" or report.each or widths < FEWEST_WIDTHS or jumps(report.warnings):
        return ()
    return next_runs_of(report)


def loss_curve_of(source: Report | SweepTable, cost_exponent: float | None = None) -> LossCurve:
    """The optimal loss of each width against the cost of one run there, as draws of a loss-compute curve.

    Domain: at least 3 widths with an interior optimum; losses that fall with width; else ``DomainError``.
    """
    report = analyse(source) if isinstance(source, SweepTable) else source
    optima, prices = _optima(report), prices_of(report.table, cost_exponent)
    cost, (values, _, _) = prices.cost(optima.width), optima.blocks()
    return draw_loss_curve(cost, optima.value, values, optima.df[0], DRAWS, np.random.default_rng(0))


def _optima(report: Report) -> Optima:
    found = 0 if report.optima is None else report.optima.width.size
    if report.optima is None or found < FEWEST_WIDTHS:
        advice = "add widths, or extend the grid where the optimum is at its edge"
        raise DomainError("number of widths with an interior optimum", found, f">= {FEWEST_WIDTHS}", advice)
    return report.optima
