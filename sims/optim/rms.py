"""Directions of a known root mean square: what spectral normalisation is to a matrix, for a lookup table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from sims.optim.rule import Number, Rule, State, check_positive


@dataclass(frozen=True)
class RMSNorm(Rule):
    """u / (rms(u) + eps) for a rule's direction u, the root mean square over all of a matrix's entries.

    The input of a table is a one-hot vector, of size one whatever the number of rows, so a step moves an
    output, a row, by lr in root mean square at every width: muP's factor is 1. The spectral norm would not
    do: it is that of a sum over rows, which no input takes.

    Source: arXiv 2512.05620, which normalises embeddings so where it normalises all else spectrally.

    *Laws*: the root mean square is 1; the direction is the rule's; zero stays zero.

    >>> import torch
    >>> from sims.optim.elementwise import SGDRule
    >>> grad = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    >>> rule = RMSNorm(SGDRule())
    >>> rule.direction(grad, rule.start(grad), step=1)                  # the root mean square of grad is 5/2
    tensor([[1.2000, 1.6000],
            [0.0000, 0.0000]])
    """

    rule: Rule
    eps: Number = 1e-10

    def hyperparameters(self) -> dict[str, Any]:
        """Those of the rule, and ``rms_eps``."""
        return {**self.rule.hyperparameters(), "rms_eps": self.eps}

    def rebuilt(self, values: Mapping[str, Any]) -> RMSNorm:
        """The rule with the constants of a group."""
        return RMSNorm(self.rule.rebuilt(values), values["rms_eps"])

    def check(self, rows: int, columns: int) -> None:
        """eps > 0, and the rule's checks."""
        check_positive("rms_eps", self.eps)
        self.rule.check(rows, columns)

    def decomposes(self, step: int) -> bool:
        """Whether the rule does."""
        return self.rule.decomposes(step)

    def start(self, matrix: Float[Tensor, "*batch m n"]) -> State:
        """The rule's memory."""
        return self.rule.start(matrix)

    def direction(
        self, grad: Float[Tensor, "*batch m n"], state: State, step: int
    ) -> Float[Tensor, "*batch m n"]:
        """The rule's direction at root mean square 1."""
        direction = self.rule.direction(grad, state, step)
        size = direction.square().mean((-2, -1), keepdim=True).sqrt()
        return direction / (size + self.eps)
