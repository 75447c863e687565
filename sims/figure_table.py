"""Which figures are drawn from run directories: what draws each, what it shows, which sweeps it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Experiment:
    """A figure of an experiment.

    ``drawing`` is "module:function"; the function takes run directories, and ``options`` by keyword, and
    gives (figure, numbers). ``shows`` says what, ``sweeps`` which sweeps make the directories, in this order.
    A figure may be drawn from other sweeps of the same kind, too. One that ``reads_data`` needs the data set
    again, and takes its folder as ``data_dir``. One that ``chooses_loss`` takes one of ``LOSSES``.
    """

    drawing: str
    shows: str
    sweeps: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    reads_data: bool = False
    chooses_loss: bool = False

    def commands(self, preset: str = "cpu") -> list[str]:
        """The commands that make its run directories.

        >>> EXPERIMENTS["10"].commands()
        ['hptheory sweep llama_adam --preset cpu --observe profiles']
        """
        split = [sweep.partition(" ") for sweep in self.sweeps]
        return [f"hptheory sweep {name} --preset {preset} {rest}".rstrip() for name, _, rest in split]


def _observed(setting: str) -> tuple[str, ...]:
    return (f"{setting} --observe profiles",)


LOSSES = ("loss", "ema_loss", "train_loss")  # what comparisons may be judged by: columns of results.csv
TRANSFER = "loss of the averaged weights, linearised loss dashed; what the narrowest width's rate costs"
WHOLE_AND_TOP = "whole losses; top-kappa losses of each width beside those of the widest"
RESIDUALS = "residual losses around the minimum of the top-kappa loss"
TRUNCATION = "truncation of each width; top-k losses at one rate"
OBSERVED = "sims.observed_figures"
SWEEPS = "sims.sweep_figures"
TRANSFORMERS = "sims.transformer_figures"
COMPARISONS = "sims.comparison_figures"
OPTIMIZERS = (
    "adam", "muon", "soap", "soap_blocked", "soap_normalised", "shampoo", "shampoo_blocked",
    "shampoo_normalised", "adamuon", "adamuon_normalised", "shampoo_grafted", "shampoo_grafted_blocked",
    "shampoo_grafted_normalised",
)  # fmt: skip
SAMPLES = ("cifar_mlp --observe samples",)

EXPERIMENTS: dict[str, Experiment] = {
    "1": Experiment(
        f"{OBSERVED}:over_time", "top-k and residual loss along training", _observed("llama_adam")
    ),
    "2": Experiment(f"{SWEEPS}:rate_curves", "loss against the rate, optima", ("multi_index",)),
    "5": Experiment(f"{SWEEPS}:rate_curves", "loss against the rate, optima", ("ball_indicator",)),
    "6": Experiment(f"{SWEEPS}:transfer", TRANSFER, _observed("llama_adam")),
    "7": Experiment(
        f"{TRANSFORMERS}:through_training",
        "averaged, linearised and last weights' loss along training",
        _observed("llama_adam"),
    ),
    "8": Experiment(f"{OBSERVED}:truncated", WHOLE_AND_TOP, _observed("llama_adam")),
    "9": Experiment(f"{OBSERVED}:residuals", RESIDUALS, _observed("llama_adam")),
    "10": Experiment(
        f"{TRANSFORMERS}:truncation_and_profile", TRUNCATION, _observed("llama_adam"), {"rate": 0.002}
    ),
    "11": Experiment(f"{SWEEPS}:transfer", TRANSFER, _observed("llama_muon")),
    "12": Experiment(f"{TRANSFORMERS}:profiles", "top-k losses under Muon", _observed("llama_muon")),
    "13": Experiment(f"{SWEEPS}:transfer", TRANSFER, _observed("cifar_mlp")),
    "14": Experiment(f"{OBSERVED}:consistency", "mean component index; how far models agree on it", SAMPLES),
    "15": Experiment(f"{OBSERVED}:gallery", "the easiest and the hardest images", SAMPLES, reads_data=True),
    "16": Experiment(f"{OBSERVED}:easy_and_hard", "losses on the easiest and the hardest examples", SAMPLES),
    "17": Experiment(
        f"{SWEEPS}:rate_curves_side_by_side",
        "loss against the rate, a panel a sweep",
        ("multi_index", "multi_index_layerwise"),
    ),
    "18": Experiment(
        f"{TRANSFORMERS}:losses_along",
        "averaged and linearised loss against the window of Adam's beta1, and of beta2",
        (*_observed("llama_adam_beta1"), *_observed("llama_adam_beta2")),
    ),
    "19": Experiment(f"{TRANSFORMERS}:truncated_along", WHOLE_AND_TOP, _observed("llama_adam_beta1")),
    "20": Experiment(f"{TRANSFORMERS}:residuals_along", RESIDUALS, _observed("llama_adam_beta1")),
    "21": Experiment(f"{TRANSFORMERS}:truncated_along", WHOLE_AND_TOP, _observed("llama_adam_beta2")),
    "22": Experiment(f"{TRANSFORMERS}:residuals_along", RESIDUALS, _observed("llama_adam_beta2")),
    "23": Experiment(
        f"{TRANSFORMERS}:truncations_along",
        "truncation of each width against the rate, beta1's and beta2's window",
        (*_observed("llama_adam"), *_observed("llama_adam_beta1"), *_observed("llama_adam_beta2")),
    ),
    "24": Experiment(f"{SWEEPS}:transfer", TRANSFER, _observed("llama_dion")),
    "25": Experiment(f"{SWEEPS}:transfer", TRANSFER, _observed("llama_dion_proportional")),
    "26": Experiment(
        f"{TRANSFORMERS}:profiles",
        "top-k losses under Dion of bounded and of proportional rank",
        (*_observed("llama_dion"), *_observed("llama_dion_proportional")),
    ),
    "27": Experiment(f"{SWEEPS}:transfer", TRANSFER, _observed("gpt2_adam")),
    "28": Experiment(
        f"{TRANSFORMERS}:truncation_and_profile", TRUNCATION, _observed("gpt2_adam"), {"rate": 0.008}
    ),
    "29": Experiment(f"{OBSERVED}:truncated", WHOLE_AND_TOP, _observed("gpt2_adam")),
    "30": Experiment(f"{OBSERVED}:residuals", RESIDUALS, _observed("gpt2_adam")),
    "31": Experiment(f"{SWEEPS}:transfer", TRANSFER, _observed("gpt2_muon")),
    "32": Experiment(
        f"{TRANSFORMERS}:lowest_and_best_profiles",
        "top-k losses at the lowest rate and at the best one",
        _observed("gpt2_muon"),
    ),
    "33": Experiment(f"{OBSERVED}:profile", TRUNCATION, _observed("cifar_mlp")),
    "34": Experiment(f"{OBSERVED}:truncated", WHOLE_AND_TOP, _observed("cifar_mlp")),
    "35": Experiment(f"{OBSERVED}:residuals", RESIDUALS, _observed("cifar_mlp")),
    "replay": Experiment(
        "sims.replay:replay_figure", "direct tuning and transfer replayed at every budget", ("multi_index",)
    ),
    "standard": Experiment(
        f"{COMPARISONS}:drift",
        "drift of the optimum under muP and under the standard parameterization",
        tuple(f"llama_{name}{rule}" for name in ("adam", "muon", "adamuon") for rule in ("", "_standard")),
        chooses_loss=True,
    ),
    "drift": Experiment(
        f"{COMPARISONS}:drift",
        "drift of the optimum by optimizer, with blocks and spectral normalisation and without",
        tuple(f"llama_{name}" for name in OPTIMIZERS),
        chooses_loss=True,
    ),
    "decay": Experiment(
        f"{COMPARISONS}:drift",
        "drift of the best weight decay, where decay falls like 1/width and where it is constant",
        ("llama_muon_decay", "llama_muon_decay_constant"),
        chooses_loss=True,
    ),
    "batch": Experiment(
        f"{COMPARISONS}:batches",
        "drift of the optimum with the batch size",
        ("llama_adam", "llama_adam_batch_double", "llama_adam_batch_fourfold"),
        chooses_loss=True,
    ),
    "depth": Experiment(
        f"{COMPARISONS}:depths",
        "drift of the optimum with the number of layers",
        (
            "llama_adam --layers 2 --out runs/llama_adam-2-layers",
            "llama_adam",
            "llama_adam --layers 8 --out runs/llama_adam-8-layers",
        ),
        chooses_loss=True,
    ),
    "multiplier": Experiment(
        f"{COMPARISONS}:multipliers",
        "loss against compute; compute multipliers over AdamW",
        tuple(f"llama_{name}_decayed" for name in ("adam", "muon", "soap", "shampoo")),
        chooses_loss=True,
    ),
    "stable-rank": Experiment(
        f"{COMPARISONS}:ranks",
        "stable rank of the updates against width",
        tuple(f"llama_{name}" for name in ("adam", "muon", "soap", "soap_blocked", "shampoo", "dion")),
        reads_data=True,
    ),
    "newton-schulz": Experiment(
        f"{SWEEPS}:rate_curves_side_by_side",
        "Muon with 1, 3 and 5 iterations of Newton-Schulz, and with the polar factor",
        ("llama_muon_steps_1", "llama_muon_steps_3", "llama_muon", "llama_muon_exact"),
    ),
    "tokens": Experiment(
        f"{OBSERVED}:consistency",
        "mean component index of single tokens; how far models agree on it",
        ("llama_adam --observe tokens",),
    ),
    "hidden": Experiment(
        f"{TRANSFORMERS}:profiles",
        "top-k losses under Muon with all layers trained, and with the orthogonalised ones alone",
        (*_observed("llama_muon"), *_observed("llama_muon_hidden")),
    ),
}
"""By the numbers of arXiv 2512.22768, or by name: comparisons of 2512.05620, and ablations."""
