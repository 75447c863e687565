"""Tables under spectral normalisation: Adam's direction at root mean square 1, in the trainer too."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from hptheory.errors import DomainError
from hptheory.parameterization import scaling_rule
from sims.members import Member
from sims.models.build import rule_of_role
from sims.models.transformer import StackedTransformer
from sims.optim import AdamRule, MatrixOptimizer, RMSNorm, SGDRule
from sims.optim.build import build_optimizer, set_rates
from sims.settings import AdamConfig, ShampooConfig, get_setting
from sims.settings.transformers import GPT2Config
from tests.sims.optim.small import directions, gradients


def normalised(params):
    return MatrixOptimizer(params, RMSNorm(AdamRule()), 1.0)


@pytest.mark.parametrize("shape", [(50, 8), (3, 50, 8)])
def test_law_the_root_mean_square_is_1(shape):
    sizes = directions(normalised, gradients(4, *shape)).square().mean((-2, -1)).sqrt()
    assert torch.allclose(sizes, torch.ones_like(sizes), rtol=1e-9)  # rms_eps is 1e-10


def test_law_the_direction_is_the_rules():
    grads = gradients(3, 20, 6)
    plain = directions(lambda params: MatrixOptimizer(params, AdamRule(), 1.0), grads)
    ours = directions(normalised, grads)
    assert torch.allclose(ours * plain.square().mean((-2, -1), keepdim=True).sqrt(), plain, rtol=1e-9)


def test_law_zero_stays_zero():
    rule = RMSNorm(SGDRule())
    grad = torch.zeros(4, 3)
    assert rule.direction(grad, rule.start(grad), 1).abs().max() == 0


def test_constants_are_checked():
    p = torch.nn.Parameter(torch.zeros(4, 3))
    with pytest.raises(DomainError, match="rms_eps"):
        MatrixOptimizer([p], RMSNorm(AdamRule(), eps=-1.0), 1.0)


@pytest.mark.parametrize("width", [32, 64])
def test_tables_move_by_their_rate_at_every_width(width):
    """Of the trainer's GPT-2 both tables, of tokens and positions, whatever the size of their gradients."""
    adam = AdamConfig(weight_decay=0.5)
    config = ShampooConfig(spectral_norm=True, adam=adam, adam_lr=0.01)
    smoke = get_setting("gpt2_adam", "smoke").training
    shape = GPT2Config(layers=1, heads=2, max_context=16, out_gain=1.0, readout_gain=1.0)
    training = replace(smoke, optimizer=config, model=shape, base_width=32)
    rules = {role: rule_of_role(training, role) for role in ("embedding", "hidden", "norm", "readout")}
    net = StackedTransformer(11, width, base_width=32, config=shape, rule_of=rules.__getitem__, seeds=[0, 1])
    optimizer = build_optimizer(training, net, [Member(0.1, 0), Member(0.2, 1)])
    set_rates(optimizer, 0.5)
    net(torch.arange(8).view(1, 2, 4)).square().sum().backward()
    tables = {"tokens": net.embedding.weight, "positions": net.positions.weight}
    before = {name: table.detach().clone() for name, table in tables.items()}
    optimizer.step()
    for name, table in tables.items():
        # Independent of the member's rate; AdamW's decay, a share 0.005 * 0.5 of the weights, is taken first.
        moved = before[name] * (1 - 0.01 * 0.5 * 0.5) - table.detach()
        sizes = moved.square().mean((-2, -1)).sqrt()
        assert torch.allclose(sizes, torch.full((2,), 0.005), rtol=1e-4), name
    assert scaling_rule("adam", 11, width, base_d_in=11, base_d_out=32).lr == 1
