from __future__ import annotations

import numpy as np
import pytest

from benchmarks.synthetic_sweeps import WIDTHS, sweep
from hptheory.figures.gap_scaling import gap_scaling
from hptheory.figures.style import save_figure
from hptheory.figures.sweep_curves import sweep_curves
from hptheory.transfer import analyse


@pytest.fixture(scope="module")
def report():
    return analyse(sweep(0.5, 1.0, noise=0.01))


def test_curves_hold_measurements_fits_and_optima(report, tmp_path) -> None:
    figure, numbers = sweep_curves(report)
    save_figure(figure, numbers, tmp_path, "sweep_curves")
    kinds = np.array(numbers["kind"])
    assert (kinds == "measured").sum() == 45
    assert (kinds == "optimum").sum() == 5
    fitted = kinds == "fitted"
    width, loss = np.array(numbers["width"], dtype=float), np.array(numbers["loss"], dtype=float)
    lowest = [loss[fitted & (width == w)].min() for w in WIDTHS]
    # 61 points a curve: the lowest drawn one lies within half a step of the optimum: (3/60/2)^2/2 = 3e-4.
    np.testing.assert_allclose(lowest, [row.loss for row in report.optimum], atol=4e-4)


def test_gaps_hold_points_and_a_band_around_the_law(report, tmp_path) -> None:
    figure, numbers = gap_scaling(report)
    save_figure(figure, numbers, tmp_path, "gap_scaling")
    fitted = [i for i, kind in enumerate(numbers["kind"]) if kind == "fitted"]
    value, low, high = (np.array([numbers[name][i] for i in fitted]) for name in ("value", "low", "high"))
    assert ((low <= value * (1 + 1e-9)) & (value <= high * (1 + 1e-9))).all()
    assert figure.axes[0].get_xscale() == "log"


def test_gaps_fall_back_on_the_largest_width() -> None:
    figure, numbers = gap_scaling(analyse(sweep(amplitude=0.0, noise=0.02)))
    hp = [
        w for k, q, w in zip(numbers["kind"], numbers["quantity"], numbers["width"], strict=True) if q == "hp"
    ]
    assert 2048.0 not in hp
    assert any("largest width" in text.get_text() for text in figure.axes[0].get_legend().get_texts())


def test_figures_of_a_table_without_optima_are_empty_but_drawn() -> None:
    blank = analyse(sweep(noise=50.0))
    sweep_curves(blank)
    _, numbers = gap_scaling(blank)
    assert "fitted" not in numbers["kind"]
