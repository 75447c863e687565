"""Laws of the matrix optimizers: equivalences, symmetries, norms, and one matrix at a time."""

from __future__ import annotations

import copy
import math
import subprocess
import sys
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sims.optim import (
    SGD,
    SOAP,
    Adam,
    AdamRule,
    AdaMuon,
    Dion,
    MatrixOptimizer,
    Muon,
    MuonRule,
    SGDRule,
    Shampoo,
    ShampooRule,
    parts,
)
from sims.optim.blocks import Blocks
from sims.optim.orthogonal import ORTHOGONALIZERS, newton_schulz, orthogonalized, polar_factor, quintics
from sims.optim.orthonormal import orthonormal
from sims.optim.spectral import SpectralNorm, power_iteration
from tests.sims.optim.small import directions, gradients, orthogonal

ALL = {
    "muon": partial(Muon, lr=1.0),
    "muon polar express": partial(Muon, lr=1.0, kind="polar_express", nesterov=True),
    "muon exact": partial(Muon, lr=1.0, kind="exact"),
    "adamuon": partial(AdaMuon, lr=1.0),
    "dion": partial(Dion, lr=1.0, rank_fraction=0.5),
    "dion cholesky": partial(Dion, lr=1.0, rank_fraction=0.5, method="cholesky"),
    "shampoo": partial(Shampoo, lr=1.0, interval=2),
    "shampoo blocks": partial(Shampoo, lr=1.0, block=4, exponents=(0.5, 0.5)),
    "soap": partial(SOAP, lr=1.0, interval=2, eps=1e-4),
    "soap blocks": partial(SOAP, lr=1.0, interval=2, block=4, eps=1e-4),
    "grafted": partial(Shampoo, lr=1.0, graft=AdamRule()),
    "normalised": partial(SOAP, lr=1.0, spectral_norm=True, eps=1e-4),
    "all at once": partial(Shampoo, lr=1.0, graft=MuonRule(), spectral_norm=True, block=4),
}
# One step's rounding in float64 (1e-16), amplified by a Newton-Schulz slope (5e2), a root damped at 1e-6
# (1e3) or the conditioning of a random square matrix (1e3).
ROUNDING = 1e-10


def singular_values(x: torch.Tensor) -> torch.Tensor:
    return torch.linalg.svdvals(x)


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=ROUNDING * float(expected.abs().max()))


