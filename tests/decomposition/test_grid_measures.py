"""Slopes, second derivatives, convexity error and Lipschitz constant of a curve on a grid."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.decomposition.errors import ShapeMismatchError, TooFewHPsError
from hptheory.decomposition.grid_measures import (
    best_hp,
    convexity_error,
    lipschitz,
    second_derivatives,
    slopes,
)
from hptheory.errors import DomainError


@st.composite
def curves(draw):
    """A grid of 3 to 8 HPs with uneven cells, and values on it; all exact in binary."""
    g = draw(st.integers(3, 8))
    cells = draw(st.lists(st.integers(1, 16), min_size=g, max_size=g))
    values = draw(st.lists(st.integers(-64, 64), min_size=g, max_size=g))
    return np.cumsum(cells) / 8, np.array(values) / 4


@given(curves())
def test_the_printed_three_point_formula(case):
    """Above (19), term by term, in exact arithmetic."""
    x, y = ([Fraction(float(v)) for v in values] for values in case)
    for i, found in enumerate(second_derivatives(*case), start=1):
        exact = 2 * (
            y[i - 1] / ((x[i - 1] - x[i]) * (x[i - 1] - x[i + 1]))
            + y[i] / ((x[i] - x[i - 1]) * (x[i] - x[i + 1]))
            + y[i + 1] / ((x[i + 1] - x[i - 1]) * (x[i + 1] - x[i]))
        )
        assert found == pytest.approx(float(exact), rel=1e-12, abs=1e-12)


@given(curves(), *[st.integers(-8, 8)] * 3)
def test_law_exact_for_parabolas(case, a, b, c):
    x = case[0]
    found = second_derivatives(x, a * x**2 + b * x + c)
    # x <= 16, |y| <= 2200, cells >= 1/8: rounding of y, 2e-13, over a cell squared, a few times.
    np.testing.assert_allclose(found, 2 * a, atol=1e-10)


@given(curves())
def test_law_lipschitz_bounds_all_pairs(case):
    x, y = case
    constant = lipschitz(x, y)
    quotients = [abs((y[j] - y[i]) / (x[j] - x[i])) for i in range(x.size) for j in range(i + 1, x.size)]
    assert max(quotients) == pytest.approx(constant, rel=1e-12)
    assert np.all(np.abs(slopes(x, y)) <= constant)


@given(curves())
def test_law_convexity_error_of_convex_and_concave(case):
    x, _ = case
    assert convexity_error(x, x**2) == 0
    assert convexity_error(x, -(x**2)) == 1


def test_convexity_error_counts_interior_points_only():
    assert convexity_error([0, 1, 2, 3, 4], [0, 1, 0, 1, 0]) == pytest.approx(2 / 3)


def test_batches_and_ties():
    x = [0.0, 1.0, 3.0]
    y = np.array([[[2.0, 1.0, 1.0], [0.0, 0.0, 5.0]]])
    assert lipschitz(x, y).shape == convexity_error(x, y).shape == (1, 2)
    assert best_hp(x, y).tolist() == [[1.0, 0.0]]


def test_bad_grids_are_named():
    with pytest.raises(DomainError, match="strictly increasing"):
        slopes([0.0, 0.0], [1.0, 2.0])
    with pytest.raises(DomainError, match="finite"):
        slopes([0.0, np.inf], [1.0, 2.0])
    with pytest.raises(TooFewHPsError, match=r"1 hyperparameter value\(s\), but a slope needs 2"):
        lipschitz([0.0], [1.0])
    with pytest.raises(TooFewHPsError, match="needs 3"):
        convexity_error([0.0, 1.0], [1.0, 1.0])
    with pytest.raises(ShapeMismatchError, match="runs over hps"):
        slopes([0.0, 1.0], [1.0, 2.0, 3.0])
    with pytest.raises(ShapeMismatchError, match="one axis"):
        slopes([[0.0, 1.0]], [1.0, 2.0])
