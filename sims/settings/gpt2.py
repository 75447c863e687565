"""GPT-2-style transformers on text (arXiv 2512.22768, App. D.4), with Adam and Muon.

``paper`` is as printed: FineWeb, the first billion tokens, batch 256, context 1024, WSD with 4 % warmup and
20 % cooldown, Adam's betas 0.9 and 0.95, muP base 128, three seeds, the averaged weights' decay from 0.995 to
0.996 and a snapshot every one to two steps. Not printed, and chosen here: GPT-2's own vocabulary, Muon's
momentum 0.95 as for Llama, no weight decay. The small presets are those of ``sims.settings.llama``.
"""

from __future__ import annotations

from dataclasses import replace

from sims.settings.base import Training
from sims.settings.language import LanguageConfig
from sims.settings.llama import CPU_ADAM_LRS, CPU_BEST_LR, CPU_MATRIX_LRS, WSD
from sims.settings.optimizers import AdamConfig, MuonConfig, OptimizerConfig
from sims.settings.schedules import EMAConfig
from sims.settings.text_presets import Presets, Recipe, presets
from sims.settings.transformers import GPT2Config

TOKENS = 1_000_000_000
PUBLISHED_STEPS = TOKENS // (256 * 1024)
ADAM = AdamConfig(beta1=0.9, beta2=0.95)
ADAM_LRS = tuple(1e-2 * factor for factor in (0.3, 0.6, 0.8, 1.2, 1.7, 2.4, 3.4))
MUON_LRS = tuple(1e-2 * factor for factor in (0.3, 0.6, 1.2, 2.0, 4.0, 6.0, 12.0))


def paper_training(optimizer: OptimizerConfig) -> Training:
    """The published training."""
    return Training(
        task=LanguageConfig("fineweb", vocabulary="gpt2", context=1024, max_tokens=TOKENS),
        model=GPT2Config(),
        optimizer=optimizer,
        base_width=128,
        batch_size=256,
        epochs=1,
        schedule=WSD,
        ema=EMAConfig(decay_start=0.995, decay_end=0.996, tau_start=1.0, tau_end=2.0),
    )


def recipe(optimizer: OptimizerConfig, small: OptimizerConfig) -> Recipe:
    """The published training, and its small copy with the optimizer of the small widths."""
    return Recipe(paper_training(optimizer), replace(paper_training(small), base_width=32), PUBLISHED_STEPS)


MUON = MuonConfig(shape_factor="mup", adam_lr=0.01, adam=ADAM)

SETTINGS: dict[str, Presets] = {
    "gpt2_adam": presets("gpt2_adam", recipe(ADAM, ADAM), ADAM_LRS, CPU_ADAM_LRS),
    "gpt2_muon": presets(
        "gpt2_muon", recipe(MUON, replace(MUON, adam_lr=CPU_BEST_LR)), MUON_LRS, CPU_MATRIX_LRS
    ),
}
"""Fig. 27 to 32."""
