import numpy as np
import pytest

from hptheory.errors import DomainError
from hptheory.transfer import SweepTable
from hptheory.transfer.errors import TableError
from hptheory.transfer.prices import Prices, costs_at, prices_of

WIDTHS = [128.0, 256.0, 512.0, 1024.0, 2048.0]


def table_of(cost=None, loss=1.0, widths=WIDTHS):
    columns = {"width": list(widths), "lr": [0.1] * len(widths), "loss": [loss] * len(widths)}
    return SweepTable.from_columns(
        columns if cost is None else {**columns, "cost": [cost(n) for n in widths]}
    )


def with_divergences(cost):
    """A cost of 3e-6 n^2.5, and a run a width that diverged at the cost given."""
    columns = {
        "width": WIDTHS * 2,
        "lr": [0.1] * 5 + [0.2] * 5,
        "loss": [1.0] * 5 + ["diverged"] * 5,
        "cost": [3e-6 * n**2.5 for n in WIDTHS] + [cost] * 5,
    }
    return SweepTable.from_columns(columns)


def test_prices_round_down_to_steps():
    prices = Prices(cost_exponent=2.0, run_cost=3.0, smallest_width=8.0, width_step=8.0)
    assert prices.widest(3 * 24.0**2) == 24
    assert prices.widest(3 * 23.9**2) == 16
    assert prices.widest(0.0) == 8


def test_prices_come_from_the_cost_column():
    table = table_of(cost=lambda n: 3e-6 * n**2.5)
    prices = prices_of(table)
    assert (prices.run_cost, prices.cost_exponent) == pytest.approx((3e-6, 2.5), rel=1e-9)
    assert prices_of(table, cost_exponent=2.0).run_cost == pytest.approx(3e-6 * 512**0.5, rel=1e-9)
    assert prices_of(table_of(), cost_exponent=3.0).run_cost == 1.0


@pytest.mark.parametrize("cost", [0.001, "", None, float("nan")])
def test_runs_that_diverged_have_no_say_in_prices(cost):
    """They stopped early, or their cost is not known."""
    table = with_divergences(cost)
    prices = prices_of(table)
    assert (prices.run_cost, prices.cost_exponent) == pytest.approx((3e-6, 2.5), rel=1e-9)
    np.testing.assert_allclose(costs_at(table, WIDTHS), 3e-6 * np.array(WIDTHS) ** 2.5, rtol=1e-12)


def test_a_finished_run_without_a_cost_is_refused():
    columns = {"width": [8, 8], "lr": [0.1, 0.2], "loss": [1.0, 2.0], "cost": ["1.0", ""]}
    with pytest.raises(TableError, match="row 2: column 'cost' holds ''"):
        SweepTable.from_columns(columns)


def test_a_width_without_finished_runs_has_the_price_list_s_cost():
    columns = {
        "width": [1.0, 2.0, 4.0],
        "lr": [0.1] * 3,
        "loss": [1.0, 1.0, "nan"],
        "cost": [5.0, 20.0, ""],
    }
    np.testing.assert_allclose(costs_at(SweepTable.from_columns(columns), [1.0, 2.0, 4.0]), [5.0, 20.0, 80.0])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (lambda: table_of(cost=lambda n: n, widths=[8.0]), "cost_exponent"),
        (lambda: table_of(cost=lambda n: 7.0), "growth of the cost with width"),
        (lambda: table_of(cost=lambda n: n, loss=float("nan")), "finished runs"),
    ],
)
def test_domain(table, message):
    with pytest.raises(DomainError, match=message):
        prices_of(table())
