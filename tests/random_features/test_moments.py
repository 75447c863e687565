"""Gaussian moments: closed forms against quadrature, quadrature against closed forms, and honest errors."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hptheory.errors import DomainError
from hptheory.random_features.functions import function_names, scalar_function
from hptheory.random_features.moments import MomentError, MomentPrecisionError, moments
from tests.strategies import affine_maps

NAMES = [name for name in function_names() if name != "hermite0"]
CLOSED = [name for name in NAMES if scalar_function(name).closed_form is not None]
OPEN = [name for name in NAMES if scalar_function(name).closed_form is None]


def gauss_legendre_moments(function):
    """(mean, variance, mu1_sq) by a rule that the library does not use, at mpmath's working precision."""
    points = sorted({*range(-18, 19, 2), *function.kinks, 0})  # the density at 18 is 1e-71

    def expect(g):
        pieces = (
            mpmath.quad(lambda z: g(z) * mpmath.npdf(z), piece, method="gauss-legendre")
            for piece in pairwise(points)
        )
        return mpmath.fsum(pieces)

    values = {}

    def f(z):
        return values[z] if z in values else values.setdefault(z, function.mpmath(z))

    mean = expect(f)
    variance = expect(lambda z: (f(z) - mean) ** 2)
    return mean, variance, expect(lambda z: z * f(z)) ** 2 / variance


@pytest.mark.parametrize("name", NAMES)
def test_moments_to_25_digits_meet_gauss_legendre(name):
    with mpmath.workdps(25):
        found = moments(name, precision=25)
        mean, variance, mu1_sq = gauss_legendre_moments(scalar_function(name))
        # Gauss-Legendre stops at its own error of 1e-26 a piece, and exp and the cubic are of order 10
        tolerance = mpmath.mpf("1e-22")
        assert abs(found.mean - mean) < tolerance
        assert abs(found.variance - variance) < tolerance * variance
        assert abs(found.mu1_sq - mu1_sq) < tolerance
        assert abs(found.mu1**2 - found.mu1_sq) < tolerance


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("declared", [True, False])
def test_the_reported_error_of_a_quadrature_holds(name, declared):
    function = scalar_function(name)
    exact = moments(name)
    found = moments(replace(function, closed_form=None, odd=None, kinks=function.kinks if declared else ()))
    assert found.method == "quadrature"
    assert abs(found.mu1_sq - exact.mu1_sq) <= found.error < 1e-11
    assert found.mean == pytest.approx(exact.mean, abs=1e-12)
    assert found.variance == pytest.approx(exact.variance, rel=1e-12)
    assert found.mu1 == pytest.approx(exact.mu1, abs=1e-12)


def test_gauss_hermite_is_wrong_in_the_third_digit_on_relu_and_this_is_not():
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    weights = weights / weights.sum()
    values = np.maximum(nodes, 0)
    centred = values - weights @ values
    naive = (weights @ (nodes * centred)) ** 2 / (weights @ centred**2)
    exact = 0.25 / (0.5 - 0.5 / math.pi)
    assert abs(naive - exact) > 2e-3
    assert abs(moments(lambda z: max(z, 0.0)).mu1_sq - exact) < 1e-14
    assert abs(moments(lambda z: max(z, 0.0), kinks=[0]).mu1_sq - exact) < 1e-14
    assert abs(moments("relu").mu1_sq - exact) < 1e-15


@pytest.mark.parametrize("name", NAMES)
def test_floats_are_the_rounded_exact_values(name):
    exact, found = moments(name, precision=25), moments(name)
    assert abs(found.mu1_sq - exact.mu1_sq) <= found.error < 1e-12
    assert all(type(value) is float for value in (found.mean, found.variance, found.mu1, found.mu1_sq))
    assert all(
        isinstance(value, mpmath.mpf) for value in (exact.mean, exact.variance, exact.mu1, exact.error)
    )
    assert found.mu1_sq + found.mu2_sq == 1


