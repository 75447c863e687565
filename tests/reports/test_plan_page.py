from __future__ import annotations

import base64
import csv
import io
import re

import pytest

from hptheory.errors import DomainError
from hptheory.reports import plan_page
from hptheory.transfer import Plan, TransferLaw, plan

LAW = TransferLaw(
    loss_limit=2.0, loss_amplitude=5.0, loss_exponent=0.5, hp_limit=-6.0,
    hp_amplitude=2.0, hp_exponent=1.0, curvature=0.3, hp_radius=2.0,
)  # fmt: skip


def plan_of(budget: float) -> Plan:
    return plan(LAW, budget, target_width=256.0)


def plotted_budgets(text: str) -> list[float]:
    (numbers,) = re.findall(r'href="data:text/csv;base64,([^"]+)"', text)
    rows = csv.DictReader(io.StringIO(base64.b64decode(numbers).decode()))
    return [float(row["budget"]) for row in rows if row["strategy"] == "transfer"]


def test_budgets_that_pay_for_no_plan_are_left_out() -> None:
    """The target alone costs 256^2 = 65536, so of 1e6 / 10^(k/4) those with k <= 4 pay for it."""
    budgets = plotted_budgets(plan_page(plan_of, 1e6))
    assert budgets == pytest.approx([1e6 * 10 ** (k / 4) for k in range(-4, 9)], rel=1e-12)
    assert 1e6 in budgets


def test_a_budget_that_does_not_pay_is_an_error() -> None:
    with pytest.raises(DomainError, match="budget"):
        plan_page(plan_of, 1e4)
