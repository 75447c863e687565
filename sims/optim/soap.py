"""SOAP: Adam in the eigenbases of Shampoo's statistics, which a QR step tracks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.optimizer import ParamsT

from hptheory.errors import DomainError
from sims.optim.blocks import Blocks, per_block
from sims.optim.eigen import eigenbasis, finite_matrices, zero_matrices
from sims.optim.elementwise import adam_direction
from sims.optim.matrix import MatrixOptimizer, Options
from sims.optim.rule import (
    Number,
    Rule,
    State,
    check_count,
    check_positive,
    check_share,
    update_mean,
)
from sims.optim.shampoo import FIRST_STEPS, SIDES, accumulate, count_failures


@dataclass(frozen=True)
class SOAPRule(Rule):
    """Q_L A Q_R^T, where A is Adam's direction for the gradients Q_L^T G Q_R, per block.

    ``sides`` says which of the two bases there are. Statistics average with ``shampoo_beta`` (None:
    ``beta2``).
    """

    beta1: Number = 0.95
    beta2: Number = 0.95
    shampoo_beta: Number | None = None
    eps: Number = 1e-8
    sides: tuple[int, int] = (1, 1)
    block: int | None = None
    interval: int = 10
    skip_first: bool = False

    def check(self, rows: int, columns: int) -> None:
        """Shares in [0, 1), eps > 0, sides 0 or 1, block and interval at least 1."""
        for name in ("beta1", "beta2", "shampoo_beta"):
            value = getattr(self, name)
            check_share(name, 0.0 if value is None else value)
        check_positive("eps", self.eps)
        if len(self.sides) != 2 or any(side not in (0, 1) for side in self.sides):
            raise DomainError("sides", self.sides, "two of 0 or 1")
        check_count("interval", self.interval)
        if self.block is not None:
            check_count("block", self.block)

    def decomposes(self, step: int) -> bool:
        """The first steps, one of which makes the bases, and those that track them."""
        return step <= FIRST_STEPS or self._tracks(step)

    def _tracks(self, step: int) -> bool:
        return step > 1 and (step - 1) % self.interval == 0

    def start(self, matrix: Float[Tensor, "*batch m n"]) -> State:
        """Moments and statistics at zero, bases at the identity."""
        blocks = Blocks.of(matrix, self.block)
        state = {
            "exp_avg": torch.zeros_like(matrix),
            "exp_avg_sq": torch.zeros_like(blocks.split(matrix)),
            "fallbacks": matrix.new_zeros(matrix.shape[:-2]),
        }
        for side, size, wanted in zip(SIDES, (blocks.d_out, blocks.d_in), self.sides, strict=True):
            if wanted:
                shape = (*matrix.shape[:-2], *blocks.grid, size, size)
                state[side] = matrix.new_zeros(shape)
                state[f"{side}_basis"] = torch.eye(size).to(matrix).expand(shape).clone()
        return state

    def direction(
        self, grad: Float[Tensor, "*batch m n"], state: State, step: int
    ) -> Float[Tensor, "*batch m n"]:
        """Adam's direction in the bases, turned back; then the bases are brought up to date."""
        blocks = Blocks.of(grad, self.block)
        pieces = blocks.split(grad)
        shampoo_beta = self.beta2 if self.shampoo_beta is None else self.shampoo_beta
        if step <= FIRST_STEPS:
            self._begin_bases(state, pieces)
        if step == 1 and self.skip_first:
            accumulate(state, pieces, shampoo_beta)
            return torch.zeros_like(grad)
        mean = update_mean(state["exp_avg"], grad, self.beta1)
        turned, turned_mean = turn(pieces, state), turn(blocks.split(mean), state)
        if step <= FIRST_STEPS and any(self.sides):
            rounding = rounding_in_own_bases(pieces, turned, state)
            turned, turned_mean = (torch.where(rounding, 0, each) for each in (turned, turned_mean))
        square = update_mean(state["exp_avg_sq"], turned.square(), per_block(self.beta2))
        adam = adam_direction(
            turned_mean,
            square,
            step - self.skip_first,
            per_block(self.beta1),
            per_block(self.beta2),
            per_block(self.eps),
        )
        direction = blocks.merge(turn(adam, state, back=True))
        accumulate(state, pieces, shampoo_beta)
        if self._tracks(step):
            self._track_bases(state)
        return direction

    def _begin_bases(self, state: State, pieces: Tensor) -> None:
        """Eigenvectors of the first gradient that is not zero, by decreasing eigenvalue; if they fail, the
        identity.
        """
        known = finite_matrices(pieces)
        # Squares have twice the digits: in float32 the two bases would not fit each other where singular
        # values are below 1e-3 of the largest.
        exact = pieces.to(torch.float32 if pieces.device.type == "mps" else torch.float64)
        for side in SIDES:
            if side in state:
                _, vectors, succeeded = eigenbasis(exact @ exact.mT if side == "left" else exact.mT @ exact)
                fresh = zero_matrices(state[side])
                basis = state[f"{side}_basis"]
                basis.copy_(torch.where(fresh & succeeded, vectors.flip(-1).to(basis), basis))
                count_failures(state, fresh & known & ~succeeded)

    def _track_bases(self, state: State) -> None:
        """One step of power iteration on each basis, its columns ordered by the eigenvalue they estimate.

        The second moments keep with the columns they belong to.
        """
        square = state["exp_avg_sq"]
        for side, axis in zip(SIDES, (-2, -1), strict=True):
            if side not in state:
                continue
            basis = state[f"{side}_basis"]
            product = state[side] @ basis
            order = (basis * product).sum(-2).argsort(-1, descending=True)
            found = torch.linalg.qr(_columns(product, order)).Q
            succeeded = finite_matrices(found)
            basis.copy_(torch.where(succeeded, found, basis))
            count_failures(state, ~succeeded)
            ordered = square.gather(axis, _along(order, axis).expand_as(square))
            square.copy_(torch.where(succeeded, ordered, square))


