"""The sample-wise decomposition of matrices through which no example can be followed by itself.

For any parameter of any module, delta psi_ij = u_j^T G_i^T dW u_j = <G_i, dW u_j u_j^T> is the derivative of
the example's loss along dW u_j u_j^T, and those along several parameters at once add up. So n of them, in
forward mode, give psi of all examples, without a gradient by example. That is the exact way to single tokens:
attention lets a token's loss depend on the rows of the tokens before it, in every layer below.

``TOGETHER`` of them share one pass, as the loss and all that it is made of are the same for each: less than
half the time of one by one at widths 32 and 64 on a CPU, and more of them gain nothing there.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import jvp, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from sims.trajectory.matrices import Matrix
from sims.trajectory.objective import Objective, Weights, evaluation_mode

TOGETHER = 8


@dataclass(frozen=True)
class Directions:
    """Of one matrix and one observation: u_j [member, n, r] and dW u_j [member, m, r], as it is oriented."""

    matrix: Matrix
    vectors: Float[Tensor, "member n r"]
    moved: Float[Tensor, "member m r"]

    def tangent(self, j: int, like: Tensor, *, stacked: bool) -> Tensor:
        """dW u_j u_j^T in the shape of the parameter; zero for j beyond r."""
        if j >= self.vectors.shape[-1]:
            return torch.zeros_like(like)
        product = self.moved[..., j, None] * self.vectors[..., None, :, j]
        product = product if self.matrix.side == "columns" else product.mT
        return (product if stacked else product[0]).reshape(like.shape)


def directional_changes(
    objective: Objective, model: nn.Module, weights: Weights, directions: Sequence[Directions]
) -> Iterator[tuple[slice, int, Float[Tensor, "member example"]]]:
    """(examples, j, change): the linearised change of the examples of a batch in component j.

    The loss of an example is the mean over what follows the axis of examples. Attention is computed by its
    plain formula, as the fused one has no forward mode.
    """
    moving = {each.matrix.name: weights[each.matrix.name] for each in directions}
    components = max((each.vectors.shape[-1] for each in directions), default=0)
    first = 0
    with evaluation_mode(model), sdpa_kernel(SDPBackend.MATH):
        for batch in objective.batches:

            def losses(some: Mapping[str, Tensor], batch: Sequence[Any] = batch) -> Tensor:
                values = objective.values(model, {**weights, **some}, batch)
                return values.flatten(2).mean(2) if values.ndim > 2 else values

            examples = slice(first, first)
            for start in range(0, components, TOGETHER):
                several = range(start, min(start + TOGETHER, components))
                tangents = [
                    {
                        each.matrix.name: each.tangent(j, moving[each.matrix.name], stacked=objective.stacked)
                        for each in directions
                    }
                    for j in several
                ]
                for j, change in zip(several, _derivatives(losses, moving, tangents), strict=True):
                    examples = slice(first, first + change.shape[1])
                    yield examples, j, change
            first = examples.stop


def _derivatives(
    function: Callable[[Mapping[str, Tensor]], Tensor], at: dict[str, Tensor], along: list[dict[str, Tensor]]
) -> Iterable[Tensor]:
    """The derivatives along several directions: in one pass, or one by one where the function has an
    operation that cannot be taken for several at once (a user's own ``torch.autograd.Function``, say)."""

    def derivative(tangents: dict[str, Tensor]) -> Tensor:
        found: Tensor = jvp(function, (at,), (tangents,))[1]
        return found

    with warnings.catch_warnings():
        # torch's own forward mode compiles some of its formulas in a way that it has come to deprecate.
        warnings.filterwarnings("ignore", r"`torch\.jit\.script", DeprecationWarning)
        try:
            stacked = {name: torch.stack([tangents[name] for tangents in along]) for name in at}
            several: Tensor = vmap(derivative, randomness="same")(stacked)
        except RuntimeError:
            return [derivative(tangents) for tangents in along]
    return several
