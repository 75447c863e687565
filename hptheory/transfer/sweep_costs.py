"""What a sweep tells about cost: which runs to do next, and loss against compute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hptheory.errors import DomainError
from hptheory.transfer.analysis import analyse
from hptheory.transfer.multiplier import LossCurve, draw_loss_curve
from hptheory.transfer.next_runs import NextRuns, next_runs
from hptheory.transfer.notes import jumps
from hptheory.transfer.optimum import Optima
from hptheory.transfer.prices import costs_at, prices_of
from hptheory.transfer.report import Report
from hptheory.transfer.table import SweepTable

DRAWS = 2000
FEWEST_WIDTHS = 3


def next_runs_of(
    report: Report, widths: Sequence[float] | None = None, cost_exponent: float | None = None
) -> tuple[NextRuns, ...]:
    """What a sweep at one more width costs, and how likely it settles the verdict; as ``next_runs``.

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
    """`next_runs_of` where the verdict is open and widths and costs allow an answer, else nothing."""
    widths = 0 if report.optima is None else report.optima.width.size
    if report.verdict != "undetermined" or report.each or widths < FEWEST_WIDTHS or jumps(report.warnings):
        return ()
    try:
        prices_of(report.table)
    except DomainError:  # costs that do not grow with width tell nothing of wider models
        return ()
    return next_runs_of(report)


def loss_curve_of(source: Report | SweepTable, cost_exponent: float | None = None) -> LossCurve:
    """The optimal loss of each width against the cost of one run there, as draws of a loss-compute curve.

    The cost is the mean of the finished runs of the width, or what ``costs_at`` takes in its place.

    Domain: at least 3 widths with an interior optimum; costs that rise and losses that fall with width; else
    ``DomainError``.
    """
    report = analyse(source) if isinstance(source, SweepTable) else source
    optima = _optima(report)
    cost, (values, _, _) = costs_at(report.table, optima.width, cost_exponent), optima.blocks()
    if not (np.diff(cost) > 0).all():
        advice = "correct the cost column, or give cost_exponent"
        raise DomainError("cost of a run at each width", cost.tolist(), "rising with width", advice)
    return draw_loss_curve(cost, optima.value, values, optima.df[0], DRAWS, np.random.default_rng(0))


def _optima(report: Report) -> Optima:
    found = 0 if report.optima is None else report.optima.width.size
    if report.optima is None or found < FEWEST_WIDTHS:
        advice = "add widths, or extend the grid where the optimum is at its edge"
        raise DomainError("number of widths with an interior optimum", found, f">= {FEWEST_WIDTHS}", advice)
    return report.optima