def turn(pieces: Tensor, state: State, *, back: bool = False) -> Tensor:
    """Q_L^T X Q_R of every block, or Q_L X Q_R^T; a side without a basis is left as it is."""
    if "left_basis" in state:
        basis = state["left_basis"]
        pieces = (basis if back else basis.mT) @ pieces
    if "right_basis" in state:
        basis = state["right_basis"]
        pieces = pieces @ (basis.mT if back else basis)
    return pieces


def rounding_in_own_bases(pieces: Tensor, turned: Tensor, state: State) -> Tensor:
    """Which entries of a block's first gradient, turned into its own eigenbases, are zero but for rounding.

    At most min(m, n) entries are not, and Adam would make a sign of every one. Where only one side is turned,
    entries mix along that axis alone, so each row or column has a rounding of its own.
    """
    axes = {axis: state[side] for side, axis in zip(SIDES, (-2, -1), strict=True) if side in state}
    norm = torch.linalg.vector_norm(pieces, dim=list(axes), keepdim=True)
    noise = max(pieces.shape[-2:]) * torch.finfo(pieces.dtype).eps * norm
    first = zero_matrices(next(iter(axes.values())))
    return first & (turned.abs() <= noise)


def _columns(matrix: Tensor, order: Tensor) -> Tensor:
    """The columns of every matrix, in the order given."""
    return matrix.gather(-1, order.unsqueeze(-2).expand_as(matrix))


def _along(order: Tensor, axis: int) -> Tensor:
    """Indices that are the same in every row (axis -1) or column (axis -2)."""
    return order.unsqueeze(-1 if axis == -2 else -2)


class SOAP(MatrixOptimizer):
    """SOAP: W <- W - lr Q_L A Q_R^T, A being Adam's direction for the gradients Q_L^T G Q_R.

    Q_L and Q_R are eigenvectors of the running means of G G^T and G^T G: by eigendecomposition at the first
    step, then by one QR step of power iteration every ``interval`` steps. ``sides`` is (1, 1), (1, 0) or (0,
    1); ``block`` cuts matrices into squares, each with bases of its own. Other options are those of
    ``MatrixOptimizer``.

    Where a basis or a statistic is not finite, the one before is kept, a ``FallbackWarning`` says so, and
    ``fallbacks`` counts it.

    Source: Vyas et al., arXiv 2409.11321. Their code uses the first gradient for the bases only
    (``skip_first=True``); here it also makes a step.

    *Laws*: with no sides it is Adam; with one block and both sides it turns with orthogonal factors on either
    side, and the first direction is U V^T of the gradient, in float32 too.

    >>> weight = torch.nn.Parameter(torch.zeros(2, 2))
    >>> weight.grad = torch.tensor([[0.0, 7.0], [-2.0, 0.0]])
    >>> SOAP([weight], lr=0.5).step()                       # in its own basis the gradient is diag(7, 2)
    >>> weight.data.round(decimals=4)
    tensor([[ 0.0000, -0.5000],
            [ 0.5000,  0.0000]])
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Number = 1e-3,
        *,
        beta1: Number = 0.95,
        beta2: Number = 0.95,
        shampoo_beta: Number | None = None,
        eps: Number = 1e-8,
        sides: tuple[int, int] = (1, 1),
        block: int | None = None,
        interval: int = 10,
        skip_first: bool = False,
        **options: Unpack[Options],
    ) -> None:
        rule = SOAPRule(beta1, beta2, shampoo_beta, eps, sides, block, interval, skip_first)
        super().__init__(params, rule, lr, **options)
