"""The options of ``hptheory sweep`` that change the training itself, and further axes of hyperparameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, get_args

import tyro

from hptheory.errors import DomainError
from sims.settings import Setting
from sims.settings.base import Parameterization, Precision
from sims.settings.checks import check_grid, check_known
from sims.settings.language import LanguageConfig
from sims.settings.models import ModelConfig
from sims.settings.tasks import TaskConfig
from sims.settings.transformers import TransformerConfig

Axes = Annotated[
    tuple[tuple[str, ...], ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME VALUE ...")
]
TEXT = ("corpus", "vocabulary", "context")


@dataclass(frozen=True)
class TrainingOptions:
    """Another training than the preset's.

    Attributes:
        hp: A further axis: a hyperparameter of the optimizer (weight_decay, beta1, momentum) and its values.
        parameterization: mup, standard or ntk: rates and initial scales (attention keeps muP's scale).
        precision: Of the passes' matrix products: fp32, tf32 (NVIDIA's GPUs) or bf16.
        batch_size: Examples a step; the number of steps, or of epochs, stays.
        layers: Blocks of a transformer; the depth at which its residual branches have the factor 1 stays.
        corpus: Of a language setting: wikitext-2, wikitext-103, fineweb, novels, pydoc or folder:PATH.
        vocabulary: The size of a tokenizer that is trained on the corpus, or gpt2 for GPT-2's own.
        context: Tokens in a window.
    """

    hp: Axes = ()
    parameterization: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    precision: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    batch_size: int | None = None
    layers: int | None = None
    corpus: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    vocabulary: Annotated[str | None, tyro.conf.arg(metavar="N|gpt2")] = None
    context: int | None = None

    def applied(self, setting: Setting) -> Setting:
        """The setting with what is given in the place of its own, checked like the old.

        An axis of ``hp`` takes the place of the setting's axis of that name, or comes after its axes.

        Domain: unknown names raise ``UnknownNameError``; values outside their domain, options of texts or
        blocks for a setting without them, and another rule than muP's beside Muon's absolute factor,
        ``DomainError``.

        >>> from sims.settings import get_setting
        >>> options = TrainingOptions(hp=(("weight_decay", "0", "0.1"),), parameterization="standard")
        >>> other = options.applied(get_setting("digits"))
        >>> other.hps, other.training.parameterization
        ((('weight_decay', (0.0, 0.1)),), 'standard')
        """
        given = {
            name: getattr(self, name)
            for name in ("parameterization", "precision", "batch_size")
            if getattr(self, name) is not None
        }
        for name, kinds in (("parameterization", Parameterization), ("precision", Precision)):
            if name in given:
                check_known(name, given[name], get_args(kinds))
        factor = getattr(setting.training.optimizer, "shape_factor", None)
        if factor is not None and given.get("parameterization", "mup") != "mup":
            advice = f"its hidden matrices have the absolute factor '{factor}'; see llama_..._standard"
            raise DomainError("parameterization", self.parameterization, f"mup for {setting.name}", advice)
        task, model = self._task(setting.training.task), self._model(setting.training.model)
        training = replace(setting.training, task=task, model=model, **given)
        further = list(map(axis_of, self.hp))
        check_grid("hp", [name for name, _ in further] or ["none"])
        return replace(setting, training=training, hps=tuple({**dict(setting.hps), **dict(further)}.items()))

    def _model(self, model: ModelConfig) -> ModelConfig:
        """The network, of another depth if one is asked for."""
        if self.layers is None:
            return model
        if not isinstance(model, TransformerConfig):
            raise DomainError("layers", self.layers, "left out for a setting without blocks")
        return replace(model, layers=self.layers)

    def _task(self, task: TaskConfig) -> TaskConfig:
        """The task, of another text if one is asked for."""
        given: dict[str, Any] = {
            name: getattr(self, name) for name in TEXT if getattr(self, name) is not None
        }
        if not given:
            return task
        if not isinstance(task, LanguageConfig):
            name, value = next(iter(given.items()))
            raise DomainError(name, value, "left out for a setting without text")
        if str(self.vocabulary).isdecimal():
            given["vocabulary"] = int(str(self.vocabulary))
        return replace(task, **given)


def axis_of(words: Sequence[str]) -> tuple[str, tuple[float, ...]]:
    """A name and the numbers after it.

    Domain: no name, or what is no number, raises ``DomainError``.

    >>> axis_of(["beta1", "0.8", "0.9"])
    ('beta1', (0.8, 0.9))
    """
    if not words:
        raise DomainError("hp", "''", "a name and its values, such as weight_decay 0 0.1")
    name, *values = words
    try:
        return name, tuple(map(float, values))
    except ValueError as error:
        raise DomainError(f"hp {name}", " ".join(values), "numbers") from error
