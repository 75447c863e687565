"""The component directions of an observation: eigenvectors of the alignment matrix, by decreasing
magnitude."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from hptheory.decomposition.arrays import full_precision

FACTORED_BELOW = 4  # as for the eigenvalues alone: with n >= 4 m the problem shrinks to size 2 m


def alignment_eigenvectors(
    gradient: Float[Tensor, "*batch m n"], update: Float[Tensor, "*batch m n"]
) -> tuple[Float[Tensor, "*batch r"], Float[Tensor, "*batch n r"]]:
    r"""The eigenvalues of S = (G^T dW + dW^T G)/2 by decreasing magnitude and their eigenvectors u_j.

    Where n >= 4 m only the r = 2 m of the range of [G^T, dW^T] = Q R come back, as Q times those of the core
    R J R^T / 2 (J swaps the two blocks): the others belong to the eigenvalue 0, and G u = dW u = 0. Else
    r = n. Eigenvectors of equal eigenvalues are any orthonormal basis of their span.

    Source: paper, Sec. 4.1, (2), (3), and Sec. 4.2.3.

    *Laws*: the eigenvalues are those of ``hptheory.decomposition.alignment_spectrum``; u_j^T G^T dW u_j =
    lambda_j; the u_j are orthonormal.

    >>> g, d = torch.randn(2, 3, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    >>> values, vectors = alignment_eigenvectors(g, d)
    >>> tuple(vectors.shape), bool(torch.allclose(((g @ vectors) * (d @ vectors)).sum(0), values))
    ((40, 6), True)
    """
    m, n = gradient.shape[-2:]
    with full_precision(gradient):
        if n >= FACTORED_BELOW * m:
            basis, upper = torch.linalg.qr(torch.cat([gradient, update], dim=-2).mT)
            core = upper[..., :m] @ upper[..., m:].mT
            values, vectors = torch.linalg.eigh((core + core.mT) / 2)
            vectors = basis @ vectors
        else:
            product = gradient.mT @ update
            values, vectors = torch.linalg.eigh((product + product.mT) / 2)
    order = values.abs().argsort(dim=-1, descending=True, stable=True)
    columns = order.unsqueeze(-2).expand_as(vectors)
    return values.gather(-1, order), vectors.gather(-1, columns)
