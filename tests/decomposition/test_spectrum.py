"""The alignment spectrum: its laws, brute force, both kinds of arrays, half precision, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.decomposition import alignment_matrix, alignment_spectrum, top_k_loss_change
from hptheory.decomposition.errors import NonFiniteError, ShapeMismatchError
from hptheory.decomposition.spectrum import ONE_BY_ONE_FROM
from hptheory.errors import DomainError
from tests.strategies import gradients_and_updates

EPS = np.finfo(np.float64).eps


def slack(g: np.ndarray, d: np.ndarray, eps: float = EPS) -> np.ndarray:
    """What rounding may move an eigenvalue, or a sum of them: eps (m + n) per entry of |G| |dW|, generously.

    |S|_2 <= |G|_F |dW|_F; a product of inner size m errs by m eps, symmetric eigensolvers and QR by a modest
    multiple of n eps |S|; n of them are summed.
    """
    m, n = g.shape[-2:]
    return (
        10 * n * (m + n) * eps * np.linalg.norm(g, axis=(-2, -1)) * np.linalg.norm(d, axis=(-2, -1)) + 1e-300
    )


def brute_force(g: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Eigenvalues of one pair by the general (not symmetric) solver, sorted in Python."""
    n = g.shape[1]
    s = np.array([[(g[:, i] @ d[:, j] + d[:, i] @ g[:, j]) / 2 for j in range(n)] for i in range(n)])
    return np.array(sorted(np.linalg.eigvals(s).real, key=lambda x: (-abs(x), x)))


@given(gradients_and_updates())
def test_agreement_with_brute_force(pair):
    g, d = pair
    found = alignment_spectrum(g, d)
    for index in np.ndindex(*g.shape[:-2]):
        # Sorting by magnitude may swap near-ties; sorted by value the two must agree.
        error = np.abs(np.sort(found[index]) - np.sort(brute_force(g[index], d[index])))
        assert error.max() <= slack(g[index], d[index])
    assert np.all(np.diff(np.abs(found), axis=-1) <= 0)


@given(gradients_and_updates())
def test_law_sum_is_the_linearised_change(pair):
    g, d = pair
    phi = top_k_loss_change(g, d)
    assert phi.shape == (*g.shape[:-2], g.shape[-1])
    assert np.all(np.abs(phi[..., -1] - (g * d).sum((-2, -1))) <= slack(g, d))
    assert np.all(np.abs(np.trace(alignment_matrix(g, d), axis1=-2, axis2=-1) - phi[..., -1]) <= slack(g, d))
    np.testing.assert_array_equal(np.cumsum(alignment_spectrum(g, d), axis=-1), phi)


@given(gradients_and_updates(), st.sampled_from([-10.0, -1e-3, 0.0, 1 / 3, 7.0]))
def test_law_proportional_update_gives_squared_singular_values(pair, factor):
    g, _ = pair
    squares = np.linalg.svd(g, compute_uv=False) ** 2
    n = g.shape[-1]
    padded = np.concatenate([squares, np.zeros((*g.shape[:-2], max(0, n - squares.shape[-1])))], axis=-1)
    phi = top_k_loss_change(g, factor * g)
    assert np.all(np.abs(phi - factor * np.cumsum(padded[..., :n], -1)) <= slack(g, factor * g)[..., None])


@given(gradients_and_updates(), st.integers(0, 2**31))
def test_law_orthogonal_change_of_basis(pair, seed):
    g, d = pair
    m, n = g.shape[-2:]
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((k, k)))[0] for k in (m, n))
    turned = alignment_spectrum(left @ g @ right, left @ d @ right)
    error = np.abs(np.sort(turned, -1) - np.sort(alignment_spectrum(g, d), -1))
    assert np.all(error <= slack(g, d)[..., None])


@given(gradients_and_updates(), st.sampled_from([-2.0, -1.0, 0.5, 4.0]))
def test_law_symmetric_and_linear(pair, factor):
    g, d = pair
    one = np.sort(alignment_spectrum(g, d), -1)
    assert np.all(np.abs(np.sort(alignment_spectrum(d, g), -1) - one) <= slack(g, d)[..., None])
    scaled = np.sort(alignment_spectrum(g, factor * d) / factor, -1)
    assert np.all(np.abs(scaled - one) <= slack(g, d)[..., None])


