"""What arXiv 2512.05620 compares, and what 2512.22768 leaves to be tried, on the Llama of its Section 4.

Each differs from one of its settings in the one thing that its name says, in every preset, so that the pair
is the experiment:

- ``..._standard``: the standard parameterization in place of muP's rates and initial scales. The optimum
  should drift with width where muP's stands still. Attention scores and residual branches keep muP's factors.
- Shampoo with Adam's norm (``llama_shampoo_grafted``), whose optimum 2512.05620 sees drift, as AdaMuon's; its
  two remedies, blocks (``_blocked``) and spectral normalisation (``_normalised``), of which SOAP needs one,
  too, and plain Shampoo has both. Blocks are of 128, or of 32 in the small presets: at the base width only
  feed-forward matrices are cut. (2512.05620 has blocks of 512 for widths from 512.)
- ``llama_muon_decay``: independent weight decay c/D over a factor of 32, at one rate;
  ``llama_muon_decay_constant``: the same without the 1/D. The published c is 0.1 (2e-4 at D = 512): 8e-4 at
  the base width 128, 3.1e-3 at that of the small presets, 32.
- ``llama_adam_decayed`` (AdamW) and ``llama_muon_decayed``, ``_soap_decayed``, ``_shampoo_decayed``: the
  optimizers with decay, whose compute multipliers 2512.05620 reports. Hidden matrices decay independently by
  the published c/D (Muon: 1.6 times that), all other matrices as under AdamW: by 0.1 times their own rate,
  which under muP is 1/D of a readout (and of AdamW's hidden matrices), but the same at every D of embeddings.
- ``llama_muon_steps_1``, ``_steps_3`` (``llama_muon`` has 5 iterations of Newton-Schulz) and
  ``llama_muon_exact``, the polar factor itself: the ablation that App. D.4.2 of 2512.22768 proposes. So does
  it ``llama_muon_hidden``, where the layers with orthogonalised updates are the only ones trained. There the
  readout starts at random: behind one that is zero, and stays so, there is no gradient.
- ``llama_adam_batch_double``, ``_fourfold``: larger batches, for as many tokens; the averaged weights'
  schedule keeps its share of the run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sims.settings.base import Setting, Training
from sims.settings.llama import (
    ADAM_LRS,
    CPU_ADAM_LRS,
    CPU_BEST_LR,
    CPU_MATRIX_LRS,
    MATRIX_LRS,
    MatrixConfig,
    recipe,
)
from sims.settings.optimizers import AdamConfig, AdaMuonConfig, MuonConfig, ShampooConfig, SOAPConfig
from sims.settings.text_presets import Presets, presets
from sims.settings.transformers import LlamaConfig

DECAY, MUON_DECAY, ADAMW_DECAY = 0.1 / 128, 0.16 / 128, 0.1
BLOCK, CPU_BLOCK = 128, 32  # the muP base widths
CPU_BASES = 128 // 32  # how many times the base width of the small presets goes into that of ``paper``
DECAYS = tuple(2.0**power for power in range(-13, -7))
CPU_DECAYS = tuple(CPU_BASES * decay for decay in DECAYS)
MUON_LR, CPU_MUON_LR = 0.008, 2.0**-7  # at which decay is swept
MUON = MuonConfig(shape_factor="mup")
GRAFTED = ShampooConfig(graft=AdamConfig())


def adam(name: str, optimizer: AdamConfig = AdamConfig()) -> Presets:  # noqa: B008 (frozen)
    """Llama with Adam, under another name."""
    return presets(name, recipe(optimizer), ADAM_LRS, CPU_ADAM_LRS)


def matrix(name: str, optimizer: MatrixConfig, small: MatrixConfig | None = None) -> Presets:
    """Llama with an optimizer of matrices; ``small`` takes its place in the small presets."""
    own = small or optimizer
    own = replace(own, adam_lr=CPU_BEST_LR if own.adam_lr else 0.0)
    return presets(name, recipe(optimizer, own), MATRIX_LRS, CPU_MATRIX_LRS)


def blocked(name: str, optimizer: ShampooConfig | SOAPConfig) -> Presets:
    """Llama with an optimizer in blocks."""
    return matrix(name, replace(optimizer, block=BLOCK), replace(optimizer, block=CPU_BLOCK))


def over_decays(name: str, *, constant: bool) -> Presets:
    """Llama with Muon and a grid of weight decays, at one rate."""
    muon = replace(MUON, constant_decay=constant)
    small = replace(muon, adam_lr=CPU_BEST_LR)
    axes, small_axes = (("weight_decay", DECAYS),), (("weight_decay", CPU_DECAYS),)
    return presets(name, recipe(muon, small), (MUON_LR,), (CPU_MUON_LR,), axes, small_axes)


def decayed(name: str, optimizer: MatrixConfig, decay: float) -> Presets:
    """Llama with an optimizer of matrices that decays at the base width of ``paper``, the rest as AdamW's."""
    rest = replace(optimizer, adam=AdamConfig(weight_decay=ADAMW_DECAY))
    return matrix(name, replace(rest, weight_decay=decay), replace(rest, weight_decay=CPU_BASES * decay))


