"""How large every layer's output is, and how far a few steps move it: the measurement of a coordinate check.

Theory: the output moves by Delta(W x) = (W_t - W_0) x_t + W_0 (x_t - x_0). The first part is what a scaling
rule controls layer by layer; the second is what the layers below did. What an update does to an input that it
was not made from is a random sum, n^(-1/2) as large as what it does along the inputs that it was made from;
so outputs are compared on the examples that were trained on, and these are few.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from sims.exponents import Quantity
from sims.gradients import gradients_of
from sims.members import Member
from sims.models import build_model
from sims.models.embedding import StackedEmbedding
from sims.models.linear import StackedLinear
from sims.optim.build import build_optimizer
from sims.settings import Training
from sims.settings.language import LanguageConfig
from sims.tasks import Task
from sims.train import train_step

PREDICTIONS = 16  # in a batch; against 64 neurons or more, so that they are few in every width's eyes
Sizes = dict[tuple[str, Quantity], NDArray[np.float64]]


class Seen(NamedTuple):
    """A layer's input and output."""

    x: Tensor
    y: Tensor


def small_batches(training: Training) -> Training:
    """The training on batches of ``PREDICTIONS`` examples, or of one window of as many tokens.

    The limit of large width is taken at a fixed batch. A gradient of many examples has, at the narrow widths
    of a check, as high a rank as the matrix allows; the rank then grows with the width, and with it what
    optimizers of matrices make of it.
    """
    if not isinstance(training.task, LanguageConfig):
        return replace(training, batch_size=PREDICTIONS)
    task = replace(training.task, context=min(PREDICTIONS, training.task.context))
    return replace(training, task=task, batch_size=max(1, PREDICTIONS // task.context))


def layer_sizes(
    training: Training, width: int, task: Task, seeds: Sequence[int], steps: int, lr: float
) -> Sizes:
    """Root mean squares, one a seed, of every layer's output before training, of what its own update adds to
    it in some steps, and of its change; on the examples of these steps. Blocks are averaged over.
    """
    # A batched product of one matrix takes another route, with other rounding; there are two seeds or more.
    model = build_model(training, width, list(seeds), task)
    optimizer = build_optimizer(training, model, [Member(lr, seed) for seed in seeds])
    batches = [task.batch(step, seeds, training.batch_size) for step in range(steps)]
    examples = torch.cat([batch.x for batch in batches], dim=1)
    initial = {name: p.detach().clone() for name, p in model.named_parameters()}
    before = _seen(model, examples)
    gradients = gradients_of(model, task, range(len(seeds)), batches[0])
    for batch in batches:
        train_step(gradients, optimizer, batch)
    after = _seen(model, examples)
    moved = {name: p.detach() - initial[name] for name, p in model.named_parameters()}
    rows: dict[tuple[str, Quantity], list[NDArray[np.float64]]] = {}
    for name, layer in _layers(model).items():
        own = {key.removeprefix(f"{name}."): d for key, d in moved.items() if key.startswith(f"{name}.")}
        kind = re.sub(r"\.\d+\.", ".*.", name)
        sizes: dict[Quantity, Tensor] = {
            "start": before[name].y,
            "update": functional_call(layer, own, (after[name].x,)),
            "change": after[name].y - before[name].y,
        }
        for quantity, output in sizes.items():
            rows.setdefault((kind, quantity), []).append(_rms(output))
    return {key: np.mean(values, axis=0) for key, values in rows.items()}


def _layers(model: nn.Module) -> Mapping[str, nn.Module]:
    """The layers with a matrix, by name."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, StackedLinear | StackedEmbedding)
    }


def _seen(model: nn.Module, x: Tensor) -> dict[str, Seen]:
    """What every layer with a matrix takes in and puts out."""
    found: dict[str, Seen] = {}

    def keep(name: str) -> Any:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            found[name] = Seen(inputs[0].detach(), output.detach())

        return hook

    handles = [layer.register_forward_hook(keep(name)) for name, layer in _layers(model).items()]
    with torch.no_grad():
        model(x)
    for handle in handles:
        handle.remove()
    return found


def _rms(output: Tensor) -> NDArray[np.float64]:
    """The root mean square of each member's output."""
    return output.detach().double().flatten(1).square().mean(1).sqrt().cpu().numpy()
