"""Figures of the decomposition: the plotted numbers are those of the definitions; bad input is named."""

from __future__ import annotations

import numpy as np
import pytest

from hptheory.decomposition.errors import MissingProxyError, NonFiniteError, ShapeMismatchError
from hptheory.errors import DomainError
from hptheory.figures.loss_over_time import loss_over_time
from hptheory.figures.style import figure_png, numbers_csv
from hptheory.figures.top_k_profile import top_k_profile
from hptheory.figures.truncated_losses import residual_losses, truncated_losses

HPS = np.array([0.001, 0.002, 0.004])
PROFILES = {
    n: (np.log(HPS / 0.002)[:, None] ** 2 - 3) * np.cumsum(np.arange(1, n + 1) ** -2.0) for n in (4, 8, 16)
}
KAPPAS = {4: np.array([1, 2, 2]), 8: None}


def picked(numbers, kind, width):
    rows = zip(numbers["kind"], numbers["width"], numbers["value"], strict=True)
    return [value for k, w, value in rows if (k, w) == (kind, width)]


def test_profiles_and_truncations():
    figure, numbers = top_k_profile(PROFILES, HPS, hp=0.002, truncations=KAPPAS)
    for width, phi in PROFILES.items():
        assert picked(numbers, "profile", width) == phi[1].tolist()
    assert picked(numbers, "truncation", 4) == [1, 2, 2]
    assert picked(numbers, "truncation", 8) == []
    assert "none accepted at width 8" in figure.axes[0].get_title()
    assert figure_png(figure)
    assert numbers_csv(numbers).count("\n") == 1 + 28 + 3


def test_top_and_residual_add_up():
    figure, numbers = truncated_losses(PROFILES, HPS, KAPPAS)
    rest_figure, rest = residual_losses(PROFILES, HPS, KAPPAS)
    for width, suffix in ((4, ""), (16, "_limit")):
        top = np.array(picked(numbers, "top" + suffix, 4))
        residual, rise = (np.array(picked(rest, kind + suffix, 4)) for kind in ("residual", "rise"))
        best = np.argmin(top)
        whole = PROFILES[width][:, -1]
        np.testing.assert_allclose(residual + rise, whole - whole[best])
        np.testing.assert_allclose(rise, top - top.min())
    assert picked(numbers, "whole", 8) == PROFILES[8][:, -1].tolist()
    assert figure_png(figure)
    assert figure_png(rest_figure)


def test_a_figure_without_any_truncation():
    figure, numbers = truncated_losses(PROFILES, HPS, {4: None})
    assert len(figure.axes) == 1
    assert set(numbers["kind"]) == {"whole"}
    assert residual_losses(PROFILES, HPS, {4: None})[1]["value"] == []


def test_axes_of_whole_numbers_are_written_out():
    """Ticks at 1, 2, 5, ...: no powers of ten, nothing below one, not even where all truncations are 1."""
    hps, phi = np.array([0.5, 1.0, 2.0]), -np.cumsum(np.ones((3, 16)), axis=1)
    figure, _ = top_k_profile({8: phi[:, 1::2], 16: phi}, hps, 1.0, {8: np.ones(3)})
    figure_png(figure)
    truncation, profile = figure.axes

    def shown(axis, limits):
        return [t.get_text() for t in axis.get_ticklabels() if limits[0] <= t.get_position()[0] <= limits[1]]

    assert shown(profile.xaxis, profile.get_xlim()) == ["1", "2", "5", "10", "20"]
    low, high = truncation.get_ylim()
    labels = [t.get_text() for t in truncation.yaxis.get_ticklabels() if low <= t.get_position()[1] <= high]
    assert labels == ["1"]


def test_over_time():
    steps = {4: [1, 2, 5], 8: [1, 3, 4]}
    along = {n: np.cumsum(np.ones((3, n)), axis=0) * np.linspace(-1, -2, n) for n in (4, 8)}
    figure, numbers = loss_over_time(along, steps, k=2)
    for n in (4, 8):
        assert picked(numbers, "top", n) == along[n][:, 1].tolist()
        whole = np.array(picked(numbers, "top", n)) + picked(numbers, "residual", n)
        np.testing.assert_allclose(whole, along[n][:, -1])
    assert figure_png(figure)


def test_bad_input_is_named():
    with pytest.raises(DomainError, match=r"hp = 0.003 .* one of the HPs"):
        top_k_profile(PROFILES, HPS, hp=0.003)
    with pytest.raises(MissingProxyError):
        truncated_losses({4: PROFILES[4]}, HPS, {})
    with pytest.raises(DomainError, match="components of width 4"):
        loss_over_time({4: np.zeros((2, 4))}, [1, 2], k=5)
    with pytest.raises(ShapeMismatchError, match="width 4"):
        loss_over_time({4: np.zeros((2, 4))}, [1], k=1)
    with pytest.raises(NonFiniteError, match="width 4"):
        loss_over_time({4: np.full((2, 4), np.nan)}, [1, 2], k=1)
