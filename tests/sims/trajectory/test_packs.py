"""Observers on packs: what they see, divergence, and going on from a state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sims.settings import EMAConfig
from sims.tasks import Task
from sims.train import Member, Pack
from sims.trajectory import SampleObserver, TrajectoryObserver
from tests.sims.small import MOMENTUM, digits, training

CADENCE = EMAConfig(0.5, 0.8, warmup_steps=10, tau_start=1.0, tau_end=2.0)
RUNS = [Member(2.0**-9, 0), Member(2.0**-7, 0), Member(2.0**-7, 1)]


def losses(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    task: Task = digits()
    outputs = model(x)
    return task.losses(outputs, y.expand(outputs.shape[0], -1))


def watched(runs: list[Member], kind: type = TrajectoryObserver, steps: int = 18) -> TrajectoryObserver:
    observer = kind(losses, batches=digits().validation(), cadence=CADENCE, stacked=True, on_problem="record")
    pack = Pack(replace(training(MOMENTUM), ema=CADENCE), 32, runs, digits(), observers=[observer])
    pack.advance(steps)
    return observer


def test_the_loss_is_the_pack_s_own_evaluation_of_the_average():
    """float32: two orders of a sum over 597 examples."""
    observer = watched(RUNS)
    config = replace(training(MOMENTUM), ema=CADENCE)
    pack = Pack(config, 32, RUNS, digits())
    pack.advance(18)
    for result, outcome in zip(observer.results(), pack.outcomes(), strict=True):
        assert result.loss[-1] == pytest.approx(outcome.ema_loss, rel=1e-6)
        assert result.steps[-1] == 18
        assert len(result.example_losses) == 597


@pytest.mark.parametrize("kind", [TrajectoryObserver, SampleObserver])
def test_diverged_members_disturb_nobody(kind):
    """Members are independent but for the rounding of batched products of other sizes (float32)."""
    with_others = watched([RUNS[0], Member(1e30, 0), *RUNS[1:]], kind).results()
    alone = watched(RUNS, kind).results()
    assert len(with_others) == 3  # the pack has dropped the diverged one
    for result, expected in zip(with_others, alone, strict=True):
        np.testing.assert_allclose(result.top_k, expected.top_k, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("kind", [TrajectoryObserver, SampleObserver])
def test_a_restored_pack_goes_on(kind):
    """Bit for bit, from the middle of an interval."""
    config = replace(training(MOMENTUM), ema=CADENCE)
    observers = [
        kind(losses, batches=digits().validation(), cadence=CADENCE, stacked=True, on_problem="record")
        for _ in range(2)
    ]
    first, second = (Pack(config, 32, RUNS, digits(), observers=[each]) for each in observers)
    first.advance(9)
    second.restore(first.state())
    for pack in (first, second):
        pack.advance(9)
    for one, other in zip(*(each.results() for each in observers), strict=True):
        for name, values in one.to_arrays().items():
            assert (values == other.to_arrays()[name]).all(), name


def test_a_sample_pack_follows_every_member():
    observer = watched(RUNS, SampleObserver)
    results = observer.results()
    assert tuple(observer.psi.shape) == (3, 597, 32)
    for member, result in enumerate(results):
        profile = observer.psi[member].double().mean(0).cumsum(0)
        torch.testing.assert_close(profile, torch.from_numpy(result.top_k), rtol=1e-3, atol=1e-5)
        assert result.extra["mci"].min() >= 1
