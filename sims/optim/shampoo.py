"""Shampoo: the momentum between inverse roots of the running means of G G^T and G^T G, per block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from hptheory.errors import DomainError
from sims.optim.blocks import Blocks, per_block
from sims.optim.eigen import finite_matrices, inverse_root
from sims.optim.matrix import MatrixOptimizer, Options
from sims.optim.rule import (
    Number,
    Rule,
    State,
    check_count,
    check_name,
    check_not_negative,
    check_share,
    corrected,
    update_mean,
)

DAMPINGS = ("relative", "absolute")
FIRST_STEPS = 4
"""Where readout and residual branches start at zero, gradients reach the first layers at the third step."""
SIDES = ("left", "right")


@dataclass(frozen=True)
class ShampooRule(Rule):
    """(L + eps)^-e_L M (R + eps)^-e_R, with L, R and M running means of G G^T, G^T G and G, bias corrected.

    ``beta2=None`` sums instead of averaging, as the first Shampoo does. ``damping`` says whether ``eps`` is
    in units of the largest eigenvalue. Inverse roots are taken every ``interval`` steps, but at each of the
    first ``interval`` with a gradient: the first of all may be far smaller than what follows (below a readout
    that starts at zero), and no measure for it.
    """

    momentum: Number = 0.9
    beta2: Number | None = 0.95
    exponents: tuple[float, float] = (0.25, 0.25)
    eps: Number = 1e-6
    damping: str = "relative"
    block: int | None = None
    interval: int = 1

    def check(self, rows: int, columns: int) -> None:
        """Shares in [0, 1), exponents >= 0 and not both 0, block and interval at least 1."""
        check_share("momentum", self.momentum)
        check_share("beta2", 0.0 if self.beta2 is None else self.beta2)
        if len(self.exponents) != 2:
            raise DomainError("exponents", self.exponents, "two numbers, of the output and the input side")
        for exponent in self.exponents:
            check_not_negative("exponents", exponent)
        if not any(self.exponents):
            raise DomainError(
                "exponents", self.exponents, "not both 0", "or use SGD, which they make of Shampoo"
            )
        check_not_negative("eps", self.eps)
        check_name("damping", self.damping, DAMPINGS)
        check_count("interval", self.interval)
        if self.block is not None:
            check_count("block", self.block)

    def decomposes(self, step: int) -> bool:
        """Whether inverse roots are due; the first gradient may come as late as at step ``FIRST_STEPS``."""
        return step < FIRST_STEPS + self.interval or (step - 1) % self.interval == 0

    def start(self, matrix: Float[Tensor, "*batch m n"]) -> State:
        """Statistics at zero, and as roots the identity, which stays if the very first one fails."""
        blocks = Blocks.of(matrix, self.block)
        state = {"exp_avg": torch.zeros_like(matrix), "fallbacks": matrix.new_zeros(matrix.shape[:-2])}
        for side, size, exponent in zip(SIDES, (blocks.d_out, blocks.d_in), self.exponents, strict=True):
            if exponent > 0:
                shape = (*matrix.shape[:-2], *blocks.grid, size, size)
                state[side] = matrix.new_zeros(shape)
                state[f"{side}_root"] = torch.eye(size).to(matrix).expand(shape).clone()
        return state

    def direction(
        self, grad: Float[Tensor, "*batch m n"], state: State, step: int
    ) -> Float[Tensor, "*batch m n"]:
        """The momentum between the inverse roots."""
        blocks = Blocks.of(grad, self.block)
        mean = corrected(update_mean(state["exp_avg"], grad, self.momentum), self.momentum, step)
        pieces, direction = blocks.split(grad), blocks.split(mean)
        accumulate(state, pieces, self.beta2)
        if "left" in state:
            direction = self._root(state, "left", self.exponents[0], step) @ direction
        if "right" in state:
            direction = direction @ self._root(state, "right", self.exponents[1], step)
        return blocks.merge(direction)

    def _root(self, state: State, side: str, exponent: float, step: int) -> Tensor:
        """The inverse root of a side, brought up to date if due; where that fails, the one before."""
        root = state[f"{side}_root"]
        if self.decomposes(step):
            statistic = state[side]
            if self.beta2 is not None:
                statistic = corrected(statistic, per_block(self.beta2), step)
            eps = per_block(self.eps)
            found, succeeded = inverse_root(statistic, exponent, eps, relative=self.damping == "relative")
            root.copy_(torch.where(succeeded, found, root))
            count_failures(state, ~succeeded)
        return root


def accumulate(state: State, pieces: Tensor, beta2: Number | None) -> None:
    """Take G G^T and G^T G of blocks into their statistics.

    One that would not be finite is left out, and counted; not counted if the gradient itself is not finite,
    that is, if the run has diverged.
    """
    known = finite_matrices(pieces)
    for side in SIDES:
        if side in state:
            statistic = state[side]
            product = pieces @ pieces.mT if side == "left" else pieces.mT @ pieces
            if beta2 is None:
                new = statistic + product
            else:
                new = update_mean(statistic.clone(), product, per_block(beta2))
            finite = finite_matrices(new)
            count_failures(state, known & ~finite)
            statistic.copy_(torch.where(finite, new, statistic))


def count_failures(state: State, failed: Tensor) -> None:
    """Add the blocks [*batch, i, j, 1, 1] that failed to the count of their matrix."""
    state["fallbacks"].add_(failed.sum((-4, -3, -2, -1)))


class Shampoo(MatrixOptimizer):
    """Shampoo: W <- W - lr (L + eps)^-e_L M (R + eps)^-e_R, L and R running means of G G^T and G^T G.

    ``exponents`` are (e_L, e_R), 0 leaving a side out; ``block`` cuts matrices into squares of that size,
    each with statistics of its own; ``interval`` is the number of steps between inverse roots, taken by
    eigendecomposition (of the first ``interval`` steps with a gradient, at each). ``eps`` is in units of the
    largest eigenvalue (``damping="relative"``: what is smaller than 1e-6 of it is rounding in float32 anyway)
    or added as it is (``"absolute"``). ``beta2=None`` sums the statistics. Other options are those of
    ``MatrixOptimizer``.

    Where an inverse root or a statistic is not finite, the one before is kept, a ``FallbackWarning`` says so,
    and ``fallbacks`` counts it.

    Source: Gupta et al., arXiv 1802.09568 (sums, e = 1/4, absolute); means, bias correction and blocks after
    Shi et al., arXiv 2309.06497; general exponents as in arXiv 2512.05620.

    *Laws*: with (1/4, 1/4), no momentum and no damping the first direction is U V^T; with (1/2, 1/2) it is U
    S^-1 V^T; it turns with orthogonal factors on either side if there is one block.

    >>> weight = torch.nn.Parameter(torch.zeros(2, 2))
    >>> weight.grad = torch.tensor([[0.0, 7.0], [-2.0, 0.0]])
    >>> Shampoo([weight], lr=0.5, momentum=0.0, eps=0.0).step()
    >>> weight.data.round(decimals=4)
    tensor([[ 0.0000, -0.5000],
            [ 0.5000,  0.0000]])
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Number = 1e-3,
        *,
        momentum: Number = 0.9,
        beta2: Number | None = 0.95,
        exponents: tuple[float, float] = (0.25, 0.25),
        eps: Number = 1e-6,
        damping: str = "relative",
        block: int | None = None,
        interval: int = 1,
        **options: Unpack[Options],
    ) -> None:
        rule = ShampooRule(momentum, beta2, exponents, eps, damping, block, interval)
        super().__init__(params, rule, lr, **options)
