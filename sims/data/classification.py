"""A classification data set in memory: examples as rows, labels as integers, in two parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Classification:
    """Training and validation examples of one task, all on one device."""

    train_x: Float[Tensor, "train features"]
    train_y: Int[Tensor, " train"]
    validation_x: Float[Tensor, "validation features"]
    validation_y: Int[Tensor, " validation"]
    classes: int

    @property
    def features(self) -> int:
        """The number of inputs of a network on this task."""
        return self.train_x.shape[1]

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Classification:
        """The same data on another device, the examples in another floating-point type."""
        return replace(
            self,
            train_x=self.train_x.to(device, dtype),
            train_y=self.train_y.to(device),
            validation_x=self.validation_x.to(device, dtype),
            validation_y=self.validation_y.to(device),
        )
