"""The exponential moving average of a network's weights, whose decay is warmed up along the run."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sims.settings.schedules import EMAConfig
from sims.trajectory.errors import check_same_parameters


class WeightAverage:
    """ema <- alpha_t ema + (1 - alpha_t) w, from the initial weights; ``weights`` holds it by parameter name.

    It is kept in single precision or more: in bf16 an update of less than 1/256 of a weight would be lost.

    Source: paper, App. D.2; alpha_t is ``EMAConfig.decay``.

    *Laws*: constant weights are their own average; with alpha = 0 the average is the last weights; one
    update for each optimizer step, whatever the cadence of the observers; interrupted (``state``,
    ``restore``) equals uninterrupted.

    >>> model = nn.Linear(1, 1, bias=False)
    >>> average = WeightAverage(EMAConfig(0.5, 0.5), model)
    >>> _ = nn.init.zeros_(average.weights["weight"]), nn.init.ones_(model.weight)
    >>> [(average.update(step), average.weights["weight"].item())[1] for step in range(3)]
    [0.5, 0.75, 0.875]
    """

    def __init__(self, config: EMAConfig, model: nn.Module) -> None:
        self.config = config
        self._parameters = dict(model.named_parameters())
        self.weights: dict[str, Tensor] = {
            name: single_or_more(parameter.detach(), copy=True)
            for name, parameter in self._parameters.items()
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after optimizer step ``step`` (counted from 0)."""
        weights = [single_or_more(parameter) for parameter in self._parameters.values()]
        torch._foreach_lerp_(list(self.weights.values()), weights, 1 - self.config.decay(step))

    def state(self) -> dict[str, Tensor]:
        """All that ``restore`` needs to go on, by parameter name."""
        return {name: values.clone() for name, values in self.weights.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state, in place; the next ``update`` is told the number of its own step, as before.

        Domain: a state of a model with other parameters raises ``ObserverError``.
        """
        own = {name: tuple(values.shape) for name, values in self.weights.items()}
        check_same_parameters(state, own, "average", "make the average of the model that it was taken from")
        for name, values in state.items():
            self.weights[name].copy_(values)


def single_or_more(values: Tensor, *, copy: bool = False) -> Tensor:
    """Numbers of half precision in single precision; others as they are."""
    return values.to(torch.promote_types(values.dtype, torch.float32), copy=copy)
