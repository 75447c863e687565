"""The parameter groups of a pack's optimizer, from the members' configs and a layer's scaling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from sims.models.linear import ScaledParameter, scaled_parameters
from sims.settings import AdamConfig, SGDConfig, Training
from sims.settings.checks import check_known


def member_values(values: Sequence[float], parameter: nn.Parameter) -> Tensor:
    """One number a member, [member, 1, ...], to broadcast against a stacked parameter."""
    return _column(values, parameter, parameter.dtype)


def exact_values(values: Sequence[float], parameter: nn.Parameter) -> Tensor:
    """``member_values`` in float64 where there is such a type: as exact as a plain float, which all share."""
    return _column(values, parameter, torch.float32 if parameter.device.type == "mps" else torch.float64)


def _column(values: Sequence[float], parameter: nn.Parameter, dtype: torch.dtype) -> Tensor:
    column = torch.tensor(values, dtype=dtype, device=parameter.device)
    return column.view(-1, *[1] * (parameter.ndim - 1))


def shared_value(
    configs: Sequence[Any],
    name: str,
    *,
    parameter: nn.Parameter,
    column: Callable[[Sequence[float], nn.Parameter], Tensor] = member_values,
) -> float | Tensor:
    """A constant of the members' configs: a plain float where all agree, else a ``column`` of them."""
    values = [float(getattr(config, name)) for config in configs]
    return values[0] if len(set(values)) == 1 else column(values, parameter)


def role_factors(training: Training, model: nn.Module) -> dict[str, float]:
    """The training's factors of the learning rate, by role.

    Domain: a role that no parameter of the network has raises ``UnknownNameError``.
    """
    roles = {scaled.role for scaled in scaled_parameters(model)}
    for role, _ in training.lr_factors:
        check_known("role in lr_factors", role, roles)
    return dict(training.lr_factors)


def elementwise_constants(
    configs: Sequence[AdamConfig | SGDConfig], scaled: ScaledParameter
) -> dict[str, Any]:
    """The entries of a parameter's group, for Adam or SGD.

    Independent decay has the rule's ratio; a decay that is multiplied by the rate has that of the rate.
    """
    first = configs[0]
    if isinstance(first, AdamConfig) and first.independent_decay:
        ratio = scaled.scaling.weight_decay
        configs = [replace(config, weight_decay=config.weight_decay * ratio) for config in configs]
    shared = partial(shared_value, configs, parameter=scaled.parameter)
    names = {field.name for field in fields(first)}
    is_matrix = scaled.parameter.ndim > 2
    decay = shared("weight_decay") if is_matrix and "weight_decay" in names else 0.0
    if isinstance(first, AdamConfig):
        constants: dict[str, Any] = {
            "betas": (shared("beta1", column=exact_values), shared("beta2", column=exact_values)),
            "eps": first.epsilon * scaled.scaling.epsilon,
        }
        independent = first.independent_decay and (isinstance(decay, Tensor) or decay != 0)
        return {**constants, "peak_decay" if independent else "weight_decay": decay}
    assert isinstance(first, SGDConfig)
    return {"momentum": shared("momentum"), "weight_decay": decay}
