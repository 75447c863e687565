"""Adam's and SGD's constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from sims.settings.checks import check_fraction, check_not_negative, check_positive


@dataclass(frozen=True)
class AdamConfig:
    """Adam; ``weight_decay`` is decoupled, and independent of the learning rate if ``independent_decay``.

    With schedule factor s, matrices shrink a step by s * weight_decay times their own peak rate (AdamW, as in
    torch), or by s * weight_decay times the rule's ratio (independent). Under muP with r = width/base_width,
    the first share goes as the rate does, 1/r for hidden matrices and readout, 1 for embeddings and input
    matrices; the second is 1/r for all, as that of ``hptheory rules`` and ``param_groups``. Vectors do not
    decay.
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
    """SGD with heavy-ball momentum; ``weight_decay`` times the weights is added to the gradient of matrices.

    As in torch, so that the share that decays a step goes as a matrix's own rate: under muP with
    r = width/base_width, 1 for hidden matrices, r for embeddings and input matrices, 1/r for a readout. The
    rule's share, 1/r for all, is that of ``param_groups``.
    """

    momentum: float = 0.9
    weight_decay: float = 0.0
    name: Literal["sgd"] = "sgd"
    MEMBER_HPS: ClassVar[tuple[str, ...]] = ("momentum", "weight_decay")

    def __post_init__(self) -> None:
        check_fraction("momentum", self.momentum)
        check_not_negative("weight_decay", self.weight_decay)
