"""The figures of easy and hard examples: what is drawn is what is saved, divergence included."""

from __future__ import annotations

import numpy as np
import pytest

from hptheory.figures.sample_difficulty import (
    consistency_figure,
    gallery_figure,
    mean_and_error,
    subset_sweeps_figure,
)
from hptheory.figures.style import save_figure


def test_consistency(tmp_path):
    index = np.linspace(1, 20, 50)
    overlaps = {"easy": {(8, 8): 0.9, (8, 16): 0.8, (16, 16): 0.85}, "hard": {(8, 16): 0.3}}
    figure, numbers = consistency_figure(index, "width 8", overlaps, 0.05)
    assert numbers["kind"].count("overlap") == 4
    counts = [value for kind, value in zip(numbers["kind"], numbers["value"], strict=True) if kind == "bin"]
    assert sum(counts) == 50
    assert len(figure.axes) == 3
    save_figure(figure, numbers, tmp_path, "figure_14")


def test_gallery(tmp_path):
    ends = ("easy", "hard")
    images = {end: [np.ones((8, 8)), np.zeros((4, 4, 3))] for end in ends}
    psi = {end: np.arange(6.0).reshape(2, 3) for end in ends}
    figure, numbers = gallery_figure(
        images, {end: [1.5, 2.5] for end in ends}, psi, {end: ["cat", "dog"] for end in ends}
    )
    assert len(figure.axes) == 8
    assert numbers["psi"] == [0, 1, 2, 3, 4, 5] * 2
    assert numbers["label"][3:6] == ["dog"] * 3
    save_figure(figure, numbers, tmp_path, "figure_15")


def test_subset_sweeps(tmp_path):
    losses = {n: np.array([[2.0, 1.0, 3.0], [2.2, 1.2, np.inf]]) - 1 / n for n in (16, 4, 8)}
    figure, numbers = subset_sweeps_figure({"easy": losses, "hard": losses}, [0.1, 0.2, 0.4])
    rows = list(zip(*numbers.values(), strict=True))
    assert len(rows) == 2 * (9 + 6)
    best = [row for row in rows if row[:3] == ("best", "easy", 4)]
    assert best == [("best", "easy", 4, 0.2, pytest.approx(0.85), pytest.approx(0.1))]
    save_figure(figure, numbers, tmp_path, "figure_16")


def test_the_transferred_hp_is_the_narrowest_ones():
    """Width 8 has its best at another HP; what it loses there is in the numbers."""
    losses = {4: np.array([[1.0, 2.0]]), 8: np.array([[0.9, 0.5]])}
    _, numbers = subset_sweeps_figure({"all": losses}, [0.1, 0.2])
    rows = {row[:3]: row[3:] for row in zip(*numbers.values(), strict=True) if row[0] != "curve"}
    assert rows["best", "all", 8][:2] == (0.2, 0.5)
    assert rows["transferred", "all", 8][:2] == (0.1, 0.9)


def test_the_error_of_a_mean():
    mean, error = mean_and_error(np.array([[1.0, 4.0], [3.0, 8.0]]))
    assert mean.tolist() == [2, 6]
    assert error.tolist() == pytest.approx([1, 2])  # sample deviation sqrt(2), 2 sqrt(2), over sqrt(2)
