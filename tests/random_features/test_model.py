"""The object: the theory against the printed equations, number systems, limits, and bad input."""

from __future__ import annotations

import dataclasses
import math
from decimal import Decimal
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from hptheory.errors import DomainError, HPTheoryError, UnknownNameError
from hptheory.random_features import NonPositiveOptimumError, RandomFeatures
from tests import strategies
from tests.random_features.reference import risk_reference

FIGURE_4 = RandomFeatures.from_functions("tanh", "relu", psi1=4.0, noise_std=0.25)
FIGURE_4_FLOATS = dataclasses.replace(FIGURE_4)


@pytest.mark.parametrize("ridge", [1e-6, 0.3, 1e4])
@pytest.mark.parametrize(("psi1", "psi2"), [(4.0, 2.0), (0.5, 8.0), (1.0, 1.0), (3.0, math.inf)])
def test_risk_is_that_of_the_printed_equations(ridge, psi1, psi2):
    rf = RandomFeatures(psi1, 0.6, 0.7, 0.1)
    expected = risk_reference(ridge, psi1, psi2, 0.6, 0.7, 0.1)
    assert abs(float(rf.risk(ridge, psi2) / expected) - 1) < 1e-13


@given(strategies.random_features(), strategies.ridges(), strategies.widths())
def test_float64_is_right_to_rounding(rf, ridge, psi2):
    """m1, m2, their derivatives and the risk to 1e-14: sums of positive terms, about 40 roundings deep."""
    for found, exact in (
        (rf.stieltjes(ridge, psi2), rf.stieltjes(ridge, psi2, precision=25)),
        (rf.stieltjes_derivative(ridge, psi2), rf.stieltjes_derivative(ridge, psi2, precision=25)),
        ((rf.risk(ridge, psi2),), (rf.risk(ridge, psi2, precision=25),)),
    ):
        for one, other in zip(found, exact, strict=True):
            assert abs(mp.mpf(one) / other - 1) < 1e-14


@pytest.mark.parametrize(("psi2", "sign"), [(3.0, -1), (5.0, 1), (math.inf, 1)])
def test_law_the_signs_of_the_stieltjes_transforms_below_ridge_0(psi2, sign):
    """psi1 = 4: halfway to the edge of the spectrum."""
    m1, m2 = FIGURE_4_FLOATS.stieltjes(FIGURE_4_FLOATS.ridge_edge(psi2) / 2, psi2)
    assert sign * m1 > sign * m2 > 0


@given(strategies.random_features(), strategies.ridges(), strategies.widths())
def test_laws_of_the_stieltjes_transforms(rf, ridge, psi2):
    """m1 >= m2 > 0 (equal to rounding at huge ridge), ridge m1 < 1, both falling in the ridge."""
    m1, m2 = rf.stieltjes(ridge, psi2)
    assert m1 >= m2 > 0
    assert ridge * m1 <= 1
    d1, d2 = rf.stieltjes_derivative(ridge, psi2)
    assert d1 < 0
    assert d2 < 0
    more = rf.stieltjes(2 * ridge, psi2)
    assert more[0] < m1
    assert more[1] < m2


@given(strategies.random_features(), strategies.ridges(), strategies.widths())
def test_bounds_of_the_risk(rf, ridge, psi2):
    """Above what no linear student can learn, B; towards the null risk 1 + noise_var at infinite ridge."""
    unlearnable = 1 - rf.teacher_mu1_sq + rf.noise_var
    assert rf.risk(ridge, psi2) > unlearnable * (1 - 1e-14)
    # At ridge 1e20 the student has learnt a part of size P1/ridge < 1e-16.
    assert rf.risk(1e20, psi2) == pytest.approx(1 + rf.noise_var, rel=1e-14)


