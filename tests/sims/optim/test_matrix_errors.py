"""Bad input is a named error when an optimizer is made; a decomposition that fails is survived, said and
counted.
"""

from __future__ import annotations

from functools import partial
from inspect import unwrap

import pytest
import torch
from torch import nn

from hptheory.errors import DomainError, UnknownNameError
from sims.errors import CheckpointError, FallbackWarning, NotAMatrixError
from sims.optim import (
    SGD,
    SOAP,
    Adam,
    AdamRule,
    AdaMuon,
    Dion,
    DionRule,
    Graft,
    MatrixOptimizer,
    Muon,
    MuonRule,
    RMSNorm,
    SGDRule,
    Shampoo,
    ShampooRule,
    SpectralNorm,
)
from sims.optim.eigen import eigenbasis
from sims.optim.together import Together
from tests.sims.optim.small import gradients


def weight(*shape: int, dtype: torch.dtype = torch.float32) -> nn.Parameter:
    return nn.Parameter(torch.zeros(*shape, dtype=dtype))


@pytest.mark.parametrize("optimizer", [Muon, Dion, Shampoo, SOAP, AdaMuon])
@pytest.mark.parametrize("shape", [(8,), (1, 8), (8, 1), (3, 8, 1), (2, 2, 8, 8)])
def test_what_is_no_matrix_is_refused(optimizer, shape):
    with pytest.raises(NotAMatrixError, match="give this one to Adam"):
        optimizer([weight(*shape)])


@pytest.mark.parametrize("role", ["embedding", "vector"])
def test_roles_that_are_adams_are_refused_and_named(role):
    with pytest.raises(NotAMatrixError, match=rf"parameter 'tokens' of shape \[8, 8\] has the role {role}"):
        Muon([{"params": [("tokens", weight(8, 8))], "role": role}])
    Muon([{"params": [weight(8, 8)], "role": "hidden"}])


def test_half_precision_is_refused():
    with pytest.raises(NotAMatrixError, match="float32 or float64"):
        Muon([weight(8, 8, dtype=torch.bfloat16)])


@pytest.mark.parametrize(
    ("optimizer", "options", "message"),
    [
        (Muon, {"lr": -1.0}, "lr = -1.0"),
        (Muon, {"lr": float("nan")}, "lr = nan"),
        (Muon, {"weight_decay": -0.1}, "weight_decay = -0.1"),
        (Muon, {"momentum": 1.0}, "momentum = 1.0"),
        (Muon, {"momentum": torch.tensor([0.5, 1.5]).view(2, 1, 1)}, "momentum"),
        (Muon, {"steps": 0}, "steps = 0"),
        (Muon, {"eps": -1e-9}, "eps = -1e-09"),
        (AdaMuon, {"beta2": 1.0}, "beta2 = 1.0"),
        (AdaMuon, {"rms": 0.0}, "rms = 0.0"),
        (AdaMuon, {"eps": 0.0}, "eps = 0.0"),
        (SOAP, {"eps": torch.tensor([1e-8, 0.0]).view(2, 1, 1)}, "eps"),
        (Shampoo, {"graft": AdamRule(eps=0.0)}, "eps = 0.0"),
        (Dion, {"rank": 7}, "rank = 7 .* from 1 to 6 for a 6 x 8 matrix"),
        (Dion, {"rank": 0}, "rank = 0"),
        (Dion, {"rank": True}, "rank = True"),
        (Dion, {"rank_fraction": 0.0}, "rank_fraction = 0.0"),
        (Dion, {"rank_fraction": 0.1}, "rank = 0"),
        (Dion, {"rank_fraction": 1.5}, "rank_fraction = 1.5"),
        (Dion, {"max_rank": 0}, "max_rank = 0"),
        (Dion, {"mu": 1.0}, "mu = 1.0"),
        (Shampoo, {"block": 0}, "block = 0"),
        (Shampoo, {"interval": 0}, "interval = 0"),
        (Shampoo, {"exponents": (-0.5, 0.5)}, "exponents = -0.5"),
        (Shampoo, {"exponents": (0.0, 0.0)}, "not both 0"),
        (Muon, {"shape_factor": "mup", "spectral_norm": True}, "None with spectral_norm"),
        (SGD, {"lr": -1.0}, "lr = -1.0"),
        (SGD, {"momentum": 1.0}, "momentum = 1.0"),
        (Adam, {"lr": -1.0}, "lr = -1.0"),
        (Adam, {"betas": (1.0, 0.999)}, "betas = 1.0"),
        (Adam, {"eps": -1e-8}, "eps = -1e-08"),
        (Adam, {"weight_decay": float("inf")}, "weight_decay = inf"),
        (Shampoo, {"eps": -1.0}, "eps = -1.0"),
        (Shampoo, {"graft": AdamRule(beta2=2.0)}, "beta2 = 2.0"),
        (SOAP, {"block": 0}, "block = 0"),
        (SOAP, {"sides": (2, 0)}, r"sides = \(2, 0\)"),
        (SOAP, {"interval": -1}, "interval = -1"),
    ],
)
def test_numbers_outside_their_domain_are_refused(optimizer, options, message):
    with pytest.raises(DomainError, match=message):
        optimizer([weight(2, 6, 8)], **options)


