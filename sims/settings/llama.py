"""Llama-style transformers on text (arXiv 2512.22768, App. D.2 and D.3), by optimizer.

``paper`` is as printed: WikiText-103, one epoch, batch 128, context 128, WSD with 4 % warmup and 20 %
cooldown, muP base 128, three seeds. Not printed, and chosen here: the vocabulary (a byte-level BPE of 32,000,
the size of Llama's), Adam's epsilon (1e-8), weight decay (none).

``cpu`` and ``cpu-long`` are the same on WikiText-2 at widths that two cores can train: muP base 32, context
64, 16 windows a step, a vocabulary of 1,024 (so that the readout does not dwarf the network), 1,024 or 2,048
steps (1.05 and 2.1 million tokens), and the schedule of the averaged weights shortened by the same factor as
the run: WikiText-103 has about 7,300 of the published steps. ``smoke`` trains on text that comes with Python,
and is for tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sims.settings.base import Setting, Training
from sims.settings.language import LanguageConfig
from sims.settings.optimizers import AdamConfig, OptimizerConfig
from sims.settings.schedules import EMAConfig, ScheduleConfig
from sims.settings.transformers import LlamaConfig

PUBLISHED_STEPS = 7_300  # about 120 million tokens of BPE in WikiText-103, over 128 x 128 a step
WSD = ScheduleConfig(name="wsd", warmup=0.04, cooldown=0.2)
ADAM_LRS = tuple(1e-3 * factor for factor in (1.0, 1.4, 2.0, 2.8, 4.0, 4.8, 5.7, 6.7, 8.0))


def paper_training(optimizer: OptimizerConfig) -> Training:
    """The published training."""
    return Training(
        task=LanguageConfig("wikitext-103", vocabulary=32_000, context=128),
        model=LlamaConfig(),
        optimizer=optimizer,
        base_width=128,
        batch_size=128,
        epochs=1,
        schedule=WSD,
        ema=EMAConfig(),
    )


def cpu_training(optimizer: OptimizerConfig, steps: int) -> Training:
    """The same on WikiText-2, for two cores."""
    return replace(
        paper_training(optimizer),
        task=LanguageConfig("wikitext-2", vocabulary=1024, context=64, validation_windows=512),
        base_width=32,
        batch_size=16,
        epochs=None,
        steps=steps,
        ema=EMAConfig().scaled(steps / PUBLISHED_STEPS),
    )


def smoke_training(optimizer: OptimizerConfig) -> Training:
    """A few steps on text that comes with Python."""
    return replace(
        cpu_training(optimizer, steps=12),
        task=LanguageConfig("pydoc", vocabulary=300, context=16, validation_windows=8),
        base_width=16,
        batch_size=4,
        evaluations=2,
    )


def presets(
    name: str, optimizer: OptimizerConfig, published: tuple[float, ...], cpu_lrs: tuple[float, ...]
) -> dict[str, Callable[[], Setting]]:
    """The presets of one optimizer; ``cpu_lrs`` are nine rates, of which ``cpu`` takes the middle six."""

    def smoke() -> Setting:
        return Setting(name, "smoke", smoke_training(optimizer), (16, 32), cpu_lrs[2:8:2], (0, 1))

    def cpu() -> Setting:
        training = cpu_training(optimizer, steps=1024)
        return Setting(name, "cpu", training, (32, 64, 128), cpu_lrs[1:7], (0, 1))

    def cpu_long() -> Setting:
        training = cpu_training(optimizer, steps=2048)
        return Setting(name, "cpu-long", training, (32, 64, 128, 256), cpu_lrs, (0, 1, 2))

    def paper() -> Setting:
        training = paper_training(optimizer)
        return Setting(name, "paper", training, (128, 256, 512, 1024, 2048), published, (0, 1, 2))

    return {"smoke": smoke, "cpu": cpu, "cpu-long": cpu_long, "paper": paper}


CPU_ADAM_LRS = tuple(2.0**power for power in (-10, -9, -8, -7.5, -7, -6.5, -6, -5, -4))
ADAM_PRESETS = presets("llama_adam", AdamConfig(), ADAM_LRS, CPU_ADAM_LRS)
