"""Intervals for the top-k loss change: they contain it on every path, show ties, fall back when too wide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.decomposition import alignment_spectrum, top_k_loss_change
from hptheory.decomposition.errors import ShapeMismatchError
from hptheory.decomposition.hull import top_k_hull
from hptheory.decomposition.interval import LONGEST_PAUSE, REFINEMENT, top_k_interval, top_k_intervals
from hptheory.decomposition.subspace import krylov, missed_norm
from hptheory.errors import DomainError


def pair(n: int, decay: float, mix: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A gradient with a power-law spectrum and an update that is partly aligned with it."""
    rng = np.random.default_rng(seed)
    scale = np.arange(1, n + 1) ** -decay
    g = rng.standard_normal((n, n)) * scale
    return g, -0.1 * g + mix * rng.standard_normal((n, n)) * scale


@given(
    st.lists(st.integers(-6, 6), min_size=1, max_size=9),
    st.sampled_from([0.0, 0.3, 1.5]),
    st.integers(0, 999),
)
def test_law_the_hull_contains_the_sums_of_all_orders(values, slack, seed):
    """Any eigenvalues within the bounds, sorted by magnitude with ties either way."""
    rng = np.random.default_rng(seed)
    shaken = np.array(values) + slack * rng.uniform(-1, 1, len(values))
    middle = np.sort(shaken)[::-1]
    single = middle - slack, middle + slack
    low, high = top_k_hull(single, (single[0][::-1], single[1][::-1]), len(values))
    true = np.array(values, dtype=float)
    for sign in (1, -1):
        order = sorted(true, key=lambda v: (-abs(v), sign * v))
        sums = np.cumsum(order)
        assert np.all(low - 1e-9 <= sums)
        assert np.all(sums <= high + 1e-9)


@given(st.sampled_from([0.6, 1.0, 2.0]), st.sampled_from([0.0, 0.1, 1.0]), st.integers(0, 999))
def test_law_contains_the_truth_on_the_subspace_path(decay, mix, seed):
    g, d = pair(300, decay, mix, seed)
    found = top_k_interval(g, d, 8, tolerance=10.0)  # any width will do: the bounds must hold all the same
    truth = top_k_loss_change(g, d, k=8)
    assert np.all(found.low <= truth)
    assert np.all(truth <= found.high)
    assert found.magnitude <= np.abs(alignment_spectrum(g, d)).sum() * (1 + 1e-9)


def test_paths_overlap():
    g, d = pair(300, 1.5, 0.05, 0)
    subspace = top_k_interval(g, d, 8)
    assert subspace.path == "subspace"
    assert subspace.width <= 0.01
    full = top_k_interval(g, d, 150)
    assert full.path == "full"
    assert np.all(subspace.low <= full.high[:8])
    assert np.all(full.low[:8] <= subspace.high)


@given(st.sampled_from([1.0, 1.5]), st.sampled_from([0.0, 0.02, 0.3]), st.integers(0, 999))
def test_law_a_subspace_carried_on_contains_the_truth(decay, drift, seed):
    """Matrices that move from one observation to the next, far or not at all."""
    rng = np.random.default_rng(seed)
    (g, d), found = pair(300, decay, 0.05, seed), None
    for _ in range(4):
        found = top_k_interval(g, d, 8, tolerance=0.02, previous=found)
        truth = top_k_loss_change(g, d, k=8)
        assert np.all((found.low <= truth) & (truth <= found.high))
        assert found.start is not None or found.path != "subspace"
        if drift == 0 and decay == 1.5:
            assert found.path == "subspace"
        g = g + drift * rng.standard_normal(g.shape) * np.arange(1, 301) ** -decay


def test_a_start_of_another_layer_is_not_used():
    g, d = pair(300, 1.5, 0.05, 0)
    found = top_k_interval(g, d, 8)
    for other in (top_k_interval(*pair(320, 1.5, 0.05, 0), 8), top_k_interval(g, d, 4, tolerance=1.0)):
        again = top_k_interval(g, d, 8, previous=other)
        np.testing.assert_array_equal(again.low, found.low)


def test_members_go_their_own_ways():
    rng = np.random.default_rng(0)
    flat, low = (rng.standard_normal((240, 240)) for _ in range(2)), pair(240, 1.5, 0.05, 0)
    g, d = (np.stack(both) for both in zip(flat, low, strict=True))
    found, tolerance = None, 0.004
    for paths in (["fallback", "subspace"], ["full", "subspace"]):
        found = top_k_intervals(g, d, 8, tolerance=tolerance, previous=found)
        assert [each.path for each in found] == paths
    for member, each in enumerate(found):
        truth = top_k_loss_change(g[member], d[member], k=8)
        assert np.all((each.low <= truth) & (truth <= each.high))
    with pytest.raises(ShapeMismatchError, match="previous"):
        top_k_intervals(g, d, 8, previous=found[:1])
    with pytest.raises(ShapeMismatchError, match=r"\[member, m, n\]"):
        top_k_intervals(g[0], d[0], 8)


def test_what_a_small_subspace_missed_is_bounded():
    """One block only: most of the spectrum is missed, and the bound on it is above the truth."""
    import array_api_compat.numpy as xp

    g, d = pair(120, 0.5, 0.5, 3)
    s = (g.T @ d + d.T @ g) / 2
    rng = np.random.default_rng(1)
    found = krylov(xp, s, rng.standard_normal((120, 10)), 1, rng.standard_normal((120, 16)))
    outside = np.eye(120) - found.vectors @ found.vectors.T
    assert np.linalg.norm(outside @ s @ outside, 2) <= found.missed


