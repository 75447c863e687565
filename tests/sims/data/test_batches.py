"""The order of examples: without replacement, new in every epoch, a seed's own."""

from __future__ import annotations

import pytest
import torch

from hptheory.errors import DomainError
from sims.data import epoch_batches


def test_no_example_twice_in_an_epoch():
    batches = epoch_batches([0, 1], epoch=0, examples=100, batch_size=32)
    assert batches.shape == (3, 2, 32)
    for seed in range(2):
        indices = batches[:, seed].flatten()
        assert len(indices.unique()) == 96
        assert 0 <= indices.min() <= indices.max() < 100


def test_epochs_and_seeds_have_their_own_order():
    orders = [epoch_batches([seed], epoch, 100, 50) for seed in range(3) for epoch in range(3)]
    assert len({tuple(order.flatten().tolist()) for order in orders}) == 9


def test_one_batch_of_all_examples_is_a_permutation():
    assert (epoch_batches([7], 0, 40, 40).flatten().sort().values == torch.arange(40)).all()


def test_batches_larger_than_the_data():
    with pytest.raises(DomainError, match="batch_size = 41"):
        epoch_batches([0], 0, 40, 41)