@given(strategies.random_features(), strategies.ridges())
def test_infinite_width_is_the_limit(rf, ridge):
    """risk(psi2) -> risk(inf) with the slope d risk / d eta: what is left falls ten times when eta does."""
    with mp.workdps(80):
        limit = rf.risk(ridge, precision=70)
        slope = rf.risk_eta_derivative(ridge, precision=70)
        left = [
            (rf.risk(ridge, mp.mpf(float(rf.psi1)) / eta, precision=70) - limit) / eta - slope
            for eta in (mp.mpf(10) ** -15, mp.mpf(10) ** -16)
        ]
        # Differences of 70-digit numbers over 1e-16 are good to 1e-53.
        assert abs(left[1]) <= abs(left[0]) * mp.mpf("0.10001") + mp.mpf(10) ** -52


@given(strategies.random_features(), strategies.ridges(), strategies.widths())
def test_derivatives_in_the_ridge(rf, ridge, psi2):
    """Against symmetric differences at 60 digits."""
    with mp.workdps(60):
        h = mp.mpf(ridge) * mp.mpf(10) ** -15
        low, mid, high = (rf.risk(mp.mpf(ridge) + k * h, psi2, precision=55) for k in (-1, 0, 1))
        first = rf.risk_derivative(ridge, psi2, precision=25)
        second = rf.risk_derivative(ridge, psi2, order=2, precision=25)
        # The next terms of the differences are of relative size 1e-30, measured on the scale of the risk.
        assert abs((high - low) / (2 * h) - first) <= mp.mpf(10) ** -18 * mid / ridge
        assert abs((high - 2 * mid + low) / h**2 - second) <= mp.mpf(10) ** -18 * mid / mp.mpf(ridge) ** 2


def test_interpolation_and_the_peak():
    """Ridge 0 is the limit from above, infinite at psi1 = psi2; m1 is infinite for psi2 <= psi1."""
    for psi2 in (0.5, 3.9, 4.1, 40.0, math.inf):
        assert FIGURE_4.risk(0.0, psi2) == pytest.approx(FIGURE_4.risk(1e-13, psi2), rel=1e-8)
    assert FIGURE_4.risk(0.0, 4.0) == math.inf
    assert FIGURE_4.risk(0.0, 4.0, precision=30) == math.inf
    assert FIGURE_4.stieltjes(0.0, 2.0)[0] == math.inf
    assert FIGURE_4.stieltjes(0.0, 2.0, precision=30)[0] == math.inf
    assert FIGURE_4.stieltjes(0.0, 8.0)[0] < math.inf
    assert FIGURE_4.stieltjes_derivative(0.0, 4.0)[0] == -math.inf


def test_negative_ridges_down_to_the_edge():
    edge = FIGURE_4.ridge_edge(10.0)
    assert edge < 0
    risks = FIGURE_4.risk(edge * np.array([0.9, 0.99, 0.999]), 10.0)
    assert np.all(np.diff(risks) > 0)
    with pytest.raises(DomainError, match="above the edge of the spectrum"):
        FIGURE_4.risk([0.1, 1.01 * edge], 10.0)
    with pytest.raises(DomainError, match="above the edge of the spectrum"):
        FIGURE_4.risk(1.01 * edge, 10.0, precision=30)
    assert FIGURE_4.ridge_edge(4.0) == 0.0


@given(strategies.random_features(), strategies.widths())
def test_the_edge_is_where_the_ridge_is_lowest(rf, psi2):
    """At two precisions, symmetric in samples and features, with a risk that still rises next to it."""
    edge, again = rf.ridge_edge(psi2, precision=20), rf.ridge_edge(psi2, precision=40)
    with mp.workdps(45):
        assert abs(edge - again) <= abs(again) * mp.mpf(10) ** -19
    if psi2 < math.inf:
        swapped = RandomFeatures(psi2, rf.mu1_sq, 0.5).ridge_edge(rf.psi1, precision=20)
        assert abs(swapped * mp.mpf(rf.psi1) - edge * mp.mpf(psi2)) <= abs(edge) * mp.mpf(psi2) * 1e-15
    if edge < 0 and (psi2 < math.inf or rf.psi1 < 1):
        with mp.workdps(45):
            ridges = [again * (1 - mp.mpf(10) ** -k) for k in (16, 20)]
        near, nearer = (rf.risk(ridge, psi2, precision=15) for ridge in ridges)
        assert nearer > near


