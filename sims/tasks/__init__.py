"""What is learned: streams of batches, losses of examples, validation sets, all on one device."""

from __future__ import annotations

from pathlib import Path

import torch

from sims.settings.language import LanguageConfig
from sims.settings.tasks import (
    BallIndicatorConfig,
    CIFAR10Config,
    DigitsConfig,
    MultiIndexConfig,
    TaskConfig,
)
from sims.tasks.base import Batch, Task
from sims.tasks.classification import ClassificationTask
from sims.tasks.gaussian import BallIndicator, GaussianTask, MultiIndex

__all__ = [
    "BallIndicator", "Batch", "ClassificationTask", "GaussianTask", "MultiIndex", "Task", "load_task",
]  # fmt: skip


def load_task(
    config: TaskConfig,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    data_dir: Path | None = None,
) -> Task:
    """The task that a setting names, with its data on the device.

    ``data_dir`` is the folder of data sets; tasks without one, or with embedded data, do not use it.
    """
    match config:
        case DigitsConfig():
            from sims.data.digits import load_digits

            return ClassificationTask(load_digits(config.validation_size), device=device, dtype=dtype)
        case MultiIndexConfig():
            return MultiIndex(config, device=device, dtype=dtype)
        case BallIndicatorConfig():
            return BallIndicator(config, device=device, dtype=dtype)
        case LanguageConfig():
            from sims.tasks.language import LanguageTask

            return LanguageTask(config, device=device, dtype=dtype, data_dir=data_dir)
        case CIFAR10Config():
            from sims.tasks.images import CIFAR10

            return CIFAR10(config, device=device, dtype=dtype, data_dir=data_dir)