def changed(of: Presets, change: Callable[[Training], Training]) -> Presets:
    """The presets with another training."""

    def made(make: Callable[[], Setting]) -> Callable[[], Setting]:
        def setting() -> Setting:
            before = make()
            return replace(before, training=change(before.training))

        return setting

    return {preset: made(make) for preset, make in of.items()}


def standard(training: Training) -> Training:
    """Under the standard parameterization, every rate and initial scale that of the base width."""
    return replace(training, parameterization="standard")


def random_readout(training: Training) -> Training:
    """With a readout that starts at random."""
    return replace(training, model=LlamaConfig(readout_gain=1.0))


def batch_times(factor: int) -> Callable[[Training], Training]:
    """``factor`` times the batch, for as many tokens: the schedules cover the same shares of the run."""

    def change(training: Training) -> Training:
        assert training.ema is not None
        steps = None if training.steps is None else training.steps // factor
        return replace(
            training,
            batch_size=training.batch_size * factor,
            steps=steps,
            ema=training.ema.scaled(1 / factor),
        )

    return change


SETTINGS: dict[str, Presets] = {
    "llama_adam_standard": changed(adam("llama_adam_standard"), standard),
    "llama_muon_standard": changed(matrix("llama_muon_standard", MUON), standard),
    "llama_adamuon_standard": changed(matrix("llama_adamuon_standard", AdaMuonConfig()), standard),
    "llama_adamuon_normalised": matrix("llama_adamuon_normalised", AdaMuonConfig(spectral_norm=True)),
    "llama_shampoo_normalised": matrix("llama_shampoo_normalised", ShampooConfig(spectral_norm=True)),
    "llama_shampoo_blocked": blocked("llama_shampoo_blocked", ShampooConfig()),
    "llama_shampoo_grafted": matrix("llama_shampoo_grafted", GRAFTED),
    "llama_shampoo_grafted_blocked": blocked("llama_shampoo_grafted_blocked", GRAFTED),
    "llama_shampoo_grafted_normalised": matrix(
        "llama_shampoo_grafted_normalised", replace(GRAFTED, spectral_norm=True)
    ),
    "llama_soap_normalised": matrix("llama_soap_normalised", SOAPConfig(spectral_norm=True)),
    "llama_soap_blocked": blocked("llama_soap_blocked", SOAPConfig()),
    "llama_adam_decayed": adam("llama_adam_decayed", AdamConfig(weight_decay=ADAMW_DECAY)),
    "llama_muon_decayed": decayed("llama_muon_decayed", MUON, MUON_DECAY),
    "llama_soap_decayed": decayed("llama_soap_decayed", SOAPConfig(), DECAY),
    "llama_shampoo_decayed": decayed("llama_shampoo_decayed", ShampooConfig(), DECAY),
    "llama_muon_decay": over_decays("llama_muon_decay", constant=False),
    "llama_muon_decay_constant": over_decays("llama_muon_decay_constant", constant=True),
    "llama_adam_batch_double": changed(adam("llama_adam_batch_double"), batch_times(2)),
    "llama_adam_batch_fourfold": changed(adam("llama_adam_batch_fourfold"), batch_times(4)),
    "llama_muon_steps_1": matrix("llama_muon_steps_1", replace(MUON, steps=1)),
    "llama_muon_steps_3": matrix("llama_muon_steps_3", replace(MUON, steps=3)),
    "llama_muon_exact": matrix("llama_muon_exact", replace(MUON, kind="exact")),
    "llama_muon_hidden": changed(matrix("llama_muon_hidden", replace(MUON, adam_lr=0.0)), random_readout),
}
