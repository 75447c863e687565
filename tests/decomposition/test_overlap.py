"""Overlaps of easy and hard examples against sets written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.decomposition.errors import ShapeMismatchError
from hptheory.decomposition.overlap import extreme_examples, extreme_overlap
from hptheory.errors import DomainError

seeds = st.integers(0, 2**32 - 1)


def random_indices(seed: int, examples: int = 40) -> dict[tuple[int, int], np.ndarray]:
    rng = np.random.default_rng(seed)
    return {(width, s): rng.permutation(examples) / 7 for width in (32, 64) for s in range(3)}


@given(seeds)
def test_the_overlap_of_sets_written_out(seed):
    """The second route: all ordered pairs of models, those of a model with itself left out."""
    indices = random_indices(seed)
    found = extreme_overlap(indices, 0.2, "hard")
    for n1, n2 in ((32, 32), (32, 64), (64, 64)):
        pairs = [
            len(set(np.argsort(a)[-8:]) & set(np.argsort(b)[-8:])) / 8
            for (w1, s1), a in indices.items()
            for (w2, s2), b in indices.items()
            if (w1, w2) == (n1, n2) and (w1, s1) != (w2, s2)
        ]
        assert found[n1, n2] == pytest.approx(np.mean(pairs))


@given(seeds)
def test_unchanged_by_an_increasing_function(seed):
    indices = random_indices(seed)
    other = {model: np.exp(index) for model, index in indices.items()}
    assert extreme_overlap(indices, 0.1, "easy") == extreme_overlap(other, 0.1, "easy")


@given(seeds)
def test_easy_and_hard_are_mirrored(seed):
    index = random_indices(seed)[32, 0]
    assert extreme_examples(-index, 0.3, "easy").tolist() == extreme_examples(index, 0.3, "hard").tolist()


def test_models_that_rank_alike_agree():
    index = np.arange(20.0)
    found = extreme_overlap({(32, 0): index, (64, 0): 2 * index}, 0.05, "hard")
    assert found == {(32, 64): 1.0}  # and no pair of one width: there is one seed


def test_random_rankings_overlap_by_the_share():
    """Mean of 3,003 pairs, each of variance at most share/size = 0.1/20; four standard deviations."""
    rng = np.random.default_rng(0)
    indices = {
        (1, seed): rng.random(200) for seed in range(78)
    }  # 3,003 pairs, not independent but uncorrelated
    assert extreme_overlap(indices, 0.1, "easy")[1, 1] == pytest.approx(0.1, abs=4 * (0.1 / 20 / 3003) ** 0.5)


def test_bad_input():
    with pytest.raises(DomainError, match="share = 0"):
        extreme_examples([1.0], 0, "easy")
    with pytest.raises(ShapeMismatchError, match="the same examples"):
        extreme_overlap({(1, 0): [1.0], (1, 1): [1.0, 2.0]}, 0.5, "easy")
