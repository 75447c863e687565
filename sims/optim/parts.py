"""Batches cut so that a CPU's cache holds what is worked on: long batches of matrices are otherwise read from
memory for every product, and slower than a loop over the matrices.
"""

from __future__ import annotations

from torch import Tensor

CACHE_BYTES = 2**18
"""How much of one tensor is worked on at once; several are, in caches of a few times that."""


def matrices_at_once(matrix: Tensor) -> int:
    """How many matrices like those of a tensor [..., m, n] to work on at once; on a GPU, all of them."""
    if matrix.device.type != "cpu":
        return max(1, matrix.numel())
    return max(1, CACHE_BYTES // (matrix.shape[-2] * matrix.shape[-1] * matrix.element_size()))


def cache_parts(batch: Tensor) -> tuple[Tensor, ...]:
    """The batch [matrices, m, n] in parts of about one size.

    None has a single matrix unless the batch has: a product of one takes another route, with other rounding.

    >>> import torch
    >>> [len(part) for part in cache_parts(torch.zeros(27, 128, 128))]
    [5, 5, 5, 4, 4, 4]
    """
    parts = len(batch) // max(2, matrices_at_once(batch))
    return batch.tensor_split(max(1, parts))
