"""Figures that compare optimizers: laws of the costs, the plotted numbers, bad tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.synthetic_sweeps import sweep as synthetic_sweep
from hptheory.errors import DomainError
from hptheory.figures.compute_multipliers import compute_multipliers
from hptheory.figures.optimum_drift import Cost, Optimum, optima_of, optimum_drift, transfer_costs
from hptheory.figures.stable_ranks import stable_ranks
from hptheory.figures.style import figure_png
from hptheory.transfer import SweepTable, analyse

TABLE = st.lists(st.lists(st.floats(0, 9), min_size=4, max_size=4), min_size=2, max_size=2)
LOSSES = st.lists(TABLE, min_size=1, max_size=4)


@given(LOSSES)
def test_law_costs_are_never_negative_and_zero_at_the_smallest_scale(losses: list) -> None:
    found = transfer_costs({8 * 2**k: table for k, table in enumerate(losses)})
    assert found[0].loss == 0
    # a mean of two differences of numbers up to 9, rounded
    assert all(cost.loss >= -1e-14 for cost in found)


def test_the_error_of_a_cost_is_that_of_the_seeds_differences() -> None:
    tables = {8: [[0.0, 1.0], [1.0, 2.0]], 16: [[5.0, 4.0], [9.0, 7.0]]}
    # differences 1 and 2, whatever the seeds' own levels: mean 1.5, standard error sqrt(1/2) / sqrt(2)
    assert transfer_costs(tables)[1] == Cost(16, 1.5, pytest.approx(0.5))


def test_a_diverged_best_rate_costs_infinitely_much_and_has_no_point() -> None:
    costs = transfer_costs({8: [[0.0, 1.0]], 16: [[np.inf, 1.0]]})
    assert costs[1].loss == np.inf
    figure, numbers = optimum_drift({"a": [Optimum(8, 1.0, 1.0, 1.0)]}, {"a": costs})
    assert figure_png(figure)
    assert numbers["value"] == [1.0, 0.0, np.inf]


def test_optima_are_those_of_the_report_and_hollow_at_the_edge() -> None:
    report = analyse(synthetic_sweep(0.5, 1.0, noise=0.002))
    found = optima_of(report)
    assert [point.hp for point in found] == [row.hp for row in report.optimum]
    assert all(point.inside and point.low <= point.hp <= point.high for point in found)
    width, x = np.meshgrid([8.0, 16.0], np.linspace(-1, 1, 5), indexing="ij")
    columns = {"width": width.ravel(), "lr": np.exp(x.ravel()), "loss": (x + 1 / width).ravel()}
    at_edge = optima_of(analyse(SweepTable.from_columns(columns)))
    assert [(point.inside, point.hp) for point in at_edge] == [(False, pytest.approx(np.exp(-1)))] * 2


def test_the_guide_and_the_series_start_at_one() -> None:
    series = [Optimum(8, 0.3, 0.2, 0.4), Optimum(16, 0.6, 0.5, 0.7)]
    figure, numbers = optimum_drift({"a": series}, {}, guide=(0.5, "root"))
    drift = figure.axes[0]
    guide = next(line for line in drift.lines if line.get_label() == "root")
    assert guide.get_ydata() == pytest.approx([1, np.sqrt(2)])
    assert numbers["value"] == [0.3, 0.6]
    with pytest.raises(DomainError):
        optimum_drift({}, {})


def test_a_sweep_compared_with_itself_gains_nothing() -> None:
    report = analyse(synthetic_sweep(0.5, 1.0, noise=0.002))
    _, numbers = compute_multipliers({"one": report, "same": report})
    rows = zip(numbers["kind"], numbers["value"], strict=True)
    # Equal curves, their draws paired at random: one in the median, as far as its draws are many.
    assert [value for kind, value in rows if kind == "multiplier"] == pytest.approx([1.0] * 3, abs=3e-3)
    with pytest.raises(DomainError, match="reference first"):
        compute_multipliers({"one": report})


def test_stable_ranks_are_means_in_a_panel_a_step() -> None:
    figure, numbers = stable_ranks({"a": {8: {4: [1.0, 3.0], 16: [2.0]}, 16: {4: [4.0]}}})
    assert [axes.get_title() for axes in figure.axes] == ["step 4", "step 16"]
    assert numbers["value"] == [2.0, 4.0, 2.0]
    assert numbers["high"] == [3.0, 4.0, 2.0]
    with pytest.raises(DomainError):
        stable_ranks({})
