"""Figure 4: its numbers against (9), (10) solved as printed, and the figure in the documentation."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from hptheory.errors import DomainError
from hptheory.figures.figure_04 import FIT_FROM, Figure4Setting, figure_04, fitted_slope, gap_rows, risk_rows
from hptheory.figures.style import save_figure
from tests.random_features.reference import risk_reference

PUBLISHED = Path(__file__).parents[2] / "docs" / "_static" / "figure_04"
TINY = Figure4Setting(psi2=(1.0, 4.0), d=10, trials=2)
PAPER = Figure4Setting()
MODEL = PAPER.model()


def printed_risk(ridge: float, psi2: float) -> float:
    """The risk of the paper's setting from its equations as printed; shares nothing with the figure's."""
    # Moments of the normalised tanh and ReLU by quadrature on a fine uniform grid.
    z = np.linspace(-12, 12, 480_001)
    weight = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    mu1_sq = []
    for values in (np.tanh(z), np.maximum(z, 0)):
        mean, square = (weight * values).sum(), (weight * values**2).sum()
        mu1_sq.append(float((weight * z * values).sum() ** 2 / (square - mean**2)))
    return float(risk_reference(ridge, 4, psi2, *mu1_sq, 1 / 16, dps=20))


def z_scores(rows: list[dict[str, str]], psi2_factor: float = 1.0) -> np.ndarray:
    """(simulated - exact)/standard error of every simulated point of a stored figure."""
    points = [row for row in rows if row["kind"] == "simulated"]
    ridge, psi2, value, error = (
        np.array([float(row[name]) for row in points])
        for name in ("ridge", "psi2", "value", "standard_error")
    )
    return (value - MODEL.risk(ridge, psi2 * psi2_factor)) / error


@pytest.fixture(scope="module")
def published() -> list[dict[str, str]]:
    with PUBLISHED.with_suffix(".csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("psi2", [1.0, 8.0, math.inf])
def test_risks_are_those_of_the_printed_equations(psi2: float) -> None:
    rows = risk_rows(MODEL, (1.0, 8.0))
    # The quadrature above is good to 1e-10 (the kink of ReLU lies on a grid point).
    for row in [row for row in rows if row.kind == "exact" and row.psi2 == psi2][::20]:
        assert row.ridge is not None
        assert row.value == pytest.approx(printed_risk(row.ridge, psi2), rel=1e-8)
    (best,) = [row for row in rows if row.kind == "optimum" and row.psi2 == psi2]
    found = minimize_scalar(
        lambda log: printed_risk(math.exp(log), psi2), bracket=(-2, -1, 0), options={"xtol": 1e-5}
    )
    assert best.value == pytest.approx(found.fun, rel=1e-8)
    # A minimiser is known to the square root of the accuracy of its minimum.
    assert best.ridge == pytest.approx(math.exp(found.x), rel=1e-3)


def test_gaps_at_the_narrow_end_are_differences_of_printed_risks() -> None:
    rows = {row.quantity: row for row in reversed(gap_rows(MODEL)) if row.kind == "exact"}
    ridge, limit = float(MODEL.optimal_ridge(4.0)), float(MODEL.optimal_ridge())
    assert {row.psi2 for row in rows.values()} == {4.0}
    assert rows["a_n"].value == pytest.approx(
        printed_risk(ridge, 4) - printed_risk(limit, math.inf), rel=1e-6
    )
    assert rows["b_n"].value == pytest.approx(abs(ridge - limit), rel=1e-12)
    # c_n is 6e-5 of a risk of 0.4, known to 1e-10.
    difference = printed_risk(ridge, math.inf) - printed_risk(limit, math.inf)
    assert rows["c_n"].value == pytest.approx(difference, abs=1e-9)


def test_gaps_meet_their_asymptotes_and_slopes() -> None:
    rows = gap_rows(MODEL)
    for quantity, power in (("a_n", 1), ("b_n", 1), ("c_n", 2)):
        own = {kind: [row.value for row in rows if (row.quantity, row.kind) == (quantity, kind)]
               for kind in ("exact", "asymptote", "fitted slope", "exact slope")}  # fmt: skip
        # At psi2 = 1e4 the next order is 2.95 eta = 1.2e-3 of b_n, and twice that of c_n.
        assert own["exact"][-1] == pytest.approx(own["asymptote"][-1], rel=3e-3)
        assert own["exact slope"] == [-power]
        # From FIT_FROM on, b_n is off its law by 2.95 eta <= 1.2 %, over one decade: a slope of 0.5 %.
        assert own["fitted slope"][0] == pytest.approx(-power, rel=0.0055)
    assert FIT_FROM == 1e3


def test_fitted_slope_of_a_power_law_and_of_another() -> None:
    x = np.geomspace(1, 100, 9)
    assert fitted_slope(x, 7 * x**-1.5) == pytest.approx(-1.5, abs=1e-12)
    assert fitted_slope(x, 1 + x**-1.5) > -0.5


def test_the_published_figure_is_the_one_the_code_draws(published: list[dict[str, str]]) -> None:
    exact = [row for row in (*risk_rows(MODEL, PAPER.psi2), *gap_rows(MODEL)) if row.kind != "fitted slope"]
    stored = [row for row in published if row["kind"] not in ("simulated", "fitted slope")]
    assert [(row["quantity"], row["kind"]) for row in stored] == [(row.quantity, row.kind) for row in exact]
    # Machines differ in the last digits only.
    np.testing.assert_allclose([float(row["value"]) for row in stored], [r.value for r in exact], rtol=1e-10)
    assert PUBLISHED.with_suffix(".png").stat().st_size < 200_000


def test_published_simulation_agrees_with_the_theory(published: list[dict[str, str]]) -> None:
    # 65 points, Student's t with 39 degrees of freedom: |t| > 4.6 has probability 65 * 4.3e-5 = 0.3 %. The
    # bias of d = 100 is of order 1/d, of a risk's spread over draws 1/sqrt(d): within one standard error.
    assert len(z_scores(published)) == 65
    assert np.abs(z_scores(published)).max() < 4.6


def test_the_comparison_notices_another_width(published: list[dict[str, str]]) -> None:
    assert np.abs(z_scores(published, psi2_factor=1.25)).max() > 4.6


def test_figure_is_saved_with_its_numbers(tmp_path: Path) -> None:
    seen: list[float] = []
    figure, numbers = figure_04(TINY, on_width=seen.append)
    assert seen == [1.0, 4.0]
    picture, table = save_figure(figure, numbers, tmp_path, "figure_04")
    assert picture.stat().st_size > 10_000
    with table.open(newline="") as stream:
        kinds = [row["kind"] for row in csv.DictReader(stream)]
    assert kinds.count("simulated") == 2 * 13
    assert kinds.count("optimum") == 3
    assert kinds.count("fitted slope") == 3
    text = " ".join(label.get_text() for label in figure.axes[1].get_legend().get_texts())
    assert "slope −0.996 (exact −1)" in text
    assert "$d = 10$, 2 trials, seed 0" in figure.get_supxlabel()


def test_equal_seeds_give_equal_points() -> None:
    first, again = (figure_04(TINY)[1]["value"] for _ in range(2))
    other = figure_04(Figure4Setting(psi2=(1.0, 4.0), d=10, trials=2, seed=1))[1]["value"]
    assert first == again
    assert first != other


def test_a_setting_outside_its_domain_is_refused() -> None:
    with pytest.raises(DomainError, match="psi1 = -4"):
        figure_04(Figure4Setting(psi1=-4.0))
