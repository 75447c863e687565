"""Grafting: the norm of one rule's direction, and another's direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sims.optim.rule import Number, Rule, State, check_positive

PREFIX = "graft_"


@dataclass(frozen=True)
class Graft(Rule):
    """norm(u1) u2 / (norm(u2) + eps), norms being Frobenius norms of whole matrices (not of blocks).

    Both rules see every gradient and keep their own memory. Constants and memory of ``norm_rule`` go by their
    names with ``graft_`` before them; ``eps`` stands as ``graft_norm_eps``.

    Source: Agarwal et al., arXiv 2002.11803; written Q1#Q2 in arXiv 2512.05620.

    *Laws*: the norm is that of u1, the direction that of u2; a rule grafted on itself is itself.

    >>> from sims.optim.elementwise import AdamRule, SGDRule
    >>> rule = Graft(SGDRule(), AdamRule())                    # along the gradient, as long as Adam's signs
    >>> grad = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    >>> rule.direction(grad, rule.start(grad), step=1) / grad.norm()  # two entries of 1: norm sqrt(2)
    tensor([[0.1697, 0.0000],
            [0.0000, 0.2263]])
    """

    direction_rule: Rule
    norm_rule: Rule
    eps: Number = 1e-16

    def hyperparameters(self) -> dict[str, Any]:
        """Those of both rules, and ``graft_norm_eps``."""
        grafted = {PREFIX + name: value for name, value in self.norm_rule.hyperparameters().items()}
        return {**self.direction_rule.hyperparameters(), **grafted, PREFIX + "norm_eps": self.eps}

    def rebuilt(self, values: Mapping[str, Any]) -> Graft:
        """Both rules with the constants of a group."""
        direction_rule = self.direction_rule.rebuilt(values)
        norm_rule = self.norm_rule.rebuilt(_own(values))
        return Graft(direction_rule, norm_rule, values[PREFIX + "norm_eps"])

    def check(self, rows: int, columns: int) -> None:
        """eps > 0, and the checks of both rules."""
        check_positive(PREFIX + "norm_eps", self.eps)
        self.direction_rule.check(rows, columns)
        self.norm_rule.check(rows, columns)

    def decomposes(self, step: int) -> bool:
        """Whether either does."""
        return self.direction_rule.decomposes(step) or self.norm_rule.decomposes(step)

    def start(self, matrix: Float[Tensor, "*batch m n"]) -> State:
        """The memories of both."""
        grafted = {PREFIX + name: value for name, value in self.norm_rule.start(matrix).items()}
        return {**self.direction_rule.start(matrix), **grafted}

    def direction(
        self, grad: Float[Tensor, "*batch m n"], state: State, step: int
    ) -> Float[Tensor, "*batch m n"]:
        """The second rule's direction, at the first one's norm."""
        direction = self.direction_rule.direction(grad, state, step)
        wanted = torch.linalg.matrix_norm(self.norm_rule.direction(grad, _own(state), step), keepdim=True)
        return direction * (wanted / (torch.linalg.matrix_norm(direction, keepdim=True) + self.eps))


def _own(values: Mapping[str, Any]) -> dict[str, Any]:
    """What belongs to the norm's rule, under the names it knows."""
    return {name.removeprefix(PREFIX): value for name, value in values.items() if name.startswith(PREFIX)}
