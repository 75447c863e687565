"""Classification of CIFAR-10 with random resized crops and mixup, made on the device batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor
from torch.nn import functional as F

from hptheory.errors import DomainError
from sims.data.augmentation import crop, draw, mix
from sims.data.batches import epoch_batches
from sims.data.cifar10 import CLASSES, load_cifar10
from sims.seeding import numpy_generator
from sims.settings.tasks import CIFAR10Config
from sims.tasks.base import EVALUATION_BATCH, Batch, Task


class CIFAR10(Task):
    """CIFAR-10 under cross-entropy, as rows of 3,072 numbers, standardised channel by channel.

    Training images are augmented and their labels are distributions; validation images are neither. The
    bytes stay on the device; numbers are made batch by batch.

    Source: paper, App. D.5; what it leaves open is said in ``sims.settings.cifar_mlp``.
    """

    def __init__(
        self,
        config: CIFAR10Config,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        data_dir: Path | None = None,
    ) -> None:
        super().__init__(device, dtype)
        self.config = config
        train, held_out = load_cifar10(config.held_out, data_dir)
        self.train_x, self.train_y = train.x.to(self.device), train.y.to(self.device, torch.int64)
        mean, std = channel_moments(train.x)
        self.mean = mean.view(-1, 1, 1).to(self.device, dtype)
        self.std = std.view(-1, 1, 1).to(self.device, dtype)
        self.inputs, self.outputs = train.x[0].numel(), CLASSES
        y = held_out.y.to(self.device, torch.int64)
        self._validation = [
            Batch(self.standardised(some_x.to(self.device)).flatten(1)[None], some_y[None])
            for some_x, some_y in zip(
                held_out.x.split(EVALUATION_BATCH), y.split(EVALUATION_BATCH), strict=True
            )
        ]
        self._epoch: tuple[tuple[int, int, tuple[int, ...]], Int[Tensor, "step seed batch"]] | None = None

    def standardised(self, x: Tensor) -> Float[Tensor, "*batch channel row column"]:
        """Bytes as numbers with mean 0 and standard deviation 1 in each channel of the training set."""
        return (x.to(self.dtype) - self.mean) / self.std

    def batch(self, step: int, seeds: Sequence[int], size: int) -> Batch:
        """Row ``step`` of the epoch that it falls into, each image cropped, the batch mixed."""
        epoch, row = divmod(step, self.steps_per_epoch(size))
        order = self._order(epoch, tuple(seeds), size)[row]
        made = [self._augmented(examples, seed, step) for seed, examples in zip(seeds, order, strict=True)]
        return Batch(torch.stack([batch.x for batch in made]), torch.stack([batch.y for batch in made]))

    def _augmented(self, examples: Int[Tensor, " batch"], seed: int, step: int) -> Batch:
        x = self.train_x[examples]
        y = F.one_hot(self.train_y[examples], CLASSES).to(self.dtype)
        if self.config.augment:
            drawn = draw(
                numpy_generator(seed, "augmentation", step),
                len(examples),
                scale=self.config.crop_scale,
                mixup=self.config.mixup,
            )
            boxes = torch.from_numpy(drawn.boxes).to(self.device, self.dtype, non_blocking=True)
            x, y = mix(crop(x.to(self.dtype), boxes), drawn.weight), mix(y, drawn.weight)
        return Batch(self.standardised(x).flatten(1), y)

    def _order(self, epoch: int, seeds: tuple[int, ...], size: int) -> Int[Tensor, "step seed batch"]:
        """The epoch's batches as indices; the last epoch asked for is kept."""
        key = (epoch, size, seeds)
        if self._epoch is None or self._epoch[0] != key:
            self._epoch = (key, epoch_batches(seeds, epoch, len(self.train_y), size).to(self.device))
        return self._epoch[1]

    def losses(
        self, outputs: Float[Tensor, "member batch classes"], y: Tensor
    ) -> Float[Tensor, "member batch"]:
        """Cross-entropy in nats, to labels [member, batch] or to distributions [member, batch, classes]."""
        losses = F.cross_entropy(outputs.flatten(0, 1), y.flatten(0, 1), reduction="none")
        return losses.view(outputs.shape[:2])

    def hits(self, outputs: Float[Tensor, "member batch classes"], y: Tensor) -> Bool[Tensor, "member batch"]:
        """Whether the largest output is the label's; of a distribution, its largest class's."""
        return outputs.argmax(-1) == (y if y.ndim == 2 else y.argmax(-1))

    def validation(self) -> list[Batch]:
        """The images that are no training images."""
        return self._validation

    def steps_per_epoch(self, batch_size: int) -> int:
        """Whole batches in the training set; a ``DomainError`` if there is none."""
        if batch_size > len(self.train_y):
            raise DomainError(
                "batch_size", batch_size, f"at most the number of training images, {len(self.train_y)}"
            )
        return len(self.train_y) // batch_size


def channel_moments(
    x: UInt8[Tensor, "image channel row column"],
) -> tuple[Float[Tensor, " channel"], Float[Tensor, " channel"]]:
    """Mean and standard deviation of each channel, from exact sums of whole numbers.

    >>> x = torch.tensor([[0, 2], [4, 10]], dtype=torch.uint8).view(1, 1, 2, 2)
    >>> mean, std = channel_moments(x)
    >>> mean.item() == 4, std.item() == x.double().std().item()
    (True, True)
    """
    count = x[:, 0].numel()
    first = x.sum((0, 2, 3), dtype=torch.int64).tolist()
    second = [0] * len(first)
    for some in x.split(1000):
        squares = some.to(torch.int32).square().sum((0, 2, 3), dtype=torch.int64)
        second = [total + more for total, more in zip(second, squares.tolist(), strict=True)]
    # Python's whole numbers have no bound: count * second is beyond 64 bits for a data set of this size.
    variance = [
        (count * square - total**2) / (count * (count - 1))
        for total, square in zip(first, second, strict=True)
    ]
    mean = torch.tensor([total / count for total in first], dtype=torch.float64)
    return mean, torch.tensor(variance, dtype=torch.float64).sqrt()
