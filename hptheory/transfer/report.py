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
from hptheory.transfer.notes import Note
from hptheory.transfer.optimum import Optima
from hptheory.transfer.planner import Plan, plan
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
    --json`."""

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

    @property
    def verdict(self) -> str:
        """`fast`, `slow` or `undetermined`."""
        return self.judgement.verdict

    def law(self, draws: int = 400, seed: int = 0) -> TransferLaw:
        """The laws that the sweep allows, as draws; `DomainError` with fewer than 3 widths to fit."""
        if self.optima is None or self.loss_law is None or self.hp_law is None:
            raise DomainError("widths with an interior optimum", 0, ">= 3", "see the report's warnings")
        radius = max(float(np.ptp(curve.grid)) for curve in self.curves) / 2
        return draw_laws(self.optima, self.loss_law, self.hp_law, radius, draws, seed)

    def plan(self, budget: float, target_width: float | None = None, cost_exponent: float = 2.0) -> Plan:
        """How to spend a budget, direct or by transfer, with the loss to expect.

        The budget is in units of one run at width 1, or in the unit of the table's `cost` column (whose level
        is then fitted; its growth is taken as n**cost_exponent).
        """
        unit = 1.0
        if self.table.cost is not None:
            unit = float(np.exp(np.mean(np.log(self.table.cost / self.table.scale**cost_exponent))))
        return plan(self.law(), budget, target_width, cost_exponent=cost_exponent, run_cost=unit)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain numbers, strings, lists and None: what `hptheory analyse --json` prints."""
        names = self.table.hp_names
        gaps = [] if self.gaps is None else zip(self.gaps.width, self.gaps.suboptimality, strict=True)
        return {
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

    def __str__(self) -> str:
        hp, scale = self.table.hp_names[0], self.table.scale_name
        columns = (
            f"{scale:>9} {hp + '*':>11} {'90 % interval':>25} {'loss*':>11} {'curvature':>10} {'minima':>7}"
        )
        lines = [
            f"{self.table.source}: {len(self.table)} runs, {int(self.table.diverged.sum())} diverged",
            columns,
        ]
        lines += [_line(row) for row in self.optimum]
        lines += [
            f"loss ~ n^-alpha:  alpha = {_words(self.loss_exponent)},  limit {_words(self.loss_limit)}",
            f"{hp}*  ~ n^-beta:   beta  = {_words(self.hp_exponent)},  limit {_words(self.hp_limit)}",
            f"verdict: {self.judgement.verdict}. {self.judgement.reason}",
        ]
        lines += [f"warning [{note.code}] {note.message}" for note in self.warnings]
        return "\n".join(lines)


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