@pytest.mark.parametrize("name", OPEN)
def test_two_precisions_agree(name):
    low, high = moments(name, precision=20), moments(name, precision=35)
    with mpmath.workdps(20):
        # correctly rounded: the shorter is the longer, rounded, up to one unit of its last digit
        assert abs(low.mu1_sq - high.mu1_sq) <= 2 * mpmath.eps
        assert abs(low.variance - high.variance) <= 2 * mpmath.eps


def test_fifty_digits_of_tanh_by_the_trapezoidal_rule():
    # tanh is analytic for |Im z| < pi/2, so the rule's error is exp(-pi^2/h): 1e-60 at h = 1/14
    with mpmath.workdps(65):
        h = mpmath.mpf(1) / 14
        nodes = [k * h for k in range(-14 * 17, 14 * 17 + 1)]
        weights = [h * mpmath.npdf(z) for z in nodes]
        slope, second = (
            mpmath.fsum(w * g(z) for w, z in zip(weights, nodes, strict=True))
            for g in (lambda z: z * mpmath.tanh(z), lambda z: mpmath.tanh(z) ** 2)
        )
        assert abs(moments("tanh", precision=50).mu1_sq / (slope**2 / second) - 1) < mpmath.mpf("1e-50")


@given(affine_maps())
@example((1e-3, 1.0))
@example((-1e3, 0.0))
def test_law_affine_maps_do_not_matter(ab):
    a, b = ab
    exact, found = moments("tanh"), moments(lambda z: a * np.tanh(z) + b)
    # rounding of a value is up to a thousand units of the last digit of a
    assert abs(found.mu1_sq - exact.mu1_sq) <= found.error + exact.error < 1e-10
    assert math.copysign(1, found.mu1) == math.copysign(1, a)


@pytest.mark.parametrize("name", ["softplus", "relu", "elu", "exp", "gelu"])
def test_law_reflection_does_not_matter(name):
    function = scalar_function(name)
    found = moments(lambda z: function.numpy(-z), kinks=function.kinks)
    assert abs(found.mu1_sq - moments(name).mu1_sq) <= found.error + moments(name).error
    assert found.mu1 < 0


def test_law_mu1_sq_is_one_for_linear_functions_only():
    squares = {name: moments(name).mu1_sq for name in NAMES}
    assert {name for name, value in squares.items() if value == 1} == {"linear", "hermite1"}
    assert all(0 <= value <= 1 for value in squares.values())
    assert moments(lambda z: 5 - 2 * z).mu2_sq <= 1e-12


@given(st.floats(-3, 3), st.booleans())
@example(0.0, False)
@example(-0.9064978563913431, False)  # one set of pieces errs by 6e-8 and reports 1e-13; the other sees it
def test_a_shifted_kink_is_found_or_its_error_reported(c, declared):
    # f = max(z - c, 0): E f = p - c q, E f^2 = (1 + c^2) q - c p, E z f = q; p the density, q = P(z > c)
    density = math.exp(-c * c / 2) / math.sqrt(2 * math.pi)
    tail = math.erfc(c / math.sqrt(2)) / 2
    mean = density - c * tail
    exact = tail**2 / ((1 + c * c) * tail - c * density - mean**2)
    found = moments(lambda z: np.maximum(z - c, 0), kinks=[c] if declared else [])
    assert abs(found.mu1_sq - exact) <= found.error + 1e-12  # the formula loses up to three digits at c = 3
    assert found.error < (1e-11 if declared else 1e-6)


