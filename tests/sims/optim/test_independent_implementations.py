"""The same gradients through other people's code: torch.optim.Muon, and pytorch_optimizer's Muon, AdaMuon,
SOAP and both Shampoos. Each test names where the conventions differ; nothing else does.
"""

from __future__ import annotations

import math
from functools import partial

import pytest
import pytorch_optimizer
import torch
from pytorch_optimizer.optimizer.muon import adamuon, base
from pytorch_optimizer.optimizer.utils.graft import LayerWiseGrafting
from pytorch_optimizer.optimizer.utils.matrix import zero_power_via_newton_schulz_5

from benchmarks.optimizers import step_pairs
from sims.optim import SOAP, AdaMuon, Muon, SGDRule, Shampoo
from tests.sims.optim.small import directions, gradients

TORCHS = pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch.optim.Muon came with torch 2.9")
SHAPES = [(6, 6), (9, 5), (5, 9)]
# float64 on both sides; 5e2 is the slope at zero of five of Jordan's quintics, and gradients are at most 40.
TOLERANCE = 1e-11


@pytest.fixture
def in_float64(monkeypatch):
    """Newton-Schulz in the gradients' precision; both libraries fix it at bfloat16."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    exact = partial(zero_power_via_newton_schulz_5, dtype=torch.float64)
    for module in (base, adamuon):
        monkeypatch.setattr(module, "zero_power_via_newton_schulz_5", exact)


def close(found: torch.Tensor, expected: torch.Tensor, tolerance: float = TOLERANCE) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance * float(expected.abs().max()))


@TORCHS
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("nesterov", [True, False])
def test_torchs_muon(shape, nesterov, in_float64):
    """Conventions: eps is a least norm there, and added here; decay is times lr; the capped factor is the
    default.
    """
    grads = gradients(8, *shape)
    options = {"lr": 1.0, "momentum": 0.9, "nesterov": nesterov}
    theirs = directions(partial(torch.optim.Muon, weight_decay=0.0, eps=1e-30, **options), grads)
    close(directions(partial(Muon, eps=0.0, shape_factor="capped", **options), grads), theirs)


@TORCHS
@pytest.mark.parametrize("shape", [(40, 40), (60, 30)])
def test_torchs_muon_in_bfloat16(shape):
    """As it comes: 15 products with relative errors of 2^-8, some of which average out."""
    grads = gradients(4, *shape, dtype=torch.float32)
    theirs = directions(partial(torch.optim.Muon, lr=1.0, weight_decay=0.0), grads)
    ours = directions(partial(Muon, lr=1.0, nesterov=True, bfloat16=True, shape_factor="capped"), grads)
    assert (ours - theirs).norm() < 0.05 * theirs.norm()
    precise = directions(partial(Muon, lr=1.0, nesterov=True, shape_factor="capped"), grads)
    assert (precise - theirs).norm() < 0.05 * theirs.norm()


@TORCHS
def test_the_benchmark_compares_like_with_like():
    """Torch's Muon and its peer differ by bfloat16's rounding, 0.02; without Nesterov, by 0.44."""
    grads = gradients(4, 40, 40, dtype=torch.float32)
    for name, ours, theirs in step_pairs():
        found, expected = (directions(partial(make, lr=1.0), grads) for make in (ours, theirs))
        assert (found - expected).norm() < 0.05 * expected.norm(), name


@TORCHS
def test_torchs_factors_are_named_here(in_float64):
    grads = gradients(3, 5, 9)
    for theirs, ours in (("original", "capped"), ("match_rms_adamw", "rms")):
        expected = directions(
            partial(torch.optim.Muon, lr=1.0, weight_decay=0.0, eps=1e-30, adjust_lr_fn=theirs), grads
        )
        close(directions(partial(Muon, lr=1.0, eps=0.0, nesterov=True, shape_factor=ours), grads), expected)


def in_groups(make, **options):
    """Those optimizers that want to be told which groups are theirs."""
    return lambda params: make([{"params": params, "use_muon": True}], **options)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("nesterov", [True, False])
def test_pytorch_optimizers_muon(shape, nesterov, in_float64):
    """Conventions: as torch's; the factor is the capped one, or rms; ``foreach`` batches shapes as is done
    here.
    """
    grads = gradients(8, *shape)
    make = in_groups(pytorch_optimizer.Muon, lr=1.0, momentum=0.9, nesterov=nesterov, use_adjusted_lr=True)
    ours = partial(Muon, lr=1.0, momentum=0.9, nesterov=nesterov, eps=0.0, shape_factor="rms")
    close(directions(ours, grads), directions(make, grads))


@pytest.mark.parametrize("shape", SHAPES)
def test_pytorch_optimizers_adamuon(shape, in_float64):
    """Conventions: there the root mean square of 0.2 is the shape factor's work; one eps serves two sums."""
    grads = gradients(8, *shape)
    make = in_groups(pytorch_optimizer.AdaMuon, lr=1.0, betas=(0.9, 0.95), eps=1e-12)
    ours = partial(AdaMuon, lr=1.0, momentum=0.9, beta2=0.95, eps=1e-12)
    # 1e-7 is added to the norm of gradients of size 0.1 and more here, and is a least norm there.
    close(directions(ours, grads), directions(make, grads), tolerance=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_pytorch_optimizers_shampoo(shape):
    """Conventions: sums, that start from matrix_eps times the identity; no momentum of the gradient (its
    ``momentum`` averages with the last preconditioned direction).
    """
    grads = gradients(8, *shape)
    theirs = directions(partial(pytorch_optimizer.Shampoo, lr=1.0, matrix_eps=1e-3), grads)
    ours = partial(Shampoo, lr=1.0, momentum=0.0, beta2=None, eps=1e-3, damping="absolute")
    close(
        directions(ours, grads), theirs, tolerance=1e-9
    )  # a singular value decomposition of the statistic there


@pytest.mark.parametrize("shape", [(8, 8), (12, 8)])
@pytest.mark.parametrize("graft", [True, False])
def test_pytorch_optimizers_scalable_shampoo_in_blocks(shape, graft):
    """Conventions: running means start from matrix_eps times the identity, which decays, and are not bias
    corrected, so that directions by (1/4, 1/4) are sqrt(1/(1 - beta2^t)) as large. Grafting on the gradient's
    norm takes both away.
    """
    grads = gradients(8, *shape)
    theirs = directions(
        partial(
            pytorch_optimizer.ScalableShampoo,
            lr=1.0,
            betas=(0.0, 0.9),
            block_size=4,
            start_preconditioning_step=1,
            preconditioning_compute_steps=1,
            graft_type=LayerWiseGrafting.SGD if graft else LayerWiseGrafting.NONE,
            matrix_eps=1e-13,
            nesterov=False,
            use_svd=True,
            shape_interpretation=False,
        ),
        grads,
    )
    ours = directions(
        partial(
            Shampoo, lr=1.0, momentum=0.0, beta2=0.9, eps=1e-13, block=4, graft=SGDRule() if graft else None
        ),
        grads,
    )
    for step, (found, expected) in enumerate(zip(ours, theirs, strict=True), start=1):
        # The first statistics have condition numbers of up to 1e6, which a damping of 1e-13 shifts by 1e-7.
        close(found if graft else found / math.sqrt(1 - 0.9**step), expected, tolerance=1e-5)


@pytest.mark.parametrize(("shape", "sides"), [((6, 6), (1, 1)), ((9, 5), (0, 1)), ((5, 9), (1, 0))])
@pytest.mark.parametrize("interval", [1, 3])
def test_pytorch_optimizers_soap(shape, sides, interval):
    """Conventions: the first gradient makes bases only (``skip_first``); eps is added before the bias
    correction; sides longer than ``max_precondition_dim`` have no basis; QR is done in float32.

    The longer side of one gradient has eigenvectors of eigenvalue zero, which are anybody's choice: it has no
    basis.
    """
    grads = gradients(12, *shape)
    common = {"lr": 1.0, "shampoo_beta": 0.8, "eps": 1e-12}
    theirs = partial(
        pytorch_optimizer.SOAP,
        betas=(0.9, 0.95),
        weight_decay=0.0,
        precondition_frequency=interval,
        max_precondition_dim=min(shape),
        **common,
    )
    ours = partial(SOAP, beta1=0.9, beta2=0.95, sides=sides, interval=interval, skip_first=True, **common)
    found = directions(ours, grads)
    assert (found[0] == 0).all()
    close(found, directions(theirs, grads), tolerance=1e-5)  # float32 in QR: 1e-7, over a few steps


@TORCHS
def test_these_tests_see_a_wrong_convention(in_float64):
    """Each difference that is named is large enough to be seen."""
    grads = gradients(6, 9, 5)
    theirs = directions(partial(torch.optim.Muon, lr=1.0, weight_decay=0.0, eps=1e-30), grads)
    right = {"nesterov": True, "shape_factor": "capped", "eps": 0.0}
    for wrong in ({"nesterov": False}, {"shape_factor": None}, {"kind": "polar_express"}, {"steps": 6}):
        found = directions(partial(Muon, lr=1.0, **{**right, **wrong}), grads)
        assert (found - theirs).abs().max() > 0.01
