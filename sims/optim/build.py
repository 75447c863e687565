"""The optimizer of a pack: from a setting's constants, each member's own, and each layer's scaling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from sims.members import Member
from sims.models.linear import ScaledParameter, scaled_parameters
from sims.optim.adam import Adam
from sims.optim.sgd import SGD
from sims.settings import AdamConfig, OptimizerConfig, SGDConfig, Training


def build_optimizer(training: Training, model: nn.Module, members: Sequence[Member]) -> torch.optim.Optimizer:
    """The optimizer of a stacked network, one group a parameter, with every member's own constants.

    A group's ``peak_lr`` is the member's rate times the layer's ratio times the setting's factor for the
    layer's role; ``set_rates`` multiplies it by the schedule.
    """
    configs = [member_config(training.optimizer, member) for member in members]
    factors = dict(training.lr_factors)
    groups = []
    for scaled in scaled_parameters(model):
        ratio = scaled.scaling.lr * factors.get(scaled.role, 1.0)
        peak_lr = member_values([member.lr * ratio for member in members], scaled.parameter)
        groups.append(
            {"params": [scaled.parameter], "peak_lr": peak_lr, "lr": peak_lr, **_constants(configs, scaled)}
        )
    return OPTIMIZERS[training.optimizer.name](groups)


def set_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Give every group its peak rates times the schedule's factor."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * factor
        if "peak_decay" in group:
            # Independent decay: Adam multiplies by lr, which is divided out; the schedule's factor stays.
            group["weight_decay"] = group["peak_decay"] / group["peak_lr"]


def member_config(config: OptimizerConfig, member: Member) -> OptimizerConfig:
    """The constants of one member: the setting's, where it has none of its own."""
    own: dict[str, Any] = dict(member.hps)
    return replace(config, **own)


def member_values(values: Sequence[float], parameter: nn.Parameter) -> Tensor:
    """One number a member, [member, 1, ...], to broadcast against a stacked parameter."""
    column = torch.tensor(values, dtype=parameter.dtype, device=parameter.device)
    return column.view(-1, *[1] * (parameter.ndim - 1))


def _constants(configs: Sequence[OptimizerConfig], scaled: ScaledParameter) -> dict[str, Any]:
    """The group's entries: a plain float where all members agree, else one number a member."""

    def shared(name: str) -> float | Tensor:
        values = [float(getattr(config, name)) for config in configs]
        return values[0] if len(set(values)) == 1 else member_values(values, scaled.parameter)

    first = configs[0]
    names = {field.name for field in fields(first)}
    is_matrix = scaled.parameter.ndim > 2
    decay = shared("weight_decay") if is_matrix and "weight_decay" in names else 0.0
    if isinstance(first, AdamConfig):
        constants: dict[str, Any] = {
            "betas": (shared("beta1"), shared("beta2")),
            "eps": first.epsilon * scaled.scaling.epsilon,
        }
        independent = first.independent_decay and (isinstance(decay, Tensor) or decay != 0)
        return {**constants, "peak_decay" if independent else "weight_decay": decay}
    assert isinstance(first, SGDConfig)
    return {"momentum": shared("momentum"), "weight_decay": decay}


OPTIMIZERS: dict[str, Any] = {"adam": Adam, "sgd": SGD}
