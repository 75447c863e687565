"""Adam and SGD against torch.optim: stacked with a rate a member, and plain with a float."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sims.optim import SGD, Adam

RATES = (1e-3, 1e-2, 0.3)
CASES = [
    (Adam, torch.optim.Adam, {"betas": (0.9, 0.95), "eps": 1e-6}),
    (SGD, torch.optim.SGD, {"momentum": 0.9}),
    (SGD, torch.optim.SGD, {"momentum": 0.0}),
]
# The same operations in another order: a few units in the last place of float64 each step, for 20 steps.
TOLERANCE = 1e-13


def gradients(steps: int = 20) -> torch.Tensor:
    stream = torch.Generator().manual_seed(0)
    scale = torch.logspace(-6, 2, steps, dtype=torch.float64).view(-1, 1, 1, 1)
    return torch.randn(steps, len(RATES), 5, 4, generator=stream, dtype=torch.float64) * scale


def trajectory(optimizer: torch.optim.Optimizer, p: nn.Parameter, grads: torch.Tensor) -> torch.Tensor:
    points = []
    for grad in grads:
        p.grad = grad.clone()
        optimizer.step()
        points.append(p.detach().clone())
    return torch.stack(points)


def ones(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.ones(*shape, dtype=torch.float64))


@pytest.mark.parametrize(("ours", "theirs", "options"), CASES)
def test_each_member_of_a_stack_equals_torch(ours, theirs, options):
    p = ones(len(RATES), 5, 4)
    stacked = trajectory(ours([p], lr=torch.tensor(RATES).double().view(-1, 1, 1), **options), p, gradients())
    for member, rate in enumerate(torch.tensor(RATES).double().tolist()):
        q = ones(5, 4)
        alone = trajectory(theirs([q], lr=rate, **options), q, gradients()[:, member])
        torch.testing.assert_close(stacked[:, member], alone, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize(("ours", "theirs", "options"), CASES)
def test_a_plain_parameter_with_a_float_equals_torch(ours, theirs, options):
    p, q = ones(5, 4), ones(5, 4)
    grads = gradients()[:, 0]
    torch.testing.assert_close(
        trajectory(ours([p], lr=0.1, **options), p, grads),
        trajectory(theirs([q], lr=0.1, **options), q, grads),
        rtol=TOLERANCE,
        atol=TOLERANCE,
    )


@pytest.mark.parametrize(("ours", "theirs", "options"), CASES)
def test_going_on_from_a_saved_state_changes_nothing(ours, theirs, options):
    p, grads = ones(5, 4), gradients()[:, 0]
    whole = trajectory(ours([p], lr=0.1, **options), p, grads)
    q = ones(5, 4)
    first = ours([q], lr=0.1, **options)
    trajectory(first, q, grads[:7])
    second = ours([q], lr=0.1, **options)
    second.load_state_dict(first.state_dict())
    assert (trajectory(second, q, grads[7:]) == whole[7:]).all()


@pytest.mark.parametrize("optimizer", [Adam, SGD])
def test_parameters_without_gradient_stay(optimizer):
    p = ones(2, 3)
    optimizer([p], lr=1.0).step()
    assert (p == 1).all()


@pytest.mark.parametrize("optimizer", [Adam, SGD])
def test_the_closures_loss_is_returned(optimizer):
    p = ones(2, 3)

    def closure() -> torch.Tensor:
        loss = p.sum()
        loss.backward()
        return loss

    assert optimizer([p], lr=0.1).step(closure).item() == 6


BIG = (96, 128)
"""Of a member: large enough for torch's fused kernels."""
DECAYED = [
    (Adam, torch.optim.AdamW, {"betas": (0.9, 0.95), "eps": 1e-6, "weight_decay": 0.1}),
    (Adam, torch.optim.AdamW, {"weight_decay": 0.0}),
    (SGD, torch.optim.SGD, {"momentum": 0.9, "weight_decay": 0.1}),
    (SGD, torch.optim.SGD, {"momentum": 0.0, "weight_decay": 0.1}),
]


@pytest.mark.parametrize("shape", [(5, 4), BIG], ids=["broadcast", "fused"])
@pytest.mark.parametrize(("ours", "theirs", "options"), DECAYED)
def test_decay_and_both_routes_equal_torch(ours, theirs, options, shape):
    rates = torch.tensor(RATES, dtype=torch.float64)
    stream = torch.Generator().manual_seed(0)
    grads = torch.randn(9, len(RATES), *shape, generator=stream, dtype=torch.float64)
    p = ones(len(RATES), *shape)
    stacked = trajectory(ours([p], lr=rates.view(-1, 1, 1), **options), p, grads)
    for member, rate in enumerate(rates.tolist()):
        q = ones(*shape)
        alone = trajectory(theirs([q], lr=rate, foreach=False, **options), q, grads[:, member])
        torch.testing.assert_close(stacked[:, member], alone, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("shape", [(5, 4), BIG], ids=["whole", "fused"])
def test_adams_epsilon_may_be_a_members_own(shape):
    epsilons = (1e-8, 1e-2, 1.0)
    grads = torch.randn(9, 3, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    p = ones(3, *shape)
    own = torch.tensor(epsilons, dtype=torch.float64).view(-1, 1, 1)
    stacked = trajectory(Adam([p], lr=0.1, eps=own), p, grads)
    for member, eps in enumerate(epsilons):
        for given in (eps, torch.tensor(eps, dtype=torch.float64)):
            q = ones(*shape)
            alone = trajectory(Adam([q], lr=0.1, eps=given), q, grads[:, member])
            torch.testing.assert_close(stacked[:, member], alone, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("shape", [(5, 4), (7,), BIG], ids=str)
def test_a_constant_of_its_own_gives_a_member_the_bits_of_a_shared_one(shape):
    """In float32, after many steps, in packs of one and of 17: rates, betas and decay differ by member."""
    members, steps = 17, 40
    lrs = torch.logspace(-4, -2, members)
    firsts, seconds = (
        torch.linspace(0.5, 0.95, members).double(),
        torch.linspace(0.9, 0.999, members).double(),
    )
    grads = torch.randn(steps, members, *shape, generator=torch.Generator().manual_seed(0))
    column = (-1, *[1] * len(shape))
    pack = nn.Parameter(torch.ones(members, *shape))
    betas = (firsts.view(column), seconds.view(column))
    whole = trajectory(Adam([pack], lr=lrs.view(column), betas=betas, weight_decay=0.1), pack, grads)
    for member in range(members):
        lone = nn.Parameter(torch.ones(1, *shape))
        shared = (firsts[member].item(), seconds[member].item())
        rate = lrs[member : member + 1].view(column)
        alone = trajectory(
            Adam([lone], lr=rate, betas=shared, weight_decay=0.1), lone, grads[:, member : member + 1]
        )
        assert (alone[:, 0] == whole[:, member]).all()