@pytest.mark.parametrize("steepness", [10, 1e3, 1e5])
@pytest.mark.parametrize("kinks", [(), (0.0,)])
def test_a_steep_step_is_not_overlooked(steepness, kinks):
    # erf(c z) has E f^2 = (2/pi) asin(2 c^2 / (1 + 2 c^2)) and E f' = 2 c / sqrt(pi (1 + 2 c^2))
    from scipy.special import erf

    c = steepness
    exact = (4 * c**2 / (math.pi * (1 + 2 * c**2))) / (2 / math.pi * math.asin(2 * c**2 / (1 + 2 * c**2)))
    found = moments(lambda z: erf(c * z), kinks=kinks)
    assert abs(found.mu1_sq - exact) <= found.error + 1e-10  # asin near 1 costs the formula half its digits
    assert found.error < 1e-9


def test_integrable_singularities_are_integrated():
    # E log|z| = -(gamma + log 2)/2 and Var log|z| = pi^2/8
    found = moments(lambda z: np.log(np.abs(z)), kinks=[0])
    assert found.mean == pytest.approx(-(np.euler_gamma + math.log(2)) / 2, abs=1e-10)
    assert found.variance == pytest.approx(math.pi**2 / 8, rel=1e-10)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda z: np.exp(z**2), "is inf at z"),
        (lambda z: math.exp(z**2), "math range error"),
        (lambda z: np.exp(z**2 / 4), "E f\\(z\\)\\^2 is infinite"),
        (np.log, "is nan at z"),
        (lambda z: z + 1j, "finite real values"),
        (lambda z: 3.0, "is constant"),
        (lambda z: 0.0, "is constant"),
        (lambda z: 1e20 + z, "is constant"),
        ("hermite0", "is constant"),
        (lambda z: "a", "gives no real number"),
        (lambda z: np.array([z, z]), "gives no real number"),
    ],
)
def test_moments_that_do_not_exist_are_named(function, message):
    with pytest.raises(MomentError, match=message):
        moments(function)


@pytest.mark.parametrize("function", [lambda z: 1 / z, lambda z: np.sign(np.sin(200 * z))])
def test_a_quadrature_that_does_not_converge_says_so(function):
    with pytest.raises(MomentPrecisionError, match="did not converge: the error of mu1_sq is about"):
        moments(function)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (np.tanh, "does not take mpmath numbers"),
        (math.tanh, "turns mpmath numbers into float"),
        (lambda z: float(z) ** 3, "turns mpmath numbers into float"),
        (lambda z: mpmath.sqrt(z), "turns mpmath numbers into mpc"),
        (lambda z: max(z - 0.3, 0), "declare its kinks"),
    ],
)
def test_a_precision_that_cannot_be_reached_says_why(function, message):
    with pytest.raises(MomentPrecisionError, match=message):
        moments(function, precision=30)


def test_callables_of_mpmath_numbers_reach_any_precision():
    found = moments(lambda z: mpmath.erf(z), precision=40)
    assert abs(found.mu1_sq - moments("erf", precision=50).mu1_sq) < mpmath.mpf("1e-39")
    step = moments(lambda z: 1.0 if z > 0.25 else 0.0, precision=30, kinks=[0.25])  # whole numbers are exact
    with mpmath.workdps(30):
        tail = mpmath.erfc(0.25 / mpmath.sqrt(2)) / 2
        assert abs(step.mu1_sq - mpmath.npdf(0.25) ** 2 / (tail * (1 - tail))) < mpmath.mpf("1e-29")


def test_precision_may_be_any_integer():
    assert moments("tanh", precision=np.int64(20)) == moments("tanh", precision=20)


@pytest.mark.parametrize("precision", [0, -3, 2.5, "50", True])
def test_precision_is_a_number_of_digits(precision):
    with pytest.raises(DomainError, match="precision"):
        moments("tanh", precision=precision)


def test_normalise_gives_mean_zero_and_variance_one():
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    values = moments("cubic").normalise(scalar_function("cubic").numpy(nodes))
    weights = weights / weights.sum()
    assert weights @ values == pytest.approx(0, abs=1e-12)
    assert weights @ values**2 == pytest.approx(1, rel=1e-12)
