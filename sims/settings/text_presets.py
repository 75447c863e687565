"""The presets of a language setting: ``smoke``, ``cpu``, ``cpu-long`` and ``paper`` from one recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sims.settings.base import Setting, Training
from sims.settings.language import LanguageConfig
from sims.settings.optimizers import OptimizerConfig

Presets = dict[str, Callable[[], Setting]]
Axes = tuple[tuple[str, tuple[float, ...]], ...]


@dataclass(frozen=True)
class Recipe:
    """The published training, and the one that its small copies start from.

    Small copies train on WikiText-2 for some hundreds of ``published_steps``, so that ``small.ema`` is
    shortened in proportion.
    """

    paper: Training
    small: Training
    published_steps: int
    smoke_optimizer: OptimizerConfig | None = None
    """Where the optimizer of ``small`` would not be itself at the widths of ``smoke``."""

    def shortened(self, steps: int) -> Training:
        """So many steps of 16 windows of 64 tokens, a vocabulary of 1,024; eight evaluations, since twenty of
        the weights and of their average read more tokens than the run itself."""
        ema = self.small.ema
        return replace(
            self.small,
            task=LanguageConfig("wikitext-2", vocabulary=1024, context=64, validation_windows=512),
            batch_size=16,
            epochs=None,
            steps=steps,
            evaluations=8,
            ema=None if ema is None else ema.scaled(steps / self.published_steps),
        )

    def smoke(self) -> Training:
        """A few steps on text that comes with Python."""
        return replace(
            self.shortened(steps=12),
            task=LanguageConfig("pydoc", vocabulary=300, context=16, validation_windows=8),
            base_width=16,
            batch_size=4,
            evaluations=2,
            optimizer=self.smoke_optimizer or self.small.optimizer,
        )


def presets(
    name: str,
    recipe: Recipe,
    lrs: tuple[float, ...],
    small_lrs: tuple[float, ...],
    hps: Axes = (),
    small_hps: Axes | None = None,
) -> Presets:
    """The presets; of nine ``small_lrs``, ``cpu`` takes the middle six. ``hps`` are further axes, of all
    presets if there are no ``small_hps``."""
    middle = small_lrs[1:7] if len(small_lrs) == 9 else small_lrs
    small_hps = hps if small_hps is None else small_hps

    def smoke() -> Setting:
        few = tuple((axis, values[::2]) for axis, values in small_hps)
        return Setting(name, "smoke", recipe.smoke(), (16, 32), middle[::2], (0, 1), few)

    def cpu() -> Setting:
        return Setting(name, "cpu", recipe.shortened(1024), (32, 64, 128), middle, (0, 1), small_hps)

    def cpu_long() -> Setting:
        training = recipe.shortened(2048)
        return Setting(name, "cpu-long", training, (32, 64, 128, 256), small_lrs, (0, 1, 2), small_hps)

    def paper() -> Setting:
        widths = (128, 256, 512, 1024, 2048)
        return Setting(name, "paper", recipe.paper, widths, lrs, (0, 1, 2), hps)

    return {"smoke": smoke, "cpu": cpu, "cpu-long": cpu_long, "paper": paper}
