"""Eigendecompositions of symmetric statistics that never stop a run: a matrix whose own fails is left out,
and reported.

``torch.linalg.eigh`` raises for the whole batch if one matrix fails; one member of a pack must not take the
others down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def fallbacks_in(states: Iterable[Mapping[str, Any]]) -> int:
    """How many fallbacks the states of an optimizer's parameters have counted; 0 where none can occur."""
    counts = (v for state in states for name, v in state.items() if name.endswith("fallbacks"))
    return int(sum(count.sum().item() for count in counts))  # a graft's go by graft_fallbacks


def finite_matrices(matrix: Float[Tensor, "*batch m n"]) -> Bool[Tensor, "*batch 1 1"]:
    """Which matrices have finite entries only."""
    return matrix.isfinite().all(-1).all(-1)[..., None, None]


def zero_matrices(matrix: Float[Tensor, "*batch m n"]) -> Bool[Tensor, "*batch 1 1"]:
    """Which matrices are zero."""
    return matrix.eq(0).all(-1).all(-1)[..., None, None]


def eigenbasis(
    matrix: Float[Tensor, "*batch n n"],
) -> tuple[Float[Tensor, "*batch n"], Float[Tensor, "*batch n n"], Bool[Tensor, "*batch 1 1"]]:
    """Eigenvalues (ascending), eigenvectors (columns), and which matrices succeeded; the others get the
    identity's.

    A matrix fails if it has entries that are not finite, or if the decomposition does not converge.

    >>> sound, broken = torch.diag(torch.tensor([2.0, 5.0])), torch.full((2, 2), torch.nan)
    >>> values, vectors, succeeded = eigenbasis(torch.stack([sound, broken]))
    >>> values.tolist(), succeeded.flatten().tolist()
    ([[2.0, 5.0], [1.0, 1.0]], [True, False])
    """
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    succeeded = finite_matrices(matrix)
    sound = torch.where(succeeded, matrix, identity)
    try:
        values, vectors = torch.linalg.eigh(sound)
    except torch.linalg.LinAlgError:
        values, vectors, converged = _one_by_one(sound)
        succeeded = succeeded & converged
    # A library may also report success and return what is not a number.
    succeeded = succeeded & finite_matrices(vectors) & values.isfinite().all(-1)[..., None, None]
    return torch.where(succeeded[..., 0], values, 1), torch.where(succeeded, vectors, identity), succeeded


def _one_by_one(
    matrix: Float[Tensor, "*batch n n"],
) -> tuple[Float[Tensor, "*batch n"], Float[Tensor, "*batch n n"], Bool[Tensor, "*batch 1 1"]]:
    """Decompositions of the matrices that have one; NaN for the others."""
    values, vectors = torch.full_like(matrix[..., 0], torch.nan), torch.full_like(matrix, torch.nan)
    flat = matrix.reshape(-1, *matrix.shape[-2:])
    for index, single in enumerate(flat):
        try:
            found = torch.linalg.eigh(single)
        except torch.linalg.LinAlgError:
            continue
        values.view(len(flat), -1)[index], vectors.view_as(flat)[index] = found
    return values, vectors, finite_matrices(vectors)


def inverse_root(
    statistic: Float[Tensor, "*batch n n"], exponent: float, damping: float | Tensor, *, relative: bool
) -> tuple[Float[Tensor, "*batch n n"], Bool[Tensor, "*batch 1 1"]]:
    """(statistic + damping)^-exponent of every symmetric positive semidefinite matrix, and which succeeded.

    ``damping`` is added to the eigenvalues, in units of the largest if ``relative``. Where a damped
    eigenvalue is zero (nothing was ever seen in that direction) the root is zero there, as in a
    pseudo-inverse.

    >>> root, _ = inverse_root(torch.diag(torch.tensor([16.0, 1.0])), 0.25, 0.0, relative=False)
    >>> root
    tensor([[0.5000, 0.0000],
            [0.0000, 1.0000]])
    """
    values, vectors, succeeded = eigenbasis(statistic)
    values = values.clamp(min=0)  # below zero is rounding
    damped = values.unsqueeze(-2) + (damping * values[..., -1:].unsqueeze(-2) if relative else damping)
    # Not by **: torch.pow rounds the last entries of a tensor otherwise than the others (torch 2.13, CPU), so
    # that a member's roots would depend on its place in the pack.
    powers = torch.exp(-exponent * torch.where(damped > 0, damped, 1).log()) * (damped > 0)
    return (vectors * powers) @ vectors.mT, succeeded
