"""What is learned, by name and constants: ``sims.tasks.load_task`` makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hptheory.errors import DomainError
from sims.settings.checks import check_count
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


TaskConfig = DigitsConfig | MultiIndexConfig | BallIndicatorConfig | LanguageConfig
TASK_CONFIGS: dict[str, type[TaskConfig]] = {
    "digits": DigitsConfig,
    "multi_index": MultiIndexConfig,
    "ball_indicator": BallIndicatorConfig,
    "language": LanguageConfig,
}
