"""The report on a sweep: optimum per width, limits and exponents with 90 % intervals, gaps, verdict,
warnings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptheory.errors import DomainError
from hptheory.transfer.curves import Curve
from hptheory.transfer.draws import draw_laws
from hptheory.transfer.exponents import Interval, PowerLaw
from hptheory.transfer.laws import TransferLaw
from hptheory.transfer.notes import Note, jumps
from hptheory.transfer.optimum import Optima
from hptheory.transfer.planner import Plan, ProxyChoice, plan, proxy_choices
from hptheory.transfer.prices import prices_of
from hptheory.transfer.table import SweepTable
from hptheory.transfer.verdict import Verdict

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WidthOptimum:
    """The optimum at one width, in the HP's own unit (`curvature`: d^2 loss/dx^2, x = ln HP); None: not
    determined."""

    width: float
    hp: float | None
    hp_low: float | None
    hp_high: float | None
    loss: float | None
    curvature: float | None
    at_grid_edge: bool
    minima: int
    used: bool

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return dict(vars(self))


@dataclass(frozen=True, eq=False)
class MeasuredGaps:
    """Gaps of each width against the largest width M, with standard errors: arrays [widths used].

    `loss` = phi*_n - phi*_M, `hyperparameter` = nu*(n) - nu*(M) in x (signed), `suboptimality` =
    phi_M(nu*(n)) - phi*_M read off the fitted curve at M; `curvature_suboptimality` = (tau/2)
    hyperparameter^2, its second route.
    """

    width: Floats
    loss: Floats
    loss_error: Floats
    hyperparameter: Floats
    hyperparameter_error: Floats
    suboptimality: Floats
    curvature_suboptimality: Floats


@dataclass(frozen=True, eq=False)
class Report:
    """What `analyse` found. `str(report)` is the text table, `to_dict()` the object of `hptheory analyse
    --json`.

    With several HPs `each` holds a report for every one of them, along the profile of the loss over the
    others; `optima`, `optimum` and `hp_law` here are then those of the first, `hp_exponent` that of the
    slowest, `gaps` the distances in all of them, `judgement` and `warnings` those of all together.
    """

    table: SweepTable
    curves: tuple[Curve, ...]
    optimum: tuple[WidthOptimum, ...]
    optima: Optima | None
    loss_law: PowerLaw | None
    hp_law: PowerLaw | None
    loss_limit: Interval
    hp_limit: Interval
    loss_exponent: Interval
    hp_exponent: Interval
    gaps: MeasuredGaps | None
    judgement: Verdict
    warnings: tuple[Note, ...]
    each: tuple[Report, ...] = ()

    @property
    def verdict(self) -> str:
        """`fast`, `slow` or `undetermined`."""
        return self.judgement.verdict

    def law(self, draws: int = 400, seed: int = 0) -> TransferLaw:
        """The laws that the sweep allows, as draws.

        `DomainError` with fewer than 3 widths, with several HPs, or where the optimum jumps.
        """
        if self.each:
            advice = "plans are made for one HP: keep the rows that hold the others fixed"
            raise DomainError("number of hyperparameters", len(self.each), "1", advice)
        if jumps(self.warnings):
            advice = "what it does beyond the widths measured cannot be planned with; see the warnings"
            raise DomainError("path of the optimum", "with a jump", "one power law", advice)
        if self.optima is None or self.loss_law is None or self.hp_law is None:
            raise DomainError("widths with an interior optimum", 0, ">= 3", "see the report's warnings")
        radius = max(float(np.ptp(curve.grid)) for curve in self.curves) / 2
        return draw_laws(self.optima, self.loss_law, self.hp_law, radius, draws, seed)

    def plan(
        self, budget: float, target_width: float | None = None, cost_exponent: float | None = None
    ) -> Plan:
        """How to spend a budget, direct or by transfer, with the loss to expect.

        The budget is in the unit of the table's `cost` column, to which the price of a run, run_cost
        n**cost_exponent, is fitted (its level alone where `cost_exponent` is given). Without a column it is
        in units of one run at width 1, and a run costs n**2 by default.
        """
        law, prices = self.law(), prices_of(self.table, cost_exponent)
        return plan(law, budget, target_width, cost_exponent=prices.cost_exponent, run_cost=prices.run_cost)

    def proxy_choices(
        self, budget: float, target_width: float | None = None, cost_exponent: float | None = None
    ) -> tuple[ProxyChoice, ...]:
        """What one more proxy width buys: the best transfer from each width of the table that the budget
        pays for, and its gain over the one before. Prices as in `plan`."""
        law, prices, widths = self.law(), prices_of(self.table, cost_exponent), self.table.widths
        least = prices.cost(widths) + prices.cost(widths if target_width is None else target_width)
        paid = widths[least <= budget].tolist()
        if not paid:
            return ()
        return proxy_choices(
            law, budget, paid, target_width, cost_exponent=prices.cost_exponent, run_cost=prices.run_cost
        )

    def to_dict(self) -> dict[str, Any]:
        """The report as plain numbers, strings, lists and None: what `hptheory analyse --json` prints.

        With several HPs the places `hp`, `hp_low`, `hp_high`, `curvature` of an optimum and the three numbers
        of `hp_limit` are lists in the order of `hp`, and `each` says of every HP what it does.
        """
        names = self.table.hp_names
        gaps = [] if self.gaps is None else zip(self.gaps.width, self.gaps.suboptimality, strict=True)
        found = {
            "hp": names[0] if len(names) == 1 else list(names),
            "scale": self.table.scale_name,
            "optimum": [row.to_dict() for row in self.optimum],
            "loss_limit": self.loss_limit.to_dict(),
            "hp_limit": self.hp_limit.to_dict(),
            "loss_exponent": self.loss_exponent.to_dict(),
            "hp_exponent": self.hp_exponent.to_dict(),
            "suboptimality": [{"width": float(n), "value": _plain(c)} for n, c in gaps],
            "verdict": self.judgement.verdict,
            "probability_fast": self.judgement.probability_fast,
            "reason": self.judgement.reason,
            "warnings": [{"code": note.code, "message": note.message} for note in self.warnings],
            "rows": len(self.table),
            "diverged": int(self.table.diverged.sum()),
            "set_aside": [dict(vars(item)) for item in self.table.set_aside],
        }
        return found | _several([one.to_dict() for one in self.each]) if self.each else found

    def __str__(self) -> str:
        scale, blocks = self.table.scale_name, self.each or (self,)
        lines = [f"{self.table.source}: {len(self.table)} runs, {int(self.table.diverged.sum())} diverged"]
        for one in blocks:
            columns = f"{one.table.hp_names[0] + '*':>11} {'90 % interval':>25} {'loss*':>11}"
            lines.append(f"{scale:>9} {columns} {'curvature':>10} {'minima':>7}")
            lines += [_line(row) for row in one.optimum]
        lines.append(
            f"loss ~ n^-alpha:  alpha = {_words(self.loss_exponent)},  limit {_words(self.loss_limit)}"
        )
        for one in blocks:
            beta, limit = _words(one.hp_exponent), _words(one.hp_limit)
            lines.append(f"{one.table.hp_names[0]}*  ~ n^-beta:   beta  = {beta},  limit {limit}")
        lines.append(f"verdict: {self.judgement.verdict}. {self.judgement.reason}")
        lines += [f"warning [{note.code}] {note.message}" for note in self.warnings]
        return "\n".join(lines)


def _several(each: list[dict[str, Any]]) -> dict[str, Any]:
    """The parts of several HPs' reports that hold a number a HP, put together."""
    places, names = ("hp", "hp_low", "hp_high", "curvature"), ("estimate", "low", "high")
    own = ("hp", "hp_limit", "hp_exponent", "verdict", "probability_fast", "reason")
    optimum = []
    for rows in zip(*(one["optimum"] for one in each), strict=True):
        lists = {name: [row[name] for row in rows] for name in places}
        edge, minima = any(row["at_grid_edge"] for row in rows), max(row["minima"] for row in rows)
        optimum.append(rows[0] | lists | {"at_grid_edge": edge, "minima": minima})
    limit = {name: [one["hp_limit"][name] for one in each] for name in names}
    return {
        "optimum": optimum,
        "hp_limit": limit,
        "each": [{name: one[name] for name in own} for one in each],
    }


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _line(row: WidthOptimum) -> str:
    interval = f"[{_short(row.hp_low)}, {_short(row.hp_high)}]"
    mark = "  at the grid's edge" if row.at_grid_edge else "" if row.used else "  not used"
    numbers = f"{_short(row.hp):>11} {interval:>25} {_short(row.loss):>11} {_short(row.curvature):>10}"
    return f"{row.width:9g} {numbers} {row.minima:7d}{mark}"


def _words(interval: Interval) -> str:
    return f"{_short(interval.estimate)} [{_short(interval.low)}, {_short(interval.high)}]"


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
