"""The order in which a seed sees its examples: one stream a seed, for every member and every width."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from hptheory.errors import DomainError
from sims.seeding import generator


def epoch_batches(
    seeds: Sequence[int], epoch: int, examples: int, batch_size: int
) -> Int[Tensor, "step seed batch"]:
    """The indices of the examples in each batch of an epoch, without replacement, for each seed.

    Each epoch has its own stream, so that a run can go on from any epoch. An incomplete batch is left out.

    Domain: batch_size <= examples, else ``DomainError``.

    *Laws*: no example twice in an epoch; a seed's batches depend on no other seed, on no width, on no
    learning rate.

    >>> batches = epoch_batches(seeds=[3, 5], epoch=0, examples=100, batch_size=32)
    >>> tuple(batches.shape), bool((batches[:, 1:] == epoch_batches([5], 0, 100, 32)).all())
    ((3, 2, 32), True)
    """
    if batch_size > examples:
        raise DomainError("batch_size", batch_size, f"at most the number of training examples, {examples}")
    steps = examples // batch_size
    orders = [torch.randperm(examples, generator=generator(seed, "batches", epoch)) for seed in seeds]
    kept = torch.stack(orders)[:, : steps * batch_size]
    return kept.view(len(seeds), steps, batch_size).transpose(0, 1).contiguous()
