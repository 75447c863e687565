"""Prices, next runs and loss curves of tables; and the whole way from a table to a plan."""

import numpy as np
import pytest

from hptheory.errors import DomainError
from hptheory.transfer import SweepTable, analyse
from hptheory.transfer.laws import TransferLaw
from hptheory.transfer.planner import plan
from hptheory.transfer.sweep_costs import loss_curve_of, next_runs_of, prices_of

WIDTHS = np.array([128.0, 256.0, 512.0, 1024.0, 2048.0])


def table_of(noise=0.0, seeds=1, cost=None, widths=WIDTHS, seed=0, names=("lr",)):
    """phi_n(x) = 2 + 30/n + (x - 100/n)^2 / 2 with x = ln lr + 6 on 9 points in [-1.5, 1.5]."""
    rng = np.random.default_rng(seed)
    n, x, s = (
        a.ravel() for a in np.meshgrid(widths, np.linspace(-1.5, 1.5, 9), np.arange(seeds), indexing="ij")
    )
    loss = 2 + 30 / n + (x - 100 / n) ** 2 / 2 + noise * rng.normal(size=n.size)
    columns = {"width": n, "lr": np.exp(x - 6), "seed": s, "loss": loss}
    if cost is not None:
        columns["cost"] = cost(n)
    return SweepTable.from_columns(columns)


def test_an_exact_table_gives_the_exact_plan():
    """The whole way, table to plan, against the planner on the family itself; without noise, no spread."""
    truth = TransferLaw(2.0, 30.0, 1.0, -6.0, 100.0, 1.0, 1.0, 1.5)
    report = analyse(table_of())
    for target in (None, 8192.0):
        found, exact = report.plan(1e9, target), plan(truth, 1e9, target)
        for one, other in ((found.direct, exact.direct), (found.transfer, exact.transfer)):
            assert one.loss == pytest.approx(other.loss, abs=1e-4)
            assert one.cost <= 1e9
            assert one.target_width == pytest.approx(other.target_width, rel=0.02)
        assert found.better == exact.better


def test_prices_come_from_the_cost_column():
    table = table_of(cost=lambda n: 3e-6 * n**2.5)
    prices = prices_of(table)
    assert (prices.run_cost, prices.cost_exponent) == pytest.approx((3e-6, 2.5), rel=1e-9)
    assert prices_of(table, cost_exponent=2.0).run_cost == pytest.approx(3e-6 * 512**0.5, rel=1e-9)
    assert prices_of(table_of(), cost_exponent=3.0).run_cost == 1.0


def test_loss_curve_of_a_table_is_its_optimum_against_cost():
    curve = loss_curve_of(analyse(table_of()))
    assert curve.measured == (128.0**2, 2048.0**2)
    np.testing.assert_allclose(curve.loss(512.0**2), 2 + 30 / 512, atol=1e-6)


def test_next_runs_of_an_undetermined_table():
    """One seed at noise 0.01: the HP's drift is seen, its rate is not; wider models are worth more."""
    report = analyse(table_of(noise=0.01, seeds=3, seed=1))
    choices = next_runs_of(report)
    assert [choice.width for choice in choices] == [64.0, 4096.0, 8192.0, 16384.0]
    assert {choice.runs for choice in choices} == {27}
    assert choices[1].cost == 27 * 4096**2
    assert all(0 <= choice.settled_at_most <= 1 for choice in choices)
    (own,) = next_runs_of(report, widths=[32768.0])
    assert own.settled_at_most >= choices[1].settled_at_most


def test_too_little_is_said():
    with pytest.raises(DomainError, match="interior optimum = 2"):
        loss_curve_of(analyse(table_of(widths=WIDTHS[:2])))
    one = SweepTable.from_columns({"width": [8, 8], "lr": [0.1, 0.2], "loss": [1.0, 2.0], "cost": [1.0, 1.0]})
    with pytest.raises(DomainError, match="cost_exponent"):
        prices_of(one)
