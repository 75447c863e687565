"""Polar factors U V^T of matrices U S V^T: exactly, and by Newton-Schulz iterations made of products alone.

One iteration is an odd quintic a x + b x^3 + c x^5 applied to the singular values, as X <- a X + (b A + c
A^2) X with A = X X^T. The kinds differ in (a, b, c), and all start from X / norm, whose singular values are
at most 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice, repeat

import torch
from jaxtyping import Float
from torch import Tensor

from sims.optim.parts import cache_parts

Quintic = tuple[float, float, float]
ORTHOGONALIZERS = ("jordan", "polar_express", "schulz", "exact")

# Keller Jordan, "Muon: an optimizer for hidden layers in neural networks" (2024): the slope at 0 as steep as
# it gets while singular values stay near 1, where they never settle. Five iterations bring them from 0.0016
# of the norm on to between 0.68 and 1.21.
JORDAN: Quintic = (3.4445, -4.7750, 2.0315)
# The Pade iteration, whose quintic is flat to second order at 1: it converges, slowly from below. Higham,
# "Functions of Matrices" (2008), Sec. 8.
SCHULZ: Quintic = (15 / 8, -10 / 8, 3 / 8)
# Amsel et al., arXiv 2505.16932, Algorithm 1: each quintic is minimax on the interval to which the earlier
# ones have brought the singular values in [1e-3, 1]; tests/sims/optim derives them afresh.
POLAR_EXPRESS: tuple[Quintic, ...] = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
    (1.891301407787398, -1.2679958271945868, 0.37680408948524835),
    (1.8750014808534479, -1.2500016453999487, 0.3750001645474248),
)
# Same place: singular values that rounding leaves above an interval must not grow, so all is read at x /
# 1.01.
SAFETY = 1.01


def quintics(kind: str, steps: int) -> list[Quintic]:
    """The (a, b, c) of each of ``steps`` iterations.

    >>> quintics("schulz", 2)
    [(1.875, -1.25, 0.375), (1.875, -1.25, 0.375)]
    """
    safe = ((a / SAFETY, b / SAFETY**3, c / SAFETY**5) for a, b, c in POLAR_EXPRESS)
    endless: dict[str, Sequence[Quintic] | chain[Quintic] | repeat[Quintic]] = {
        "jordan": repeat(JORDAN),
        "schulz": repeat(SCHULZ),
        "polar_express": chain(safe, repeat(SCHULZ)),
    }
    return list(islice(endless[kind], steps))


def orthogonalized(
    matrix: Float[Tensor, "*batch m n"],
    kind: str = "jordan",
    steps: int = 5,
    eps: float | Tensor = 1e-7,
    dtype: torch.dtype | None = None,
) -> Float[Tensor, "*batch m n"]:
    """The polar factor of every matrix, by the method named: ``exact``, or ``steps`` Newton-Schulz
    iterations.

    ``eps`` is added to the Frobenius norm that the iterations divide by, and ``dtype`` is the precision that
    they are done in (default: the matrix's); neither has a part in ``exact``.

    >>> reflection = torch.tensor([[0.6, 0.8], [0.8, -0.6]])            # orthogonal times a positive matrix
    >>> [(orthogonalized(reflection * 3, kind, steps) - reflection).abs().max().item() < 1e-6
    ...  for kind, steps in (("exact", 0), ("polar_express", 9), ("schulz", 15), ("jordan", 5))]
    [True, True, True, False]
    """
    if kind == "exact":
        return polar_factor(matrix)
    norm = torch.linalg.matrix_norm(matrix, keepdim=True)
    size = norm * (SAFETY if kind == "polar_express" else 1) + eps
    return newton_schulz(matrix / torch.where(size > 0, size, 1), quintics(kind, steps), dtype)


def newton_schulz(
    matrix: Float[Tensor, "*batch m n"], schedule: Sequence[Quintic], dtype: torch.dtype | None = None
) -> Float[Tensor, "*batch m n"]:
    """U p(S) V^T of every matrix U S V^T, p the composition of the quintics, first one first.

    *Laws*: singular vectors stay, singular values go through p; orthogonal factors on either side pass
    through.
    """
    tall = matrix.shape[-2] > matrix.shape[-1]  # A is then the smaller of the two Gram matrices
    x = matrix.mT if tall else matrix
    x = x.reshape(-1, *x.shape[-2:])
    found = torch.empty_like(x)
    for some, part in zip(cache_parts(found), cache_parts(x), strict=True):
        y = part.to(dtype or matrix.dtype).contiguous()
        for a, b, c in schedule:
            gram = torch.bmm(y, y.mT)
            even = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
            y = torch.baddbmm(y, even, y, beta=a)
        some.copy_(y)
    return (found.mT if tall else found).reshape(matrix.shape)


def polar_factor(matrix: Float[Tensor, "*batch m n"]) -> Float[Tensor, "*batch m n"]:
    """U V^T of every matrix U S V^T, over its singular vectors of nonzero singular value.

    Singular values below max(m, n) x machine epsilon x the largest count as zero (as in ``matrix_rank``), so
    that a rank-one matrix s u v^T gives u v^T, and zero gives zero: the limit of Newton-Schulz, in which 0
    stays 0. A matrix with entries that are not finite gives NaN and leaves the others alone.

    Source: paper, App. A.2, msgn(X), there for X of full rank.

    >>> polar_factor(torch.tensor([[0.0, 3.0], [0.0, 0.0]]))
    tensor([[0., 1.],
            [0., 0.]])
    """
    finite = matrix.isfinite().all(-1).all(-1)[..., None, None]
    u, s, vh = torch.linalg.svd(torch.where(finite, matrix, 0), full_matrices=False)
    noise = max(matrix.shape[-2:]) * torch.finfo(matrix.dtype).eps * s[..., :1]
    return torch.where(finite, (u * (s > noise).unsqueeze(-2)) @ vh, torch.nan)
