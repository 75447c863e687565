"""What is compared on Llama differs in the one thing that its name says, in every preset."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from sims.settings import Training, get_setting
from sims.settings.comparisons import SETTINGS
from sims.sweep import run

PRESETS = ("smoke", "cpu", "cpu-long", "paper")
DIFFERENCES = {
    ("llama_adam", "llama_adam_standard"): {"parameterization"},
    ("llama_adamuon", "llama_adamuon_standard"): {"parameterization"},
    ("llama_muon", "llama_muon_standard"): {"parameterization"},
    ("llama_adamuon", "llama_adamuon_normalised"): {"optimizer.spectral_norm"},
    ("llama_shampoo", "llama_shampoo_blocked"): {"optimizer.block"},
    ("llama_shampoo", "llama_shampoo_normalised"): {"optimizer.spectral_norm"},
    ("llama_shampoo", "llama_shampoo_grafted"): {"optimizer.graft"},
    ("llama_shampoo_grafted", "llama_shampoo_grafted_blocked"): {"optimizer.block"},
    ("llama_shampoo_grafted", "llama_shampoo_grafted_normalised"): {"optimizer.spectral_norm"},
    ("llama_soap", "llama_soap_blocked"): {"optimizer.block"},
    ("llama_soap", "llama_soap_normalised"): {"optimizer.spectral_norm"},
    ("llama_muon_decay", "llama_muon_decay_constant"): {"optimizer.constant_decay"},
    ("llama_muon", "llama_muon_decay"): set(),
    ("llama_adam", "llama_adam_decayed"): {"optimizer.weight_decay"},
    ("llama_muon", "llama_muon_decayed"): {"optimizer.weight_decay", "optimizer.adam"},
    ("llama_soap", "llama_soap_decayed"): {"optimizer.weight_decay", "optimizer.adam"},
    ("llama_shampoo", "llama_shampoo_decayed"): {"optimizer.weight_decay", "optimizer.adam"},
    ("llama_muon", "llama_muon_steps_1"): {"optimizer.steps"},
    ("llama_muon", "llama_muon_steps_3"): {"optimizer.steps"},
    ("llama_muon", "llama_muon_exact"): {"optimizer.kind"},
    ("llama_muon", "llama_muon_hidden"): {"optimizer.adam_lr", "model.readout_gain"},
    ("llama_adam", "llama_adam_batch_double"): {"batch_size", "steps", "ema"},
    ("llama_adam", "llama_adam_batch_fourfold"): {"batch_size", "steps", "ema"},
}


def test_every_comparison_has_its_partner() -> None:
    assert {other for _, other in DIFFERENCES} == set(SETTINGS)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("pair", DIFFERENCES, ids=lambda pair: pair[1])
def test_a_comparison_differs_in_the_one_thing(pair: tuple[str, str], preset: str) -> None:
    one, other = (flat(get_setting(name, preset).training) for name in pair)
    expected = set(DIFFERENCES[pair])
    if preset == "paper":
        expected -= {"steps"}  # an epoch, whatever the batch
    assert {name for name in one if one[name] != other[name]} == expected


def test_the_published_decay_is_that_of_every_base_width() -> None:
    """c = lambda D: 0.1, 0.16 for Muon, inside the swept grid."""
    for preset, base in (("cpu", 32), ("cpu-long", 32), ("paper", 128)):
        for name, c in (
            ("llama_soap_decayed", 0.1),
            ("llama_shampoo_decayed", 0.1),
            ("llama_muon_decayed", 0.16),
        ):
            training = get_setting(name, preset).training
            assert training.base_width == base
            assert training.optimizer.weight_decay * base == pytest.approx(c)
            assert training.optimizer.adam == get_setting("llama_adam_decayed", preset).training.optimizer
        ((_, decays),) = get_setting("llama_muon_decay", preset).hps
        assert min(decays) * base < 0.05 < 0.1 < max(decays) * base


def flat(training: Training) -> dict[str, Any]:
    """The fields by name, those of model and optimizer with a dot."""
    fields = asdict(training)
    parts = {part: fields.pop(part) for part in ("model", "optimizer")}
    return fields | {f"{part}.{name}": value for part, own in parts.items() for name, value in own.items()}


@pytest.mark.parametrize("preset", ["smoke", "cpu", "cpu-long"])
def test_batches_of_all_sizes_see_as_many_tokens(preset: str) -> None:
    names = ("llama_adam", "llama_adam_batch_double", "llama_adam_batch_fourfold")
    trainings = [get_setting(name, preset).training for name in names]
    assert len({training.batch_size * (training.steps or 0) for training in trainings}) == 1
    shares = [training.ema.warmup_steps / training.steps for training in trainings if training.ema]
    # whole steps of warmup, of runs of three steps at least
    assert shares == pytest.approx([shares[0]] * 3, abs=0.5 / min(t.steps or 1 for t in trainings))


@pytest.mark.parametrize("name", ["llama_soap_normalised", "llama_shampoo_normalised"])
def test_the_normalised_learn(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPTHEORY_CACHE", str(tmp_path / "cache"))
    results = run(replace(get_setting(name, "smoke"), widths=(16,), seeds=(0,)), tmp_path / "runs")
    assert float(results.loss.min()) < 5.69  # ln 300 = 5.704: the loss of the uniform guess


def test_only_the_orthogonalised_layers_learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPTHEORY_CACHE", str(tmp_path / "cache"))
    results = run(get_setting("llama_muon_hidden", "smoke"), tmp_path / "runs")
    curve = results.loss_curve.sel(lr=results.lr[-1]).mean("seed")
    assert bool((curve.isel(step=-1) < curve.isel(step=0)).all())
