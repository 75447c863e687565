from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.synthetic_sweeps import WIDTHS, sweep
from hptheory.errors import DomainError
from hptheory.transfer import SweepTable, analyse


def test_draws_are_centred_on_the_estimates_and_as_wide_as_the_intervals() -> None:
    report = analyse(sweep(0.5, 1.0, noise=0.01))
    law = report.law(draws=4000)
    for drawn, interval in ((law.loss_exponent, report.loss_exponent), (law.hp_exponent, report.hp_exponent)):
        low, middle, high = np.quantile(drawn, [0.05, 0.5, 0.95])
        width = interval.high - interval.low
        # 4000 draws: a quantile at 5 % has a standard error of 0.0035 in probability, 2 % of the interval.
        np.testing.assert_allclose(
            [low, middle, high], [interval.low, interval.estimate, interval.high], atol=0.1 * width
        )


def test_draws_pass_through_the_measured_optima() -> None:
    report = analyse(sweep(0.5, 1.0, noise=0.01))
    law, optima = report.law(), report.optima
    assert optima is not None
    loss = law.optimal_loss(WIDTHS)
    position = law.hp_limit[:, None] + law.hp_gap(WIDTHS)
    for drawn, measured, error in (
        (loss, optima.value, optima.value_error),
        (position, optima.position, optima.position_error),
    ):
        assert np.max(np.abs(np.median(drawn, axis=0) - measured) / error) < 3
        assert (np.std(drawn, axis=0) < 3 * error).all()


def test_a_still_optimum_leaves_the_exponent_open_and_the_gap_small() -> None:
    law = analyse(sweep(amplitude=0.0, noise=0.01)).law()
    assert np.ptp(law.hp_exponent) > 2
    assert np.quantile(np.abs(law.drift(512.0, 1024.0)), 0.9) < 0.03


def test_a_plan_from_a_sweep() -> None:
    report = analyse(sweep(0.5, 1.0, noise=0.01))
    plan = report.plan(budget=1e9)
    assert plan.transfer.low <= plan.transfer.loss <= plan.transfer.high
    assert plan.better == "transfer"
    assert plan.transfer.cost <= 1e9


def test_the_cost_column_sets_the_unit() -> None:
    table = sweep(0.5, 1.0, noise=0.01)
    columns = {"width": table.scale, "lr": table.hp[:, 0], "seed": table.seed, "loss": table.loss}
    priced = SweepTable.from_columns({**columns, "cost": 1e-3 * table.scale**2})
    one, two = analyse(table).plan(1e9), analyse(priced).plan(1e6)
    assert two.transfer.proxy_width == one.transfer.proxy_width
    assert two.transfer.cost == pytest.approx(1e-3 * one.transfer.cost)


@pytest.mark.parametrize(("hp_unit", "loss_unit"), [(2.0**20, 1.0), (2.0**-20, 1.0), (1.0, 2.0**-40)])
def test_a_plan_does_not_depend_on_the_units(hp_unit: float, loss_unit: float) -> None:
    """A linear HP in other units has a curvature of 1e-12 and less; the units are exact in binary."""
    table = sweep(0.5, 1.0, noise=0.01)
    own = replace(table, hp=table.x, log_axes=(False,))
    other = replace(own, hp=own.hp * hp_unit, loss=own.loss * loss_unit)
    one, two = analyse(own).plan(1e9), analyse(other).plan(1e9)
    for name in ("direct", "transfer"):
        a, b = getattr(one, name), getattr(two, name)
        places = [(p.proxy_width, p.grid_points, p.target_width) for p in (a, b)]
        assert places[0] == places[1]
        np.testing.assert_allclose([b.loss, b.low, b.high], loss_unit * np.array([a.loss, a.low, a.high]))


def test_too_few_widths_to_plan() -> None:
    with pytest.raises(DomainError, match=">= 3"):
        analyse(sweep(widths=WIDTHS[:2])).law()