@given(strategies.random_features(), strategies.widths(), st.integers(1, 14))
def test_floats_are_right_next_to_the_edge(rf, psi2, k):
    """Negative ridges cancel in P1 - g; the values are right all the same, and above B."""
    ridge = rf.ridge_edge(psi2) * (1 - 10.0**-k)
    assume(ridge < 0)
    try:
        exact = rf.risk(ridge, psi2, precision=20)
    except DomainError:
        assume(False)
    assert abs(rf.risk(ridge, psi2) - exact) <= 1e-15 * exact
    assert rf.risk(ridge, psi2) > (1 - rf.teacher_mu1_sq + rf.noise_var) * (1 - 1e-14)


@pytest.mark.parametrize(
    ("call", "digits"),
    [
        (lambda rf, **p: rf.risk(1e300, 2.0, **p), 25),
        (lambda rf, **p: rf.risk(5e-324, 2.0, **p), 25),
        (lambda rf, **p: rf.risk(0.3, 1e300, **p), 25),
        (lambda rf, **p: rf.risk(0.3, 1e-300, **p), 25),
        (lambda rf, **p: rf.optimal_ridge(1e104, **p), 25),
        (lambda rf, **p: rf.optimal_risk(1e-155, **p), 25),
        (lambda rf, **p: rf.gaps(1e140, **p).suboptimality, 25),
        (lambda rf, **p: RandomFeatures(1e-290, 0.9, 0.7, 0.1).optimal_ridge(2.0, **p), 25),
    ],
)
def test_numbers_far_outside_the_box(call, digits):
    """Where doubles overflow on the way, mpmath takes over; no warning, no NaN."""
    exact = call(FIGURE_4_FLOATS, precision=digits)
    assert abs(call(FIGURE_4_FLOATS) - exact) <= 1e-13 * abs(exact)


def test_the_gaps_of_an_absurdly_wide_model():
    """At psi2 = 1e150, c_n is still its constant times eta^2 (a fixed tiny constant once showed here)."""
    constant = FIGURE_4_FLOATS.large_width(1, precision=30).suboptimality_constant
    gap = FIGURE_4_FLOATS.gaps("1e150", precision=30).suboptimality
    assert abs(gap / (mp.mpf(4) / mp.mpf(10) ** 150) ** 2 / constant - 1) < 1e-14


def test_a_changed_copy_forgets_its_functions():
    noisy = dataclasses.replace(FIGURE_4, noise_var=1.0)
    assert abs(noisy.risk(0.1, 2.0, precision=20) - noisy.risk(0.1, 2.0)) < 1e-14


@pytest.mark.parametrize(
    "kind", [int, float, np.int64, np.float32, str, Fraction, Decimal, mp.mpf, sp.Integer]
)
def test_numbers_of_every_kind(kind):
    """Parameters, ridges and widths; 2, 4 and 1/2 are exact in all of them."""
    half = Fraction(1, 2) if kind in (int, np.int64, sp.Integer) else kind("0.5")
    rf = RandomFeatures(kind(4), half, half, kind(2))
    expected = RandomFeatures(4.0, 0.5, 0.5, 2.0)
    assert rf.risk(kind(2), kind(2)) == expected.risk(2.0, 2.0)
    assert rf.risk(kind(2), kind(2), precision=20) == expected.risk(2.0, 2.0, precision=20)
    assert rf.optimal_ridge(kind(2)) == expected.optimal_ridge(2.0)
    assert rf.gaps(kind(2)) == expected.gaps(2.0)
    assert rf.large_width(1, exact=True) == expected.large_width(1, exact=True)


