"""Whether the products that a decomposition takes can be numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool
from torch import Tensor

from sims.trajectory.objective import Weights


def products_are_finite(
    gradient: Weights, update: Weights, names: Sequence[str], members: int
) -> Bool[Tensor, " member"]:
    """Whether no square of an entry of G^T dW, nor of a sum of them, can leave the range of numbers.

    A run that diverges passes through finite weights whose products are not, or not when an eigensolver
    squares them: it would not converge, and the members beside it would be lost with it.

    >>> small, large = torch.ones(1, 2, 2), torch.full((1, 2, 2), 1e30)
    >>> [products_are_finite({"w": each}, {"w": each}, ["w"], 1).item() for each in (small, large)]
    [True, False]
    """
    fine = []
    for name in names:
        pair = (each[name].reshape(members, -1) for each in (gradient, update))
        largest = (torch.linalg.vector_norm(each, math.inf, dim=1).double() for each in pair)
        limit = torch.finfo(torch.promote_types(gradient[name].dtype, torch.float32)).max ** 0.5
        fine.append(gradient[name].numel() // members * math.prod(largest) < limit)
    return torch.stack(fine).all(0)
