"""The observers of the trainer's packs: made from a setting, their results told apart by run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hptheory.errors import DomainError
from sims.settings import ObserveConfig, Training
from sims.settings.schedules import EMAConfig
from sims.tasks.base import Batch, Task
from sims.tasks.language import LanguageTask
from sims.trajectory.objective import Losses, fixed_subset
from sims.trajectory.observer import TrajectoryObserver
from sims.trajectory.result import TrajectoryResult
from sims.trajectory.samples import SampleObserver


def observer_of(training: Training, width: int, task: Task) -> TrajectoryObserver | None:
    """The observer that the setting asks for, or None.

    What goes wrong with a run is in its result, without warnings: a sweep goes on.
    """
    config = training.observe
    if config is None:
        return None
    batches, data = observed_batches(config, task)
    options: dict[str, Any] = {
        "batches": batches,
        "data": data,
        "cadence": training.ema or EMAConfig(),
        "width": width,
        "stacked": True,
        "tolerance": config.tolerance,
        "on_problem": "record",
    }
    if config.samples == "tokens":
        return SampleObserver(token_losses_of(task), directional=True, **options)
    kind = SampleObserver if config.samples else TrajectoryObserver
    return kind(losses_of(task), **options)


def losses_of(task: Task) -> Losses:
    """The losses of a task's examples under a stacked network."""

    def losses(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        outputs = model(x)
        return task.losses(outputs, y.expand(outputs.shape[0], *y.shape[1:]))

    return losses


def token_losses_of(task: Task) -> Losses:
    """The losses of every token of a text, window after window.

    Domain: a task that is no text raises ``DomainError``.
    """
    if not isinstance(task, LanguageTask):
        raise DomainError("samples", "'tokens'", "True for a task that is no text", "its examples are single")

    def losses(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        outputs = model(x)
        return task.token_losses(outputs, y.expand(outputs.shape[0], *y.shape[1:])).flatten(1)

    return losses


def observed_batches(config: ObserveConfig, task: Task) -> tuple[Sequence[Batch], str]:
    """The validation examples on which the loss is observed, in chunks, and which they are in words."""
    chunks = task.validation()
    total = sum(chunk.y.shape[1] for chunk in chunks)
    if config.subset is None or config.subset >= total:
        return chunks, f"all {total} validation examples"
    chosen = fixed_subset(total, config.subset, config.subset_seed).to(task.device)
    x, y = (torch.cat(parts, dim=1)[:, chosen] for parts in zip(*chunks, strict=True))
    size = chunks[0].y.shape[1]
    parts = zip(x.split(size, dim=1), y.split(size, dim=1), strict=True)
    return (
        [Batch(*part) for part in parts],
        f"{config.subset} of {total} validation examples, subset seed {config.subset_seed}",
    )


def results_by_run(observer: TrajectoryObserver, running: Sequence[int]) -> Mapping[int, TrajectoryResult]:
    """The results of the members still running, by their positions in the pack (a lone one has a twin)."""
    return dict(zip(running, observer.results(), strict=True))
