"""What a sweep is made of: frozen dataclasses, checked when they are made, without torch.

``Training`` holds everything that decides a run apart from width, learning rate, seed and the further
hyperparameters of a member: a stored record is keyed by (Training, run). ``Setting`` adds the grid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from numbers import Integral
from typing import Any, Literal, get_args

from hptheory.errors import DomainError
from sims.settings.checks import (
    as_tuple,
    check_count,
    check_grid,
    check_known,
    check_positive,
    from_fields,
)
from sims.settings.language import LanguageConfig
from sims.settings.models import MODEL_CONFIGS, MLPConfig, ModelConfig
from sims.settings.observe import ObserveConfig
from sims.settings.optimizers import OPTIMIZER_CONFIGS, OptimizerConfig
from sims.settings.schedules import EMAConfig, ScheduleConfig
from sims.settings.tasks import TASK_CONFIGS, TaskConfig
from sims.settings.transformers import GPT2Config

Parameterization = Literal["mup", "standard", "ntk"]
Precision = Literal["fp32", "tf32", "bf16"]
HPs = tuple[tuple[str, float], ...]
"""Further hyperparameters of one run: (name, value) pairs, in the order of the setting."""


@dataclass(frozen=True)
class Training:
    """Everything that decides a run apart from its width, its rate, its seed and its further HPs.

    A run lasts ``steps`` optimizer steps, or ``epochs`` passes over a task with a fixed training set: one of
    the two is given. The curves have ``evaluations`` points, evenly spread over the run. ``lr_factors``
    multiply the learning rate of layers by role, e.g. (("readout", 0.02),); a role that the network lacks is
    an ``UnknownNameError`` when its optimizer is built. ``observe``: what is watched along the run (by
    default nothing).

    ``parameterization`` decides rates and initial scales. The two factors of a transformer's forward pass, of
    attention scores and of residual branches, are muP's under each of them, so that two trainings differ in
    rates and scales alone.
    """

    task: TaskConfig
    optimizer: OptimizerConfig
    base_width: int
    batch_size: int
    epochs: int | None = None
    steps: int | None = None
    evaluations: int = 20
    model: ModelConfig = field(default_factory=MLPConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    ema: EMAConfig | None = field(default_factory=EMAConfig)
    parameterization: Parameterization = "mup"
    lr_factors: HPs = ()
    precision: Precision = "fp32"
    observe: ObserveConfig | None = None

    def __post_init__(self) -> None:
        for name in ("base_width", "batch_size", "evaluations"):
            check_count(name, getattr(self, name))
        if (self.epochs is None) == (self.steps is None):
            raise DomainError("(epochs, steps)", (self.epochs, self.steps), "one number and one None")
        for name in ("epochs", "steps"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        check_known("parameterization", self.parameterization, get_args(Parameterization))
        check_known("precision", self.precision, get_args(Precision))
        if len(dict(self.lr_factors)) < len(self.lr_factors):
            raise DomainError("lr_factors", self.lr_factors, "one factor for each role")
        for role, factor in self.lr_factors:
            check_positive(f"lr_factors of {role}", factor)
        if isinstance(self.model, GPT2Config) and isinstance(self.task, LanguageConfig):
            self.model.check_context(self.task.context)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Training:
        """The training whose ``dataclasses.asdict`` is given, lists (from JSON) for tuples allowed."""
        kinds: dict[str, Mapping[str, type]] = {
            "task": TASK_CONFIGS,
            "optimizer": OPTIMIZER_CONFIGS,
            "model": MODEL_CONFIGS,
        }
        given = {name: from_fields(name, known, content[name]) for name, known in kinds.items()}
        given["schedule"] = ScheduleConfig(**content["schedule"])
        for name, kind in {"ema": EMAConfig, "observe": ObserveConfig}.items():
            given[name] = None if content[name] is None else kind(**content[name])
        return cls(**{name: given.get(name, as_tuple(value)) for name, value in content.items()})


@dataclass(frozen=True)
class Setting:
    """A sweep: one ``Training`` on a grid of widths x learning rates x seeds, and further HPs if need be.

    ``hps`` names further axes: (("beta1", (0.8, 0.9)), ...), each a field of the optimizer's config.
    """

    name: str
    preset: str
    training: Training
    widths: tuple[int, ...]
    lrs: tuple[float, ...]
    seeds: tuple[int, ...]
    hps: tuple[tuple[str, tuple[float, ...]], ...] = ()

    def __post_init__(self) -> None:
        for name in ("widths", "lrs", "seeds"):
            check_grid(name, getattr(self, name))
        for width in self.widths:
            check_count("width", width)
            self.training.model.check_width(width)
        for lr in self.lrs:
            check_positive("lr", lr)
        for seed in self.seeds:
            if not isinstance(seed, Integral) or seed < 0:
                raise DomainError("seed", seed, "an integer >= 0")
        _check_hps(self.training.optimizer, self.hps)
        # Plain numbers, so that a grid from NumPy gives the same keys and the same JSON.
        object.__setattr__(self, "widths", tuple(map(int, self.widths)))
        object.__setattr__(self, "lrs", tuple(map(float, self.lrs)))
        object.__setattr__(self, "seeds", tuple(map(int, self.seeds)))
        hps = tuple((str(name), tuple(map(float, values))) for name, values in self.hps)
        object.__setattr__(self, "hps", hps)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Setting:
        """The setting whose ``dataclasses.asdict`` is given, lists (from JSON) in place of tuples allowed.

        >>> from dataclasses import asdict
        >>> from sims.settings import get_setting
        >>> Setting.from_dict(asdict(get_setting("digits"))) == get_setting("digits")
        True
        """
        whole = {name: as_tuple(value) for name, value in content.items() if name != "training"}
        return cls(training=Training.from_dict(content["training"]), **whole)


def _check_hps(optimizer: OptimizerConfig, hps: Iterable[tuple[str, tuple[float, ...]]]) -> None:
    """Nothing, if every axis is one of the optimizer's and every value makes a valid config."""
    names = [name for name, _ in hps]
    if names:
        check_grid("hps", names)
    constants = {entry.name: getattr(optimizer, entry.name) for entry in fields(optimizer)}
    for name, values in hps:
        check_known(f"hyperparameter of {optimizer.name}", name, optimizer.MEMBER_HPS)
        check_grid(name, values)
        for value in values:
            type(optimizer)(**{**constants, name: value})
