"""The cross-entropy of single predictions against torch's, at ordinary and at hopeless logits."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sims.tasks.cross_entropy import cross_entropy

ROWS, VOCABULARY = 6, 9


def predictions(scale: float) -> tuple[Tensor, Tensor, Tensor]:
    stream = torch.Generator().manual_seed(0)
    logits = torch.randn(ROWS, VOCABULARY, generator=stream, dtype=torch.float64) * scale
    y = torch.randint(VOCABULARY, (ROWS,), generator=stream)
    return logits.requires_grad_(), y, torch.rand(ROWS, generator=stream, dtype=torch.float64)


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0, 1e4])
def test_law_losses_and_gradients_are_torchs(scale):
    """Float64; at the largest scale most tokens have a probability of zero, and losses of thousands."""
    logits, y, weights = predictions(scale)
    ours, theirs = cross_entropy(logits, y), F.cross_entropy(logits, y, reduction="none")
    torch.testing.assert_close(ours, theirs, rtol=1e-14, atol=1e-14)
    found, expected = (torch.autograd.grad(losses, logits, weights)[0] for losses in (ours, theirs))
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=1e-15)


def test_logits_that_are_not_finite_have_no_finite_loss():
    logits = torch.tensor([[math.nan, 0.0], [math.inf, 0.0], [0.0, 1.0]])
    losses = cross_entropy(logits, torch.tensor([1, 0, 0]))
    assert losses.isfinite().tolist() == [False, False, True]


@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")  # torch's own forward mode
def test_forward_mode_meets_torchs_own_operations():
    logits, y, _ = predictions(1.0)
    logits = logits.detach()
    found = torch.func.jvp(lambda x: cross_entropy(x, y), (logits,), (logits,))[1]
    expected = torch.func.jvp(lambda x: F.cross_entropy(x, y, reduction="none"), (logits,), (logits,))[1]
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=1e-14)
