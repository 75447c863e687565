from __future__ import annotations

import math

import numpy as np
import pytest

from hptheory.errors import DomainError
from hptheory.figures.exceptional_surface import (
    LARGEST_MU2_SQ,
    exceptional_surface,
    fourth_order_point,
    surface_line,
    third_order_point,
)
from hptheory.figures.style import save_figure
from hptheory.random_features import RandomFeatures


def constants(mu1_sq, ratio, psi1, order=1):
    """The model's coefficients of the optimal ridge, by the library's expansion: 1 to ``order``."""
    model = RandomFeatures(psi1=psi1, mu1_sq=mu1_sq, teacher_mu1_sq=1, noise_var=ratio)
    return [float(c) for c in model.large_width(order=order).optimal_ridge[1:]]


@pytest.mark.parametrize("mu1_sq", [0.86, 0.93, 0.995])
def test_the_constant_changes_sign_across_a_line(mu1_sq):
    line = surface_line(mu1_sq, points=9)
    for ratio, psi1 in zip(line.noise_to_signal[2:-2], line.psi1[2:-2], strict=True):
        (scale,) = constants(mu1_sq, ratio, psi1 / 2)
        (on_line,) = constants(mu1_sq, ratio, psi1)
        assert abs(on_line) < 1e-9 * abs(scale)
    lowest, inside = int(np.argmin(line.psi1)), 1.05
    ratio, psi1 = line.noise_to_signal[lowest], line.psi1[lowest]
    assert constants(mu1_sq, ratio, psi1 * inside)[0] < 0 < constants(mu1_sq, ratio, psi1 / inside)[0]


@pytest.mark.parametrize("mu1_sq", [0.87, 0.93, 0.99])
def test_two_coefficients_vanish_at_a_dot(mu1_sq):
    _, ratio, psi1 = third_order_point(mu1_sq)
    first, second, third = constants(mu1_sq, ratio, psi1, order=3)
    # one digit of psi1 in 1e16 moves the first two by about 1e-13 of the coefficients of a model nearby
    scale = max(map(abs, constants(mu1_sq, ratio, 2 * psi1, order=3)))
    assert max(abs(first), abs(second)) < 1e-11 * scale
    assert abs(third) > 1e-7


def test_three_coefficients_vanish_at_the_star():
    mu1_sq, s, ratio, psi1 = fourth_order_point()
    assert 75 * s**4 - 790 * s**3 - 3588 * s**2 - 5304 * s == pytest.approx(2952, rel=1e-9)
    first, second, third, fourth = constants(mu1_sq, ratio, psi1, order=4)
    scale = max(map(abs, constants(mu1_sq, ratio, 2 * psi1, order=3)))
    assert max(map(abs, (first, second, third))) < 1e-10 * scale
    assert fourth == pytest.approx(3.3817e-4, rel=1e-3)  # ball arithmetic in proofs_check: 0.00033817360


def test_a_line_ends_with_the_domain():
    with pytest.raises(DomainError, match="sqrt 2"):
        surface_line(1 - LARGEST_MU2_SQ - 1e-6)
    with pytest.raises(DomainError):
        surface_line(1.0)
    tip = surface_line(1 - LARGEST_MU2_SQ + 1e-6, points=5)
    assert np.allclose(tip.s, math.sqrt(2), rtol=0.02)


def test_numbers_are_those_of_the_lines(tmp_path):
    figure, numbers = exceptional_surface((0.9, 0.95), points=20)
    rows = list(zip(*numbers.values(), strict=True))
    assert [row[-1] for row in rows].count(2) == 40
    assert [row[-1] for row in rows].count(3) == 2
    assert rows[-1] == (*fourth_order_point(), 4)
    assert rows[0][2] == surface_line(0.9, 20).noise_to_signal[0]
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0.9", "0.95"]
    picture, _ = save_figure(figure, numbers, tmp_path, "exceptional_surface")
    assert picture.stat().st_size > 10_000
