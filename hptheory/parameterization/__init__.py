"""How a layer's initial scale, multiplier, learning rate, epsilon and decay follow its shape: without torch.

``scaling_rule`` gives the maximal-update rule (muP) of one layer relative to a base shape, for every
optimizer; ``standard_rule`` and ``ntk_rule`` those under which transfer fails. ``classify`` says what the
exponents of a parameterization do to training.
"""

from __future__ import annotations

from hptheory.parameterization.abcd import ABCD_PRESETS, Abcd, LayerExponents, abcd_preset
from hptheory.parameterization.coordinates import CoordinateExponents, coordinate_exponents
from hptheory.parameterization.dichotomy import Dynamics, classify
from hptheory.parameterization.forward import attention_scale, forward_text, residual_multiplier
from hptheory.parameterization.layer_scaling import LayerScaling
from hptheory.parameterization.layers import Layer, network_layers
from hptheory.parameterization.model_rules import LayerRule, layer_rule, model_rules, rules_text
from hptheory.parameterization.rank_one import RankOne, Response, rank_one_response
from hptheory.parameterization.rules import PARAMETERIZATIONS, get_rule, ntk_rule, standard_rule
from hptheory.parameterization.scaling_rule import OPTIMIZERS, scaling_rule

__all__ = [
    "ABCD_PRESETS", "OPTIMIZERS", "PARAMETERIZATIONS", "Abcd", "CoordinateExponents", "Dynamics", "Layer",
    "LayerExponents", "LayerRule", "LayerScaling", "RankOne", "Response", "abcd_preset",
    "attention_scale", "classify", "coordinate_exponents", "forward_text", "get_rule", "layer_rule",
    "model_rules", "network_layers", "ntk_rule", "rank_one_response", "residual_multiplier", "rules_text",
    "scaling_rule", "standard_rule",
]  # fmt: skip
