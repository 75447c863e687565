"""The claims about gaps, grids and decompositions meet the library on random input: laws are obeyed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import Polynomial

from hptheory.decomposition import bounds, minimize_proxy, top_k_loss_change
from hptheory.decomposition.grid_measures import convexity_error, lipschitz, second_derivatives
from hptheory.decomposition.loss_curves import SmoothCurve
from hptheory.transfer.definitions import is_fast
from hptheory.transfer.rates import direct_tuning, is_useful, transfer_tuning
from proofs_check import (
    app_a_background,
    app_b1_transfer,
    app_b2_gaps,
    app_b2_rates,
    app_b2_tie,
    app_b3_grid_search,
    app_b5_bound,
    app_b5_lemma_14,
    app_c_truncation,
    sec4_decomposition,
)
from proofs_check.app_c_truncation import objective
from proofs_check.claims import Refuted, Verdict
from proofs_check.register import REGISTER
from tests.strategies import positive_fractions

rates = st.tuples(*[positive_fractions()] * 4)
"""alpha, beta, h, r."""


@given(rates, positive_fractions(), st.fractions(0, 1))
def test_law_no_choice_within_the_budget_beats_theorem_2(numbers, x, share):
    """thm-2a, thm-2b: n = F^x and the rest of the budget for the grid never give a larger exponent."""
    alpha, beta, h, r = numbers
    x = min(x, 1 / r) * share
    z = (1 - r * x) / h  # the budget is spent
    direct, transfer = direct_tuning(alpha, h, r), transfer_tuning(alpha, beta, h, r)
    assert min(2 * z, alpha * x) <= direct.loss_exponent
    assert min(2 * z, 2 * beta * x, alpha / r) <= transfer.loss_exponent


@given(rates)
def test_law_useful_and_fast_are_the_same_and_ties_are_neither(numbers):
    """def-2, thm-2-useful."""
    alpha, beta, h, r = numbers
    assert is_useful(alpha, beta, h, r) == is_fast(alpha, beta) == (beta > alpha / 2)
    assert not is_useful(alpha, alpha / 2, h, r)


small = st.floats(-2.0, 2.0)


@given(small, small, st.floats(0.1, 3.0), small, st.integers(-8, 8))
def test_law_minimisers_move_at_most_by_slope_over_curvature(a, b, mu, slope, bend):
    """lem-14, on [-1, 1]: the minimisers are on the boundary in about half of the draws."""
    f = SmoothCurve(Polynomial([a, b, mu / 2]), (-1.0, 1.0))
    g = SmoothCurve(Polynomial([0.0, slope, 0.0, bend / 40]), (-1.0, 1.0))
    bound = bounds.lemma_14(f, g)
    assert bound.value <= bound.upper + 1e-9  # roots of polynomials of degree 3, found to some 1e-12


integer_matrices = st.lists(st.integers(-9, 9), min_size=12, max_size=12)


@given(integer_matrices, integer_matrices)
def test_law_all_components_make_the_whole(g, w):
    """eq-3, eq-4: the last top-k loss change is <G, dW>; the row version has the same."""
    g, w = np.reshape(g, (4, 3)), np.reshape(w, (4, 3))
    whole = (g * w).sum()
    for first, second in ((g, w), (g.T, w.T)):
        # eigenvalues of a 4 x 4 matrix with entries below 324: rounding is below 1e-11
        assert top_k_loss_change(first, second)[-1] == pytest.approx(whole, abs=1e-9)


tables = st.tuples(*[st.lists(st.integers(-4, 4), min_size=6, max_size=6)] * 2)


@given(tables)
def test_law_the_descent_ends_where_no_coordinate_improves(entries):
    """alg-2-corrected, alg-2-local: in fractions, at the library's result; the exact one is never above."""
    own, limit = (tuple(zip(row[::2], row[1::2], strict=True)) for row in entries)
    hps, arrays = (0, 1, 3), [np.array(table, dtype=float) for table in (own, limit)]

    def score(kappa):
        return objective(own, limit, hps, (1, 1), tuple(int(k) for k in kappa))

    found = minimize_proxy(*arrays, hps, 1, 1)
    for i in range(3):
        assert score(found) <= min(score((*found[:i], k, *found[i + 1 :])) for k in (1, 2))
    exact = minimize_proxy(*arrays, hps, 1, 1, "exact")
    assert abs(Fraction(exact.objective) - score(exact)) < Fraction(1, 10**12)
    assert score(exact) <= score(found) + Fraction(1, 10**12)


