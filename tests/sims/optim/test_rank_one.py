"""The scaling rules on the optimizers that run: a rank-one gradient moves outputs alike at every width."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from hptheory.parameterization import scaling_rule
from sims.optim import SOAP, AdamRule, AdaMuon, Dion, MatrixOptimizer, Muon, SGDRule, Shampoo
from tests.sims.optim.small import directions

WIDTHS = (32, 64, 128, 256)
BASE = WIDTHS[0]
ROLES = {"hidden": (1, 1), "embedding": (1, 0), "readout": (0, 1)}  # which of (d_out, d_in) is the width
FIXED = 16

OPTIMIZERS = {
    "sgd": (partial(MatrixOptimizer, rule=SGDRule()), "sgd", {}),
    "adam": (partial(MatrixOptimizer, rule=AdamRule()), "adam", {}),
    "muon": (Muon, "muon", {}),
    "muon exact": (partial(Muon, kind="exact"), "muon", {}),
    "adamuon": (AdaMuon, "adamuon", {}),
    "dion": (partial(Dion, rank_fraction=0.5), "dion", {}),
    "dion bounded": (partial(Dion, rank_fraction=0.5, max_rank=8), "dion", {}),
    "shampoo": (Shampoo, "shampoo", {}),
    "shampoo 1/2": (partial(Shampoo, exponents=(0.5, 0.5)), "shampoo", {"exponents": (0.5, 0.5)}),
    "shampoo one-sided": (partial(Shampoo, exponents=(0.5, 0.0)), "shampoo", {"exponents": (0.5, 0.0)}),
    "shampoo blocks": (partial(Shampoo, block=16), "shampoo", {"block": 16}),
    "shampoo 1/2 blocks": (
        partial(Shampoo, exponents=(0.5, 0.5), block=16),
        "shampoo",
        {"exponents": (0.5, 0.5), "block": 16},
    ),
    "soap": (SOAP, "soap", {}),
    "soap left": (partial(SOAP, sides=(1, 0)), "soap", {"sides": (1, 0)}),
    "soap blocks": (partial(SOAP, block=16), "soap", {"block": 16}),
    "shampoo # adam": (partial(Shampoo, graft=AdamRule()), "shampoo", {"graft": "adam"}),
    "shampoo blocks # adam": (
        partial(Shampoo, block=16, graft=AdamRule()),
        "shampoo",
        {"block": 16, "graft": "adam"},
    ),
    "soap normalised": (partial(SOAP, spectral_norm=True), "soap", {"spectral_norm": True}),
    "muon, mup factor": (partial(Muon, shape_factor="mup"), None, {}),
}


def moved(make, rate: float, d_out: int, d_in: int, dtype: torch.dtype = torch.float64) -> float:
    """RMS(lr Q(G) x') for G = delta x^T, delta of order 1/d_out, x' like x by half; over a stack of four."""
    stream = torch.Generator().manual_seed(d_out * d_in)
    delta = torch.randn(4, d_out, 1, generator=stream, dtype=torch.float64) / d_out
    x, other = torch.randn(2, 4, d_in, 1, generator=stream, dtype=torch.float64)
    update = directions(partial(make, lr=1.0), (delta @ x.mT)[None].to(dtype))[0].double()
    return float(rate * (update @ (0.5 * x + 0.866 * other)).square().mean().sqrt())


def exponent(make, rate_of, role: str, dtype: torch.dtype = torch.float64) -> float:
    out, into = ROLES[role]
    sizes = [(n if out else FIXED, n if into else FIXED) for n in WIDTHS]
    sizes_moved = [moved(make, rate_of(*shape), *shape, dtype) for shape in sizes]
    return float(np.polyfit(np.log(WIDTHS), np.log(sizes_moved), 1)[0])


def rule_rate(name, options, role, d_out, d_in):
    if name is None:
        return 1.0
    out, into = ROLES[role]
    bases = {"base_d_in": BASE if into else FIXED, "base_d_out": BASE if out else FIXED}
    return scaling_rule(name, d_in, d_out, **bases, **options).lr


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("case", OPTIMIZERS)
def test_outputs_move_alike_at_every_width(case, role, dtype):
    make, name, options = OPTIMIZERS[case]
    found = exponent(make, partial(rule_rate, name, options, role), role, dtype)
    # Eight draws of x . x' / d_in, with a spread of 1/sqrt(16) at worst, over three octaves: 0.25/2/log(8) =
    # 0.06.
    assert abs(found) < 0.15


WRONG = {
    "the capped factor on a readout": (
        partial(Muon, shape_factor="capped"),
        lambda *_: 1.0,
        "readout",
        0.5,
    ),
    "no factor on an embedding": (Muon, lambda *_: 1.0, "embedding", -0.5),
    "rms for a hidden matrix": (partial(Muon, shape_factor="rms"), lambda *_: 1.0, "hidden", 0.5),
    "adam with one rate": (partial(MatrixOptimizer, rule=AdamRule()), lambda *_: 1.0, "hidden", 1.0),
    "blocks without their number": (partial(SOAP, block=16), lambda *_: 1.0, "hidden", 1.0),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_rules_are_seen_with_the_exponent_that_is_wrong(case):
    make, rate_of, role, wrong = WRONG[case]
    assert exponent(make, rate_of, role) == pytest.approx(wrong, abs=0.15)
