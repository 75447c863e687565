"""The optimizer of a pack where hidden matrices have one of their own, and Adam has the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sims.errors import NotAMatrixError
from sims.models.linear import ScaledParameter, scaled_parameters
from sims.optim.adam import Adam
from sims.optim.adamuon import AdaMuonRule
from sims.optim.dion import DionRule
from sims.optim.elementwise import AdamRule, SGDRule
from sims.optim.graft import PREFIX, Graft
from sims.optim.groups import (
    elementwise_constants,
    exact_values,
    member_values,
    role_factors,
    shared_value,
)
from sims.optim.matrix import MatrixOptimizer
from sims.optim.muon import MuonRule
from sims.optim.rms import RMSNorm
from sims.optim.rule import Rule
from sims.optim.scaling import CompositeScaling, PartConfig
from sims.optim.shampoo import ShampooRule
from sims.optim.soap import SOAPRule
from sims.optim.together import Together
from sims.settings import Training
from sims.settings.optimizers import (
    AdamConfig,
    AdaMuonConfig,
    DionConfig,
    MatrixOptimizerConfig,
    MuonConfig,
    SGDConfig,
    ShampooConfig,
    SOAPConfig,
)


def rule_of_config(config: PartConfig) -> Rule:
    """The rule that a config stands for, at the base width."""
    match config:
        case AdamConfig(beta1=beta1, beta2=beta2, epsilon=eps):
            return AdamRule(beta1, beta2, eps)
        case SGDConfig(momentum=momentum):
            return SGDRule(momentum)
        case MuonConfig() as c:
            return MuonRule(c.momentum, c.nesterov, c.kind, c.steps, c.epsilon, c.bfloat16)
        case AdaMuonConfig() as c:
            return AdaMuonRule(c.momentum, c.beta2, c.kind, c.steps, c.epsilon, c.rms, c.sign)
        case DionConfig() as c:
            return DionRule(c.mu, None, c.rank_fraction, c.max_rank, c.method, c.epsilon)
        case ShampooConfig() as c:
            return ShampooRule(c.momentum, c.beta2, c.exponents, c.epsilon, c.damping, c.block, c.interval)
        case SOAPConfig() as c:
            return SOAPRule(c.beta1, c.beta2, None, c.epsilon, c.sides, c.block, c.interval)
    raise AssertionError(config)  # every config is a case


def build_matrix_optimizer(
    training: Training, model: nn.Module, configs: Sequence[MatrixOptimizerConfig], lrs: Sequence[float]
) -> torch.optim.Optimizer:
    """Hidden matrices (role ``hidden``, [member, d_out, d_in]) by the config's optimizer, the rest by Adam.

    ``configs`` and ``lrs`` are the members' own. A hidden matrix has the member's rate, times the layer's
    ratio or, where the config names one, the absolute shape factor instead; all else has ``adam_lr`` times
    its ratio. Where hidden matrices are normalised spectrally, Adam's updates of tables are so in root mean
    square.

    Domain: a network without a hidden matrix raises ``NotAMatrixError``; ``lr_factors`` for a role that it
    lacks, ``UnknownNameError``.
    """
    config, factors = configs[0], role_factors(training, model)
    matrices: list[dict[str, Any]] = []
    tables: list[dict[str, Any]] = []
    rest: list[dict[str, Any]] = []
    constants: dict[str, float | Tensor] = {}
    for scaled in scaled_parameters(model):
        is_hidden = scaled.role == "hidden" and scaled.parameter.ndim == 3
        factor = factors.get(scaled.role, 1.0)
        if is_hidden:
            # One tensor for all layers: matrices of one shape with the same constants are batched.
            constants = constants or member_constants(configs, scaled)
            ratio = factor if config.shape_factor else factor * scaled.scaling.lr
            group = matrix_group(config, scaled, constants)
            rates = [lr * ratio for lr in lrs]
        else:
            rate = config.adam_lr * factor * scaled.scaling.lr
            rates = [rate] * len(lrs)
            if is_table(config, scaled):
                group = table_group(config, scaled, rate)
            else:
                group = elementwise_constants([config.adam] * len(configs), scaled)
        peak_lr = member_values(rates, scaled.parameter)
        group |= {"params": [scaled.parameter], "peak_lr": peak_lr, "lr": peak_lr}
        (matrices if is_hidden else tables if is_table(config, scaled) else rest).append(group)
    if not matrices:
        raise NotAMatrixError(f"the network of {training.model.name} has no hidden matrix for {config.name}")
    rule = rule_of_config(config)
    graft = None if config.graft is None else rule_of_config(config.graft)
    parts: list[torch.optim.Optimizer] = [
        MatrixOptimizer(
            matrices,
            rule,
            0.0,
            shape_factor=config.shape_factor,
            graft=graft,
            spectral_norm=config.spectral_norm,
        )
    ]
    if tables:
        parts.append(MatrixOptimizer(tables, RMSNorm(rule_of_config(config.adam)), 0.0))
    if rest:
        parts.append(Adam(rest))
    return Together(parts)


def is_table(config: MatrixOptimizerConfig, scaled: ScaledParameter) -> bool:
    """Whether the parameter is a lookup table whose updates are normalised."""
    return config.spectral_norm and scaled.role == "embedding"


def table_group(config: MatrixOptimizerConfig, scaled: ScaledParameter, rate: float) -> dict[str, Any]:
    """The entries of a normalised table's group: Adam's constants, and its decay as a share a step."""
    adam = config.adam
    independent = scaled.scaling.weight_decay if rate else 0.0  # without a rate it is not trained
    decay = adam.weight_decay * (independent if adam.independent_decay else rate)
    own = {"beta1": adam.beta1, "beta2": adam.beta2, "eps": adam.epsilon * scaled.scaling.epsilon}
    return {**own, "weight_decay": decay, "independent_decay": decay}


def member_constants(
    configs: Sequence[MatrixOptimizerConfig], scaled: ScaledParameter
) -> dict[str, float | Tensor]:
    """The constants that may differ between members: momenta as columns even where all agree, since a float
    takes other roundings and a run must not depend on who trains beside it. Decay is one product, the same.
    """
    momenta = {name: [getattr(c, name) for c in configs] for name in configs[0].MEMBER_HPS}
    del momenta["weight_decay"]
    columns = {name: exact_values(values, scaled.parameter) for name, values in momenta.items()}
    decay = shared_value(configs, "weight_decay", parameter=scaled.parameter, column=exact_values)
    return {**columns, "weight_decay": decay}


def matrix_group(
    config: MatrixOptimizerConfig, scaled: ScaledParameter, constants: dict[str, float | Tensor]
) -> dict[str, Any]:
    """The entries of a hidden matrix's group: constants, epsilons scaled for its shape, and its decay."""
    scaling = scaled.scaling
    assert isinstance(scaling, CompositeScaling)
    assert scaling.direction is not None
    own = {name: value for name, value in constants.items() if name != "weight_decay"}
    group = {"role": scaled.role, **own, "eps": config.epsilon * scaling.direction.epsilon}
    if config.graft is not None:
        assert scaling.norm is not None
        group[PREFIX + "norm_eps"] = GRAFT_EPSILON * scaling.epsilon
        if not isinstance(config.graft, SGDConfig):
            group[PREFIX + "eps"] = config.graft.epsilon * scaling.norm.epsilon
    decay = constants["weight_decay"] * (1.0 if config.constant_decay else scaling.weight_decay)
    return {**group, "weight_decay": decay, "independent_decay": decay}


GRAFT_EPSILON = Graft(SGDRule(), SGDRule()).eps
