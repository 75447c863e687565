"""The optimizer of a pack: from a setting's constants, each member's own, and each layer's scaling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from sims.members import Member
from sims.models.linear import scaled_parameters
from sims.optim.adam import Adam
from sims.optim.build_matrix import build_matrix_optimizer
from sims.optim.groups import elementwise_constants, member_values, role_factors
from sims.optim.sgd import SGD
from sims.settings import OptimizerConfig, Training
from sims.settings.optimizers import MatrixOptimizerConfig


def build_optimizer(training: Training, model: nn.Module, members: Sequence[Member]) -> torch.optim.Optimizer:
    """The optimizer of a stacked network, one group a parameter, with every member's own constants.

    A group's ``peak_lr`` is the member's rate times the layer's ratio times the setting's factor for the
    layer's role; ``set_rates`` multiplies it by the schedule. Optimizers of matrices train the hidden ones,
    and Adam the rest.

    Domain: ``lr_factors`` for a role that the network lacks raise ``UnknownNameError``.
    """
    configs: list[Any] = [member_config(training.optimizer, member) for member in members]
    if isinstance(training.optimizer, MatrixOptimizerConfig):
        return build_matrix_optimizer(training, model, configs, [member.lr for member in members])
    factors = role_factors(training, model)
    groups = []
    for scaled in scaled_parameters(model):
        ratio = scaled.scaling.lr * factors.get(scaled.role, 1.0)
        peak_lr = member_values([member.lr * ratio for member in members], scaled.parameter)
        groups.append(
            {
                "params": [scaled.parameter],
                "peak_lr": peak_lr,
                "lr": peak_lr,
                **elementwise_constants(configs, scaled),
            }
        )
    return OPTIMIZERS[training.optimizer.name](groups)


def set_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Give every group its peak rates times the schedule's factor."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * factor
        if "independent_decay" in group:
            group["weight_decay"] = group["independent_decay"] * factor
        if "peak_decay" in group:
            # Independent decay: Adam multiplies by lr, which is divided out; the schedule's factor stays.
            # What has a rate of zero is not trained, and keeps its weights.
            peak_lr = group["peak_lr"]
            group["weight_decay"] = torch.where(peak_lr > 0, group["peak_decay"] / peak_lr, 0)


def member_config(config: OptimizerConfig, member: Member) -> OptimizerConfig:
    """The constants of one member: the setting's, where it has none of its own."""
    own: dict[str, Any] = dict(member.hps)
    return replace(config, **own)


OPTIMIZERS: dict[str, Any] = {"adam": Adam, "sgd": SGD}
