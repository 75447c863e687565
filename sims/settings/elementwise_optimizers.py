"""Adam's and SGD's constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from sims.settings.checks import check_fraction, check_not_negative, check_positive


@dataclass(frozen=True)
class AdamConfig:
    """Adam; ``weight_decay`` is decoupled, and independent of the learning rate if ``independent_decay``.

    With schedule factor s and peak rate lr, matrices shrink by s * lr * weight_decay a step (AdamW), or by
    s * weight_decay (independent). Vectors do not decay.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    independent_decay: bool = False
    name: Literal["adam"] = "adam"
    MEMBER_HPS: ClassVar[tuple[str, ...]] = ("beta1", "beta2", "weight_decay")

    def __post_init__(self) -> None:
        check_fraction("beta1", self.beta1)
        check_fraction("beta2", self.beta2)
        check_positive("epsilon", self.epsilon)
        check_not_negative("weight_decay", self.weight_decay)


@dataclass(frozen=True)
class SGDConfig:
    """SGD with heavy-ball momentum; ``weight_decay`` times the weights is added to the gradient."""

    momentum: float = 0.9
    weight_decay: float = 0.0
    name: Literal["sgd"] = "sgd"
    MEMBER_HPS: ClassVar[tuple[str, ...]] = ("momentum", "weight_decay")

    def __post_init__(self) -> None:
        check_fraction("momentum", self.momentum)
        check_not_negative("weight_decay", self.weight_decay)