# --- one matrix at a time ---------------------------------------------------------------------------------


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
@pytest.mark.parametrize("shape", [(6, 6), (10, 6), (6, 10)])
def test_a_stack_trains_as_its_members_one_by_one(make, shape):
    """Bit for bit from two members on; a single one takes other products, which round otherwise."""
    grads = gradients(8, 5, *shape, dtype=torch.float32)
    stacked = directions(make, grads)
    pair = directions(make, grads[:, 2:4])
    assert (stacked[:, 2:4] == pair).all()
    alone = directions(make, gradients(8, 5, *shape)[:, 2])
    doubled = directions(make, gradients(8, 5, *shape))[:, 2]
    close(alone, doubled)


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_equal_shapes_are_batched_and_nothing_changes(make):
    """Three matrices in two groups, and one of another shape, train as they do in optimizers of their own."""
    shapes = [(6, 8), (6, 8), (8, 6), (6, 8)]
    grads = [gradients(5, 2, *shape, seed=seed) for seed, shape in enumerate(shapes)]
    together = [nn.Parameter(torch.zeros_like(each[0])) for each in grads]
    optimizer = make([{"params": together[:2]}, {"params": together[2:], "lr": 0.5}])
    assert sorted(len(bucket) for bucket in buckets_of(optimizer, together, grads)) == [1, 3]
    for step in range(5):
        for p, each in zip(together, grads, strict=True):
            p.grad = each[step].clone()
        optimizer.step()
    for p, each, lr in zip(together, grads, (1.0, 1.0, 0.5, 0.5), strict=True):
        expected = -lr * directions(make, each).sum(0)
        close(p.detach(), expected)


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_a_step_inside_autocast_is_the_step_outside(make):
    grads = gradients(3, 2, 16, 24, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = directions(make, grads)
    assert torch.equal(inside, directions(make, grads))


def test_a_closure_keeps_the_autocast_of_its_caller():
    p, seen = nn.Parameter(torch.ones(4, 4)), []

    def closure():
        seen.append((p @ p).dtype)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        Muon([p], lr=1.0).step(closure)
    assert seen == [torch.bfloat16]


def buckets_of(optimizer, params, grads):
    for p, each in zip(params, grads, strict=True):
        p.grad = each[0]
    return list(optimizer._buckets())


def test_a_member_that_is_not_finite_disturbs_no_other():
    for make in ALL.values():
        grads = gradients(6, 3, 6, 6)
        healthy = directions(make, grads)
        grads[2:, 1] = torch.nan
        mixed = directions(make, grads)
        assert (mixed[:, [0, 2]] == healthy[:, [0, 2]]).all()
        assert mixed[2:, 1].isnan().all()


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_going_on_from_a_saved_state_changes_nothing(make, tmp_path):
    grads = gradients(9, 2, 6, 8)
    whole = directions(make, grads)
    p = nn.Parameter(torch.zeros_like(grads[0]))
    first = make([p])
    for grad in grads[:4]:
        p.grad = grad.clone()
        first.step()
    torch.save(first.state_dict(), tmp_path / "state.pt")
    second = make([p])
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    copied_p = copy.deepcopy(p)
    third = copy.deepcopy(second)
    third.param_groups[0]["params"] = [copied_p]
    for grad, expected in zip(grads[4:], whole[4:], strict=True):
        before = p.detach().clone()
        p.grad = grad.clone()
        second.step()
        torch.testing.assert_close(before - p.detach(), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_gradients_are_left_as_they_are(make):
    grad = gradients(1, 6, 8)[0]
    p = nn.Parameter(torch.zeros_like(grad))
    optimizer = make([p])
    for _ in range(2):
        p.grad = grad.clone()
        optimizer.step()
        assert (p.grad == grad).all()


# --- rates, decay, factors --------------------------------------------------------------------------------


def test_each_member_has_its_own_rate_decay_and_momentum():
    grads = gradients(6, 3, 5, 7)
    rates, decays, momenta = [0.1, 0.2, 0.4], [0.0, 0.1, 0.3], [0.0, 0.5, 0.9]

    def column(values):
        return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1)

    def end(grads, **options):
        p = nn.Parameter(torch.ones_like(grads[0]))
        optimizer = Muon([p], kind="exact", **options)
        for grad in grads:
            p.grad = grad.clone()
            optimizer.step()
        return p.detach()

    stacked = end(grads, lr=column(rates), weight_decay=column(decays), momentum=column(momenta))
    for member, (lr, decay, momentum) in enumerate(zip(rates, decays, momenta, strict=True)):
        alone = end(grads[:, member], lr=lr, weight_decay=decay, momentum=momentum)
        torch.testing.assert_close(stacked[member], alone, rtol=1e-12, atol=1e-12)


STATISTICAL = [Shampoo, SOAP, partial(SOAP, block=3), partial(Shampoo, block=3, graft=AdamRule())]


@pytest.mark.parametrize("make", STATISTICAL)
def test_a_constant_may_be_one_for_each_member(make):
    grads = gradients(5, 2, 5, 7)
    betas = torch.tensor([0.5, 0.9], dtype=torch.float64).view(2, 1, 1)
    stacked = directions(partial(make, lr=1.0, beta2=betas, eps=betas * 1e-3), grads)
    for member, beta in enumerate((0.5, 0.9)):
        own = grads[:, member : member + 1].expand(-1, 2, -1, -1)
        alone = directions(partial(make, lr=1.0, beta2=beta, eps=beta * 1e-3), own)[:, 0]
        close(stacked[:, member], alone)


def test_decay_is_independent_of_the_rate():
    """W <- (1 - weight_decay) W - lr u: weights without a gradient shrink alike at every rate but 0."""
    for lr in (0.5, 1.0):
        p = nn.Parameter(torch.ones(3, 3))
        p.grad = torch.zeros(3, 3)
        Muon([p], lr=lr, weight_decay=0.25).step()
        assert (p == 0.75).all()


def test_at_rate_0_nothing_moves():
    """Nor decays: torch's checkpoints make the state by such a step (the next test). By members, too."""
    for lr in (0.0, torch.tensor(0.0), torch.tensor([0.0, 0.5]).view(2, 1, 1)):
        p = nn.Parameter(torch.ones(2, 3, 3, dtype=torch.float64))
        p.grad = torch.zeros_like(p)
        Muon([p], lr=lr, weight_decay=0.1).step()
        moved = torch.as_tensor(lr).flatten()[-1] != 0
        assert p[:, 0, 0].tolist() == [1.0, 1 - 0.1 if moved else 1.0]


def test_torchs_checkpoint_functions_leave_the_weights_alone():
    from torch.distributed.checkpoint.state_dict import get_state_dict, set_optimizer_state_dict

    model = nn.Linear(4, 4, bias=False)
    before = model.weight.detach().clone()
    _, saved = get_state_dict(model, Muon(model.parameters(), weight_decay=0.1))
    set_optimizer_state_dict(model, Muon(model.parameters(), weight_decay=0.1), saved)
    assert torch.equal(model.weight.detach(), before)


def test_no_shape_factor_unless_one_is_named():
    grads = gradients(3, 4, 9)
    plain = directions(partial(Muon, lr=1.0), grads)
    for kind, factor in (("mup", (4 / 9) ** 0.5), ("capped", 1.0), ("rms", 0.2 * 3)):
        found = directions(partial(Muon, lr=1.0, shape_factor=kind), grads)
        torch.testing.assert_close(found, factor * plain, rtol=1e-12, atol=1e-12)


# --- equivalences -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(6, 6), (9, 5), (5, 9)])
def test_muon_with_exact_is_the_polar_factor_of_the_momentum(shape):
    grads = gradients(1, *shape)
    u, _, vt = torch.linalg.svd(grads[0], full_matrices=False)
    found = directions(partial(Muon, lr=1.0, kind="exact"), grads)[0]
    torch.testing.assert_close(found, u @ vt, rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", [(6, 6), (9, 5), (5, 9)])
def test_the_first_step_of_shampoo_is_a_power_of_the_singular_values(shape):
    """U S^(1 - 2 e_L - 2 e_R) V^T: the polar factor for (1/4, 1/4), U S^-1 V^T for (1/2, 1/2)."""
    grads = gradients(1, *shape)
    u, s, vt = torch.linalg.svd(grads[0], full_matrices=False)
    for exponents in ((0.25, 0.25), (0.5, 0.5), (0.5, 0.0), (0.1, 0.3)):
        make = partial(Shampoo, lr=1.0, momentum=0.0, eps=1e-14, exponents=exponents)
        expected = u * s ** (1 - 2 * sum(exponents)) @ vt
        # Damping of 1e-14 moves a root by that times the squared condition number, here below 1e4.
        torch.testing.assert_close(directions(make, grads)[0], expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("shape", [(6, 6), (9, 5)])
def test_dion_at_full_rank_tends_to_muon_with_exact(shape):
    """Where gradients keep their singular vectors, Q is power iteration: errors shrink by (s2/s1)^2."""
    u, v = orthogonal(shape[0])[:, : shape[1]], orthogonal(shape[1], seed=2)
    grad = u * torch.tensor([2.0**-k for k in range(shape[1])], dtype=torch.float64) @ v.T
    found = directions(partial(Dion, lr=1.0), grad.expand(40, *shape))
    exact = directions(partial(Muon, lr=1.0, kind="exact"), grad.expand(40, *shape))
    error = (found - exact).flatten(1).norm(dim=1)
    assert error[0] > 0.1
    assert error[-1] < 1e-6  # eps of the column norms: 1e-8 over the smallest, 2^-5, and the momentum's size
    assert error[6] / error[5] == pytest.approx(0.25, rel=0.1)  # the leading error: (1/2)^2


def test_dion_has_the_rank_it_is_given():
    values = singular_values(directions(partial(Dion, lr=1.0, rank=3), gradients(6, 8, 7)))
    assert (values[:, 2] > 0.05).all()
    assert (values[:, 3] < 1e-14).all()


@pytest.mark.parametrize("method", ["qr", "cholesky"])
@pytest.mark.parametrize("rank", [1, 3])
def test_dion_makes_no_directions_of_rounding(method, rank):
    """A momentum of low rank has an update of that rank, in float32 as in exact numbers: of norm 1."""
    stream = torch.Generator().manual_seed(0)
    left, right = (torch.linalg.qr(torch.randn(128, rank, generator=stream)).Q for _ in range(2))
    grad = left @ torch.diag(torch.logspace(0, -3, rank)) @ right.mT
    (update,) = directions(partial(Dion, lr=1.0, rank_fraction=0.5, method=method), grad[None])
    sizes = singular_values(update)
    assert sizes[0] < 1.5  # columns of Q are of length 1, and not orthogonal before it has converged
    assert (sizes > 1e-3).sum() == rank


def test_what_dion_leaves_out_comes_back():
    """Error feedback: a direction that never leads is still used, once it has piled up. Rank 1 of 2."""
    grad = torch.diag(torch.tensor([3.0, 1.0], dtype=torch.float64))
    total = directions(partial(Dion, lr=1.0, rank=1), grad.expand(400, 2, 2)).sum(0)
    assert total[1, 1] > 20


@pytest.mark.parametrize("shape", [(6, 6), (9, 5)])
def test_soap_in_bases_that_are_the_identity_is_adam(shape):
    """Diagonal gradients have eigenvectors along the axes; and with no sides there are no bases."""
    scale = torch.zeros(*shape, dtype=torch.float64)
    scale.fill_diagonal_(1)
    scale *= torch.arange(shape[0], 0, -1, dtype=torch.float64).view(-1, 1)
    grads = gradients(8, *shape) * scale
    adam = directions(partial(Adam, lr=1.0, betas=(0.95, 0.95), eps=1e-8), grads)
    soap = directions(partial(SOAP, lr=1.0, interval=2), grads)
    # Off the diagonal, rounding over eps: 1e-16 / 1e-8.
    torch.testing.assert_close(soap, adam, rtol=0, atol=1e-7)
    full = gradients(8, *shape)
    adam = directions(partial(Adam, lr=1.0, betas=(0.95, 0.95), eps=1e-8), full)
    close(directions(partial(SOAP, lr=1.0, sides=(0, 0)), full), adam)


@pytest.mark.parametrize("decades", [0, 3])
@pytest.mark.parametrize("shape", [(64, 16), (16, 64), (32, 32)])
def test_the_first_step_of_soap_is_the_polar_factor_in_float32(shape, decades):
    """Its own bases leave min(m, n) entries of a gradient; the others are rounding, and no signs are made of
    it. The first gradient may come late, and be zero in one member alone.
    """
    u, _, vt = torch.linalg.svd(gradients(1, *shape)[0], full_matrices=False)
    grad = (u * torch.logspace(0, -decades, min(shape), dtype=torch.float64) @ vt).float()
    silent = torch.zeros_like(grad)
    grads = torch.stack([torch.stack(pair) for pair in ((silent, grad), (grad, grad))])
    found = directions(partial(SOAP, lr=1.0, eps=1e-8, beta2=0.5), grads)
    # Rounding turns a singular vector by 1e-7 times the largest singular value over its own.
    close_to = partial(torch.testing.assert_close, rtol=0, atol=1e-6 * 10**decades)
    close_to(found[0, 1].double(), u @ vt)
    # Corrected for two steps, of which the one before has brought nothing: m (1 - 0.95)/(1 - 0.95^2), v
    # likewise.
    close_to(found[1, 0].double(), u @ vt * (0.05 / (1 - 0.95**2)) / (0.5 / (1 - 0.5**2)) ** 0.5)


@pytest.mark.parametrize("silent", [0, 1, 3])
def test_a_first_gradient_that_is_tiny_is_no_measure_for_those_that_follow(silent):
    """As below a readout that starts at zero. Until there are ``interval`` gradients roots are those of every
    step; a size over the root of its running mean square is at most sqrt(t).
    """
    interval = 6
    sizes = torch.tensor([0.0] * silent + [1e-4] + [1.0] * (interval + 2)).view(-1, 1, 1)
    grads = gradients(1, 6, 8)[0] * sizes.double()
    make = partial(Shampoo, lr=1.0, momentum=0.0)
    found = directions(partial(make, interval=interval), grads)
    assert (found[: silent + interval] == directions(make, grads)[: silent + interval]).all()
    assert (singular_values(found)[:, 0] < len(grads) ** 0.5).all()


@pytest.mark.parametrize(("side", "axis"), [((1, 0), -2), ((0, 1), -1)])
def test_one_side_of_soap_keeps_small_rows_and_columns(side, axis):
    """They mix with no others, so that what is rounding is so by their own size."""
    small = torch.logspace(0, -5, 48).unsqueeze(axis)
    left, right = gradients(1, 48, 1)[0].float(), gradients(1, 1, 48, seed=1)[0].float()
    (found,) = directions(partial(SOAP, lr=1.0, sides=side, eps=1e-12), (left @ right * small)[None])
    # One entry of 1 in every row or column, up to its sign, and nothing beside it.
    torch.testing.assert_close(found.norm(dim=axis), torch.ones(48), rtol=0, atol=1e-4)


def test_a_rule_grafted_on_itself_is_itself():
    grads = gradients(6, 6, 8)
    plain = directions(partial(Muon, lr=1.0), grads)
    grafted = directions(partial(Muon, lr=1.0, graft=MuonRule()), grads)
    torch.testing.assert_close(grafted, plain, rtol=1e-12, atol=1e-12)


def test_elementwise_rules_are_the_optimizers_of_those_names():
    grads = gradients(6, 2, 6, 8)
    for rule, optimizer in (
        (AdamRule(beta2=0.9), partial(Adam, betas=(0.9, 0.9))),
        (SGDRule(momentum=0.9), partial(SGD, momentum=0.9)),
    ):
        found = directions(partial(MatrixOptimizer, rule=rule, lr=1.0), grads)
        torch.testing.assert_close(
            found, directions(partial(optimizer, lr=1.0), grads), rtol=1e-12, atol=1e-12
        )


# --- symmetries -------------------------------------------------------------------------------------------

TURNING = {
    "muon": (partial(Muon, lr=1.0), True),
    "muon exact": (partial(Muon, lr=1.0, kind="exact"), True),
    "shampoo": (partial(Shampoo, lr=1.0), True),
    "shampoo 1/2": (partial(Shampoo, lr=1.0, exponents=(0.5, 0.5)), True),
    "soap": (partial(SOAP, lr=1.0, eps=1e-3, interval=3), True),
    "dion": (partial(Dion, lr=1.0, rank=3), False),  # on the right Q starts from vectors that do not turn
}


@pytest.mark.parametrize(("make", "both"), TURNING.values(), ids=TURNING)
def test_directions_turn_with_orthogonal_factors(make, both):
    grads = gradients(6, 6, 6)
    left, right = orthogonal(6, seed=3), orthogonal(6, seed=4) if both else torch.eye(6, dtype=torch.float64)
    found = directions(make, left @ grads @ right)
    expected = left @ directions(make, grads) @ right
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-7 * float(expected.abs().max()))


@pytest.mark.parametrize("make", [partial(AdaMuon, lr=1.0), partial(Shampoo, lr=1.0, block=3)])
def test_that_law_can_fail(make):
    """What looks at entries or blocks does not turn."""
    grads, left = gradients(6, 6, 6), orthogonal(6, seed=3)
    expected = left @ directions(make, grads)
    assert (directions(make, left @ grads) - expected).abs().max() > 0.05 * expected.abs().max()


@pytest.mark.parametrize(
    "make", [partial(Muon, lr=1.0, eps=0.0), partial(AdaMuon, lr=1.0), partial(Shampoo, lr=1.0)]
)
def test_directions_do_not_depend_on_the_gradients_scale(make):
    grads = gradients(6, 6, 8)
    if make.func is Muon:
        torch.testing.assert_close(
            directions(make, 1024 * grads), directions(make, grads), rtol=1e-9, atol=1e-9
        )
    else:  # Shampoo by (1/4, 1/4) has the scale of the gradient to the power 0 too
        torch.testing.assert_close(
            directions(make, 1024 * grads), directions(make, grads), rtol=1e-5, atol=1e-5
        )


# --- norms ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [MuonRule(), ShampooRule(exponents=(0.5, 0.5)), AdamRule(), SGDRule()])
@pytest.mark.parametrize("shape", [(6, 6), (12, 5), (5, 12)])
def test_the_spectral_norm_is_as_promised(rule, shape):
    """On directions that keep still; power iteration has then had 5 x 50 + 50 iterations."""
    grad = gradients(1, *shape)[0]
    make = partial(MatrixOptimizer, rule=rule, lr=1.0, spectral_norm=True)
    found = directions(make, grad.expand(100, *shape))[-1]
    promised = (shape[0] / shape[1]) ** 0.5
    assert singular_values(found)[0].item() == pytest.approx(promised, rel=1e-6)


def test_the_norm_reached_is_at_least_the_promised_one_and_near_it_while_directions_turn():
    grads = 0.1 * gradients(80, 20, 20) + gradients(1, 20, 20, seed=5)[0]
    norms = singular_values(directions(partial(Shampoo, lr=1.0, spectral_norm=True), grads))[:, 0]
    assert (norms > 1 - 1e-9).all()
    assert (norms[5:] < 1.1).all()


def test_an_update_of_zero_stays_zero_and_the_vector_lives_on():
    p = nn.Parameter(torch.zeros(4, 4))
    optimizer = MatrixOptimizer([p], SGDRule(), 1.0, spectral_norm=True)
    p.grad = torch.zeros(4, 4)
    optimizer.step()
    assert (p == 0).all()
    p.grad = torch.eye(4)
    optimizer.step()
    torch.testing.assert_close(p.data, -torch.eye(4))


def test_power_iteration_is_from_below():
    matrices = gradients(30, 7, 9)
    vector = torch.ones(30, 9, 1, dtype=torch.float64) / 3
    exact = singular_values(matrices)[:, :1, None]
    previous = torch.zeros_like(exact)
    for _ in range(5):
        estimate = power_iteration(matrices, vector, 1)
        assert (estimate <= exact * (1 + 1e-12)).all()
        assert (estimate >= previous * (1 - 1e-12)).all()
        previous = estimate
    assert (power_iteration(matrices, vector, 400) / exact).min() > 0.9999


def test_spectral_normalisation_survives_a_direction_that_turns_away():
    """What is kept of one gradient is nothing of the next: the largest row stands in, and the norm reached is
    sqrt(m) times the promised one at most."""
    first, second = torch.zeros(2, 6, 6, dtype=torch.float64)
    first[:, :3] = gradients(1, 6, 3)[0]
    second[:, 3:] = gradients(2, 6, 3)[1]
    make = partial(MatrixOptimizer, rule=SGDRule(), lr=1.0, spectral_norm=True)
    both = directions(make, torch.stack([first, second]))
    norms = singular_values(both)[:, 0]
    assert (norms > 1 - 1e-9).all()
    assert (norms < 6**0.5).all()


def test_spectral_normalisation_keeps_the_direction():
    grad = gradients(1, 5, 8)[0]
    rule = SpectralNorm(MuonRule())
    plain = MuonRule().direction(grad, MuonRule().start(grad), 1)
    ratio = rule.direction(grad, rule.start(grad), 1) / plain
    torch.testing.assert_close(ratio, ratio[0, 0].expand_as(ratio))


def test_adamuon_has_the_root_mean_square_asked_for():
    found = directions(partial(AdaMuon, lr=1.0, rms=0.3), gradients(6, 5, 9))
    torch.testing.assert_close(found.square().mean((1, 2)).sqrt(), torch.full((6,), 0.3, dtype=torch.float64))


# --- the pieces -------------------------------------------------------------------------------------------


@given(m=st.integers(1, 9), n=st.integers(1, 9), size=st.integers(1, 10), batch=st.integers(0, 2))
def test_blocks_merge_to_what_was_split(m, n, size, batch):
    x = torch.arange(float(m * n * (batch + 1))).view(batch + 1, m, n)
    blocks = Blocks.of(x, size)
    pieces = blocks.split(x)
    assert pieces.shape[1:] == (*blocks.grid, min(size, m), min(size, n))
    assert (blocks.merge(pieces) == x).all()
    assert pieces.sum() == x.sum()  # what is padded is zero


@pytest.mark.parametrize("kind", [kind for kind in ORTHOGONALIZERS if kind != "exact"])
@pytest.mark.parametrize("shape", [(5, 5), (8, 5), (5, 8)])
def test_newton_schulz_maps_singular_values_and_keeps_singular_vectors(kind, shape):
    x = gradients(1, *shape)[0]
    u, s, vt = torch.linalg.svd(x / x.norm(), full_matrices=False)
    for a, b, c in quintics(kind, 4):
        s = a * s + b * s**3 + c * s**5
    torch.testing.assert_close(
        newton_schulz(x / x.norm(), quintics(kind, 4)), (u * s) @ vt, rtol=0, atol=1e-12
    )


def test_iterations_reach_what_they_promise():
    """The interval that singular values end in, from 1e-3 to 1: what the docstrings say."""

    def ends(kind, steps, least=1e-3):
        x = torch.logspace(math.log10(least), 0, 100_000, dtype=torch.float64)
        for a, b, c in quintics(kind, steps):
            x = a * x + b * x**3 + c * x**5
        return x.min().item(), x.max().item()

    low, high = ends("jordan", 5, least=0.0016)
    assert 0.68 < low < 0.69
    assert 1.20 < high < 1.21
    low, _ = ends("jordan", 5, least=1e-4)  # which are still on their way
    assert low == pytest.approx(3.4445**5 * 1e-4, rel=0.01)
    low, high = ends("jordan", 20)
    assert 0.68 < low < 0.70
    assert 1.11 < high < 1.14
    low, high = ends("polar_express", 5)
    assert low > 0.8
    assert high < 1.2
    for kind, steps in (("polar_express", 9), ("schulz", 30)):
        low, high = ends(kind, steps)
        assert low == pytest.approx(1, abs=1e-9)
        assert high == pytest.approx(1, abs=1e-9)


def test_the_polar_factor_of_a_matrix_of_low_rank_lives_on_its_range():
    u, v = orthogonal(6)[:, :2], orthogonal(5, seed=2)[:, :2]
    x = u @ torch.diag(torch.tensor([5.0, 1e-3], dtype=torch.float64)) @ v.T
    torch.testing.assert_close(polar_factor(x), u @ v.T, rtol=0, atol=1e-11)
    # Twenty iterations bring 1e-3/5 to 1, and rounding of 1e-16 off the range to 1.875^20 times that: 3e-11.
    torch.testing.assert_close(orthogonalized(x, "schulz", 20), u @ v.T, rtol=0, atol=1e-9)
    broken = torch.stack([x, torch.full_like(x, torch.nan), 0 * x])
    factors = polar_factor(broken)
    close(factors[0], polar_factor(x))
    assert factors[1].isnan().all()
    assert (factors[2] == 0).all()


@pytest.mark.parametrize("method", ["qr", "cholesky"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_columns_are_orthonormal_and_span_the_same(method, dtype):
    """Condition numbers up to 0.01/epsilon."""
    epsilon = torch.finfo(dtype).eps
    for condition in (1.0, 1e3, 0.01 / epsilon):
        s = torch.logspace(0, -torch.log10(torch.tensor(condition)).item(), 6, dtype=torch.float64)
        x = (orthogonal(40)[:, :6] * s @ orthogonal(6, seed=2)).to(dtype)
        q = orthonormal(x, method)
        assert (q.mT @ q - torch.eye(6)).abs().max() < 10 * 6 * epsilon
        assert (x - q @ (q.mT @ x)).abs().max() < 10 * 6 * epsilon


def test_cholesky_keeps_columns_that_are_zero_at_zero():
    x = torch.zeros(8, 3)
    x[:, 1] = 2.0
    q = orthonormal(x, "cholesky")
    assert (q[:, [0, 2]] == 0).all()
    torch.testing.assert_close(q[:, 1], torch.full((8,), 8**-0.5))


# --- how it runs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_parts_that_fit_the_cache_change_nothing(make, monkeypatch):
    """Seven members as 3 + 2 + 2, their constants with them: bit for bit."""
    rates = torch.linspace(0.5, 1.0, 7).view(7, 1, 1)
    name = "mu" if make.func is Dion else "beta2" if make.func is SOAP else "momentum"
    grads = gradients(5, 7, 6, 8, dtype=torch.float32)
    options = {name: rates - 0.1, "weight_decay": 0.1 * rates}
    whole = directions(partial(make, **options), grads)
    monkeypatch.setattr(parts, "CACHE_BYTES", 1)
    assert [len(part) for part in parts.cache_parts(grads[0])] == [3, 2, 2]
    assert (directions(partial(make, **options), grads) == whole).all()


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_no_step_waits_for_the_device(make):
    """On a device without data, which cannot tell a number to the host; the steps with eigh are left out."""
    p = nn.Parameter(torch.zeros(2, 6, 8, device="meta"))
    optimizer = make([p])
    member = torch.ones(2, 1, 1, device="meta")
    optimizer.param_groups[0].update(lr=member, weight_decay=member)
    p.grad = torch.zeros_like(p)
    optimizer.state[p] = {"step": 1, **optimizer.rule.start(p.detach())}
    if not optimizer.rule.decomposes(2):
        optimizer.step()
        assert optimizer.state[p]["step"] == 2
    else:
        with pytest.raises((NotImplementedError, RuntimeError), match="meta"):
            optimizer.step()


def test_directions_compile_to_one_graph():
    """In a process of its own, since the shape checks of the tests cannot be traced."""
    code = """
import torch
from sims.optim import AdaMuonRule, AdamRule, DionRule, Graft, MuonRule, ShampooRule, SOAPRule, SpectralNorm
rules = [
    MuonRule(kind="polar_express", nesterov=True), DionRule(rank=3), DionRule(method="cholesky"),
    AdaMuonRule(), SpectralNorm(Graft(ShampooRule(interval=9, block=4), AdamRule())), SOAPRule(interval=9),
]
grad = torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(0))
for rule in rules:
    compiled = torch.compile(rule.direction, fullgraph=True, backend="eager")
    states = rule.start(grad), rule.start(grad)
    for step in (2, 3, 4):
        assert torch.equal(compiled(grad, states[0], step), rule.direction(grad, states[1], step))
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_gradients_that_are_zero_at_first_are_no_harm(make):
    """As in layers below a readout that starts at zero: no step, no trace, then one like a first."""
    interval = {"interval": 50} if make.func in (Shampoo, SOAP) else {}
    grads = gradients(3, 2, 6, 8)
    silent = torch.cat([torch.zeros(3, 2, 6, 8, dtype=torch.float64), grads[:1]])
    found = directions(partial(make, **interval), silent)
    assert (found[:3] == 0).all()
    first = directions(partial(make, **interval), grads[:1])[0]
    # Running means that started three steps ago are smaller and corrected for less: a factor, not a
    # direction.
    turned = (found[3] * first).sum((1, 2)) / (found[3].norm(dim=(1, 2)) * first.norm(dim=(1, 2)))
    torch.testing.assert_close(turned, torch.ones(2, dtype=torch.float64), rtol=0, atol=1e-3)
