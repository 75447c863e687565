"""Every matrix optimizer against its formula one matrix at a time, in NumPy: plain, and as a stack."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from sims.optim import SOAP, AdamRule, AdaMuon, Dion, MatrixOptimizer, Muon, MuonRule, SGDRule, Shampoo
from sims.optim.rule import fixed_normal
from tests.sims.optim import reference
from tests.sims.optim.small import directions, gradients

SHAPES = [(6, 6), (9, 5), (5, 9)]
STEPS = 12
# Relative to the largest entry. Both sides round in float64, to 1e-16 of sizes around 10. Roots damped at
# 1e-6 have relative errors of 1e-10, and a QR step on a basis up to 1e-16 x a condition number of 1e4, a
# step.
TOLERANCE = 1e-8


def right_factor(shape: tuple[int, int], rank: int) -> np.ndarray:
    """Where Dion starts, which is a choice and no formula."""
    return fixed_normal(shape[1], rank, like=torch.zeros((), dtype=torch.float64)).numpy()


def orth(kind: str, steps: int, eps: float = 1e-7):
    return (
        reference.polar
        if kind == "exact"
        else partial(reference.newton_schulz, kind=kind, steps=steps, eps=eps)
    )


def first_bases(grad: torch.Tensor, options: dict) -> list[np.ndarray]:
    """The eigenvectors that SOAP chose at its first step: those of eigenvalue 0 are anybody's choice."""
    p = nn.Parameter(torch.zeros_like(grad))
    optimizer = SOAP([p], **options)
    p.grad = grad
    optimizer.step()
    state = optimizer.state[p]
    sizes = dict(zip(("left_basis", "right_basis"), grad.shape, strict=True))
    return [state[side][0, 0].numpy() if side in state else np.eye(size) for side, size in sizes.items()]


CASES = {
    "muon": (Muon, {}, lambda _: reference.muon(0.95, False, orth("jordan", 5))),
    "muon nesterov": (
        Muon,
        {"nesterov": True, "momentum": 0.8, "eps": 0.1},
        lambda _: reference.muon(0.8, True, orth("jordan", 5, eps=0.1)),
    ),
    "muon polar express": (
        Muon,
        {"kind": "polar_express"},
        lambda _: reference.muon(0.95, False, orth("polar_express", 5)),
    ),
    "muon polar express, past its list": (
        Muon,
        {"kind": "polar_express", "steps": 9},
        lambda _: reference.muon(0.95, False, orth("polar_express", 9)),
    ),
    "muon schulz": (
        Muon,
        {"kind": "schulz", "steps": 3},
        lambda _: reference.muon(0.95, False, orth("schulz", 3)),
    ),
    "muon exact": (Muon, {"kind": "exact"}, lambda _: reference.muon(0.95, False, reference.polar)),
    "adamuon": (AdaMuon, {}, lambda _: reference.adamuon(0.95, 0.95, 1e-8, 0.2, orth("jordan", 5))),
    "dion of full rank": (
        Dion,
        {},
        lambda shape: reference.dion(0.95, right_factor(shape, 5 + (shape[0] == shape[1])), 1e-8),
    ),
    "dion of rank 2": (
        Dion,
        {"rank": 2, "mu": 0.7},
        lambda shape: reference.dion(0.7, right_factor(shape, 2), 1e-8),
    ),
    "dion by fraction": (
        Dion,
        {"rank_fraction": 0.6, "max_rank": 3},
        lambda shape: reference.dion(0.95, right_factor(shape, 3), 1e-8),
    ),
    "dion by Cholesky": (
        Dion,
        {"rank": 3, "method": "cholesky"},
        lambda shape: reference.dion(0.95, right_factor(shape, 3), 1e-8),
    ),
    "shampoo": (Shampoo, {}, lambda _: reference.shampoo(0.9, 0.95, (0.25, 0.25), 1e-6, True, 1)),
    "shampoo 1/2, 1/2": (
        Shampoo,
        {"exponents": (0.5, 0.5), "interval": 4},
        lambda _: reference.shampoo(0.9, 0.95, (0.5, 0.5), 1e-6, True, 4),
    ),
    "shampoo one-sided": (
        Shampoo,
        {"exponents": (0.5, 0.0), "damping": "absolute", "eps": 1e-3},
        lambda _: reference.shampoo(0.9, 0.95, (0.5, 0.0), 1e-3, False, 1),
    ),
    "shampoo of sums": (
        Shampoo,
        {"beta2": None, "momentum": 0.0, "damping": "absolute"},
        lambda _: reference.shampoo(0.0, None, (0.25, 0.25), 1e-6, False, 1),
    ),
    "shampoo in blocks": (
        Shampoo,
        {"block": 4},
        lambda shape: reference.blockwise(
            lambda: reference.shampoo(0.9, 0.95, (0.25, 0.25), 1e-6, True, 1), 4, shape
        ),
    ),
    "soap, no sides": (SOAP, {"sides": (0, 0)}, lambda _: reference.adam(0.95, 0.95, 1e-8)),
    "shampoo grafted on adam": (
        Shampoo,
        {"graft": AdamRule(beta2=0.9), "block": 3},
        lambda shape: reference.graft(
            reference.blockwise(lambda: reference.shampoo(0.9, 0.95, (0.25, 0.25), 1e-6, True, 1), 3, shape),
            reference.adam(0.9, 0.9, 1e-8),
        ),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("case", CASES)
def test_directions_are_those_of_the_formula(case, shape):
    make, options, formula = CASES[case]
    grads = gradients(STEPS, 2, *shape)
    found = directions(partial(make, lr=1.0, **options), grads)
    for member in range(2):
        expected = np.stack(reference.run(lambda: formula(shape), grads[:, member].numpy()))
        np.testing.assert_allclose(found[:, member].numpy(), expected, rtol=0, atol=TOLERANCE)


def test_any_rule_can_carry_any_norm():
    """Grafting beyond what the named optimizers offer: Muon's norm along the plain gradient."""
    grads = gradients(STEPS, 5, 7)
    found = directions(lambda p: MatrixOptimizer(p, SGDRule(), 1.0, graft=MuonRule(kind="exact")), grads)
    # an orthogonal factor of a 5 x 7 matrix has norm sqrt(5)
    expected = grads / grads.flatten(1).norm(dim=1).view(-1, 1, 1)
    torch.testing.assert_close(found, expected * 5**0.5, rtol=1e-12, atol=1e-12)


def test_polar_express_coefficients_are_the_minimax_ones():
    """The listed constants, derived afresh."""
    from sims.optim.orthogonal import POLAR_EXPRESS

    np.testing.assert_allclose(POLAR_EXPRESS, reference.polar_express(7), rtol=1e-6)
