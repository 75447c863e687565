"""The former names of the muP rule, for the trainer."""

from __future__ import annotations

from typing import Literal

from hptheory.parameterization.scaling_rule import scaling_rule as mup_scaling

Optimizer = Literal["sgd", "adam"]
OPTIMIZERS: tuple[str, ...] = ("sgd", "adam")

__all__ = ["OPTIMIZERS", "Optimizer", "mup_scaling"]
