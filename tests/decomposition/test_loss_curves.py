"""What is read off a loss curve, on a grid and of a polynomial, against dense lattices and exact numbers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.polynomial import Chebyshev, Polynomial

from hptheory.decomposition.loss_curves import GridCurve, SmoothCurve, crossings
from hptheory.errors import DomainError
from tests.strategies import polynomial_losses

LATTICE = np.linspace(-1.0, 1.0, 20_001)


@given(polynomial_losses(convex=False))
def test_smooth_measures_are_those_of_a_dense_lattice(series):
    f = SmoothCurve(series, (-1.0, 1.0))
    y = series(LATTICE)
    # Extremes of the lattice fall short by at most max|f''| h^2/8, slopes by max|f''| h: h = 1e-4, f'' < 1e3.
    assert f.oscillation == pytest.approx(np.ptp(y), abs=1e-5)
    assert f.supremum == pytest.approx(np.abs(y).max(), abs=1e-5)
    assert f.lipschitz == pytest.approx(np.abs(series.deriv()(LATTICE)).max(), abs=1e-5)
    assert f.curvature == pytest.approx(series.deriv(2)(LATTICE).min(), abs=1e-4)
    assert series(f.best) == pytest.approx(y.min(), abs=1e-5)
    far = np.abs(LATTICE - f.best) > 0.01
    ratio = 2 * (y - series(f.best))[far] / (LATTICE - f.best)[far] ** 2
    assert f.growth <= ratio.min() + 1e-6  # an infimum over more points
    if f.curvature > 0:
        assert f.growth >= f.curvature * (1 - 1e-9)


@given(
    st.lists(st.integers(-8, 8), min_size=2, max_size=5),
    st.lists(st.integers(-8, 8), min_size=1, max_size=3),
    st.sampled_from([0.0, 1e-310, 1e-150, 1e-20, 1e-16, 1e-12, 1e-8]),
)
@example([0, -4, 4], [3], 1e-150)
def test_a_tiny_leading_coefficient_changes_the_measures_as_little(bends, tail, tiny):
    """Against the lattice, and against the same curve without it: no coefficient is divided by."""
    series = Polynomial([*np.array(bends) / 8, *(tiny * np.array(tail))])
    f, bare = SmoothCurve(series, (-1.0, 1.0)), SmoothCurve(Polynomial(np.array(bends) / 8), (-1.0, 1.0))
    # max|f''| <= 12 + 20 + ...: the lattice misses extremes by at most 60 h^2/8 < 1e-7, h = 1e-4.
    assert series(f.best) == pytest.approx(series(LATTICE).min(), abs=1e-7)
    assert series(f.best) <= series(LATTICE).min() + 1e-14
    # Three terms of at most 8 tiny change values by 24 tiny, slopes by 24 tiny times the degree 7,
    # second derivatives by 24 tiny times 7 * 6; differences of two of them by twice as much.
    assert f.oscillation == pytest.approx(bare.oscillation, abs=48 * tiny + 1e-13)
    assert f.supremum == pytest.approx(bare.supremum, abs=24 * tiny + 1e-13)
    assert f.lipschitz == pytest.approx(bare.lipschitz, abs=168 * tiny + 1e-13)
    assert f.curvature == pytest.approx(bare.curvature, abs=1008 * tiny + 1e-12)


@given(st.lists(st.floats(-1.5, 1.5), min_size=1, max_size=6), st.sampled_from([1.0, 1e-3, 1e-200]))
def test_signs_between_the_crossings_alternate(roots, scale):
    f = Polynomial.fromroots(roots) * scale
    found = crossings(f, -1.0, 1.0)
    assert found == sorted(found)
    # Roots of size <= 1.5 give coefficients of at most 1.5^6 binom(6, 3) < 230: f errs by 230 * 7 * eps.
    noise = 230 * 7 * 2.0**-52 * scale
    knots = [-1.0, *found, 1.0]
    signs = []
    for low, high in pairwise(knots):
        values = f(np.linspace(low, high, 101))
        assert min(values.max(), -values.min()) <= noise, "one sign only"
        if np.abs(values).max() > noise:
            signs.append(np.sign(values[np.argmax(np.abs(values))]))
    isolated = [
        root
        for i, root in enumerate(roots)
        if abs(root) < 0.9 and all(abs(root - other) > 0.1 for j, other in enumerate(roots) if j != i)
    ]
    for root in isolated:  # simple: |f'| >= 0.1^5, so found to within noise * 1e5 / scale = 4e-8
        assert min(abs(root - each) for each in found) < 1e-7


def test_growth_at_a_boundary_minimum():
    """x^2/2 + x/2 on [0, 1]: ratio 1 + 1/x, least at the far end."""
    assert SmoothCurve(Polynomial([0, 0.5, 0.5]), (0.0, 1.0)).growth == pytest.approx(2)


def test_any_series_and_its_domain():
    series = Chebyshev.interpolate(lambda x: np.cosh(x - 0.3), 12, domain=[-2, 2])
    f = SmoothCurve(series, (-2.0, 2.0))
    assert f.best == pytest.approx(0.3, abs=1e-6)
    assert f.curvature == pytest.approx(1, abs=1e-6)
    with pytest.raises(DomainError, match="interval"):
        SmoothCurve(series, (1.0, 1.0))


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=8), st.integers(0, 2**16))
def test_growth_on_a_grid_by_brute_force(values, seed):
    x = np.cumsum(np.random.default_rng(seed).integers(1, 5, len(values))).astype(float)
    f = GridCurve(x, values)
    star = int(np.argmin(values))
    ratios = [2 * (values[i] - values[star]) / (x[i] - x[star]) ** 2 for i in range(len(x)) if i != star]
    assert f.growth == pytest.approx(min(ratios))
    assert f.best == x[star]
    assert f.mesh == np.diff(x).max()


def test_many_curves_at_once():
    y = np.random.default_rng(0).standard_normal((3, 4, 6))
    x = np.arange(6.0)
    batched = GridCurve(x, y)
    for name in ("best", "oscillation", "supremum", "lipschitz", "curvature", "growth"):
        one = [[getattr(GridCurve(x, row), name) for row in block] for block in y]
        np.testing.assert_array_equal(getattr(batched, name), one)
    assert GridCurve(x[:2], y[..., :2]).curvature.tolist() == np.zeros((3, 4)).tolist()