@given(st.integers(1, 40), st.sampled_from([0.0, 0.3, 1.0]), st.integers(0, 999))
def test_law_the_missed_norm_is_bounded_closely(found, decay, seed):
    """On a diagonal matrix, of which the basis spans the first directions: eigenvalues of both signs."""
    import array_api_compat.numpy as xp

    n, rng = 120, np.random.default_rng(seed)
    values = rng.choice([-1.0, 1.0], n) * np.arange(1.0, n + 1) ** -decay
    probes = rng.standard_normal((n, 16))
    bound = missed_norm(xp, np.diag(values), np.eye(n)[:, :found], probes)
    truth = np.abs(values[found:]).max()
    # |T_10(C/mu) w| <= T_10(M/mu) |w|, so that arcosh of 4.22 (2/pi)^(1/2) times that is at most
    # 10 arcosh(M/mu) + log(2 * 3.37 * 15), as |w| < 15; and mu cosh(arcosh(M/mu) + h) <= M exp(h).
    assert truth <= bound <= 1.6 * truth
    tiny = missed_norm(xp, 1e-30 * np.diag(values), np.eye(n)[:, :found], probes)
    assert tiny == pytest.approx(1e-30 * bound)


def test_a_matrix_that_is_found_whole_misses_nothing():
    import array_api_compat.numpy as xp

    probes = np.random.default_rng(0).standard_normal((6, 16))
    assert missed_norm(xp, np.diag([3.0, 2.0, 0, 0, 0, 0]), np.eye(6)[:, :2], probes) == 0


def test_slow_spectra_are_refined_and_carried_on():
    """Magnitudes k^-0.8 of both signs, as under Muon: a Krylov space alone leaves the interval too wide."""
    n, k = 400, 20
    rng = np.random.default_rng(0)
    q = np.linalg.qr(rng.standard_normal((n, n))).Q
    values = rng.choice([-1.0, 1.0], n) * np.arange(1.0, n + 1) ** -0.8
    s, found = (q * values) @ q.T, None
    for _ in range(2):
        found = top_k_interval(np.eye(n), s, k, previous=found)
        truth = np.cumsum(values[:k])
        assert found.path == "subspace"
        assert found.steps == REFINEMENT
        assert np.all((found.low <= truth) & (truth <= found.high))
    assert found.width < 0.001


def test_a_fallback_keeps_what_it_found_for_the_next_attempt():
    """Here the first attempt and its refinement are too wide; the second goes on from there."""
    n, k = 400, 20
    rng = np.random.default_rng(0)
    q = np.linalg.qr(rng.standard_normal((n, n))).Q
    values = rng.choice([-1.0, 1.0], n) * np.arange(1.0, n + 1) ** -0.8
    s, found, paths = (q * values) @ q.T, None, []
    for _ in range(3):
        found = top_k_interval(np.eye(n), s, k, tolerance=1e-6, previous=found)
        assert found.start is not None
        paths.append(found.path)
    assert paths == ["fallback", "full", "subspace"]


def test_flat_spectra_fall_back_and_pause():
    rng = np.random.default_rng(0)
    g, d = rng.standard_normal((2, 240, 240))
    found, paths = None, []
    for _ in range(6):
        found = top_k_interval(g, d, 8, previous=found, tolerance=1e-6)
        paths.append(found.path)
    assert paths == ["fallback", "full", "fallback", "full", "full", "fallback"]
    assert found.next_pause <= LONGEST_PAUSE
    truth = top_k_loss_change(g, d, k=8)
    assert np.all((found.low <= truth) & (truth <= found.high))


def test_ties_of_opposite_sign_show():
    """S = diag(1, -1, 1/2, 0): the first sum is 1 or -1."""
    g, d = np.eye(4), np.diag([1.0, -1.0, 0.5, 0.0])
    found = top_k_interval(g, d, 3)
    np.testing.assert_allclose(found.low, [-1, 0, 0.5], atol=1e-12)
    np.testing.assert_allclose(found.high, [1, 0, 0.5], atol=1e-12)


def test_factored_paths():
    rng = np.random.default_rng(2)
    wide = rng.standard_normal((2, 6, 40))
    low_rank = rng.standard_normal((40, 5)) @ rng.standard_normal((5, 40))
    for g, d, rank in ((*wide, None), (low_rank, rng.standard_normal((40, 40)), 5)):
        found = top_k_interval(g, d, 20, gradient_rank=rank)
        truth = top_k_loss_change(g, d, k=20)
        assert found.path == "factored"
        assert np.all((found.low <= truth) & (truth <= found.high))
    with pytest.raises(DomainError, match="gradient_rank"):
        top_k_interval(low_rank, low_rank, 20, gradient_rank=4)


def test_torch_in_torch_out_in_half_precision():
    torch = pytest.importorskip("torch")
    g, d = (torch.tensor(x, dtype=torch.bfloat16) for x in pair(300, 1.5, 0.0, 0))
    found = top_k_interval(g, d, 8)
    truth = top_k_loss_change(g.double(), d.double(), k=8)
    assert isinstance(found.low, torch.Tensor)
    assert bool(((found.low <= truth) & (truth <= found.high)).all())
    assert found.width <= 0.01


def test_zero_matrices_and_bad_input():
    zero = np.zeros((40, 40))
    assert top_k_interval(zero, zero, 3).width == 0
    with pytest.raises(DomainError, match="max_k = 41"):
        top_k_interval(zero, zero, 41)
    with pytest.raises(DomainError, match="tolerance"):
        top_k_interval(zero, zero, 3, tolerance=0.0)
    with pytest.raises(ShapeMismatchError, match="one layer at a time"):
        top_k_interval(np.zeros((2, 40, 40)), np.zeros((2, 40, 40)), 3)
