"""How the gradients of a pack's step come about: by a pass written out for the network, or by autograd."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sims.compiled import CompiledLosses, LossesOf, member_losses
from sims.models.mlp import TwoLayerMLP
from sims.models.two_layer_step import TwoLayerStep
from sims.tasks import Batch, Task

Gradients = Callable[[Batch], Tensor]
"""From a batch with a row a seed, every member's mean loss, [member]; its gradients are then in ``grad``."""


def gradients_of(
    model: nn.Module, task: Task, rows: Sequence[int], batch: Batch, losses_of: LossesOf = member_losses
) -> Gradients:
    """The fastest way for this network; ``rows`` says which row of a batch like this one each member takes.

    Networks whose losses are compiled, or seen through (hooks, autocast), keep to autograd.
    """
    by_autograd = ByAutograd(model, task, rows, losses_of)
    if isinstance(losses_of, CompiledLosses) and not losses_of.succeeds(
        model, task, by_autograd.rows_of(batch)
    ):
        by_autograd.losses_of = member_losses
    if (
        by_autograd.losses_of is member_losses
        and isinstance(model, TwoLayerMLP)
        and not model.is_seen_through()
    ):
        return TwoLayerStep(model, task, rows, batch)
    return by_autograd


class ByAutograd:
    """The gradients of any network.

    The sum over members has each member's own gradient, since no weight is shared.
    """

    def __init__(self, model: nn.Module, task: Task, rows: Sequence[int], losses_of: LossesOf) -> None:
        self.model, self.task, self.losses_of = model, task, losses_of
        self.rows = None if list(rows) == list(range(len(rows))) else torch.tensor(rows, device=task.device)

    def __call__(self, batch: Batch) -> Float[Tensor, " member"]:
        """The losses of the members on their rows of the batch."""
        losses = self.losses_of(self.model, self.task, self.rows_of(batch))
        for parameter in self.model.parameters():
            parameter.grad = None
        losses.sum().backward()
        return losses.detach()

    def rows_of(self, batch: Batch) -> Batch:
        """The batch with a row a member."""
        return batch if self.rows is None else Batch(batch.x[self.rows], batch.y[self.rows])
