"""The networks' shapes, apart from width: ``sims.models.build_model`` makes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from sims.settings.checks import check_not_negative, check_positive
from sims.settings.transformers import GPT2Config, LlamaConfig


@dataclass(frozen=True)
class MLPConfig:
    """f(x) = W2 relu(W1 x + b); at the base width W1 ~ N(0, hidden_gain^2/d_in), W2 ~ N(0,
    readout_gain^2/width), b ~ N(0, bias_std^2).

    The default hidden gain keeps the second moment of inputs of order one through the ReLU.
    """

    bias: bool = False
    hidden_gain: float = math.sqrt(2)
    readout_gain: float = 1.0
    bias_std: float = 0.0
    name: Literal["mlp"] = "mlp"

    def __post_init__(self) -> None:
        check_positive("hidden_gain", self.hidden_gain)
        check_not_negative("readout_gain", self.readout_gain)
        check_not_negative("bias_std", self.bias_std)

    def check_width(self, width: int) -> None:
        """Nothing: any width will do."""


ModelConfig = MLPConfig | LlamaConfig | GPT2Config
MODEL_CONFIGS: dict[str, type[ModelConfig]] = {"mlp": MLPConfig, "llama": LlamaConfig, "gpt2": GPT2Config}