@given(
    st.lists(st.integers(-99, 99), min_size=5, max_size=5),
    st.lists(st.integers(1, 9), min_size=4, max_size=4),
)
def test_law_the_measures_of_app_c(values, cells):
    """eq-19, eq-20: the estimate is negative where the value is above the chord; slopes bound all pairs."""
    x = np.cumsum([0, *cells])
    steepest = max(abs(Fraction(values[i + 1] - values[i], cells[i])) for i in range(4))
    assert float(lipschitz(x, values)) == float(steepest)
    above = []
    for i in range(1, 4):
        p, q = cells[i - 1], cells[i]
        above.append(Fraction(q * values[i - 1] + p * values[i + 1], p + q) - values[i])
    estimates = second_derivatives(x, values)
    assert all(abs(e) < 1e-9 or (e > 0) == (chord > 0) for e, chord in zip(estimates, above, strict=True))
    if all(abs(chord) > 1e-9 for chord in above):
        assert float(convexity_error(x, values)) == pytest.approx(sum(chord < 0 for chord in above) / 3)


REFUTATIONS = {
    app_a_background: ("disconnected_domain", "broom", "layer_takes_its_own_output"),
    app_b1_transfer: ("two_minimisers", "moved_point_leaves"),
    app_b2_tie: ("tie_is_possible",),
    app_b3_grid_search: ("many_points_near_each_other", "all_to_the_final_run", "offset_at_the_target"),
    app_b5_lemma_14: ("stationary_on_the_boundary",),
    app_b5_bound: ("strongly_convex_by_definition_3",),
    app_c_truncation: ("never_ends",),
    sec4_decomposition: ("singular_values",),
}


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in REFUTATIONS.items() for n in names])
def test_a_refutation_refutes(module, name):
    with pytest.raises(Refuted):
        getattr(module, name)()


def test_every_numbered_statement_of_the_paper_is_a_claim():
    numbered = {f"def-{k}" for k in range(1, 7)} | {f"eq-{k}" for k in range(1, 21)}
    numbered |= {
        "prop-1",
        "prop-5",
        "prop-6",
        "prop-8",
        "prop-13",
        "thm-2a",
        "thm-2b",
        "thm-3",
        "thm-4",
        "thm-7",
    }
    numbered |= {"thm-9", "lem-10", "lem-11", "lem-12", "lem-14", "alg-1", "alg-2", "hyp-1", "assumption-1"}
    numbered |= {"assumption-2", "remark-1"}
    assert numbered <= set(REGISTER)
    assert {REGISTER[name].verdict for name in ("thm-4", "thm-7")} == {Verdict.CITED}


def test_the_library_is_compared(monkeypatch):
    """A library with another constant is noticed by the claims that name it."""
    from hptheory.transfer import lemmas

    monkeypatch.setattr(lemmas, "_displacement", lambda gap, tau: float((3 * gap / tau) ** Fraction(1, 2)))
    for name in ("lemma_10", "lemma_11", "proposition_1"):
        with pytest.raises(Refuted):
            app_b2_rates.library_computes(name)
    monkeypatch.setattr(app_b2_gaps, "is_fast", lambda alpha, beta: 2 * beta >= alpha)
    with pytest.raises(Refuted):
        app_b2_gaps.library_is_fast()
