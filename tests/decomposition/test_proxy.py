"""The proxy objective (18), Algorithm 2 word by word, and the exact minimiser against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.decomposition import minimize_proxy
from hptheory.decomposition.errors import (
    MissingProxyError,
    NonFiniteError,
    ShapeMismatchError,
    TooFewHPsError,
)
from hptheory.decomposition.exact_proxy import branch_and_bound
from hptheory.decomposition.proxy import coordinate_descent, proxy
from hptheory.errors import DomainError, UnknownNameError
from tests.strategies import profile_pairs

TAUS = st.sampled_from([0.03125, 0.25, 1.0, 8.0])


def printed_objective(phi_n, phi_max, hps, kappa, tau1, tau2):
    """(18) and (20), written out with loops."""
    g = len(hps)
    own = [phi_n[i][-1] - phi_n[i][kappa[i] - 1] for i in range(g)]
    limit = [phi_max[i][-1] - phi_max[i][kappa[i] - 1] for i in range(g)]

    def lip(y):
        return max(abs((y[i + 1] - y[i]) / (hps[i + 1] - hps[i])) for i in range(g - 1))

    gap = sum(abs(phi_n[i][kappa[i] - 1] - phi_max[i][kappa[i] - 1]) for i in range(g)) / g
    return gap + tau1 * lip(own) + tau2 * lip(limit)


def printed_descent(objective, g, n):
    """Algorithm 2 as printed, with 1-based k and floor(n/2); ties to the smallest k."""
    kappa = [max(1, n // 2)] * g
    changed = True
    while changed:
        changed = False
        for i in range(g):
            scores = [objective([*kappa[:i], k, *kappa[i + 1 :]]) for k in range(1, n + 1)]
            best = scores.index(min(scores)) + 1
            changed |= best != kappa[i]
            kappa[i] = best
    return kappa


@given(profile_pairs(), TAUS, TAUS)
def test_objective_is_the_printed_one(case, tau1, tau2):
    problem = proxy(*case, tau1, tau2)
    g, n = case[0].shape
    rng = np.random.default_rng(0)
    for kappa in rng.integers(1, n + 1, (5, g)):
        assert problem.objective(kappa) == pytest.approx(
            printed_objective(*case, kappa, tau1, tau2), abs=1e-12
        )


@given(profile_pairs(), TAUS, TAUS)
def test_coordinate_descent_is_the_printed_algorithm(case, tau1, tau2):
    # Scored by the package's J, checked above: in exact ties one more rounding could lead elsewhere.
    problem = proxy(*case, tau1, tau2)
    reference = printed_descent(lambda kappa: float(problem.objective(kappa)), *case[0].shape)
    found = minimize_proxy(*case, tau1, tau2)
    assert found.tolist() == reference
    assert found.gap is None


@given(profile_pairs(), TAUS, TAUS)
def test_law_no_single_change_improves(case, tau1, tau2):
    problem = proxy(*case, tau1, tau2)
    for method in ("coordinate", "exact"):
        kappa = minimize_proxy(*case, tau1, tau2, method=method)
        value = problem.objective(kappa)
        assert value == pytest.approx(kappa.objective, abs=1e-12)
        for i in range(kappa.size):
            switched = np.tile(np.asarray(kappa), (problem.gap.shape[1], 1))
            switched[:, i] = np.arange(1, problem.gap.shape[1] + 1)
            assert np.all(problem.objective(switched) >= value - 1e-12)


@given(profile_pairs(most_hps=4, most_components=5), TAUS, TAUS)
def test_law_exact_is_the_minimum_over_all(case, tau1, tau2):
    problem = proxy(*case, tau1, tau2)
    g, n = problem.gap.shape
    everything = np.array(list(itertools.product(range(1, n + 1), repeat=g)))
    exact = minimize_proxy(*case, tau1, tau2, method="exact")
    assert exact.gap == 0
    # Sums in another order: rounding of g + 2 terms of size <= 100.
    assert exact.objective == pytest.approx(problem.objective(everything).min(), abs=1e-12)


@given(profile_pairs(most_hps=4, most_components=4), TAUS, TAUS, st.integers(0, 4))
def test_law_the_gap_is_proved_however_early_it_stops(case, tau1, tau2, nodes):
    problem = proxy(*case, tau1, tau2)
    g, n = problem.gap.shape
    least = problem.objective(np.array(list(itertools.product(range(1, n + 1), repeat=g)))).min()
    found = branch_and_bound(problem, nodes)
    assert found.lower_bound - 1e-12 <= least <= found.objective + 1e-12
    assert found.objective <= coordinate_descent(problem).objective
    assert found.work <= nodes


@given(profile_pairs(), TAUS, TAUS, st.sampled_from([0.25, 4.0]))
def test_law_scale(case, tau1, tau2, factor):
    phi_n, phi_max, hps = case
    scaled = minimize_proxy(factor * phi_n, factor * phi_max, hps, tau1, tau2)
    np.testing.assert_array_equal(scaled, minimize_proxy(*case, tau1, tau2))


def test_exact_on_curves_as_they_occur():
    """Power-law components that depend on the HP: proved optimal, well below the coordinate descent."""
    hps = np.linspace(-1.0, 1.0, 9)
    rng = np.random.default_rng(1)

    def profile(width):
        components = np.arange(1, width + 1) ** -1.5 * (1 + 0.3 * rng.standard_normal((9, width)))
        return -(2 - hps[:, None] ** 2) * np.cumsum(components, 1) * (1 + 0.1 * hps[:, None] / width**0.5)

    phi_n, phi_max = profile(64), profile(256)
    exact = minimize_proxy(phi_n, phi_max, hps, 0.01, 0.01, method="exact")
    coordinate = minimize_proxy(phi_n, phi_max, hps, 0.01, 0.01)
    assert exact.gap == 0
    assert exact.objective < 0.9 * coordinate.objective


def test_a_truncation_is_an_array_that_knows_itself():
    phi = np.cumsum(-np.ones((3, 4)), axis=1)
    kappa = minimize_proxy(phi, phi, [1.0, 2.0, 4.0], 1.0, 1.0)
    assert kappa.tolist() == [2, 2, 2]  # floor(n/2): all equal truncations have J = 0
    assert (kappa.objective, kappa.lower_bound, kappa.gap) == (0.0, None, None)
    zero_based = kappa - 1
    assert zero_based.objective is None
    assert phi[np.arange(3), zero_based].tolist() == [-2.0] * 3


def test_one_component_and_torch():
    torch = pytest.importorskip("torch")
    phi = torch.tensor([[1.0], [2.0]])
    for method in ("coordinate", "exact"):
        kappa = minimize_proxy(phi, phi, [1.0, 2.0], 1.0, 1.0, method=method)
        assert isinstance(kappa, torch.Tensor)
        assert kappa.dtype == torch.int64
        assert kappa.tolist() == [1, 1]


def test_bad_input_is_named():
    phi, hps = np.zeros((2, 3)), [1.0, 2.0]
    with pytest.raises(TooFewHPsError, match="slope of a residual needs 2"):
        minimize_proxy(phi[:1], phi[:1], hps[:1], 1, 1)
    with pytest.raises(MissingProxyError, match="fewer components"):
        minimize_proxy(phi, phi[:, :2], hps, 1, 1)
    with pytest.raises(ShapeMismatchError, match=r"phi_max has shape \(1, 3\), hps \(2,\)"):
        minimize_proxy(phi, phi[:1], hps, 1, 1)
    with pytest.raises(NonFiniteError, match=r"phi_n holds 3 value.*\[1, 0\].*diverged"):
        minimize_proxy(phi + np.array([[0.0], [np.nan]]), phi, hps, 1, 1)
    for tau in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(DomainError, match="tau2"):
            minimize_proxy(phi, phi, hps, 1, tau)
    with pytest.raises(UnknownNameError, match="did you mean exact"):
        minimize_proxy(phi, phi, hps, 1, 1, method="exat")
