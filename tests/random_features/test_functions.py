"""The named functions: both number systems agree, and what is said of them is true."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from hptheory.errors import DomainError, UnknownNameError
from hptheory.random_features.functions import ScalarFunction, function_names, scalar_function
from hptheory.random_features.moments import moments
from hptheory.random_features.named_functions import FUNCTIONS

EXPECTED = {
    "tanh",
    "erf",
    "sin",
    "cubic",
    "relu",
    "sign",
    "linear",
    "step",
    "hermite2",
    "softplus",
    "sigmoid",
}
EXPECTED |= {"gelu", "abs", "silu", "hermite3"}


def test_the_names_of_the_field_are_known():
    assert set(function_names()) >= EXPECTED
    assert all(scalar_function(name).name == name for name in function_names())


@pytest.mark.parametrize("name", [*function_names(), "hermite9"])
def test_numpy_and_mpmath_agree(name):
    function = scalar_function(name)
    points = np.array([-7.5, -2.0, -1.0, -0.37, -1e-9, 0.0, 1e-9, 0.25, 1.0, 3.3, 7.5])
    values = function.numpy(points)
    assert values.shape == points.shape
    with mpmath.workdps(40):
        exact = np.array([float(function.mpmath(mpmath.mpf(z))) for z in points])
    # a few roundings; a polynomial of degree 9 at 7.5 loses two digits, gelu and silu one in the left tail
    np.testing.assert_allclose(values, exact, rtol=1e-13, atol=1e-300)
    assert [float(function.numpy(z)) for z in points] == pytest.approx(list(values), rel=1e-15)


# hermite0 is the constant 1, which has no moments to centre by.
@pytest.mark.parametrize("name", [name for name in function_names() if name != "hermite0"])
def test_odd_means_odd_about_the_mean(name):
    function = scalar_function(name)
    z = np.linspace(0.1, 4, 40)
    centred = (function.numpy(side) - moments(name).mean for side in (z, -z))
    # quadrature gives the mean to 1e-13; where a function is not odd it is so by far more
    assert (np.abs(sum(centred)).max() < 1e-12) == function.odd


@pytest.mark.parametrize(("degree", "coefficients"), [(0, [1]), (1, [0, 1]), (4, [3, 0, -6, 0, 1])])
def test_hermite_polynomials_are_the_probabilists(degree, coefficients):
    z = np.linspace(-3, 3, 7)
    polynomial = sum(c * z**k for k, c in enumerate(coefficients)) / math.sqrt(math.factorial(degree))
    np.testing.assert_allclose(scalar_function(f"hermite{degree}").numpy(z), polynomial, atol=1e-14)


def test_hermite_polynomials_are_orthonormal():
    # Gauss-Hermite with 12 nodes is exact up to degree 23
    nodes, weights = np.polynomial.hermite_e.hermegauss(12)
    values = np.array([scalar_function(f"hermite{k}").numpy(nodes) for k in range(12)])
    np.testing.assert_allclose(values * weights / math.sqrt(2 * math.pi) @ values.T, np.eye(12), atol=1e-11)


@pytest.mark.parametrize(
    ("name", "points"),
    [("relu", [0.0]), ("hardtanh", [-1.0, 1.0]), ("sign", [0.0]), ("softsign", [0.0]), ("elu", [0.0])],
)
def test_declared_kinks_are_where_the_function_is_not_smooth(name, points):
    function = scalar_function(name)
    assert list(function.kinks) == points
    h = 1e-3
    for grid, kinked in ((np.array(points), True), (np.array([-2.3, -0.4, 0.6, 1.7]), False)):
        third = (
            np.abs(np.diff([function.numpy(grid + k * h) for k in (-1.25, -0.25, 0.75, 1.75)], 3, axis=0))
            / h**3
        )
        assert np.all((third > 100) == kinked)  # smooth parts have third derivatives below 10


def test_an_unknown_name_is_named_with_its_neighbours():
    with pytest.raises(UnknownNameError, match="unknown function 'thanh'; did you mean tanh"):
        scalar_function("thanh")
    with pytest.raises(DomainError, match="degree of the Hermite polynomial = 101"):
        scalar_function("hermite101")


@pytest.mark.parametrize(
    ("value", "kinks"), [(3.0, ()), (None, ()), (np.tanh, [math.nan]), (np.tanh, [math.inf])]
)
def test_what_is_no_function_or_no_kink_is_refused(value, kinks):
    with pytest.raises(DomainError):
        scalar_function(value, kinks)


def test_callables_and_scalar_functions_pass_through():
    wrapped = scalar_function(np.arctan, kinks=[1, 0])
    assert wrapped == ScalarFunction("arctan", np.arctan, np.arctan, (0.0, 1.0))
    assert scalar_function(wrapped) is wrapped
    assert scalar_function("relu") is FUNCTIONS["relu"]
