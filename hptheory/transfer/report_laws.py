"""From the report on a sweep to what plans and comparisons need: laws as draws, prices, loss curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hptheory.errors import DomainError
from hptheory.transfer.analysis import analyse
from hptheory.transfer.curve_draws import draw_power_laws
from hptheory.transfer.laws import TransferLaw
from hptheory.transfer.multiplier import LossCurve, draw_loss_curve
from hptheory.transfer.next_runs import NextRuns, next_runs
from hptheory.transfer.optimum import Optima
from hptheory.transfer.plan_search import Prices
from hptheory.transfer.planner import Plan, plan
from hptheory.transfer.report import Report
from hptheory.transfer.table import SweepTable

LOSS_EXPONENTS = np.linspace(0.05, 4.0, 80)
HP_EXPONENTS = np.linspace(-0.975, 3.975, 100)  # below 0: a drift without limit; 0 itself is not a power law
DRAWS = 2000
FEWEST_WIDTHS = 3


def law_of(report: Report, draws: int = DRAWS, seed: int = 0) -> TransferLaw:
    """Draws of the laws of optimal loss and optimal HP that the sweep allows, for the planner.

    The two laws are drawn independently, each from the posterior of ``curve_draws``; the curvature is drawn
    from those of the widths. L is half the range of the HP axis that was searched.

    Domain: one HP; at least 3 widths with an interior optimum; else ``DomainError``.
    """
    optima = _optima(report)
    values, positions, _ = optima.blocks()
    rng = np.random.default_rng(seed)
    loss = draw_power_laws(optima.width, optima.value, values, optima.df[0], LOSS_EXPONENTS, draws, rng)
    hp = draw_power_laws(optima.width, optima.position, positions, optima.df[1], HP_EXPONENTS, draws, rng)
    return TransferLaw(
        loss_limit=loss.limit,
        loss_amplitude=loss.amplitude,
        loss_exponent=loss.exponent,
        hp_limit=hp.limit,
        hp_amplitude=hp.amplitude,
        hp_exponent=hp.exponent,
        curvature=rng.choice(optima.curvature, size=draws),
        hp_radius=float(np.ptp(report.table.x[:, 0])) / 2,
    )


def prices_of(
    table: SweepTable, cost_exponent: float | None = None, smallest_width: float | None = None
) -> Prices:
    """The price list of a table: from its cost column, by least squares in logarithms; else width**2.

    ``cost_exponent`` given, only the cost at width 1 is taken from the column (1 without a column). Runs are
    no narrower than ``smallest_width``, by default the table's narrowest, and whole if the table's are.

    >>> columns = {"width": [1, 2, 4], "lr": [0.1, 0.1, 0.1], "loss": [3, 2, 1], "cost": [5.0, 40.0, 320.0]}
    >>> prices = prices_of(SweepTable.from_columns(columns))
    >>> prices.run_cost, prices.cost_exponent
    (5.0, 3.0)
    """
    exponent, cost = cost_exponent, 1.0
    if table.cost is not None:
        log_width, log_cost = np.log(table.scale), np.log(table.cost)
        if exponent is None:
            if np.ptp(log_width) == 0:
                raise DomainError("cost_exponent", None, "given for a table with one width only")
            exponent = float(
                f"{np.polyfit(log_width, log_cost, 1)[0]:.12g}"
            )  # without rounding's last digits
        cost = float(f"{np.exp(np.mean(log_cost - exponent * log_width)):.12g}")
    return Prices(
        cost_exponent=2.0 if exponent is None else exponent,
        run_cost=cost,
        smallest_width=float(table.widths[0]) if smallest_width is None else smallest_width,
        width_step=1.0 if np.all(table.widths % 1 == 0) else 0.0,
    )


def plan_of(
    report: Report,
    budget: float,
    target_width: float | None = None,
    cost_exponent: float | None = None,
    smallest_width: float | None = None,
) -> Plan:
    """The plan for a budget from the report on a sweep: what ``report.plan`` gives.

    The budget is in the unit of the table's cost column if it has one, else in runs at width 1, each run
    costing width**cost_exponent (2 by default). Below ``smallest_width``, by default the narrowest width
    whose optimum was used, the laws are not known, and no run is planned.

    >>> n, x = np.meshgrid([64.0, 128.0, 256.0, 512.0], np.linspace(-1.5, 1.5, 9), indexing="ij")
    >>> loss = 1.0 + 3 / n + (x - 20 / n) ** 2
    >>> table = SweepTable.from_columns({"width": n.ravel(), "lr": np.exp(x.ravel()), "loss": loss.ravel()})
    >>> best = plan_of(analyse(table), budget=1e8)
    >>> best.better, best.transfer.cost <= 1e8
    ('transfer', True)
    """
    narrowest = float(_optima(report).width[0]) if smallest_width is None else smallest_width
    prices = prices_of(report.table, cost_exponent, narrowest)
    return plan(law_of(report), budget, target_width, **vars(prices))


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
        law_of(report),
        widths,
        loss_error=float(np.median(optima.value_error)),
        hp_error=float(np.median(optima.position_error)),
        runs=round(len(report.table) / report.table.widths.size),
        cost_exponent=prices.cost_exponent,
        run_cost=prices.run_cost,
    )


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
    if len(report.table.hp_names) > 1:
        advice = "analyse one at a time, the others held fixed"
        raise DomainError("number of hyperparameters", len(report.table.hp_names), "1", advice)
    if report.optima is None or found < FEWEST_WIDTHS:
        advice = "add widths, or extend the grid where the optimum is at its edge"
        raise DomainError("number of widths with an interior optimum", found, f">= {FEWEST_WIDTHS}", advice)
    return report.optima