def test_zero_is_no_epsilon_for_what_divides_by_sizes_that_may_be_zero():
    """A gradient of zero, which layers have below a readout that starts at zero, would be 0/0; the others do
    without and leave zero at zero.
    """
    for refused in (Graft(SGDRule(), SGDRule(), 0.0), SpectralNorm(SGDRule(), 0.0), RMSNorm(SGDRule(), 0.0)):
        with pytest.raises(DomainError, match=r"eps = 0\.0"):
            refused.check(6, 8)
    zero = torch.zeros(6, 8)
    for rule in (MuonRule(eps=0.0), DionRule(eps=0.0), ShampooRule(eps=0.0)):
        rule.check(6, 8)
        assert (rule.direction(zero, rule.start(zero), 1) == 0).all()


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        (Muon, {"kind": "jordon"}),
        (Muon, {"shape_factor": "muP"}),
        (Dion, {"method": "svd"}),
        (Shampoo, {"damping": "relativ"}),
    ],
)
def test_unknown_names_are_refused(optimizer, options):
    with pytest.raises(UnknownNameError):
        optimizer([weight(6, 8)], **options)


def test_groups_added_later_are_checked_too():
    optimizer = Dion([weight(8, 8)], rank=8)
    with pytest.raises(DomainError, match="from 1 to 4"):
        optimizer.add_param_group({"params": [weight(4, 9)]})
    assert len(optimizer.param_groups) == 1  # it is as it was, and goes on
    optimizer.step()


@pytest.mark.parametrize("value", ["0.1", None])
@pytest.mark.parametrize(
    ("optimizer", "name"),
    [(Muon, "lr"), (Muon, "weight_decay"), (Adam, "lr"), (Adam, "eps"), (Adam, "betas"), (SGD, "momentum")],
)
def test_a_constant_that_is_no_number_is_refused_by_name(optimizer, name, value):
    made = optimizer([weight(8, 8)])
    with pytest.raises(DomainError, match=rf"{name} = {value!r} .* must be a number"):
        made.add_param_group({"params": [weight(4, 4)], name: value})
    assert len(made.param_groups) == 1


def test_a_group_whose_check_fails_is_not_kept():
    made = Shampoo([weight(8, 8)])
    with pytest.raises(TypeError):  # no pair: Python's own error, as no check foresees it
        made.add_param_group({"params": [weight(4, 4)], "exponents": None})
    assert len(made.param_groups) == 1


@pytest.mark.parametrize("graft", ["adam", AdamRule])
def test_a_graft_that_is_no_rule_is_refused(graft):
    """As users have it: the tests' own checks of types would come before it."""
    bare = MatrixOptimizer.__new__(MatrixOptimizer)
    with pytest.raises(DomainError, match=r"graft = .* must be None or a rule"):
        unwrap(MatrixOptimizer.__init__)(bare, [weight(4, 4)], MuonRule(), 0.1, graft=graft)


def test_lists_will_do_for_pairs_in_groups():
    p = weight(6, 8)
    p.grad = torch.ones(6, 8)
    Shampoo([{"params": [p], "exponents": [0.25, 0.5]}]).step()
    SOAP([{"params": [p], "sides": [1, 0]}]).step()


def test_parts_that_are_put_together_take_no_further_groups():
    hidden, readout = weight(6, 8), weight(3, 8)
    together = Together([Muon([hidden]), Adam([readout])])
    with pytest.raises(DomainError, match="added to a part"):
        together.add_param_group({"params": [weight(8, 8)], "lr": 0.1})
    assert len(together.param_groups) == 2


@pytest.mark.parametrize(
    ("saved", "loading", "constants"),
    [
        (Muon, AdaMuon, "beta2, rms, sign"),
        (AdaMuon, Muon, "bfloat16, nesterov"),
        (SOAP, Shampoo, "damping, exponents, momentum"),
        (partial(Muon, spectral_norm=True), Muon, "spectral_eps"),
        (Muon, partial(Muon, spectral_norm=True), "spectral_eps"),
        (partial(Muon, graft=SGDRule()), Muon, "graft_momentum, graft_norm_eps"),
        (partial(Muon, graft=AdamRule()), partial(Muon, graft=SGDRule()), "graft_beta1, graft_beta2"),
    ],
)
def test_a_state_of_another_rule_is_refused_and_changes_nothing(saved, loading, constants):
    p = weight(6, 8)
    p.grad = torch.ones_like(p)
    first, second = saved([p], lr=0.5), loading([p], lr=0.25)
    first.step()
    with pytest.raises(CheckpointError, match=constants):
        second.load_state_dict(first.state_dict())
    assert (second.param_groups[0]["lr"], dict(second.state)) == (0.25, {})
    again = saved([p], lr=0.25)
    again.load_state_dict(first.state_dict())
    assert again.param_groups[0]["lr"] == 0.5


