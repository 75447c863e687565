"""Losses of stacked networks on a validation set, at their own weights or at averaged ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from sims.tasks.base import Task


class Evaluation(NamedTuple):
    """Mean loss and share of hits of every member; NaN where the task is no classification."""

    loss: Float[Tensor, " member"]
    accuracy: Float[Tensor, " member"]


@torch.no_grad()
def evaluate(model: nn.Module, task: Task, weights: Mapping[str, Tensor] | None = None) -> Evaluation:
    """Every member's mean loss on the validation set, at ``weights`` if given instead of the model's own.

    *Laws*: the mean is over all examples, however they are cut into chunks.
    """
    loss = hits = torch.zeros((), device=task.device, dtype=task.dtype)
    examples = 0
    for batch in task.validation():
        outputs = model(batch.x) if weights is None else functional_call(model, dict(weights), (batch.x,))
        y = batch.y.expand(outputs.shape[0], *batch.y.shape[1:])
        loss = loss + task.losses(outputs, y).sum(1)
        right = task.hits(outputs, y)
        hits = hits + (torch.full_like(loss, torch.nan) if right is None else right.sum(1))
        examples += y.shape[1]
    return Evaluation(loss / examples, hits / examples)
