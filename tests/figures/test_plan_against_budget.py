from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from benchmarks.synthetic_sweeps import sweep
from hptheory.errors import DomainError
from hptheory.figures.plan_against_budget import plan_against_budget
from hptheory.figures.style import save_figure
from hptheory.transfer import analyse

BUDGETS = np.geomspace(1e6, 1e9, 7).tolist()


@pytest.fixture(scope="module")
def report():
    return analyse(sweep(0.5, 1.0, noise=0.01))


def test_the_numbers_are_those_of_the_plans(report, tmp_path) -> None:
    figure, numbers = plan_against_budget(report.plan, BUDGETS)
    save_figure(figure, numbers, tmp_path, "plan_against_budget")
    rows = [dict(zip(numbers, row, strict=True)) for row in zip(*numbers.values(), strict=True)]
    assert [(row["strategy"], row["budget"]) for row in rows] == [
        (name, budget) for name in ("direct", "transfer") for budget in BUDGETS
    ]
    for row in rows:
        planned = getattr(report.plan(row["budget"]), row["strategy"])
        for name in ("loss", "low", "high", "proxy_width", "target_width", "grid_points"):
            assert row[name] == getattr(planned, name)
        assert row["width_ratio"] * planned.target_width == pytest.approx(planned.proxy_width, rel=1e-14)
        assert row["low"] <= row["loss"] <= row["high"]


def test_what_is_drawn_is_what_is_saved(report) -> None:
    figure, numbers = plan_against_budget(report.plan, BUDGETS, unit="euros", scale="depth")
    left, right = figure.axes
    count = len(BUDGETS)
    for line, rows in zip(left.lines, (slice(count), slice(count, None)), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), numbers["loss"][rows])
    for band, rows in zip(left.collections, (slice(count), slice(count, None)), strict=True):
        corners = band.get_paths()[0].vertices[:, 1]
        assert (corners.min(), corners.max()) == (min(numbers["low"][rows]), max(numbers["high"][rows]))
    np.testing.assert_array_equal(right.lines[0].get_ydata(), numbers["width_ratio"][count:])
    assert [axes.get_xlabel() for axes in figure.axes] == ["budget, euros"] * 2
    assert right.get_ylabel() == "proxy depth / target depth of transfer"


def test_where_transfer_is_fast_it_wins_with_ever_narrower_proxies(report) -> None:
    """alpha = 1/2 < 2 beta = 2: by Theorem 2 transfer is the better at large budgets, and n*/M* falls."""
    _, numbers = plan_against_budget(report.plan, BUDGETS)
    direct, transfer = np.array(numbers["loss"]).reshape(2, -1)
    assert (transfer < direct)[-4:].all()
    ratio = np.array(numbers["width_ratio"]).reshape(2, -1)
    assert (ratio[0] == 1).all()
    assert (np.diff(ratio[1]) < 0).all()


def test_a_loss_that_may_be_negative_has_a_linear_axis(report) -> None:
    scales = {}
    for top in (1e8, 1e11):  # at 1e11 the 5th percentile of this sweep's limit, 0, lies below 0
        figure, numbers = plan_against_budget(report.plan, [1e6, top])
        scales[min(numbers["low"]) > 0] = figure.axes[0].get_yscale()
        assert {axes.get_xscale() for axes in figure.axes} == {"log"}
    assert scales == {True: "log", False: "linear"}


@pytest.mark.parametrize("budgets", [[], [1e6], [1e7, 1e6], [1e6, 1e6]])
def test_budgets_that_make_no_curve_are_refused(report, budgets) -> None:
    with pytest.raises(DomainError, match="strictly rising"):
        plan_against_budget(report.plan, budgets)


def test_a_budget_that_pays_for_no_plan_is_refused(report) -> None:
    with pytest.raises(DomainError, match="budget"):
        plan_against_budget(partial(report.plan, target_width=4096.0), [1e6, 1e9])
