"""Small trainings that the tests of the trainer share: a few steps on real digits."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from sims.data import Classification, load_data
from sims.settings import AdamConfig, Setting, SGDConfig, Training, get_setting

ADAM = AdamConfig(beta2=0.95)
MOMENTUM = SGDConfig(momentum=0.9)


@cache
def digits() -> Classification:
    """300 training images and 597 validation images, so that an epoch has few steps."""
    data = load_data("digits", validation_size=597)
    return replace(data, train_x=data.train_x[:300], train_y=data.train_y[:300])


def training(optimizer: AdamConfig | SGDConfig = ADAM, epochs: int = 2) -> Training:
    smoke = get_setting("digits", "smoke").training
    return replace(smoke, optimizer=optimizer, epochs=epochs)


def setting(**changes: object) -> Setting:
    """Two widths x two seeds x two rates, one epoch."""
    smoke = get_setting("digits", "smoke")
    small = {"training": replace(smoke.training, epochs=1), "lrs": (2.0**-8, 2.0**-6)}
    return replace(smoke, **{**small, **changes})