def test_a_rank_changed_under_way_is_refused():
    p = weight(6, 8)
    p.grad = torch.ones_like(p)
    optimizer = Dion([p], rank=1)
    optimizer.step()
    optimizer.param_groups[0]["rank"] = 3
    with pytest.raises(DomainError, match=r"rank = 3 .* must be 1, as at the first step"):
        optimizer.step()


# --- fallbacks --------------------------------------------------------------------------------------------


def no_convergence(original, breaks):
    """eigh as it is, but failing on matrices that ``breaks`` picks, as LAPACK does: for the whole batch."""

    def eigh(x):
        flat = x.reshape(-1, *x.shape[-2:])
        if any(breaks(each) for each in flat):
            raise torch.linalg.LinAlgError("failed to converge")
        return original(x)

    return eigh


def test_one_matrix_that_does_not_converge_leaves_the_others_alone(monkeypatch):
    matrices = gradients(4, 5, 5)
    matrices = matrices @ matrices.mT
    values, vectors, _ = eigenbasis(matrices)
    broken = matrices[2].trace()
    failing = no_convergence(torch.linalg.eigh, lambda x: x.trace() == broken)
    monkeypatch.setattr(torch.linalg, "eigh", failing)
    found_values, found_vectors, succeeded = eigenbasis(matrices)
    assert succeeded.flatten().tolist() == [True, True, False, True]
    keep = [0, 1, 3]
    assert (found_values[keep] == values[keep]).all()
    assert (found_vectors[keep] == vectors[keep]).all()
    assert (found_vectors[2] == torch.eye(5)).all()
    assert (found_values[2] == 1).all()


@pytest.mark.parametrize("optimizer", [Shampoo, SOAP])
def test_a_failed_decomposition_falls_back_is_said_and_counted(optimizer, monkeypatch):
    p = weight(2, 6, 6, dtype=torch.float64)
    made = optimizer([p], lr=0.1, interval=1)
    p.grad = gradients(1, 2, 6, 6)[0]
    monkeypatch.setattr(torch.linalg, "eigh", no_convergence(torch.linalg.eigh, lambda x: True))
    with pytest.warns(FallbackWarning, match=rf"{optimizer.__name__}: 4 preconditioner"):
        made.step()
    assert made.fallbacks == 4  # two sides of two members
    assert p.isfinite().all()
    monkeypatch.undo()
    made.step()  # no further failure, no further warning
    assert made.fallbacks == 4


def test_a_grafts_fallbacks_count_too(monkeypatch):
    p = weight(6, 6, dtype=torch.float64)
    made = Muon([p], lr=0.1, graft=ShampooRule())
    p.grad = gradients(1, 6, 6)[0]
    monkeypatch.setattr(torch.linalg, "eigh", no_convergence(torch.linalg.eigh, lambda x: True))
    with pytest.warns(FallbackWarning, match="Muon: 2 preconditioner"):
        made.step()
    assert made.fallbacks == 2


def test_the_last_good_root_is_kept(monkeypatch):
    p = weight(6, 6, dtype=torch.float64)
    made = Shampoo([p], lr=0.1, momentum=0.0, graft=AdamRule())
    grads = gradients(2, 6, 6)
    p.grad = grads[0]
    made.step()
    root = made.state[p]["left_root"].clone()
    monkeypatch.setattr(torch.linalg, "eigh", no_convergence(torch.linalg.eigh, lambda x: True))
    p.grad = grads[1]
    with pytest.warns(FallbackWarning):
        made.step()
    assert (made.state[p]["left_root"] == root).all()


@pytest.mark.parametrize("optimizer", [Shampoo, SOAP])
def test_a_statistic_that_overflows_is_left_out_and_counted(optimizer):
    p = weight(4, 4)
    made = optimizer([p], interval=1)
    p.grad = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    made.step()
    p.grad = 1e25 * p.grad  # its square is beyond float32
    with pytest.warns(FallbackWarning):
        made.step()
    assert made.fallbacks == 2
    assert made.state[p]["left"].isfinite().all()


@pytest.mark.parametrize("optimizer", [Shampoo, SOAP])
def test_a_run_that_diverges_is_no_fallback(optimizer):
    """Its gradients are not numbers: that is reported where runs are looked at, not here."""
    p = weight(4, 4)
    made = optimizer([p], interval=1)
    p.grad = torch.eye(4)
    made.step()
    p.grad = torch.full((4, 4), torch.nan)
    made.step()
    assert made.fallbacks == 0
    assert p.isnan().all()