@pytest.mark.parametrize("rf", [FIGURE_4_FLOATS, RandomFeatures(4.0, 0.25, 0.9, 1e50)])
def test_the_peak_of_interpolation_is_infinite_from_above(rf):
    """At psi2 = psi1; -0.0 is the same ridge."""
    for precision in (None, 20):
        for ridge in ("0", 0.0, -0.0):
            assert rf.risk(ridge, 4.0, precision=precision) == math.inf
            assert rf.risk_derivative(ridge, 4.0, precision=precision) == -math.inf
    assert list(rf.risk_derivative([-0.0, 0.0], 4.0)) == [-math.inf, -math.inf]


@pytest.mark.parametrize("infinity", ["inf", sp.oo, mp.inf, Decimal("inf")])
def test_infinities_of_every_kind(infinity):
    assert FIGURE_4_FLOATS.risk(0.1, infinity) == FIGURE_4_FLOATS.risk(0.1)
    assert FIGURE_4_FLOATS.risk(0.1, infinity, precision=15) == FIGURE_4_FLOATS.risk(0.1, precision=15)
    assert FIGURE_4_FLOATS.optimal_ridge(infinity) == FIGURE_4_FLOATS.optimal_ridge()


def test_irrational_parameters():
    exact = RandomFeatures(sp.sqrt(2), 0.25, 0.5, sp.pi)
    near = RandomFeatures(math.sqrt(2), 0.25, 0.5, math.pi)
    assert exact.gaps(3.0).loss == pytest.approx(near.gaps(3.0).loss, rel=1e-14)
    with pytest.raises(NonPositiveOptimumError):
        RandomFeatures(sp.sqrt(2), 0.25, sp.sqrt(3) / 2).gaps(3.0)


def test_domains_of_exact_numbers_are_exact():
    assert RandomFeatures(4, 1 - Fraction(1, 10**30), "0.5").mu1_sq < 1
    with pytest.raises(DomainError, match="teacher_mu1_sq"):
        RandomFeatures(4, "0.5", 1 + Fraction(1, 10**30))


def test_empty_arrays():
    for precision in (None, 20):
        assert FIGURE_4.risk([], 2.0, precision=precision).shape == (0,)
        assert FIGURE_4.optimal_ridge([], precision=precision).shape == (0,)
        assert FIGURE_4.gaps([], precision=precision).loss.shape == (0,)
        assert FIGURE_4.stieltjes([], 2.0, precision=precision)[0].shape == (0,)
    assert FIGURE_4.ridge_edge([1.0, 4.0, math.inf]).shape == (3,)


def test_broadcasting():
    ridge, psi2 = np.logspace(-3, 3, 5)[:, None], np.array([1.0, 4.0, math.inf])
    risk = FIGURE_4.risk(ridge, psi2)
    assert risk.shape == (5, 3)
    m1, m2 = FIGURE_4.stieltjes(ridge, psi2)
    assert m1.shape == m2.shape == (5, 3)
    assert risk[2, 1] == FIGURE_4.risk(float(ridge[2, 0]), 4.0)
    assert isinstance(FIGURE_4.risk(0.1, 1.0), float)
    assert FIGURE_4.risk(np.empty((0, 3)), 2.0).shape == (0, 3)
    assert FIGURE_4.risk(ridge, psi2, precision=20).shape == (5, 3)


def test_numbers_mean_what_they_say():
    """A float is its binary value, a str or Fraction its decimal value."""
    binary = RandomFeatures(4.0, 0.1, 0.7, 0.1).risk(0.5, 2.0, precision=30)
    decimal = RandomFeatures("4", "0.1", Fraction(7, 10), "0.1").risk("0.5", "2", precision=30)
    same = RandomFeatures(4, Fraction(0.1), Fraction(0.7), Fraction(0.1)).risk(0.5, 2.0, precision=30)
    assert binary == same
    assert 0 < abs(binary - decimal) < 1e-15
    assert RandomFeatures("4", "0.1", "0.7", "0.1").risk("0.5", "2") == pytest.approx(
        float(decimal), rel=1e-15
    )


def test_moments_are_recomputed_at_the_precision_asked():
    """tanh has no closed form: 40 digits of the risk need 40 digits of its moment."""
    short, long = (FIGURE_4.risk(0.1, 2.0, precision=p) for p in (30, 40))
    with mp.workdps(45):
        assert abs(short - long) < mp.mpf(10) ** -29
    assert abs(float(long) - FIGURE_4.risk(0.1, 2.0)) < 1e-14


