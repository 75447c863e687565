"""The settings that can be swept, by name and preset: ``smoke`` (seconds), ``cpu`` (minutes), ``paper`` (a
GPU)."""

from __future__ import annotations

from collections.abc import Callable

from hptheory.errors import UnknownNameError
from sims.settings import cifar_mlp, comparisons, digits, gaussian, gpt2, llama
from sims.settings.base import HPs, Setting, Training
from sims.settings.models import MLPConfig
from sims.settings.observe import ObserveConfig
from sims.settings.optimizers import (
    AdamConfig,
    AdaMuonConfig,
    DionConfig,
    MuonConfig,
    OptimizerConfig,
    SGDConfig,
    ShampooConfig,
    SOAPConfig,
)
from sims.settings.schedules import EMAConfig, ScheduleConfig
from sims.settings.tasks import BallIndicatorConfig, CIFAR10Config, DigitsConfig, MultiIndexConfig

SETTINGS: dict[str, dict[str, Callable[[], Setting]]] = {
    "digits": digits.PRESETS,
    **llama.SETTINGS,
    **comparisons.SETTINGS,
    **gpt2.SETTINGS,
    "multi_index": gaussian.MULTI_INDEX,
    "multi_index_layerwise": gaussian.MULTI_INDEX_LAYERWISE,
    "ball_indicator": gaussian.BALL_INDICATOR,
    "cifar_mlp": cifar_mlp.PRESETS,
}

__all__ = [
    "SETTINGS",
    "AdaMuonConfig",
    "AdamConfig",
    "BallIndicatorConfig",
    "CIFAR10Config",
    "DigitsConfig",
    "DionConfig",
    "EMAConfig",
    "HPs",
    "MLPConfig",
    "MultiIndexConfig",
    "MuonConfig",
    "ObserveConfig",
    "OptimizerConfig",
    "SGDConfig",
    "SOAPConfig",
    "ScheduleConfig",
    "Setting",
    "ShampooConfig",
    "Training",
    "get_setting",
]


def get_setting(name: str, preset: str = "cpu") -> Setting:
    """The setting of that name, in one of its presets.

    Domain: unknown names raise ``UnknownNameError``, which lists the known ones.

    >>> get_setting("digits").widths
    (32, 64, 128, 256, 512, 1024)
    >>> get_setting("digits", "smok")
    Traceback (most recent call last):
        ...
    hptheory.errors.UnknownNameError: unknown preset of digits 'smok'; did you mean smoke?
    """
    if name not in SETTINGS:
        raise UnknownNameError("setting", name, list(SETTINGS))
    if preset not in SETTINGS[name]:
        raise UnknownNameError(f"preset of {name}", preset, list(SETTINGS[name]))
    return SETTINGS[name][preset]()
