"""RMS normalisation: the pass written by hand equals the formula, forward, backward and in forward mode."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from hptheory.parameterization import scaling_rule
from sims.models.norm import EPSILON, StackedRMSNorm

MEMBERS, BATCH, CONTEXT, WIDTH = 3, 2, 5, 7


def network() -> StackedRMSNorm:
    rule = scaling_rule("adam", 1, WIDTH, base_d_in=1, base_d_out=WIDTH)
    norm = StackedRMSNorm(WIDTH, rule, MEMBERS).double()
    with torch.no_grad():
        norm.gain.copy_(torch.linspace(-1, 2, MEMBERS * WIDTH).view(MEMBERS, WIDTH))
    return norm


def vectors(seed: int = 0) -> Tensor:
    stream = torch.Generator().manual_seed(seed)
    x = torch.randn(MEMBERS, BATCH, CONTEXT, WIDTH, generator=stream, dtype=torch.float64)
    x[0, 0, 0] = 0
    return x * torch.logspace(-4, 2, CONTEXT, dtype=torch.float64)[:, None]


def formula(x: Tensor, gain: Tensor) -> Tensor:
    return gain[:, None, None] * x / (x.square().mean(-1, keepdim=True) + EPSILON).sqrt()


def test_outputs_and_gradients_are_those_of_the_formula():
    """Float64: a few roundings, of gradients as large as 1/sqrt(eps)."""
    norm, x = network(), vectors().requires_grad_()
    delta = vectors(1)
    ours, theirs = norm(x), formula(x, norm.gain)
    torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-15)
    for one, other in zip(
        torch.autograd.grad(ours, (x, norm.gain), delta),
        torch.autograd.grad(theirs, (x, norm.gain), delta),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")  # torch's own forward mode
def test_forward_mode_meets_torchs_own_operations():
    norm, x, along = network(), vectors(), vectors(1)
    found = torch.func.jvp(norm, (x,), (along,))[1]
    expected = torch.func.jvp(lambda x: formula(x, norm.gain), (x,), (along,))[1]
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_autocast_is_heeded():
    """Torch's own normalisation has no part in autocast: the type is that of its input."""
    norm = network().float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = norm(vectors().bfloat16())
    torch.testing.assert_close(half, norm(vectors().bfloat16()), rtol=2**-6, atol=2**-6, check_dtype=False)
