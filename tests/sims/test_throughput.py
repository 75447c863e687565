"""The speed of packs: what is measured where an engine would train them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sims import throughput
from sims.engines import InProcess
from sims.settings import get_setting
from sims.store import Run, runs_of
from sims.throughput import Trial, member_steps_a_second, step_seconds
from tests.sims.engines.work import Pretender

SETTING = replace(get_setting("multi_index", "smoke"), widths=(8,), seeds=(0,))
TRIAL = Trial(SETTING.training, 8, tuple(runs_of(SETTING)), seconds=0.01)


def test_a_trial_takes_about_its_time():
    """On the real clock: more than three steps a second at width 8, and it ends."""
    seconds = step_seconds(TRIAL, lambda *progress: None)
    assert 0 < seconds < 0.3
    assert member_steps_a_second(InProcess(), TRIAL) > 3


def test_all_slots_are_timed_at_once():
    """Three runs in each of two slots, of 0.5 s and 0.25 s a step: 3 / 0.5 + 3 / 0.25 in a second."""
    engine = Pretender([0.5, 0.25])
    assert member_steps_a_second(engine, TRIAL) == pytest.approx(18.0, rel=1e-12)
    assert engine.given == [[TRIAL, TRIAL]]


def test_a_pack_that_cannot_be_trained_has_no_speed():
    nowhere = replace(TRIAL, device="gpu")
    assert member_steps_a_second(InProcess(), nowhere) == 0.0


def test_trials_train_at_full_rates(monkeypatch):
    """In the first steps of a warmup that is a share of an endless run, rates are almost zero."""
    rates, step = [], throughput.Pack._step

    def noting(pack, number):
        step(pack, number)
        rates.append(pack.optimizer.param_groups[0]["lr"].max().item())

    monkeypatch.setattr(throughput.Pack, "_step", noting)
    training = get_setting("digits", "smoke").training
    throughput.step_seconds(throughput.Trial(training, 32, (Run(32, 0.5, 0),), seconds=0.0), print)
    assert set(rates) == {0.5}
