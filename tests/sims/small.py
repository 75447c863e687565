"""Small trainings that the tests of the trainer share: a few steps on real digits."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch

from sims.data import Classification, load_digits
from sims.settings import AdamConfig, OptimizerConfig, Setting, SGDConfig, Training, get_setting
from sims.tasks import ClassificationTask


def needs_data(folder: str) -> pytest.MarkDecorator:
    """Skip a test, with a reason, where the folder of data sets lacks this one."""
    found = Path(os.environ.get("HPTHEORY_DATA", ""), folder).is_dir() and "HPTHEORY_DATA" in os.environ
    return pytest.mark.skipif(not found, reason=f"HPTHEORY_DATA names no folder that holds {folder}")


ADAM = AdamConfig(beta2=0.95)
MOMENTUM = SGDConfig(momentum=0.9)


@cache
def images() -> Classification:
    """300 training images and 597 validation images, so that an epoch has few steps."""
    data = load_digits(validation_size=597)
    return replace(data, train_x=data.train_x[:300], train_y=data.train_y[:300])


@cache
def digits(dtype: torch.dtype = torch.float32) -> ClassificationTask:
    """The task of classifying them."""
    return ClassificationTask(images(), dtype=dtype)


def training(optimizer: OptimizerConfig = ADAM, epochs: int = 2, **changes: object) -> Training:
    smoke = get_setting("digits", "smoke").training
    small = {"optimizer": optimizer, "epochs": epochs, "evaluations": epochs}
    return replace(smoke, **{**small, **changes})


def setting(**changes: object) -> Setting:
    """Two widths x two seeds x two rates, one epoch."""
    smoke = get_setting("digits", "smoke")
    small = {"training": replace(smoke.training, epochs=1, evaluations=1), "lrs": (2.0**-8, 2.0**-6)}
    return replace(smoke, **{**small, **changes})
