"""The image task: standardised, augmented as drawn, the same for a seed in any company."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from hptheory.errors import DomainError
from sims.data.cifar10 import Images
from sims.settings.tasks import CIFAR10Config
from sims.tasks import Task, images, load_task
from sims.train import Member, train_pack
from tests.sims.small import MOMENTUM, needs_data, training


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> Task:
    """120 made-up training images whose first channel tells the label, and 40 for validation."""
    stream = torch.Generator().manual_seed(0)

    def made(count: int) -> Images:
        x = torch.randint(0, 256, (count, 3, 32, 32), generator=stream, dtype=torch.uint8)
        y = torch.randint(0, 10, (count,), generator=stream, dtype=torch.uint8)
        x[:, 0] = (25 * y).view(-1, 1, 1)
        return Images(x, y)

    monkeypatch.setattr(images, "load_cifar10", lambda held_out, data_dir: (made(120), made(40)))
    return load_task(CIFAR10Config(held_out=40))


def test_images_are_standardised(task):
    x = task.standardised(task.train_x).transpose(0, 1).flatten(1)
    # float32 sums of 120,000 numbers of order one.
    torch.testing.assert_close(x.mean(1), torch.zeros(3), rtol=0, atol=1e-4)
    torch.testing.assert_close(x.std(1), torch.ones(3), rtol=0, atol=1e-4)


def test_batches_are_a_pure_function_of_seed_and_step(task):
    together = {step: task.batch(step, (0, 1), 50) for step in (0, 1, 2, 5)}
    for step in (5, 0, 2, 1):
        alone = task.batch(step, (1,), 50)
        assert (alone.x[0] == together[step].x[1]).all()
        assert (alone.y[0] == together[step].y[1]).all()
    assert not (together[0].x[0] == together[1].x[0]).any()


def test_labels_are_mixed_as_the_images_are(task):
    """The first channel is constant in an image and tells its label: mixing is read off it."""
    batch = task.batch(3, (0,), 50)
    told = task.mean[0, 0] + task.std[0, 0] * batch.x[0].view(50, 3, 32, 32)[:, 0, 0, 0]
    expected = 25 * (batch.y[0] * torch.arange(10.0)).sum(1)
    torch.testing.assert_close(told, expected, rtol=0, atol=1e-3)
    torch.testing.assert_close(batch.y.sum(-1), torch.ones(1, 50))


def test_soft_labels_cost_what_their_mixture_costs(task):
    outputs, labels = torch.randn(1, 3, 10), torch.tensor([[1, 0, 4]])
    hard = F.one_hot(labels, 10).float()
    torch.testing.assert_close(task.losses(outputs, hard), task.losses(outputs, labels))
    mixed = task.losses(outputs, 0.25 * hard + 0.75 * hard.roll(1, 1))
    expected = 0.25 * task.losses(outputs, labels) + 0.75 * task.losses(outputs, labels.roll(1, 1))
    torch.testing.assert_close(mixed, expected)
    assert (task.hits(outputs, hard) == task.hits(outputs, labels)).all()


def test_packs_change_nothing(task):
    """Bit for bit on the CPU, augmentation included."""
    config = training(MOMENTUM, epochs=1, task=task.config)
    pack = [Member(lr, seed) for seed in (0, 1) for lr in (0.001, 0.01)]
    whole = train_pack(config, 16, pack, task)
    assert [train_pack(config, 16, [member], task)[0] for member in pack] == whole


def test_constants_outside_the_domain(task):
    for make in (
        lambda: CIFAR10Config(held_out=-1),
        lambda: CIFAR10Config(mixup=-0.5),
        lambda: CIFAR10Config(crop_scale=(0.5, 0.2)),
        lambda: task.steps_per_epoch(121),
    ):
        with pytest.raises(DomainError):
            make()


@pytest.mark.data
@needs_data("cifar-10-batches-bin")
def test_a_network_learns_the_real_images():
    """One epoch at width 64: 0.35 of validation images, where guessing has 0.1."""
    real = load_task(CIFAR10Config(held_out=5000), data_dir=Path(os.environ["HPTHEORY_DATA"]))
    config = training(MOMENTUM, epochs=1, batch_size=512, task=real.config, base_width=64)
    outcome = train_pack(config, 64, [Member(0.03, 0)], real)[0]
    assert outcome.accuracy > 0.25
