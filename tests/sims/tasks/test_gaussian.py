"""The synthetic tasks: their targets, their losses by a second route, and streams that are pure functions."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import chi2

from hptheory.errors import DomainError
from sims.settings import BallIndicatorConfig, MultiIndexConfig
from sims.settings.tasks import TaskConfig
from sims.tasks import load_task

CONFIGS = [MultiIndexConfig(validation_size=700), BallIndicatorConfig(validation_size=700)]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_batches_are_a_pure_function_of_seed_and_step(config: TaskConfig):
    """Any order of steps, any company of seeds; across the chunks of 16 steps."""
    task, other = load_task(config), load_task(config)
    forward = {step: task.batch(step, (0, 1, 2), 8) for step in (0, 1, 15, 16, 40)}
    for step in (40, 1, 16, 0, 15):
        alone = other.batch(step, (1,), 8)
        assert (alone.x[0] == forward[step].x[1]).all()
        assert (alone.y[0] == forward[step].y[1]).all()
    drawn = torch.cat([batch.x.flatten(0, 1) for batch in forward.values()])
    assert len(drawn[:, 0].unique()) == 5 * 3 * 8


def test_multi_index_targets():
    """d/(4k) times k squares of N(0, 4/d): chi-square over k; 8 sigma of 5 x 10^4 samples."""
    batch = load_task(MultiIndexConfig(d=64, k=15)).batch(0, (0,), 50_000)
    x, y = batch.x[0].double(), batch.y[0].double()
    assert x.var().item() == pytest.approx(4 / 64, rel=8 * math.sqrt(2 / x.numel()))
    assert y.mean().item() == pytest.approx(1, abs=8 * math.sqrt(2 / 15 / 50_000))
    by_hand = 64 / (4 * 15) * sum(x[:, i] ** 2 for i in range(15))
    torch.testing.assert_close(y, by_hand, rtol=1e-5, atol=0)


def test_ball_targets():
    """Labels against the distribution function: 1 where chi-square(64) is above its median."""
    batch = load_task(BallIndicatorConfig()).batch(0, (0,), 20_000)
    share = torch.from_numpy(chi2(64).cdf(batch.x[0].double().square().sum(1).numpy()))
    assert ((share > 0.5) == batch.y[0].bool()).all()
    assert abs(batch.y.mean().item() - 0.5) < 5 * 0.5 / math.sqrt(20_000)


def test_losses_by_hand():
    outputs = torch.tensor([[[0.5], [-2.0]], [[3.0], [0.0]]])
    y = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    squared = load_task(MultiIndexConfig()).losses(outputs, y)
    assert squared.tolist() == [[0.25, 4.0], [9.0, 1.0]]
    ball = load_task(BallIndicatorConfig())
    probability = outputs.squeeze(-1).sigmoid()
    expected = -(y * probability.log() + (1 - y) * (1 - probability).log())
    torch.testing.assert_close(ball.losses(outputs, y), expected)
    assert ball.hits(outputs, y).tolist() == [[True, True], [False, False]]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_the_validation_set_is_fixed_and_no_training_sample(config: TaskConfig):
    task = load_task(config)
    chunks = task.validation()
    assert sum(chunk.x.shape[1] for chunk in chunks) == 700
    assert (chunks[0].x == load_task(config).validation()[0].x).all()
    assert not (chunks[0].x[0, :8] == task.batch(0, (0,), 8).x[0]).any()


def test_fresh_samples_have_no_epochs():
    with pytest.raises(DomainError, match="give steps instead"):
        load_task(MultiIndexConfig()).steps_per_epoch(8)


def test_constants_outside_the_domain():
    for make in (
        lambda: MultiIndexConfig(k=65),
        lambda: MultiIndexConfig(k=0),
        lambda: BallIndicatorConfig(d=0),
    ):
        with pytest.raises(DomainError):
            make()
