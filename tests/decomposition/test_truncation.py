"""Algorithm 1: the order of the pairs, both conditions, Fail as a value, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.decomposition import minimize_proxy, select_truncation, top_loss
from hptheory.decomposition.errors import MissingProxyError, NonFiniteError, TooFewHPsError
from hptheory.decomposition.truncation import is_acceptable
from hptheory.errors import DomainError
from tests.strategies import profile_pairs

HPS = np.linspace(-1.0, 1.0, 5)
TAUS = [0.25, 0.03125, 1.0]


def printed_acceptance(phi, kappa, hps, convexity_tol, argmin_tol):
    """2 (a) ii-iv for one width, with loops."""
    g = len(hps)
    top = [phi[i][kappa[i] - 1] for i in range(g)]
    negative = 0
    for i in range(1, g - 1):
        left, right = (
            (top[i] - top[i - 1]) / (hps[i] - hps[i - 1]),
            (top[i + 1] - top[i]) / (hps[i + 1] - hps[i]),
        )
        negative += right < left
    whole = [row[-1] for row in phi]
    moved = abs(hps[top.index(min(top))] - hps[whole.index(min(whole))])
    return negative / (g - 2) <= convexity_tol and moved <= argmin_tol


@given(profile_pairs(), st.sampled_from([0.0, 0.4, 1.0]), st.sampled_from([0.0, 1.0, 9.0]))
def test_selection_is_the_printed_algorithm(case, convexity_tol, argmin_tol):
    phi_n, phi_max, hps = case
    profiles = {phi_max.shape[1] + 1: phi_max, phi_n.shape[1]: phi_n}
    if hps.size < 3:
        with pytest.raises(TooFewHPsError):
            select_truncation(profiles, hps, TAUS, convexity_tol, argmin_tol)
        return
    expected = None
    for tau1, tau2 in sorted(((a, b) for a in TAUS for b in TAUS), key=lambda p: (sum(p), p[0])):
        kappa = minimize_proxy(phi_n, phi_max, hps, tau1, tau2).tolist()
        if all(
            printed_acceptance(phi.tolist(), kappa, hps, convexity_tol, argmin_tol)
            for phi in (phi_n, phi_max)
        ):
            expected = kappa
            break
    found = select_truncation(profiles, hps, TAUS, convexity_tol, argmin_tol)
    assert list(found) == [phi_n.shape[1]]
    (kappa,) = found.values()
    assert (None if kappa is None else kappa.tolist()) == expected


def test_fail_is_a_value():
    whole = -2 + HPS**2
    bent = np.stack(
        [-np.cos(8 * HPS), whole], axis=1
    )  # the top component is not convex, and kappa = 2 is dear
    wide = np.concatenate([bent[:, :1], bent[:, :1], whole[:, None]], axis=1)
    assert select_truncation({2: bent, 3: wide}, HPS, [1e-9], 0.0, 0.0) == {2: None}


def test_law_profiles_without_width_are_accepted_at_the_first_pair():
    share = np.linspace(0.5, 1.0, 8)
    phi = (-2 + HPS**2)[:, None] * share
    found = select_truncation({4: phi[:, :4], 6: phi[:, :6], 8: phi}, HPS, [0.1, 0.01], 0.0, 0.0)
    assert sorted(found) == [4, 6]
    for width, kappa in found.items():
        assert kappa.tolist() == minimize_proxy(phi[:, :width], phi, HPS, 0.01, 0.01).tolist()


@given(profile_pairs(), st.sampled_from([0.0, 0.4]), st.sampled_from([0.0, 1.0]))
def test_law_larger_tolerances_accept_no_less(case, convexity_tol, argmin_tol):
    phi_n, phi_max, hps = case
    if hps.size < 3:
        return
    profiles = {1: phi_n, 2: phi_max}
    small = select_truncation(profiles, hps, TAUS, convexity_tol, argmin_tol)[1]
    large = select_truncation(profiles, hps, TAUS, convexity_tol + 0.3, argmin_tol + 1)[1]
    assert large is not None or small is None


def test_exact_method_is_passed_on():
    phi = (-2 + HPS**2)[:, None] * np.linspace(0.5, 1.0, 6)
    (kappa,) = select_truncation({4: phi[:, :4], 6: phi}, HPS, [0.1], 1.0, 9.0, method="exact").values()
    assert kappa.gap == 0


def test_conditions_at_the_tolerance_are_met():
    phi = np.array([[0.0, 0.0], [-1.0, 0.0], [0.0, -1.0]])
    hps = np.array([0.0, 1.0, 2.0])
    assert is_acceptable([phi], np.ones(3, int), hps, 0.0, 1.0)
    assert not is_acceptable([phi], np.ones(3, int), hps, 0.0, 0.999)


def test_top_loss_checks_its_index():
    phi = np.arange(6.0).reshape(2, 3)
    assert top_loss(phi, 2).tolist() == [1.0, 4.0]
    for kappa in ([0, 1], [1, 4]):
        with pytest.raises(DomainError, match="kappa"):
            top_loss(phi, kappa)


def test_bad_input_is_named():
    phi = np.zeros((5, 3))
    with pytest.raises(MissingProxyError, match=r"widths \[3\]: there is no larger one"):
        select_truncation({3: phi}, HPS, TAUS, 0, 0)
    with pytest.raises(TooFewHPsError, match="convexity of a curve needs 3"):
        select_truncation({3: phi[:1], 4: phi[:1]}, HPS[:1], TAUS, 0, 0)
    with pytest.raises(NonFiniteError, match="profile of width 4"):
        select_truncation({3: phi, 4: phi * np.nan}, HPS, TAUS, 0, 0)
    with pytest.raises(DomainError, match="tau_candidates"):
        select_truncation({3: phi, 4: phi}, HPS, [], 0, 0)
    with pytest.raises(DomainError, match="argmin_tol"):
        select_truncation({3: phi, 4: phi}, HPS, TAUS, 0, -1.0)
    with pytest.raises(DomainError, match="tau1"):
        select_truncation({3: phi, 4: phi}, HPS, [0.0], 0, 0)
