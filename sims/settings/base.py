"""What a sweep is made of: frozen dataclasses, checked when they are made, without torch.

``Training`` holds everything that decides a run apart from width, learning rate and seed: a stored record
is keyed by (Training, width, lr, seed). ``Setting`` adds the grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

from hptheory.errors import DomainError, UnknownNameError
from sims.schedules import SCHEDULES, check_shares


@dataclass(frozen=True)
class AdamConfig:
    """Adam's constants; the learning rate is the member's own."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    name: Literal["adam"] = "adam"

    def __post_init__(self) -> None:
        check_fraction("beta1", self.beta1)
        check_fraction("beta2", self.beta2)
        check_positive("epsilon", self.epsilon)


@dataclass(frozen=True)
class SGDConfig:
    """SGD with heavy-ball momentum."""

    momentum: float = 0.9
    name: Literal["sgd"] = "sgd"

    def __post_init__(self) -> None:
        check_fraction("momentum", self.momentum)


OPTIMIZER_CONFIGS: dict[str, type[AdamConfig] | type[SGDConfig]] = {"adam": AdamConfig, "sgd": SGDConfig}


@dataclass(frozen=True)
class ScheduleConfig:
    """A learning-rate schedule by name; warmup and cooldown are fractions of all steps."""

    name: str = "wsd"
    warmup: float = 0.04
    cooldown: float = 0.2

    def __post_init__(self) -> None:
        if self.name not in SCHEDULES:
            raise UnknownNameError("schedule", self.name, sorted(SCHEDULES))
        check_shares(self.warmup, self.cooldown)


@dataclass(frozen=True)
class Training:
    """Everything that decides a run apart from width, learning rate and seed."""

    data: str
    validation_size: int
    base_width: int
    epochs: int
    batch_size: int
    optimizer: AdamConfig | SGDConfig
    schedule: ScheduleConfig = ScheduleConfig()

    def __post_init__(self) -> None:
        for name in ("validation_size", "base_width", "epochs", "batch_size"):
            check_count(name, getattr(self, name))


@dataclass(frozen=True)
class Setting:
    """A sweep: one ``Training`` on a grid of widths x learning rates x seeds."""

    name: str
    preset: str
    training: Training
    widths: tuple[int, ...]
    lrs: tuple[float, ...]
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        for name in ("widths", "lrs", "seeds"):
            check_grid(name, getattr(self, name))
        for width in self.widths:
            check_count("width", width)
        for lr in self.lrs:
            check_positive("lr", lr)
        for seed in self.seeds:
            if not isinstance(seed, Integral) or seed < 0:
                raise DomainError("seed", seed, "an integer >= 0")
        # Plain numbers, so that a grid from NumPy gives the same keys and the same JSON.
        object.__setattr__(self, "widths", tuple(map(int, self.widths)))
        object.__setattr__(self, "lrs", tuple(map(float, self.lrs)))
        object.__setattr__(self, "seeds", tuple(map(int, self.seeds)))

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Setting:
        """The setting whose ``dataclasses.asdict`` is given, lists (from JSON) in place of tuples allowed.

        >>> from dataclasses import asdict
        >>> from sims.settings import get_setting
        >>> Setting.from_dict(asdict(get_setting("digits"))) == get_setting("digits")
        True
        """
        training = dict(fields["training"])
        optimizer = OPTIMIZER_CONFIGS[training["optimizer"]["name"]](**training["optimizer"])
        schedule = ScheduleConfig(**training["schedule"])
        grid = {axis: tuple(fields[axis]) for axis in ("widths", "lrs", "seeds")}
        whole = Training(**{**training, "optimizer": optimizer, "schedule": schedule})
        return cls(**{**fields, **grid, "training": whole})


def check_grid(name: str, values: Sequence[int | float]) -> None:
    """Nothing, if the axis of a grid has at least one value and none twice; else ``DomainError``."""
    if not values:
        raise DomainError(name, "()", "a grid of at least one value")
    if len(set(values)) < len(values):
        raise DomainError(name, tuple(values), "a grid without repeated values")


def check_count(name: str, value: int) -> None:
    """Nothing, if the value is an integer >= 1; else ``DomainError``."""
    if not isinstance(value, Integral) or value < 1:
        raise DomainError(name, value, "an integer >= 1")


def check_positive(name: str, value: float) -> None:
    """Nothing, if the value is positive and finite; else ``DomainError``."""
    if not (value > 0 and math.isfinite(value)):
        raise DomainError(name, value, "positive and finite")


def check_fraction(name: str, value: float) -> None:
    """Nothing, if the value is in [0, 1); else ``DomainError``."""
    if not 0 <= value < 1:
        raise DomainError(name, value, "in [0, 1)")
