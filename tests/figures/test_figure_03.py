import numpy as np
import pytest

from hptheory.figures.figure_03 import figure_03
from hptheory.figures.style import save_figure
from hptheory.transfer import zoo


def test_gaps_are_those_of_the_family(tmp_path):
    family = zoo.quadratic(1.0, 1.0, loss_amplitude=1.5, hp_amplitude=2.0, box=((-1.0, 2.0),))
    figure, numbers = figure_03(family, widths=(3.0, 9.0, 27.0))
    shown = dict(zip(numbers["quantity"], numbers["value"], strict=True))
    exact = family.gaps(3.0)
    assert shown["a_n"] == pytest.approx(exact.loss)
    assert shown["b_n"] == pytest.approx(exact.hyperparameter)
    assert shown["c_n"] == pytest.approx(exact.suboptimality)
    assert set(numbers["width"]) == {3.0, 9.0, 27.0, np.inf}
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title[:3] for title in titles] == ["(a)", "(b)", "(c)"]
    picture, table = save_figure(figure, numbers, tmp_path, "figure_03")
    assert picture.stat().st_size > 10_000
    assert len(table.read_text().splitlines()) == len(numbers["value"]) + 1


def test_curves_are_the_losses():
    family = zoo.tied()
    _, numbers = figure_03(family, widths=(4.0,))
    rows = zip(numbers["quantity"], numbers["width"], numbers["x"], numbers["value"], strict=True)
    curves = [(width, x, value) for quantity, width, x, value in rows if quantity == "loss"]
    for width, x, value in curves[::17]:
        assert value == family(width, x)
