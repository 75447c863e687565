"""Member-stacked networks: every weight is [member, d_out, d_in], one member being the ordinary case."""

from __future__ import annotations

from sims.models.linear import LayerShape, StackedLinear, param_groups
from sims.models.mlp import TwoLayerMLP

__all__ = ["LayerShape", "StackedLinear", "TwoLayerMLP", "param_groups"]
