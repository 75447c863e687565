"""Language settings: published grids in `paper`, copies that two cores can train, Dions that differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hptheory.errors import DomainError
from sims.optim.dion import DionRule
from sims.settings import get_setting
from sims.settings.language import LanguageConfig
from sims.settings.llama import SETTINGS as LLAMA
from sims.sweep import run

PRESETS = ("smoke", "cpu", "cpu-long", "paper")


@pytest.mark.parametrize("name", LLAMA)
def test_small_presets_see_enough_tokens(name: str) -> None:
    for preset, least in (("cpu", 2**20), ("cpu-long", 2**21)):
        training = get_setting(name, preset).training
        assert isinstance(training.task, LanguageConfig)
        assert training.steps * training.batch_size * training.task.context >= least


def test_published_grids_are_the_printed_ones() -> None:
    adam, muon = (get_setting(name, "paper") for name in ("llama_adam", "llama_muon"))
    assert adam.widths == muon.widths == (128, 256, 512, 1024, 2048)
    assert [round(1e3 * lr, 9) for lr in adam.lrs] == [1.0, 1.4, 2.0, 2.8, 4.0, 4.8, 5.7, 6.7, 8.0]
    assert [round(1e2 * lr, 9) for lr in muon.lrs] == [0.1, 0.2, 0.4, 0.57, 0.8, 1.1, 1.6, 1.9]
    assert muon.training.optimizer.shape_factor == "mup"
    assert get_setting("gpt2_muon", "paper").training.optimizer.adam_lr == 0.01


@pytest.mark.parametrize("preset", PRESETS)
def test_the_two_dions_differ_in_every_preset(preset: str) -> None:
    bounded, proportional = (
        get_setting(name, preset).training.optimizer for name in ("llama_dion", "llama_dion_proportional")
    )
    widths = get_setting("llama_dion", preset).widths
    ranks = [
        [DionRule(rank_fraction=c.rank_fraction, max_rank=c.max_rank).resolved_rank(n, n) for n in widths]
        for c in (bounded, proportional)
    ]
    assert ranks[1] == [n // 2 for n in widths]
    assert ranks[0] == [min(bounded.max_rank, n // 2) for n in widths]
    assert bounded != proportional
    assert ranks[0] != ranks[1]


@pytest.mark.parametrize("name", ["llama_muon", "gpt2_adam"])
def test_a_smoke_sweep_learns_and_gives_a_table(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HPTHEORY_CACHE", str(tmp_path / "cache"))
    results = run(get_setting(name, "smoke"), tmp_path / "runs")
    assert bool(results.finished.all())
    assert float(results.loss.min()) < 5.69  # ln 300 = 5.704: the loss of the uniform guess


def test_a_width_that_the_heads_do_not_divide_is_refused_when_it_is_named() -> None:
    with pytest.raises(DomainError, match="width = 20"):
        replace(get_setting("llama_adam", "smoke"), widths=(16, 20))
