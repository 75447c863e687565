"""The interface of a task: batches by (seed, step), the loss of each example, a validation set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from hptheory.errors import DomainError

EVALUATION_BATCH = 512  # validation examples at once, for memory's sake


class Batch(NamedTuple):
    """Examples with a leading axis: one entry a seed in training, a single shared one in validation.

    Shapes: x [seed or 1, batch, ...]; y [seed or 1, batch, ...].
    """

    x: Tensor
    y: Tensor


class Task(ABC):
    """What a network learns, on one device, its inputs in one floating-point type.

    ``inputs`` and ``outputs`` are the numbers of input features and of outputs of a network on this task.
    """

    inputs: int
    outputs: int
    positions: int = 1
    """How many predictions an example holds: a window of text is as many as it has tokens."""

    fingerprint: str | None = None
    """A hash of the data, where the same task may find others elsewhere or later; None where it cannot."""

    def __init__(self, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        self.device, self.dtype = torch.device(device), dtype

    @abstractmethod
    def batch(self, step: int, seeds: Sequence[int], size: int) -> Batch:
        """The examples of this step, for each seed; a pure function of (seed, step, size).

        So a run goes on from any step without the state of a generator, and a seed's examples depend on no
        other seed, on no width and on no hyperparameter. Nothing here waits for the device.
        """

    @abstractmethod
    def losses(self, outputs: Tensor, y: Tensor) -> Float[Tensor, "member batch"]:
        """The loss of each example, from a network's outputs [member, batch, ...]."""

    def losses_and_slopes(self, outputs: Tensor, y: Tensor) -> tuple[Float[Tensor, " member"], Tensor]:
        """The mean loss of each member, and its derivative with respect to that member's outputs.

        By autograd; a task may know it in closed form, and may use the memory of ``outputs`` for it.
        """
        with torch.enable_grad():
            leaf = outputs.detach().requires_grad_()
            losses = self.losses(leaf, y).mean(1)
            (slopes,) = torch.autograd.grad(losses.sum(), leaf)
        return losses.detach(), slopes

    @abstractmethod
    def validation(self) -> Sequence[Batch]:
        """The validation set in chunks, the same for every seed; computed once."""

    def hits(self, outputs: Tensor, y: Tensor) -> Bool[Tensor, "member batch"] | None:
        """Which examples are classified correctly; None for a task that is no classification."""
        return None

    def steps_per_epoch(self, batch_size: int) -> int:
        """How many batches make an epoch.

        Domain: a task with fresh samples at each step has no epochs: ``DomainError``.
        """
        raise DomainError("epochs", "given", "None for a task of fresh samples; give steps instead")
