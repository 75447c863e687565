"""Crops against PyTorch's own sampler, and the draws' distributions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sims.data.augmentation import crop, draw, mix


def images(count: int = 6) -> torch.Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_crops_equal_the_sampler_of_arbitrary_grids():
    """Two routes in float64: rounding of a few operations on numbers of order one."""
    x, boxes = images(200), torch.from_numpy(draw(np.random.default_rng(0), 200).boxes)
    centre, half = boxes[:, :2], boxes[:, 2:]
    zero = torch.zeros(200, dtype=torch.float64)
    rows = torch.stack([half[:, 0], zero, centre[:, 0], zero, half[:, 1], centre[:, 1]], 1)
    grid = F.affine_grid(rows.view(-1, 2, 3), list(x.shape), align_corners=False)
    expected = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    torch.testing.assert_close(crop(x, boxes), expected, rtol=0, atol=1e-13)


def test_the_whole_image_is_the_image_and_a_constant_stays():
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]], dtype=torch.float64).expand(6, 4)
    torch.testing.assert_close(crop(images(), whole), images(), rtol=0, atol=1e-13)
    boxes = torch.from_numpy(draw(np.random.default_rng(1), 6).boxes)
    constant = torch.full((6, 3, 32, 32), 7.0, dtype=torch.float64)
    torch.testing.assert_close(crop(constant, boxes), constant, rtol=0, atol=1e-13)


def test_crops_lie_in_the_image_and_have_the_areas_asked_for():
    boxes = draw(np.random.default_rng(0), 20_000).boxes
    centre, half = boxes[:, :2], boxes[:, 2:]
    assert (np.abs(centre) + half <= 1 + 1e-12).all()
    area = half.prod(1)
    # Sides that would not fit are cut, which only areas near 1 can meet: below 0.75 nothing is cut.
    below = np.sort(area[area < 0.7])
    assert below[0] >= 0.08
    # Uniform: the share below 0.39 is (0.39 - 0.08)/0.92; 5 standard errors of 20,000 draws.
    share, expected = (area < 0.39).mean(), (0.39 - 0.08) / 0.92
    assert abs(share - expected) < 5 * (expected * (1 - expected) / 20_000) ** 0.5


def test_draws_follow_the_generator():
    one, same, other = (draw(np.random.default_rng(seed), 5) for seed in (3, 3, 4))
    assert (one.boxes == same.boxes).all()
    assert one.weight == same.weight != other.weight
    assert draw(np.random.default_rng(0), 5, mixup=0.0).weight == 1.0


def test_mixing_keeps_the_mean():
    """Every image is once itself and once a partner; labels mix as images do."""
    x = images()
    torch.testing.assert_close(mix(x, 0.3).mean(0), x.mean(0), rtol=0, atol=1e-13)
    assert (mix(x, 1.0) == x).all()
    labels = mix(F.one_hot(torch.tensor([2, 0, 1]), 3).double(), 0.75)
    assert labels.sum(1).tolist() == pytest.approx([1.0] * 3)
    assert labels[1].tolist() == pytest.approx([0.75, 0.0, 0.25])
