"""Llama-style transformers on text (arXiv 2512.22768, App. D.2 and D.3), by optimizer.

``paper`` is as printed: WikiText-103, one epoch, batch 128, context 128, WSD with 4 % warmup and 20 %
cooldown, muP base 128, three seeds; Muon and Dion with the absolute factor sqrt(m/n) of App. A.2, momentum
0.95 and Adam at rate 0.004 on embedding, readout and vectors. Not printed, and chosen here: the vocabulary (a
byte-level BPE of 32,000, the size of Llama's), Adam's epsilon (1e-8), weight decay (none), Newton-Schulz
coefficients (Jordan's). Dion's table prints "Newton-Schulz iterations 5", which Dion does not have.

``cpu`` and ``cpu-long`` are the same on WikiText-2 at widths that two cores can train: muP base 32, context
64, 16 windows a step, a vocabulary of 1,024 (so that the readout does not dwarf the network), 1,024 or 2,048
steps (1.05 and 2.1 million tokens), Dion's bounded rank min(16, n/2), and the schedule of the averaged
weights shortened by the same factor as the run: WikiText-103 has about 7,300 of the published steps.
``smoke`` trains on text that comes with Python, and is for tests.
"""

from __future__ import annotations

from dataclasses import replace

from sims.settings.base import Training
from sims.settings.language import LanguageConfig
from sims.settings.optimizers import (
    AdamConfig,
    AdaMuonConfig,
    DionConfig,
    MuonConfig,
    OptimizerConfig,
    ShampooConfig,
    SOAPConfig,
)
from sims.settings.schedules import EMAConfig, ScheduleConfig
from sims.settings.text_presets import Presets, Recipe, presets
from sims.settings.transformers import LlamaConfig

PUBLISHED_STEPS = 7_300  # about 120 million tokens of BPE in WikiText-103, over 128 x 128 a step
WSD = ScheduleConfig(name="wsd", warmup=0.04, cooldown=0.2)
ADAM_LRS = tuple(1e-3 * factor for factor in (1.0, 1.4, 2.0, 2.8, 4.0, 4.8, 5.7, 6.7, 8.0))
MATRIX_LRS = tuple(1e-2 * factor for factor in (0.1, 0.2, 0.4, 0.57, 0.8, 1.1, 1.6, 1.9))
CPU_ADAM_LRS = tuple(2.0**power for power in (-10, -9, -8, -7.5, -7, -6.5, -6, -5, -4))
# Best at widths 32 to 128, preset cpu: 2^-6.5 to 2^-7.6 under Muon, 2^-6.7 to 2^-7.7 under Dion of rank n/2.
CPU_MATRIX_LRS = tuple(2.0**power for power in (-10, -9, -8, -7.5, -7, -6.5, -6, -5, -4))
BETA1 = (0.63, 0.78, 0.86, 0.92, 0.95)  # App. D.2.2, at rate 0.004
BETA2 = (0.95, 0.98, 0.99, 0.995, 0.998, 0.9999)
CPU_BEST_LR = 2.0**-7  # of llama_adam, preset cpu, at widths 32 and 64


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


def recipe(
    optimizer: OptimizerConfig,
    cpu_optimizer: OptimizerConfig | None = None,
    smoke_optimizer: OptimizerConfig | None = None,
) -> Recipe:
    """The published training, and its small copies with the optimizers of their widths."""
    small = replace(paper_training(cpu_optimizer or optimizer), base_width=32)
    return Recipe(paper_training(optimizer), small, PUBLISHED_STEPS, smoke_optimizer)


def _adam(name: str, axis: str = "", values: tuple[float, ...] = ()) -> Presets:
    if not axis:
        return presets(name, recipe(AdamConfig()), ADAM_LRS, CPU_ADAM_LRS)
    return presets(name, recipe(AdamConfig()), (0.004,), (CPU_BEST_LR,), hps=((axis, values),))


MatrixConfig = MuonConfig | AdaMuonConfig | DionConfig | ShampooConfig | SOAPConfig


def _matrix(
    name: str, optimizer: MatrixConfig, cpu: MatrixConfig | None = None, smoke: MatrixConfig | None = None
) -> Presets:
    small, smallest = (
        None if config is None else replace(config, adam_lr=CPU_BEST_LR)
        for config in (cpu or optimizer, smoke)
    )
    return presets(name, recipe(optimizer, small, smallest), MATRIX_LRS, CPU_MATRIX_LRS)


SETTINGS: dict[str, Presets] = {
    "llama_adam": _adam("llama_adam"),
    "llama_adam_beta1": _adam("llama_adam_beta1", "beta1", BETA1),
    "llama_adam_beta2": _adam("llama_adam_beta2", "beta2", BETA2),
    "llama_muon": _matrix("llama_muon", MuonConfig(shape_factor="mup")),
    "llama_dion": _matrix(
        "llama_dion",
        DionConfig(max_rank=128, shape_factor="mup"),
        DionConfig(max_rank=16, shape_factor="mup"),
        DionConfig(max_rank=8, shape_factor="mup"),  # at 16 and 32, the widths of ``smoke``, 16 is no bound
    ),
    "llama_dion_proportional": _matrix("llama_dion_proportional", DionConfig(shape_factor="mup")),
    "llama_shampoo": _matrix("llama_shampoo", ShampooConfig()),
    "llama_soap": _matrix("llama_soap", SOAPConfig()),
    "llama_adamuon": _matrix("llama_adamuon", AdaMuonConfig()),
}
"""Fig. 6 to 10, 18 to 26, and, by the rules of arXiv 2512.05620, its optimizers on the same network."""
