"""Matrices cut into blocks of one size, padded with zeros at the edges, so that all blocks are one batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Blocks:
    """How an m x n matrix is cut: i x j blocks of d_out x d_in; one block if no size is given.

    Padding changes no block statistics but by zero rows and columns, which stay zero through any function of
    G G^T and G^T G.

    *Laws*: ``merge(split(x))`` is x; G G^T of the padded block is that of the block, and zeros.

    >>> import torch
    >>> x = torch.arange(12.0).view(3, 4)
    >>> blocks = Blocks.of(x, size=2)
    >>> blocks.split(x).shape, bool((blocks.merge(blocks.split(x)) == x).all())
    (torch.Size([2, 2, 2, 2]), True)
    """

    rows: int
    columns: int
    d_out: int
    d_in: int

    @classmethod
    def of(cls, matrix: Tensor, size: int | None) -> Blocks:
        """The cut of a matrix [..., m, n] into square blocks of that size, no larger than the matrix."""
        rows, columns = matrix.shape[-2:]
        if size is None:
            return cls(rows, columns, rows, columns)
        return cls(rows, columns, min(size, rows), min(size, columns))

    @property
    def grid(self) -> tuple[int, int]:
        """How many blocks there are, downwards and across."""
        return math.ceil(self.rows / self.d_out), math.ceil(self.columns / self.d_in)

    def split(self, matrix: Float[Tensor, "*batch m n"]) -> Float[Tensor, "*batch i j d_out d_in"]:
        """The blocks of every matrix."""
        down, across = self.grid
        padding = (0, across * self.d_in - self.columns, 0, down * self.d_out - self.rows)
        padded = F.pad(matrix, padding) if any(padding) else matrix
        return padded.unflatten(-2, (down, self.d_out)).unflatten(-1, (across, self.d_in)).transpose(-3, -2)

    def merge(self, blocks: Float[Tensor, "*batch i j d_out d_in"]) -> Float[Tensor, "*batch m n"]:
        """The matrices of which these are the blocks."""
        whole = blocks.transpose(-3, -2).flatten(-4, -3).flatten(-2, -1)
        return whole[..., : self.rows, : self.columns]


def per_block(value: float | Tensor) -> float | Tensor:
    """A hyperparameter that broadcasts against matrices, made to broadcast against their blocks."""
    return value[..., None, None] if isinstance(value, Tensor) and value.ndim >= 2 else value
