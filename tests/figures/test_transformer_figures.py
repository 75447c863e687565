"""Figures of the transformers: the plotted numbers are those given; bad tables are one sentence."""

from __future__ import annotations

import numpy as np
import pytest

from hptheory.decomposition.errors import NonFiniteError, ShapeMismatchError
from hptheory.errors import DomainError
from hptheory.figures.losses_along_training import losses_along_training
from hptheory.figures.side_by_side import side_by_side
from hptheory.figures.style import figure_png, log_hp_axis
from hptheory.figures.top_k_panels import top_k_panels
from hptheory.figures.truncations import truncations

STEPS = np.array([0, 2, 4])


def test_losses_along_training_are_those_given() -> None:
    curves = {n: (STEPS, 3.0 / (1 + STEPS) + 1 / n, 3.0 / (1 + STEPS)) for n in (8, 16)}
    figure, numbers = losses_along_training(curves, curves)
    for kind, place in (("averaged", 1), ("linearised", 2), ("last weights on validation", 2)):
        for n in curves:
            rows = zip(numbers["kind"], numbers["width"], numbers["value"], strict=True)
            assert [v for k, w, v in rows if (k, w) == (kind, n)] == curves[n][place].tolist()
    assert figure_png(figure)
    with pytest.raises(ShapeMismatchError, match="width 8"):
        losses_along_training({8: (STEPS, STEPS, STEPS[:2])}, curves)
    with pytest.raises(DomainError):
        losses_along_training({}, {})


def test_panels_of_profiles_share_the_axis_of_the_loss() -> None:
    panels = {"a": {2: [-1.0, -2.0], 3: [-1.0, -2.0, -2.5]}, "b": {2: [0.0, -0.5]}}
    figure, numbers = top_k_panels(panels)
    first, second = figure.axes
    assert first.get_ylim() == second.get_ylim()
    assert numbers["k"] == [1, 2, 1, 2, 3, 1, 2]
    assert numbers["value"] == [-1.0, -2.0, -1.0, -2.0, -2.5, 0.0, -0.5]
    with pytest.raises(NonFiniteError, match="width 2"):
        top_k_panels({"a": {2: [0.0, np.nan]}})
    with pytest.raises(DomainError):
        top_k_panels({})


def test_a_width_without_a_truncation_is_named() -> None:
    panels = {"rate": ([1.0, 2.0], {8: [3, 4], 16: None}, "rate"), "beta": ([3.0, 9.0], {8: None}, "window")}
    figure, numbers = truncations(panels)
    assert [axes.get_title() for axes in figure.axes] == [
        "rate\nnone accepted at width 16",
        "beta\nnone accepted at width 8",
    ]
    assert numbers == {"panel": ["rate"] * 2, "width": [8, 8], "hp": [1.0, 2.0], "value": [3, 4]}
    with pytest.raises(DomainError, match="width 8"):
        truncations({"rate": ([1.0, 2.0], {8: [3]}, "rate")})


def test_linearised_losses_are_a_column_of_their_own() -> None:
    sweep = {8: [[2.0, 1.0, 3.0]], 16: [[1.5, 1.0, 0.5]]}
    lines = {n: np.array(table[0]) + 0.25 for n, table in sweep.items()}
    names = {"a": "window a", "b": "window b"}
    figure, numbers = side_by_side(
        dict.fromkeys(names, sweep),
        {name: [1.0, 2.0, 4.0] for name in names},
        names,
        linearised=dict.fromkeys(names, lines),
    )
    assert [axes.get_xlabel() for axes in figure.axes] == list(names.values())
    assert np.subtract(numbers["linearised"], numbers["loss"]) == pytest.approx(0.25)


@pytest.mark.parametrize(("hps", "scale"), [([0.1, 0.2], "log"), ([0.0, 0.2], "linear"), ([], "linear")])
def test_an_axis_of_hps_is_logarithmic_where_it_can_be(hps: list[float], scale: str) -> None:
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    log_hp_axis(axes, hps)
    assert axes.get_xscale() == scale
