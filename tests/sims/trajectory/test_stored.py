"""Observed runs in the store: one side file a run, promised by its record, and resumable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sims.errors import CorruptRecordError
from sims.settings import EMAConfig, ObserveConfig, Training
from sims.store import Run, Store
from sims.sweep import run
from sims.train import Member, Pack, train_pack
from sims.trajectory.files import from_bytes, to_bytes
from sims.trajectory.packs import observed_batches
from tests.sims.small import MOMENTUM, digits, setting, training

CADENCE = EMAConfig(0.5, 0.8, warmup_steps=10, tau_start=1.0, tau_end=2.0)
PROFILES = ObserveConfig(subset=100)
SAMPLES = ObserveConfig(subset=None, samples=True)


def watched(observe: ObserveConfig | None) -> Training:
    return replace(training(MOMENTUM, epochs=1), ema=CADENCE, observe=observe)


def test_a_pack_observes_what_its_training_asks_for():
    runs = [Member(2.0**-9, 0), Member(1e30, 0), Member(2.0**-7, 1)]
    outcomes = train_pack(watched(SAMPLES), 32, runs, digits())
    assert [outcome.trajectory is None for outcome in outcomes] == [False, True, False]
    result = from_bytes(outcomes[2].trajectory, Path("x"))
    assert result.data == "all 597 validation examples"
    assert result.steps[-1] == 9
    assert result.loss[-1] == pytest.approx(outcomes[2].ema_loss, rel=1e-6)
    assert result.profile[-1] == pytest.approx(result.phi[-1], rel=1e-5)
    assert len(result.extra["mci"]) == 597


def test_observing_changes_no_outcome():
    runs = [Member(2.0**-9, 0), Member(2.0**-7, 1)]
    plain = train_pack(watched(None), 32, runs, digits())
    for one, other in zip(plain, train_pack(watched(PROFILES), 32, runs, digits()), strict=True):
        assert replace(other, trajectory=None) == one


def test_a_lone_member_is_observed_once():
    outcomes = train_pack(watched(PROFILES), 32, [Member(2.0**-7, 0)], digits())
    assert len(outcomes) == 1
    assert (
        from_bytes(outcomes[0].trajectory, Path("x")).data == "100 of 597 validation examples, subset seed 0"
    )


def test_a_checkpoint_holds_the_observer():
    runs = [Member(2.0**-9, 0), Member(2.0**-7, 1)]
    whole = train_pack(watched(PROFILES), 32, runs, digits())
    first, second = (Pack(watched(PROFILES), 32, runs, digits()) for _ in range(2))
    first.advance(4)
    second.restore(first.state())
    second.advance(5)
    assert second.outcomes() == whole


def test_the_subset_is_of_the_validation_set():
    batches, words = observed_batches(PROFILES, digits())
    assert words.startswith("100 of 597")
    x = batches[0].x[0]
    assert len(x) == 100
    everything = np.concatenate([chunk.x[0].numpy() for chunk in digits().validation()])
    assert all((everything == row.numpy()).all(1).any() for row in x)


def test_a_result_reads_back_from_its_file():
    [outcome] = train_pack(watched(SAMPLES), 32, [Member(2.0**-7, 0)], digits())
    result = from_bytes(outcome.trajectory, Path("x"))
    again = from_bytes(to_bytes(result), Path("x"))
    np.testing.assert_array_equal(again.profile, result.profile)
    np.testing.assert_array_equal(again.extra["extreme"], result.extra["extreme"])
    with pytest.raises(CorruptRecordError, match=r"x\.npz"):
        from_bytes(outcome.trajectory[:500], Path("x.npz"))


def test_a_sweep_stores_one_file_a_run(tmp_path):
    asked = setting(training=watched(PROFILES), widths=(32,), seeds=(0,))
    run(asked, tmp_path)
    store = Store(tmp_path)
    records = store.records(asked)
    assert len(list((tmp_path / "trajectories").iterdir())) == len(records) == 2
    for record in records.values():
        content = store.trajectory(asked.training, record)
        assert from_bytes(content, Path("x")).width == 32
    first = next(iter(records.values()))
    path = next(path for path in (tmp_path / "trajectories").iterdir())
    path.write_bytes(b"something else")
    with pytest.raises(CorruptRecordError, match="promises"):
        [store.trajectory(asked.training, record) for record in records.values()]
    assert isinstance(first.run, Run)


def test_an_unobserved_run_has_none(tmp_path):
    asked = setting(training=watched(None), widths=(32,), seeds=(0,), lrs=(2.0**-7,))
    run(asked, tmp_path)
    [record] = Store(tmp_path).records(asked).values()
    assert Store(tmp_path).trajectory(asked.training, record) is None
