"""What makes one optimizer differ from another: how a direction is made of gradients.

A rule is a small frozen dataclass: its hyperparameters are its fields, its memory is a dictionary of tensors
that it changes in place. Rules know nothing of parameters, groups, learning rates or decay
(``sims.optim.matrix`` does), so that they can be wrapped: one rule's norm with another's direction, or any of
them at a given spectral norm.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from hptheory.errors import DomainError, UnknownNameError

State = dict[str, Tensor]
Number = float | Tensor
"""A number, or one for each member: a tensor that broadcasts against the matrices ([member, 1, 1])."""


@dataclass(frozen=True)
class Rule(ABC):
    """How a direction is made of gradients; a step is then p <- p - lr * direction.

    Everything is batched: gradients are [*batch, m, n], one matrix after another, and no matrix has to do
    with another.
    """

    def hyperparameters(self) -> dict[str, Any]:
        """The fields by name, as they stand in an optimizer's parameter groups."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def rebuilt(self, values: Mapping[str, Any]) -> Rule:
        """The rule with the hyperparameters of a parameter group."""
        return replace(self, **{field.name: values[field.name] for field in fields(self)})

    def check(self, rows: int, columns: int) -> None:  # noqa: B027
        """Nothing, if the hyperparameters fit each other and matrices [rows, columns]; else a named error."""

    def decomposes(self, step: int) -> bool:
        """Whether step number ``step`` (from 1) makes eigendecompositions, which may fail."""
        return False

    @abstractmethod
    def start(self, matrix: Float[Tensor, "*batch m n"]) -> State:
        """The memory before the first step, for matrices like these."""

    @abstractmethod
    def direction(
        self, grad: Float[Tensor, "*batch m n"], state: State, step: int
    ) -> Float[Tensor, "*batch m n"]:
        """The direction of step number ``step`` (from 1); ``state`` is brought up to date in place, ``grad``
        is not.
        """


def fixed_normal(rows: int, columns: int, like: Tensor) -> Float[Tensor, "rows columns"]:
    """Standard normal numbers, the same ones for every matrix of a shape, whatever was drawn before.

    What a member computes must not depend on its place in a pack, nor on the process's random numbers.
    """
    stream = torch.Generator().manual_seed(0)
    return torch.randn(rows, columns, generator=stream, dtype=torch.float64).to(like)


def update_mean(mean: Tensor, value: Tensor, beta: Number) -> Tensor:
    """mean <- beta * mean + (1 - beta) * value, in place."""
    return mean.lerp_(value, in_precision_of(mean, 1 - beta))


def in_precision_of(like: Tensor, value: Number) -> Number:
    """A factor for a tensor, rounded as late as a float is: constants of members are float64 columns, so that
    1 - beta has all its digits.
    """
    return value.to(like) if isinstance(value, Tensor) else value


def corrected(mean: Tensor, beta: Number, step: int) -> Tensor:
    """mean / (1 - beta^step): a running mean from zero, without what it has yet to take in."""
    return mean / in_precision_of(mean, remaining(beta, step))


def remaining(beta: Number, step: int) -> Number:
    """1 - beta^step: what a running mean from zero has taken in after ``step`` steps.

    >>> remaining(0.5, 2), remaining(torch.tensor([0.5, 0.0]), 2).tolist()
    (0.75, [0.75, 1.0])
    """
    # Tensors not by **, whose rounding depends on where an entry stands (see ``eigen.inverse_root``).
    return -torch.expm1(step * beta.log()) if isinstance(beta, Tensor) else 1 - beta**step


def check_share(name: str, value: object) -> None:
    """Nothing, if the value (every entry of it) is in [0, 1); else ``DomainError``."""
    numbers = _numbers(name, value)
    if not (numbers.ge(0) & numbers.lt(1)).all():
        raise DomainError(name, value, "in [0, 1)")


def check_not_negative(name: str, value: object) -> None:
    """Nothing, if the value (every entry of it) is finite and >= 0; else ``DomainError``."""
    numbers = _numbers(name, value)
    if not (numbers.ge(0) & numbers.isfinite()).all():
        raise DomainError(name, value, "finite and >= 0")


def check_positive(name: str, value: object) -> None:
    """Nothing, if the value (every entry of it) is a finite number > 0; else ``DomainError``.

    An epsilon that is added to what may be zero: 0/0 would be NaN at the first gradient of zero.
    """
    numbers = _numbers(name, value)
    if not (numbers.gt(0) & numbers.isfinite()).all():
        raise DomainError(name, value, "finite and > 0")


def _numbers(name: str, value: object) -> Tensor:
    """The value as a tensor; ``DomainError`` if it is no number."""
    if not isinstance(value, Real | Tensor):
        raise DomainError(name, repr(value), "a number, or a tensor of one for each member")
    return torch.as_tensor(value)


def check_count(name: str, value: int) -> None:
    """Nothing, if the value is an integer >= 1; else ``DomainError``."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise DomainError(name, value, "an integer >= 1")


def check_name(kind: str, value: str, known: tuple[str, ...]) -> None:
    """Nothing, if the value is one of the known names; else ``UnknownNameError``."""
    if value not in known:
        raise UnknownNameError(kind, value, list(known))
