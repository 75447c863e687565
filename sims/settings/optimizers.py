"""The optimizers' constants; the peak learning rate is the member's own, and so may be any field in
``MEMBER_HPS`` (a further axis of a sweep)."""

from __future__ import annotations

from sims.settings.elementwise_optimizers import AdamConfig, SGDConfig
from sims.settings.matrix_optimizers import (
    MATRIX_CONFIGS,
    AdaMuonConfig,
    DionConfig,
    MatrixConfig,
    MatrixOptimizerConfig,
    MuonConfig,
    ShampooConfig,
    SOAPConfig,
)

__all__ = [
    "MATRIX_CONFIGS", "OPTIMIZER_CONFIGS", "AdaMuonConfig", "AdamConfig", "DionConfig", "MatrixConfig",
    "MatrixOptimizerConfig", "MuonConfig", "OptimizerConfig", "SGDConfig", "SOAPConfig", "ShampooConfig",
]  # fmt: skip

OptimizerConfig = AdamConfig | SGDConfig | MatrixConfig
OPTIMIZER_CONFIGS: dict[str, type[OptimizerConfig]] = {
    "adam": AdamConfig,
    "sgd": SGDConfig,
    **MATRIX_CONFIGS,
}
