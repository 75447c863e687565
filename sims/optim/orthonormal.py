"""Orthonormal columns that span those of a tall matrix: by QR, or by Cholesky-QR, which is products alone."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

ORTHONORMALIZERS = ("qr", "cholesky")
PASSES = 3


def orthonormal(matrix: Float[Tensor, "*batch m r"], method: str = "qr") -> Float[Tensor, "*batch m r"]:
    """Orthonormal columns with the span of the given ones, of every matrix, m >= r; signs as the method has
    them.

    >>> tall = torch.tensor([[3.0, 1.0], [4.0, 1.0], [0.0, 2.0]])
    >>> [torch.allclose(q.T @ q, torch.eye(2), atol=1e-6)
    ...  for q in (orthonormal(tall), orthonormal(tall, "cholesky"))]
    [True, True]
    """
    if method == "qr":
        return torch.linalg.qr(matrix).Q
    return cholesky_qr(matrix)


def cholesky_qr(matrix: Float[Tensor, "*batch m r"]) -> Float[Tensor, "*batch m r"]:
    r"""Orthonormal columns by A <- A C^-T with C C^T = A^T A + shift, three times over, columns scaled to
    unit norm before each.

    One pass squares the condition number and fails for one above 1/sqrt(epsilon); the shift keeps the
    factorisation going, and the later passes mend what it did. A column that is zero, or becomes zero in
    rounding because it depends on the others, stays zero rather than turn into an arbitrary direction.

    Source: Fukaya et al., "Shifted Cholesky QR for computing the QR factorization of ill-conditioned
    matrices", SIAM J. Sci. Comput. 42 (2020), A477: shifted CholeskyQR3 (where the first pass only is
    shifted, and columns are not scaled).

    *Laws*: columns orthonormal to 10 r epsilon for condition numbers up to 0.01/epsilon; same span; no wait
    for the device.
    """
    epsilon = torch.finfo(matrix.dtype).eps
    rank = matrix.shape[-1]
    identity = torch.eye(rank, dtype=matrix.dtype, device=matrix.device)
    for done in range(PASSES):
        norms = torch.linalg.vector_norm(matrix, dim=-2, keepdim=True)
        matrix = matrix / torch.where(norms > 0, norms, 1)
        # Rounding in A^T A, of unit diagonal, is about epsilon an entry: at most rank * epsilon in norm.
        shift = 4 * rank * epsilon if done < PASSES - 1 else epsilon
        factor = torch.linalg.cholesky_ex(matrix.mT @ matrix + shift * identity).L
        matrix = torch.linalg.solve_triangular(factor.mT, matrix, upper=True, left=False)
    return matrix
