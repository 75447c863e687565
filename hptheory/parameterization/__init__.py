"""How a layer's initial scale, multiplier, learning rate, epsilon and decay follow its shape: without torch.

``scaling_rule`` gives the maximal-update rule (muP) of one layer relative to a base shape, for every
optimizer.
"""

from __future__ import annotations

from hptheory.parameterization.forward import attention_scale, residual_multiplier
from hptheory.parameterization.layer_scaling import LayerScaling
from hptheory.parameterization.mup import OPTIMIZERS, mup_scaling
from hptheory.parameterization.rank_one import RankOne, Response, rank_one_response
from hptheory.parameterization.scaling_rule import scaling_rule

__all__ = [
    "OPTIMIZERS", "LayerScaling", "RankOne", "Response", "attention_scale", "mup_scaling",
    "rank_one_response", "residual_multiplier", "scaling_rule",
]  # fmt: skip
