"""Member-stacked networks: every parameter is [member, ...], one member being the ordinary case."""

from __future__ import annotations

from sims.models.build import build_model, layer_rule
from sims.models.linear import LayerShape, ScaledParameter, StackedLinear, scaled_parameters
from sims.models.mlp import TwoLayerMLP

__all__ = [
    "LayerShape", "ScaledParameter", "StackedLinear", "TwoLayerMLP", "build_model", "layer_rule",
    "scaled_parameters",
]  # fmt: skip
