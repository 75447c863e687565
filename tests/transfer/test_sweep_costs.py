"""Next runs and loss curves of tables; and the whole way from a table to a plan."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.synthetic_sweeps import sweep
from hptheory.errors import DomainError
from hptheory.transfer import SweepTable, analyse
from hptheory.transfer.laws import TransferLaw
from hptheory.transfer.planner import plan
from hptheory.transfer.sweep_costs import loss_curve_of, next_runs_if_open, next_runs_of

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


def test_loss_curve_of_a_table_is_its_optimum_against_cost():
    curve = loss_curve_of(analyse(table_of()))
    assert curve.measured == (128.0**2, 2048.0**2)
    np.testing.assert_allclose(curve.loss(512.0**2), 2 + 30 / 512, atol=1e-6)


def test_measured_widths_have_their_own_costs():
    """Costs of an embedding and of hidden layers, 1000 n + n^2, are no power law: 45 % off it in between."""
    report = analyse(table_of(cost=lambda n: 1000 * n + n**2))
    curve = loss_curve_of(report)
    assert curve.measured == (128 * 1000.0 + 128**2, 2048 * 1000.0 + 2048**2)
    law = loss_curve_of(report, cost_exponent=2.0)
    assert law.measured[1] / law.measured[0] == pytest.approx(256)
    with pytest.raises(DomainError, match="rising with width"):
        loss_curve_of(analyse(table_of(cost=lambda n: 0 * n + 7)))


def test_costs_that_do_not_grow_do_not_stop_the_analysis():
    undecided = sweep(1.0, 0.5, amplitude=0.2, noise=0.004)
    assert next_runs_if_open(analyse(undecided))
    assert next_runs_if_open(analyse(replace(undecided, cost=np.full(len(undecided), 7.0)))) == ()


def test_plans_are_paid_in_the_prices_of_the_table():
    """Costs 1e-6 n^3: no plan costs more than the budget by the column's own law."""
    report, budget = analyse(table_of(cost=lambda n: 1e-6 * n**3)), 1e6
    found = report.plan(budget)
    assert (found.prices.run_cost, found.prices.cost_exponent) == pytest.approx((1e-6, 3.0))
    transfers = [found.transfer, *(choice.transfer for choice in report.proxy_choices(budget))]
    for one in (*transfers, found.direct):
        final = 0.0 if one is found.direct else 1e-6 * one.target_width**3
        cost = 1e-6 * one.grid_points * one.proxy_width**3 + final
        assert cost == pytest.approx(one.cost)
        assert cost <= budget * (1 + 1e-9)
    assert report.plan(budget, cost_exponent=2.0).prices.cost_exponent == 2.0
    assert analyse(table_of()).plan(budget).prices.cost(10.0) == 100


def test_next_runs_of_an_undetermined_table():
    """One seed at noise 0.01: the HP's drift is seen, its rate is not; wider models are worth more."""
    report = analyse(table_of(noise=0.01, seeds=3, seed=1))
    choices = next_runs_of(report)
    assert [choice.width for choice in choices] == [64.0, 4096.0, 8192.0, 16384.0]
    assert {choice.runs for choice in choices} == {27}
    assert choices[1].cost == 27 * 4096**2
    assert all(0 <= choice.probability_settled <= 1 for choice in choices)
    (own,) = next_runs_of(report, widths=[32768.0])
    assert own.probability_settled >= choices[1].probability_settled


def test_too_little_is_said():
    with pytest.raises(DomainError, match="interior optimum = 2"):
        loss_curve_of(analyse(table_of(widths=WIDTHS[:2])))
