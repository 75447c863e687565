"""Gaps of functions and of tabulated values, against families whose gaps are known exactly."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.errors import DomainError
from hptheory.transfer.families import Family, minimise
from hptheory.transfer.gaps import Gaps
from hptheory.transfer.measured_gaps import gaps_of_functions, gaps_of_values, uniform_loss_gap

NAMES = ("loss", "hyperparameter", "suboptimality")
BOX = ((-2.0, 2.0),)


def convex_family(sharpness, drift, gap):
    """phi_n(x) = 0.3 + (cosh(k (x - drift/n)) - 1)/k^2 + gap/n: convex, smooth, and no parabola."""

    def phi(n, x):
        return 0.3 + (np.cosh(sharpness * (x - drift / n)) - 1) / sharpness**2 + gap / n

    return Family(phi, BOX)


def exact_gaps(sharpness, drift, gap, n):
    rise = 2 * math.sinh(sharpness * drift / n / 2) ** 2 / sharpness**2
    return Gaps(abs(gap / n), abs(drift / n), rise)


families = st.tuples(st.floats(0.3, 3.0), st.floats(-1.5, 1.5), st.floats(-2.0, 2.0))
widths = st.floats(0.0, math.log(1e5)).map(math.exp)


@given(families, widths)
def test_gaps_of_functions_within_their_errors(family, n):
    measured, exact = gaps_of_functions(convex_family(*family), n), exact_gaps(*family, n)
    for name in NAMES:
        error = getattr(measured.error, name)
        assert abs(getattr(measured, name) - getattr(exact, name)) <= error, name
    # And the errors are small. The losses are at most cosh(3 x 3.5)/9 = 2e3, so their rounding is granted
    # 4e-12, which difference quotients with steps of 5e-4 turn into 4e-8 of the curvature 1.
    assert measured.error.loss < 1e-11
    assert measured.error.hyperparameter < 1e-7
    assert measured.error.suboptimality < 1e-5


@given(families, widths, st.lists(st.floats(-2, 2), min_size=5, max_size=25, unique=True))
def test_gaps_of_values_within_their_errors(family, n, grid):
    """The error bounds hold for every convex loss, even on a wild grid; values outside it are not seen."""
    phi = convex_family(*family)
    x = np.unique(np.round([-2.0, *grid, 2.0], 3))
    measured, exact = gaps_of_values(x, phi(n, x), phi(math.inf, x)), exact_gaps(*family, n)
    for name in NAMES:
        error = getattr(measured.error, name)
        assert abs(getattr(measured, name) - getattr(exact, name)) <= error + 1e-12, name


def test_gaps_of_values_refine_with_the_grid():
    """Parabolic interpolation: the error of the minimiser falls at least like the square of the spacing."""
    phi, exact = convex_family(1.5, 0.7, 1.0), exact_gaps(1.5, 0.7, 1.0, 4.0)
    errors = []
    for points in (17, 65, 257):
        x = np.linspace(-2, 2, points)
        measured = gaps_of_values(x, phi(4.0, x), phi(math.inf, x))
        errors.append([abs(getattr(measured, name) - getattr(exact, name)) for name in NAMES])
    assert (
        np.array(errors[2]) < np.array(errors[0]) / 16**2 * 4
    ).all()  # 4: where the vertex falls in its cell


def test_parabolas_are_exact_on_any_grid():
    x = np.array([-2.0, -0.5, 0.0, 0.1, 0.7, 2.0])
    measured = gaps_of_values(x, 3 + (x - 0.3) ** 2, (x - 0.2) ** 2)
    assert (measured.loss, measured.hyperparameter, measured.suboptimality) == pytest.approx((3, 0.1, 0.01))


def test_edge_minimum_and_flat_values_have_honest_errors():
    x = np.linspace(0, 1, 5)
    measured = gaps_of_values(x, x, x + 1)
    assert measured.hyperparameter == 0
    assert measured.loss == 1
    assert measured.error.hyperparameter == 0.25
    flat = gaps_of_values(x, np.ones(5), np.zeros(5))
    assert (flat.loss, flat.suboptimality) == (1, 0)


@given(families, widths, st.floats(-3.0, 3.0))
def test_a_common_shift_moves_nothing(family, n, shift):
    phi = convex_family(*family)
    shifted = Family(lambda n, x: phi(n, x) + (0 if math.isinf(n) else shift), BOX)
    before, after = gaps_of_functions(phi, n), gaps_of_functions(shifted, n)
    assert after.hyperparameter == pytest.approx(before.hyperparameter, abs=1e-9)
    assert after.suboptimality == pytest.approx(before.suboptimality, abs=1e-9)


@given(families, widths)
def test_gaps_against_the_uniform_gap(family, n):
    """a_n <= abar_n and c_n <= 2 abar_n, here with the supremum known: at an end of the box or at 0 slope."""
    phi, gaps = convex_family(*family), gaps_of_functions(convex_family(*family), n)
    uniform = uniform_loss_gap(phi, n)
    # The lattice misses the supremum by half a cell, 1e-3, times the slope of the difference there.
    x = np.linspace(-2, 2, 100_001)
    slack = 1e-3 * np.abs(np.gradient(phi(n, x) - phi(math.inf, x), x)).max() + 1e-12
    assert gaps.loss <= uniform + slack
    assert gaps.suboptimality <= 2 * (uniform + slack)
    assert np.abs(phi(n, x) - phi(math.inf, x)).max() <= uniform + slack


def test_no_gap_at_infinite_width():
    phi = convex_family(1.0, 0.5, 1.0)
    gaps = gaps_of_functions(phi, math.inf)
    assert (gaps.loss, gaps.hyperparameter, gaps.suboptimality) == (0, 0, 0)
    assert uniform_loss_gap(phi, math.inf) == 0


@pytest.mark.parametrize("dimensions", [2, 3])
def test_several_hyperparameters(dimensions):
    box = ((-1.0, 1.0),) * dimensions
    drift, curvatures = np.array([0.3, -0.4, 0.5])[:dimensions], np.array([1.0, 2.0, 0.5])[:dimensions]

    def phi(n, x):
        return np.sum(curvatures / 2 * (x - drift / n) ** 2, axis=-1) + 1 / n

    gaps = gaps_of_functions(Family(phi, box), 2.0)
    assert gaps.loss == pytest.approx(0.5, abs=gaps.error.loss)
    assert gaps.hyperparameter == pytest.approx(np.linalg.norm(drift) / 2, abs=gaps.error.hyperparameter)
    expected = np.sum(curvatures / 2 * (drift / 2) ** 2)
    assert gaps.suboptimality == pytest.approx(expected, abs=gaps.error.suboptimality)
    assert gaps.error.hyperparameter < 1e-6


def test_minimise_at_an_edge_and_of_a_kink():
    falling = minimise(Family(lambda n, x: -x, BOX), math.inf)
    assert (falling.x, falling.value) == (2.0, -2.0)
    kink = minimise(Family(lambda n, x: np.abs(x - 0.123), BOX), math.inf)
    assert abs(kink.x - 0.123) <= kink.x_error < 1e-3
    two = minimise(Family(lambda n, x: np.minimum((x + 1) ** 2 + 1e-3, (x - 1) ** 2), BOX), math.inf)
    assert two.x == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Family(lambda n, x: x, ()), "box"),
        (lambda: Family(lambda n, x: x, ((1.0, 1.0),)), "low < high"),
        (lambda: minimise(Family(lambda n, x: np.where(x > 1, np.nan, x), BOX), 1.0), "phi = nan"),
        (lambda: gaps_of_values([0.0, 1.0], [0, 1], [0, 1]), "at least 3"),
        (lambda: gaps_of_values([0.0, 2.0, 1.0], [0, 1, 2], [0, 1, 2]), "rising"),
        (lambda: gaps_of_values([0.0, 1.0, 2.0], [0, 1], [0, 1, 2]), "values"),
        (lambda: gaps_of_values([0.0, 1.0, 2.0], [0, 1, 2], [0, 1, math.inf]), "limit_values"),
    ],
)
def test_domain(call, message):
    with pytest.raises(DomainError, match=message):
        call()
