"""A stacked network from its config, scaled by the rules of a parameterization."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import nn

from hptheory.parameterization import get_rule
from sims.models.linear import Rule
from sims.models.mlp import TwoLayerMLP
from sims.models.transformer import StackedTransformer
from sims.optim.scaling import composite_rule
from sims.settings import Training
from sims.settings.models import MLPConfig
from sims.settings.optimizers import MatrixOptimizerConfig
from sims.settings.transformers import GPT2Config, LlamaConfig
from sims.tasks.base import Task


def build_model(training: Training, width: int, seeds: Sequence[int], task: Task) -> nn.Module:
    """The networks of one width at their initial weights, stacked, one for each entry of ``seeds``.

    The forward takes x [member or 1, batch, ...] and gives outputs [member, batch, ...]; every parameter is
    [member, ...] and known to ``scaled_parameters``.

    *Laws*: networks of one seed are equal, whatever else is in the stack.
    """
    match training.model:
        case MLPConfig():
            model: nn.Module = TwoLayerMLP(
                task.inputs,
                width,
                task.outputs,
                base_width=training.base_width,
                rule=rule_of_role(training, "hidden"),
                readout_rule=rule_of_role(training, "readout"),
                seeds=seeds,
                config=training.model,
                batch_size=training.batch_size,
            )
        case LlamaConfig() | GPT2Config():
            model = StackedTransformer(
                task.outputs,
                width,
                base_width=training.base_width,
                config=training.model,
                rule_of=partial(rule_of_role, training),
                seeds=seeds,
            )
    return model.to(task.device, task.dtype)


def layer_rule(parameterization: str, optimizer: str) -> Rule:
    """The rule of a parameterization as a function of shapes."""
    return partial(get_rule(parameterization), optimizer)


def rule_of_role(training: Training, role: str) -> Rule:
    """The rule for the layers of a role, as a function of shapes.

    Optimizers of matrices have their own for hidden matrices; everything else, which Adam trains, has Adam's.
    """
    config = training.optimizer
    if not isinstance(config, MatrixOptimizerConfig):
        return layer_rule(training.parameterization, config.name)
    adam = layer_rule(training.parameterization, "adam")
    return composite_rule(config, get_rule(training.parameterization), adam) if role == "hidden" else adam
