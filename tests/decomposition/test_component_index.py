"""The mean component index: its laws, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hptheory.decomposition import mean_component_index
from hptheory.decomposition.errors import NonFiniteError, ShapeMismatchError
from hptheory.errors import DomainError


def psis() -> st.SearchStrategy[np.ndarray]:
    """Values over 300 decades, rows that are all zero left out."""
    shapes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=8)
    values = st.floats(-1e150, 1e150).filter(lambda x: x == 0 or abs(x) > 1e-150)
    return hnp.arrays(np.float64, shapes, elements=values).filter(
        lambda psi: np.all(np.any(psi != 0, axis=1))
    )


@given(psis())
def test_law_between_1_and_n_and_reversal(psi):
    n = psi.shape[1]
    found = mean_component_index(psi)
    rounding = 4 * n * n * np.finfo(float).eps  # n terms of size <= n, twice
    assert np.all((found >= 1 - rounding) & (found <= n + rounding))
    np.testing.assert_allclose(mean_component_index(psi[:, ::-1]), n + 1 - found, atol=rounding)


@given(psis(), st.sampled_from([-8.0, 0.25, 2.0]))
def test_law_scale_of_a_sample(psi, factor):
    np.testing.assert_array_equal(mean_component_index(factor * psi), mean_component_index(psi))


@given(psis())
def test_the_formula_sample_by_sample(psi):
    for row, found in zip(psi, mean_component_index(psi), strict=True):
        sizes = [abs(x) / max(map(abs, row)) for x in row]
        direct = sum((j + 1) * size for j, size in enumerate(sizes)) / sum(sizes)
        assert found == pytest.approx(direct, rel=1e-12)


def test_torch_half_precision():
    torch = pytest.importorskip("torch")
    psi = torch.full((2, 4), 60000.0, dtype=torch.float16)  # the plain sum is beyond float16
    found = mean_component_index(psi)
    assert found.dtype == torch.float32
    assert found.tolist() == [2.5, 2.5]


def test_bad_input_is_named():
    with pytest.raises(ShapeMismatchError, match="samples, components"):
        mean_component_index(np.ones(3))
    with pytest.raises(NonFiniteError, match=r"psi holds 1.*\[0, 1\]"):
        mean_component_index(np.array([[1.0, np.inf]]))
    with pytest.raises(DomainError, match="1 have none, the first is 1"):
        mean_component_index(np.array([[1.0, 1.0], [0.0, 0.0]]))
