"""The constants of the optimizers of matrices, which train the hidden ones; Adam trains the rest."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, Literal

from hptheory.errors import DomainError
from sims.settings.checks import (
    check_count,
    check_fraction,
    check_known,
    check_not_negative,
    check_one_size,
    check_positive,
)
from sims.settings.elementwise_optimizers import AdamConfig, SGDConfig

SHAPE_FACTORS = ("mup", "capped", "rms")


@dataclass(frozen=True, kw_only=True)
class MatrixOptimizerConfig:
    """What the optimizers of matrices have in common.

    The member's rate is that of the hidden matrices; embedding, readout and vectors have ``adam`` at the rate
    ``adam_lr``, the same for all members. ``weight_decay`` is independent: with schedule factor s, matrices
    shrink by s * weight_decay a step, times base_width/width unless ``constant_decay``. With ``adam_lr`` 0
    the hidden matrices alone are trained.

    Rates and epsilons follow the scaling rule, as ratios to the base width; with ``shape_factor`` that
    absolute factor takes the place of the rate's ratio. ``graft`` gives updates that optimizer's norm,
    ``spectral_norm`` the spectral norm sqrt(d_out/d_in), and Adam's updates of embeddings the root mean
    square 1.
    """

    weight_decay: float = 0.0
    constant_decay: bool = False
    shape_factor: str | None = None
    graft: AdamConfig | SGDConfig | MatrixOptimizerConfig | None = None
    spectral_norm: bool = False
    adam_lr: float = 4e-3
    adam: AdamConfig = AdamConfig()  # noqa: RUF009 (frozen)
    epsilon: float = 1e-8
    name: str = ""
    MEMBER_HPS: ClassVar[tuple[str, ...]] = ("weight_decay",)

    def __post_init__(self) -> None:
        check_not_negative("weight_decay", self.weight_decay)
        check_not_negative("adam_lr", self.adam_lr)
        if self.shape_factor is not None:
            check_known("shape factor", self.shape_factor, SHAPE_FACTORS)
        check_one_size(self.shape_factor, self.spectral_norm)
        for field in fields(MatrixOptimizerConfig):
            value = getattr(self.graft, field.name, field.default)  # Adam and SGD have only the decay
            if field.name not in ("epsilon", "name") and value != field.default:
                raise DomainError(f"graft.{field.name}", value, f"{field.default}", "only its norm is used")


@dataclass(frozen=True, kw_only=True)
class MuonConfig(MatrixOptimizerConfig):
    """Muon, as the paper has it (App. A.2): ``sims.optim.Muon``; ``kind`` is how the momentum is
    orthogonalised.
    """

    momentum: float = 0.95
    nesterov: bool = False
    kind: str = "jordan"
    steps: int = 5
    epsilon: float = 1e-7
    bfloat16: bool = False
    name: Literal["muon"] = "muon"
    MEMBER_HPS: ClassVar[tuple[str, ...]] = ("momentum", "weight_decay")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fraction("momentum", self.momentum)
        check_known("kind", self.kind, ("jordan", "polar_express", "schulz", "exact"))
        check_count("steps", self.steps)
        check_not_negative("epsilon", self.epsilon)


@dataclass(frozen=True, kw_only=True)
class AdaMuonConfig(MatrixOptimizerConfig):
    """AdaMuon: ``sims.optim.AdaMuon``."""

    momentum: float = 0.95
    beta2: float = 0.95
    kind: str = "jordan"
    steps: int = 5
    epsilon: float = 1e-8
    rms: float | None = 0.2
    sign: bool = False
    name: Literal["adamuon"] = "adamuon"
    MEMBER_HPS: ClassVar[tuple[str, ...]] = ("momentum", "beta2", "weight_decay")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fraction("momentum", self.momentum)
        check_fraction("beta2", self.beta2)
        check_known("kind", self.kind, ("jordan", "polar_express", "schulz", "exact"))
        check_count("steps", self.steps)
        check_positive("epsilon", self.epsilon)
        if self.rms is not None:
            check_positive("rms", self.rms)


@dataclass(frozen=True, kw_only=True)
class DionConfig(MatrixOptimizerConfig):
    """Dion: ``sims.optim.Dion``, of rank ``rank_fraction`` of the smaller side, and at most ``max_rank``."""

    mu: float = 0.95
    rank_fraction: float = 0.5
    max_rank: int | None = None
    method: str = "qr"
    epsilon: float = 1e-8
    name: Literal["dion"] = "dion"
    MEMBER_HPS: ClassVar[tuple[str, ...]] = ("mu", "weight_decay")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fraction("mu", self.mu)
        if not 0 < self.rank_fraction <= 1:
            raise DomainError("rank_fraction", self.rank_fraction, "in (0, 1]")
        if self.max_rank is not None:
            check_count("max_rank", self.max_rank)
        check_known("method", self.method, ("qr", "cholesky"))
        check_not_negative("epsilon", self.epsilon)


@dataclass(frozen=True, kw_only=True)
class ShampooConfig(MatrixOptimizerConfig):
    """Shampoo: ``sims.optim.Shampoo``; ``exponents`` are (e_L, e_R), output side first."""

    momentum: float = 0.9
    beta2: float = 0.95
    exponents: tuple[float, float] = (0.25, 0.25)
    epsilon: float = 1e-6
    damping: str = "relative"
    block: int | None = None
    interval: int = 1
    name: Literal["shampoo"] = "shampoo"
    MEMBER_HPS: ClassVar[tuple[str, ...]] = ("momentum", "beta2", "weight_decay")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fraction("momentum", self.momentum)
        check_fraction("beta2", self.beta2)
        for exponent in self.exponents:
            check_not_negative("exponents", exponent)
        check_not_negative("epsilon", self.epsilon)
        check_known("damping", self.damping, ("relative", "absolute"))
        check_count("interval", self.interval)
        if self.block is not None:
            check_count("block", self.block)


@dataclass(frozen=True, kw_only=True)
class SOAPConfig(MatrixOptimizerConfig):
    """SOAP: ``sims.optim.SOAP``; ``sides`` says which of the bases (left, right) there are."""

    beta1: float = 0.95
    beta2: float = 0.95
    epsilon: float = 1e-8
    sides: tuple[int, int] = (1, 1)
    block: int | None = None
    interval: int = 10
    name: Literal["soap"] = "soap"
    MEMBER_HPS: ClassVar[tuple[str, ...]] = ("beta1", "beta2", "weight_decay")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fraction("beta1", self.beta1)
        check_fraction("beta2", self.beta2)
        check_positive("epsilon", self.epsilon)
        if self.sides not in ((1, 1), (1, 0), (0, 1)):
            raise DomainError("sides", self.sides, "(1, 1), (1, 0) or (0, 1)")
        check_count("interval", self.interval)
        if self.block is not None:
            check_count("block", self.block)


MatrixConfig = MuonConfig | AdaMuonConfig | DionConfig | ShampooConfig | SOAPConfig
MATRIX_CONFIGS: dict[str, type[MatrixConfig]] = {
    "muon": MuonConfig,
    "adamuon": AdaMuonConfig,
    "dion": DionConfig,
    "shampoo": ShampooConfig,
    "soap": SOAPConfig,
}
