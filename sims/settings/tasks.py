"""What is learned, by name and constants: ``sims.tasks.load_task`` makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hptheory.errors import DomainError
from sims.settings.checks import check_count, check_not_negative
from sims.settings.language import LanguageConfig


@dataclass(frozen=True)
class DigitsConfig:
    """scikit-learn's handwritten digits; ``validation_size`` of the 1,797 images are held out."""

    validation_size: int = 597
    name: Literal["digits"] = "digits"

    def __post_init__(self) -> None:
        check_count("validation_size", self.validation_size)


@dataclass(frozen=True)
class MultiIndexConfig:
    """Regression on y = d/(4k) * (x_1^2 + ... + x_k^2), x ~ N(0, (4/d) I), fresh at each step."""

    d: int = 64
    k: int = 15
    validation_size: int = 8192
    name: Literal["multi_index"] = "multi_index"

    def __post_init__(self) -> None:
        for name in ("d", "k", "validation_size"):
            check_count(name, getattr(self, name))
        if self.k > self.d:
            raise DomainError("k", self.k, f"at most d = {self.d}")


@dataclass(frozen=True)
class BallIndicatorConfig:
    """Classification of x ~ N(0, I) by whether |x|^2 exceeds the median of chi-square(d); fresh samples."""

    d: int = 64
    validation_size: int = 8192
    name: Literal["ball_indicator"] = "ball_indicator"

    def __post_init__(self) -> None:
        for name in ("d", "validation_size"):
            check_count(name, getattr(self, name))


@dataclass(frozen=True)
class CIFAR10Config:
    """CIFAR-10 with random resized crops and mixup (Beta(mixup, mixup)) of the training images.

    ``held_out`` training images serve as validation set; 0: the official test set does.
    """

    held_out: int = 0
    augment: bool = True
    crop_scale: tuple[float, float] = (0.08, 1.0)
    mixup: float = 1.0
    name: Literal["cifar10"] = "cifar10"

    def __post_init__(self) -> None:
        check_count("held_out", self.held_out, least=0)
        check_not_negative("mixup", self.mixup)
        if not 0 < self.crop_scale[0] <= self.crop_scale[1] <= 1:
            raise DomainError("crop_scale", self.crop_scale, "two shares of the area, 0 < least <= most <= 1")


TaskConfig = DigitsConfig | MultiIndexConfig | BallIndicatorConfig | CIFAR10Config | LanguageConfig
TASK_CONFIGS: dict[str, type[TaskConfig]] = {
    "digits": DigitsConfig,
    "multi_index": MultiIndexConfig,
    "ball_indicator": BallIndicatorConfig,
    "language": LanguageConfig,
    "cifar10": CIFAR10Config,
}
