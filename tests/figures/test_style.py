import csv
import itertools
import math

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from hptheory.errors import DomainError
from hptheory.figures.style import CATEGORY_COLOURS, WIDTH_COLOURS, figure_style, save_figure


def luminance(rgb: tuple[float, ...]) -> float:
    """Relative luminance of WCAG 2.1 (sRGB linearised): what a grey print keeps of a colour."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_style_leaves_no_trace():
    before = dict(mpl.rcParams)
    with figure_style():
        assert mpl.rcParams["axes.spines.top"] is False
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("n", [1, 2, 7])
def test_width_colours_get_strictly_lighter(n):
    shades = [luminance(colour) for colour in WIDTH_COLOURS(n)]
    assert len(shades) == n
    assert all(a < b for a, b in itertools.pairwise(shades))


def test_category_colours_stand_out_from_white():
    # Contrast 2:1 against white keeps a 1.6 pt line visible in grey; WCAG 2.1 asks 3:1 of graphical objects,
    # which the first four reach: a figure with more categories leans on MARKERS as well.
    contrast = [1.05 / (luminance(mpl.colors.to_rgb(c)) + 0.05) for c in CATEGORY_COLOURS]
    assert min(contrast) > 2
    assert min(contrast[:4]) > 3


def test_numbers_survive_the_csv(tmp_path):
    values = np.array([math.pi, 1e-300, -0.0, math.inf])
    figure = Figure()
    figure.subplots().plot([0, 1], [0, 1])
    picture, table = save_figure(
        figure, {"x": values, "name": ["a", "b", "c", "d"]}, tmp_path / "new", "figure_99"
    )
    assert picture.name == "figure_99.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["x"]) for row in rows] == values.tolist()
    assert [row["name"] for row in rows] == ["a", "b", "c", "d"]
    assert sorted(path.name for path in picture.parent.iterdir()) == ["figure_99.csv", "figure_99.png"]


def test_ragged_columns_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(DomainError, match=r"'x': 2.*'y': 3"):
        save_figure(Figure(), {"x": [1, 2], "y": [1, 2, 3]}, tmp_path, "figure_99")
    assert list(tmp_path.iterdir()) == []