def test_jax_under_jit_grad_and_vmap():
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    with jax.enable_x64(True):
        ridge = jnp.logspace(-3, 3, 7)
        risk = jax.jit(lambda r: FIGURE_4.risk(r, 2.0))
        np.testing.assert_allclose(risk(ridge), FIGURE_4.risk(np.asarray(ridge), 2.0), rtol=1e-13)
        slope = jax.vmap(jax.grad(risk))(ridge)
        bend = jax.vmap(jax.grad(jax.grad(risk)))(ridge)
        np.testing.assert_allclose(slope, FIGURE_4.risk_derivative(np.asarray(ridge), 2.0), rtol=1e-11)
        np.testing.assert_allclose(
            bend, FIGURE_4.risk_derivative(np.asarray(ridge), 2.0, order=2), rtol=1e-10
        )
        # In the width and in the model's own parameters too.
        h = 1e-6
        wide = jax.grad(lambda psi2: FIGURE_4.risk(0.1, psi2))(3.0)
        assert wide == pytest.approx(
            (FIGURE_4.risk(0.1, 3.0 + h) - FIGURE_4.risk(0.1, 3.0 - h)) / (2 * h), rel=1e-8
        )
        samples = jax.grad(lambda psi1: RandomFeatures(psi1, 0.5, 0.7, 0.1).risk(0.1, 3.0))(2.0)
        difference = RandomFeatures(2 + h, 0.5, 0.7, 0.1).risk(0.1, 3.0) - RandomFeatures(
            2 - h, 0.5, 0.7, 0.1
        ).risk(0.1, 3.0)
        assert samples == pytest.approx(difference / (2 * h), rel=1e-8)


def test_jax_derivatives_at_equal_samples_and_features():
    """At psi1 = psi2 the two forms of the equation meet; derivatives are those of one analytic function."""
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        h = 1e-6
        in_width = jax.grad(lambda psi2: FIGURE_4.risk(0.3, psi2))(4.0)
        ahead, behind = FIGURE_4.risk(0.3, 4 + h), FIGURE_4.risk(0.3, 4 - h)
        assert in_width == pytest.approx((ahead - behind) / (2 * h), rel=1e-7)
        in_samples = jax.grad(lambda psi1: RandomFeatures(psi1, 0.5, 0.5, 0.1).risk(0.3, 3.0))(3.0)
        ahead, behind = (RandomFeatures(3 + k * h, 0.5, 0.5, 0.1).risk(0.3, 3.0) for k in (1, -1))
        assert in_samples == pytest.approx((ahead - behind) / (2 * h), rel=1e-7)


@pytest.mark.parametrize("name", ["psi1", "mu1_sq", "teacher_mu1_sq", "noise_var", "ridge", "psi2"])
@pytest.mark.parametrize("method", ["risk", "stieltjes", "risk_derivative", "risk_eta_derivative"])
def test_jax_derivatives_at_infinite_width(name, method):
    """What is infinite there has no part in the derivatives: no 0 times infinity."""
    jax = pytest.importorskip("jax")
    at = {
        "psi1": 2.0,
        "mu1_sq": 0.25,
        "teacher_mu1_sq": 0.5,
        "noise_var": 0.1,
        "ridge": 0.3,
        "psi2": math.inf,
    }

    def value(x):
        numbers = at | {name: x}
        ridge, psi2 = numbers.pop("ridge"), numbers.pop("psi2")
        found = getattr(RandomFeatures(**numbers), method)(ridge, psi2)
        return found[0] + 2 * found[1] if isinstance(found, tuple) else found

    h = 1e-5
    with jax.enable_x64(True):
        found = float(jax.grad(value)(at[name]))
    if name == "psi2":
        assert found == 0
    else:
        difference = (value(at[name] + h) - value(at[name] - h)) / (2 * h)
        # Central differences are wrong by h^2 times a third derivative, and by rounding over h.
        assert found == pytest.approx(difference, rel=1e-7, abs=1e-9)


