"""Classification of a data set in memory, in epochs without replacement, under cross-entropy."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from hptheory.errors import DomainError
from sims.data.batches import epoch_batches
from sims.data.classification import Classification
from sims.tasks.base import EVALUATION_BATCH, Batch, Task


class ClassificationTask(Task):
    """The examples of a ``Classification``, in an order of its own for each seed and epoch."""

    def __init__(
        self,
        data: Classification,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(device, dtype)
        self.data = data.to(self.device, dtype)
        self.inputs, self.outputs = data.features, data.classes
        self._epoch: tuple[tuple[int, int, tuple[int, ...]], Int[Tensor, "step seed batch"]] | None = None

    def batch(self, step: int, seeds: Sequence[int], size: int) -> Batch:
        """Row ``step`` of the epoch that it falls into."""
        epoch, row = divmod(step, self.steps_per_epoch(size))
        examples = self._order(epoch, tuple(seeds), size)[row]
        return Batch(self.data.train_x[examples], self.data.train_y[examples])

    def _order(self, epoch: int, seeds: tuple[int, ...], size: int) -> Int[Tensor, "step seed batch"]:
        """The epoch's batches as indices; the last epoch asked for is kept."""
        key = (epoch, size, seeds)
        if self._epoch is None or self._epoch[0] != key:
            order = epoch_batches(seeds, epoch, len(self.data.train_y), size).to(self.device)
            self._epoch = (key, order)
        return self._epoch[1]

    def losses(
        self, outputs: Float[Tensor, "member batch classes"], y: Int[Tensor, "member batch"]
    ) -> Float[Tensor, "member batch"]:
        """Cross-entropy in nats."""
        # Over the last axis, where it is short, torch's softmax is ten times slower than over another.
        return F.cross_entropy(outputs.mT, y, reduction="none")

    def losses_and_slopes(
        self, outputs: Float[Tensor, "member batch classes"], y: Int[Tensor, "member batch"]
    ) -> tuple[Float[Tensor, " member"], Float[Tensor, "member batch classes"]]:
        """The mean cross-entropy, and (softmax - one-hot label) / batch."""
        logs, labels = outputs.mT.log_softmax(1), y.unsqueeze(1)
        losses = logs.gather(1, labels).squeeze(1).mean(1).neg_()
        slopes = logs.exp_().scatter_(1, labels, -1.0, reduce="add")
        return losses, slopes.div_(y.shape[1]).mT

    def hits(
        self, outputs: Float[Tensor, "member batch classes"], y: Int[Tensor, "member batch"]
    ) -> Bool[Tensor, "member batch"]:
        """Whether the largest output is the label's."""
        return outputs.argmax(-1) == y

    def validation(self) -> list[Batch]:
        """The held-out examples."""
        x, y = self.data.validation_x.split(EVALUATION_BATCH), self.data.validation_y.split(EVALUATION_BATCH)
        return [Batch(some_x[None], some_y[None]) for some_x, some_y in zip(x, y, strict=True)]

    def steps_per_epoch(self, batch_size: int) -> int:
        """Whole batches in the training set; a ``DomainError`` if there is none."""
        if batch_size > len(self.data.train_y):
            raise DomainError(
                "batch_size", batch_size, f"at most the number of training examples, {len(self.data.train_y)}"
            )
        return len(self.data.train_y) // batch_size
