"""Assumption 2: every clause is enforced, and what the registry says of a function is what probing finds."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from hptheory.errors import HPTheoryError, UnknownNameError
from hptheory.random_features.assumptions import (
    AssumptionError,
    AssumptionWarning,
    check_assumptions,
    has_bounded_derivatives,
    is_lipschitz,
    is_odd,
)
from hptheory.random_features.functions import function_names, scalar_function
from hptheory.random_features.moments import moments
from tests.strategies import affine_maps

NAMES = [name for name in function_names() if name != "hermite0"]


@pytest.mark.parametrize("activation", ["tanh", "erf", "sin", "arctan", "sigmoid", math.tanh, np.arctan])
@pytest.mark.parametrize("teacher", ["relu", "tanh", "softplus", lambda z: np.maximum(z, 0.0)])
def test_what_satisfies_the_assumption_passes_in_silence(activation, teacher):
    assert check_assumptions(activation, teacher) is None  # warnings are errors in this suite


@pytest.mark.parametrize(
    ("activation", "clause"),
    [
        ("relu", "sigma is odd"),
        ("gelu", "sigma is odd"),
        (lambda z: np.tanh(z) + 1e-3 * z**2 * np.exp(-(z**2)), "sigma is odd"),
        ("linear", "sigma is nonlinear"),
        (lambda z: 2 * z - 7, "sigma is nonlinear"),
        ("hermite3", "E sigma' != 0"),
        ("abs", "E sigma' != 0"),
        (lambda z: np.cos(z), "E sigma' != 0"),
    ],
)
def test_a_student_that_breaks_the_formulas_is_an_error(activation, clause):
    with pytest.raises(AssumptionError) as caught:
        check_assumptions(activation, "tanh")
    assert caught.value.clause == clause
    # The others leave no model: mu1_sq would be 0 or 1.
    assert ("check_assumptions=False" in str(caught.value)) == (clause == "sigma is odd")
    assert "activation" in caught.value.function
    assert isinstance(caught.value, HPTheoryError)


@pytest.mark.parametrize("teacher", ["abs", "hermite2", "hermite3", "cos", lambda z: z**2])
def test_a_teacher_without_a_linear_part_is_an_error(teacher):
    with pytest.raises(AssumptionError, match=r"E sigma\*' != 0.*null estimator"):
        check_assumptions("tanh", teacher)


@pytest.mark.parametrize(
    "activation", ["cubic", "sign", "hardtanh", "softsign", math.sinh, lambda z: z + z**3]
)
def test_a_student_with_unbounded_derivatives_is_a_warning(activation):
    with pytest.warns(AssumptionWarning, match="bounded first three derivatives") as caught:
        check_assumptions(activation, "tanh")
    assert ("only checked numerically" in str(caught[0].message)) == callable(activation)
    assert caught[0].filename == __file__  # it points at the caller


@pytest.mark.parametrize("teacher", ["sign", "step", "cubic", "exp", math.exp, np.sign, lambda z: z * abs(z)])
def test_a_teacher_that_is_not_lipschitz_is_a_warning(teacher):
    with pytest.warns(AssumptionWarning, match=r"sigma\* is Lipschitz") as caught:
        check_assumptions("tanh", teacher)
    assert ("only checked numerically" in str(caught[0].message)) == callable(teacher)


@pytest.mark.parametrize("name", NAMES)
def test_probing_finds_what_the_registry_says(name):
    function = scalar_function(name)
    unknown = replace(function, odd=None, bounded_derivatives=None, lipschitz=None)
    found = (is_odd(unknown, moments(name).mean), has_bounded_derivatives(unknown), is_lipschitz(unknown))
    assert tuple(map(bool, found)) == (function.odd, function.bounded_derivatives, function.lipschitz)


@given(affine_maps())
def test_law_affine_maps_do_not_matter(ab):
    a, b = ab
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_assumptions(lambda z: a * np.tanh(z) + b, lambda z: b - a * np.maximum(z, 0))
    with pytest.raises(AssumptionError, match="sigma is odd"):
        check_assumptions(lambda z: a * np.maximum(z, 0) + b, "tanh")


def test_an_unknown_name_is_an_unknown_name():
    with pytest.raises(UnknownNameError, match="thanh"):
        check_assumptions("thanh", "relu")
