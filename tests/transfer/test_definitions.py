import math

import numpy as np
import pytest
import sympy
from hypothesis import given

from hptheory.errors import DomainError
from hptheory.transfer import zoo
from hptheory.transfer.definitions import is_fast, is_weak, local_growth, local_tightness
from hptheory.transfer.families import Family
from hptheory.transfer.rates import is_useful
from tests.strategies import positive_fractions

BOX = ((-2.0, 2.0),)


@given(positive_fractions(), positive_fractions())
def test_fast_is_useful(alpha, beta):
    assert is_fast(alpha, beta) == is_useful(alpha, beta)
    assert not is_fast(alpha, alpha / 2)
    assert not is_fast(alpha, -beta)
    assert not is_weak(-alpha, beta)


def test_predicates_take_arrays_and_symbols():
    assert is_fast(1.0, np.array([0.4, 0.5, 0.6])).tolist() == [False, False, True]
    alpha, beta = sympy.symbols("alpha beta", positive=True)
    assert is_weak(alpha, beta) == True  # noqa: E712  (SymPy's true)
    assert is_fast(alpha, beta) == (2 * beta > alpha)


def test_growth_of_a_quartic_well():
    """phi = x^2 + x^4: 2 (phi - phi*)/d^2 = 2 (1 + d^2), between 2 at d -> 0 and 2 (1 + delta^2)."""
    family = Family(lambda n, x: x**2 + x**4, BOX)
    for delta in (0.5, 1.5):
        growth = local_growth(family, delta)
        assert growth.tau == pytest.approx(2, abs=2 * (2 * delta / 2000) ** 2 * 2)  # the point nearest to 0
        assert growth.smoothness == pytest.approx(2 * (1 + delta**2), rel=1e-9)
        assert growth.holds


def test_growth_of_an_anisotropic_bowl():
    """Of x^T diag(1, 4) x / 2 the extremes are the eigenvalues 1 and 4, reached along the axes."""
    family = Family(lambda n, x: (x[..., 0] ** 2 + 4 * x[..., 1] ** 2) / 2, BOX * 2)
    growth = local_growth(family, 1.0)
    assert (growth.tau, growth.smoothness) == pytest.approx((1, 4), rel=1e-6)


def test_a_second_minimiser_or_a_flat_one_is_not_strongly_convex():
    wells = Family(lambda n, x: (x**2 - 1) ** 2 / 4, ((-3.0, 3.0),))
    assert local_growth(wells, delta=0.5).holds
    assert local_growth(wells, delta=2.0).tau == pytest.approx(0, abs=1e-5)
    flat = local_growth(Family(lambda n, x: x**6, BOX), delta=1.0)
    assert flat.tau < 1e-8


def test_tightness_of_a_shift_and_of_a_tilt():
    shift = Family(lambda n, x: x**2 + 1 / n, BOX)
    both = local_tightness(shift, [2.0, 50.0], radius=1.0)
    assert (both.lower, both.upper) == pytest.approx((1, 1), rel=1e-12)
    tilt = Family(lambda n, x: x**2 + (1 + x / 4) / n, BOX)
    # The difference is (1 + x/4)/n; its supremum over the box 1.5/n, on the ball within [3/4, 5/4]/n.
    tilted = local_tightness(tilt, [2.0, 50.0], radius=1.0)
    assert (tilted.lower, tilted.upper) == pytest.approx((0.5, 5 / 6), rel=1e-12)
    assert tilted.gaps == pytest.approx((0.75, 0.03))
    # From below is not tight, by the definition's sign.
    assert not local_tightness(Family(lambda n, x: x**2 - 1 / n, BOX), [2.0], radius=1.0).holds


@pytest.mark.parametrize("width", [1e2, 1e4, 1e6])
def test_tightness_in_the_zoo(width):
    """Tight: ripples, with the constants of its proof. Not: every parabola that drifts with beta < alpha."""
    k = math.pi / (3 * math.sqrt(3))
    ripples = local_tightness(zoo.ripples(), [width], radius=1.0, points=20_001)
    assert ripples.lower == pytest.approx((2 - k) / (2 + k), rel=1e-3)
    assert ripples.upper == pytest.approx(1, rel=1e-3)
    assert not local_tightness(zoo.tied(), [width], radius=0.5).holds
    assert not local_tightness(zoo.slow(), [width], radius=0.5).holds
    assert local_tightness(zoo.quadratic(1, 2), [width], radius=0.5).holds


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: local_growth(f, delta=2.5), "radius = 2.5.*<= 2"),
        (lambda f: local_growth(f, delta=0.0), "radius = 0"),
        (lambda f: local_tightness(f, [math.inf], radius=1.0), "width = inf"),
    ],
)
def test_domain(call, message):
    with pytest.raises(DomainError, match=message):
        call(Family(lambda n, x: x**2 + 1 / n, BOX))
