"""Attention scale and residual multiplier: their laws, and scores and sums computed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.errors import DomainError
from hptheory.parameterization import attention_scale, residual_multiplier


@given(d_head=st.integers(1, 10**6))
def test_at_the_base_it_is_one_over_the_root(d_head):
    # One rounding of a root and one of a quotient, on either side.
    assert attention_scale(d_head) == pytest.approx(1 / math.sqrt(d_head), rel=1e-15)
    assert attention_scale(d_head, d_head) == attention_scale(d_head)


def scores(d_head: int, scale: float) -> float:
    """RMS score of queries and keys that share a part, as trained ones do."""
    rng = np.random.default_rng(0)
    shared, q, k = rng.normal(size=(3, 64, d_head))
    return float(np.sqrt(np.mean((scale * np.sum((shared + q) * (shared + k), axis=1)) ** 2)))


def exponent(base: int | None) -> float:
    heads = (64, 256, 1024)
    sizes = [scores(d, attention_scale(d, base)) for d in heads]
    return float(np.polyfit(np.log(heads), np.log(sizes), 1)[0])


def test_scores_of_correlated_q_and_k_keep_their_size_as_d_head_grows():
    """The random part adds a share of order 1/d_head to the mean square: 4/64 at 64, a tilt of 0.01. Over 64
    samples with a relative spread of sqrt(4/64), 0.03 more. One over the root gives 1/2.
    """
    assert abs(exponent(base=16)) < 0.05
    assert exponent(base=None) > 0.45


def test_coherent_branches_add_up_to_the_same_at_every_depth():
    for depth in (1, 2, 8):
        assert residual_multiplier(depth, base_depth=2) * depth == 2
    assert residual_multiplier(7, 7) == 1


@pytest.mark.parametrize("size", [0, -1, 1.5, True, math.nan])
def test_sizes_outside_the_domain(size):
    with pytest.raises(DomainError, match="d_head"):
        attention_scale(size)
    with pytest.raises(DomainError, match="base_d_head"):
        attention_scale(4, size)
    with pytest.raises(DomainError, match="depth"):
        residual_multiplier(size)