def test_known_arguments_are_checked_beside_jax_arrays():
    jnp = pytest.importorskip("jax.numpy")
    with pytest.raises(DomainError, match=r"psi2 = -1\.0"):
        FIGURE_4.risk(jnp.asarray(0.3), -1.0)
    with pytest.raises(DomainError, match="ridge = nan"):
        FIGURE_4.risk(math.nan, jnp.asarray(2.0))
    with pytest.raises(DomainError, match=r"ridge = -0\.001 .* beside JAX arrays"):
        FIGURE_4.risk(-0.001, jnp.asarray(2.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"psi1": 0.0}, r"psi1 = 0.0 is outside its domain: it must be in \(0, inf\)"),
        ({"psi1": math.inf}, "psi1 = inf"),
        ({"mu1_sq": 1.0}, r"mu1_sq = 1.0 .* in \(0, 1\)"),
        ({"mu1_sq": math.nan}, "mu1_sq = nan"),
        ({"teacher_mu1_sq": 0.0}, r"teacher_mu1_sq = 0.0 .* in \(0, 1\]"),
        ({"noise_var": -1e-9}, "noise_var = -1e-09"),
        ({"psi1": "four"}, "psi1 = 'four' .* a real number"),
        ({"psi1": None}, "psi1 = None"),
        ({"psi1": [4.0, 5.0]}, r"psi1 = \[4.0, 5.0\] .* make one model for each value"),
        ({"teacher_mu1_sq": [0.5, 0.6]}, r"teacher_mu1_sq = \[0.5, 0.6\] .* make one model for each value"),
        ({"psi1": 1j}, "psi1 = "),
        ({"psi1": sp.oo}, "psi1 = oo"),
    ],
)
def test_parameters_outside_their_domain(change, message):
    with pytest.raises(DomainError, match=message):
        RandomFeatures(**{"psi1": 4.0, "mu1_sq": 0.5, "teacher_mu1_sq": 0.5, "noise_var": 0.1, **change})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rf: rf.risk(math.nan), "ridge = nan"),
        (lambda rf: rf.risk([0.1, math.inf]), "ridge = inf"),
        (lambda rf: rf.risk(0.1, 0.0), "psi2 = 0.0"),
        (lambda rf: rf.risk(0.1, -1.0), "psi2 = -1.0"),
        (lambda rf: rf.optimal_ridge(math.nan), "psi2 = nan"),
        (lambda rf: rf.gaps(-2.0), "psi2 = -2.0"),
        (lambda rf: rf.risk(0.1, precision=0), "precision = 0"),
        (lambda rf: rf.risk(0.1, precision=2.5), r"precision = 2\.5"),
        (lambda rf: rf.gaps(2.0, precision=0), "precision = 0"),
        (lambda rf: rf.large_width(precision=True), "precision = True"),
        (lambda rf: rf.risk_derivative(0.1, order=3), "order = 3"),
        (lambda rf: rf.risk_eta_derivative(0.0, 4.0), "ridge = 0.0 .* interpolation has infinite risk"),
        (lambda rf: rf.risk("a"), "ridge = 'a'"),
        (lambda rf: rf.risk("inf"), "ridge = inf"),
        (lambda rf: rf.risk(0.1, 10**400), r"number = 1\.0e\+400 .*pass precision=15"),
    ],
)
def test_arguments_outside_their_domain(call, message):
    with pytest.raises(DomainError, match=message):
        call(FIGURE_4)


def test_unknown_names_and_wrong_noise():
    with pytest.raises(UnknownNameError, match="tanh"):
        RandomFeatures.from_functions("tanhh", "relu", psi1=4.0)
    with pytest.raises(DomainError, match="noise_std = -1"):
        RandomFeatures.from_functions("tanh", "relu", psi1=4.0, noise_std=-1)
    with pytest.raises(HPTheoryError):
        RandomFeatures.from_functions("relu", "relu", psi1=4.0)