def test_law_descent_falls_with_k():
    g = np.random.default_rng(0).standard_normal((7, 5))
    assert np.all(np.diff(top_k_loss_change(g, -0.3 * g)) < 0)


def test_both_sides_of_the_factored_path():
    """n = 4 m goes through the core, n = 4 m - 1 does not: both are brute force."""
    rng = np.random.default_rng(3)
    for shape in ((3, 12), (3, 11), (1, 4), (1, 9)):
        g, d = rng.standard_normal((2, *shape))
        np.testing.assert_allclose(np.sort(alignment_spectrum(g, d)), np.sort(brute_force(g, d)), atol=1e-12)


def test_exact_ties_put_the_negative_first():
    g, d = np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]])  # S = [[0, 1], [1, 0]]
    np.testing.assert_allclose(alignment_spectrum(g, d), [-1.0, 1.0])


@pytest.mark.parametrize("kind", ["float64", "float32", "float16", "bfloat16"])
def test_torch_in_torch_out(kind):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(5)
    g, d = (torch.tensor(x).to(getattr(torch, kind)) for x in rng.standard_normal((2, 3, 6, 5)))
    found = top_k_loss_change(g.requires_grad_(), d)
    assert isinstance(found, torch.Tensor)
    assert not found.requires_grad
    assert found.dtype == (torch.float64 if kind == "float64" else torch.float32)
    exact = top_k_loss_change(g.detach().double().numpy(), d.double().numpy())
    # Against the same (rounded) numbers in double: only single-precision arithmetic is left.
    tolerance = EPS if kind == "float64" else float(np.finfo(np.float32).eps)
    bound = slack(g.detach().double().numpy(), d.double().numpy(), tolerance)
    assert np.all(np.abs(found.numpy() - exact) <= bound[:, None])


def test_half_precision_that_would_overflow():
    """Entries of 300: a product of two is beyond float16's largest number, 65504."""
    g = np.full((4, 4), 300.0, np.float16)
    found = top_k_loss_change(g, g)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[-1], 16 * 300.0**2, rtol=1e-5)


def test_autocast_does_not_reach_inside():
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(0)
    g, d = torch.randn(2, 8, 8, generator=generator)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = alignment_spectrum(g, d)
    assert torch.equal(inside, alignment_spectrum(g, d))


def test_integers_are_computed_in_double():
    found = top_k_loss_change(np.array([[1, 2], [3, 4]]), np.array([[1, 0], [0, 1]]))
    assert found.dtype == np.float64
    assert found[-1] == pytest.approx(5)


def test_bad_input_is_named():
    g = np.ones((2, 3))
    with pytest.raises(ShapeMismatchError, match=r"gradient has shape \(2, 3\), update \(3, 2\)"):
        alignment_spectrum(g, g.T)
    with pytest.raises(ShapeMismatchError, match="not empty"):
        alignment_spectrum(g[:0], g[:0])
    with pytest.raises(ShapeMismatchError):
        alignment_spectrum(g[0], g[0])
    bad = g.copy()
    bad[1, 2] = np.nan
    with pytest.raises(NonFiniteError, match=r"gradient holds 1 value\(s\) that are not finite.*\[1, 2\]"):
        top_k_loss_change(bad, g)
    with pytest.raises(NonFiniteError, match="update"):
        top_k_loss_change(g, bad)
    for k in (0, 4):
        with pytest.raises(DomainError, match=rf"k = {k} is outside"):
            top_k_loss_change(g, g, k=k)
    assert top_k_loss_change(g, g, k=2).shape == (2,)
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="namespaces"):
        alignment_spectrum(g, torch.ones(2, 3))


@pytest.mark.parametrize("n", [ONE_BY_ONE_FROM - 1, ONE_BY_ONE_FROM])
def test_law_a_member_of_a_stack_has_the_spectrum_of_its_own(n):
    """On both sides of the length from which members are decomposed one by one."""
    g, d = np.random.default_rng(0).standard_normal((2, 2, 1, 80, n))
    together = alignment_spectrum(g, d)
    assert together.shape == (2, 1, n)
    for i in range(2):
        np.testing.assert_array_equal(together[i, 0], alignment_spectrum(g[i, 0], d[i, 0]))
