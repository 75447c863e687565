"""Scaling rules on a user's own module: roles by growth, name or kind, and errors before training."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hptheory.errors import DomainError, UnknownNameError
from hptheory.parameterization import network_layers, scaling_rule
from sims.param_groups import UnknownRoleError, param_groups, parameter_rules

WIDTH, BASE = 64, 16
ROLES = {"up.weight": "input", "blocks.*.weight": "hidden", "head.weight": "readout"}


class Network(nn.Module):
    """Tokens and features in, blocks, a head: every role, a tied name, a scalar."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.tokens, self.up = nn.Embedding(48, width), nn.Linear(8, width)
        self.blocks = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(2))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 3)
        self.temperature = nn.Parameter(torch.tensor(1.0))


def expected(optimizer: str, d_in: int, d_out: int, base_in: int, base_out: int) -> tuple[float, ...]:
    rule = scaling_rule(optimizer, d_in, d_out, base_d_in=base_in, base_d_out=base_out)
    return rule.lr, rule.epsilon, rule.init_std


def found(rules, name: str) -> tuple[str, float, float, float]:
    scaling = rules[name].scaling
    return rules[name].layer.role, scaling.lr, scaling.epsilon, scaling.init_std


@pytest.mark.parametrize("given", [{"base": Network(BASE)}, {"roles": ROLES}], ids=["base", "roles"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "muon"])
def test_roles_and_a_base_agree(optimizer, given):
    rules = parameter_rules(Network(WIDTH), optimizer, BASE, width=WIDTH, **given)
    other = "adam" if optimizer == "muon" else optimizer
    shapes = {
        "tokens.weight": ("embedding", 48, WIDTH, 48, BASE),
        "up.weight": ("input", 8, WIDTH, 8, BASE),
        "blocks.1.weight": ("hidden", WIDTH, WIDTH, BASE, BASE),
        "norm.weight": ("vector", 1, WIDTH, 1, BASE),
        "head.weight": ("readout", WIDTH, 3, BASE, 3),
        "head.bias": ("vector", 1, 3, 1, 3),
        "temperature": ("vector", 1, 1, 1, 1),
    }
    for name, (role, *shape) in shapes.items():
        chosen = optimizer if role == "hidden" else other
        assert found(rules, name) == (role, *expected(chosen, *shape)), name


def test_a_bias_is_a_vector_whatever_the_pattern_of_its_weight():
    rules = parameter_rules(Network(WIDTH), "sgd", BASE, width=WIDTH, base=Network(BASE))
    assert found(rules, "up.bias")[:2] == ("vector", 4.0)


def test_the_trainers_own_networks_are_found_from_a_base_copy_alone():
    def module(width: int) -> nn.Module:
        part = nn.ParameterDict()
        for layer in network_layers("llama", width, vocabulary=11):
            shape = (layer.d_out,) if layer.role == "vector" else (layer.d_out, layer.d_in)
            part[layer.name.replace(".", "_").replace("*", "0")] = nn.Parameter(torch.empty(shape))
        return part

    rules = parameter_rules(module(WIDTH), "muon", BASE, width=WIDTH, base=module(BASE))
    for layer in network_layers("llama", WIDTH, vocabulary=11):
        role = rules[layer.name.replace(".", "_").replace("*", "0")].layer.role
        assert role == ("input" if layer.role == "embedding" else layer.role)


def test_at_the_base_width_every_group_has_the_given_numbers():
    groups = param_groups(
        Network(BASE), "adam", BASE, width=BASE, lr=0.1, epsilon=1e-6, weight_decay=0.5, roles=ROLES
    )
    assert {(group["lr"], group["eps"]) for group in groups} == {(0.1, 1e-6)}
    decays = {group["role"]: group["weight_decay"] for group in groups}
    assert decays["vector"] == 0
    assert {decay for role, decay in decays.items() if role != "vector"} == {0.5}


def test_a_decay_a_step_scales_like_one_over_the_width():
    options = {"width": WIDTH, "lr": 0.1, "weight_decay": 0.5, "base": Network(BASE)}
    for group in param_groups(Network(WIDTH), "adam", BASE, **options):
        if group["role"] != "vector":
            assert group["lr"] * group["weight_decay"] == pytest.approx(0.1 * 0.5 * BASE / WIDTH, rel=1e-15)
    for group in param_groups(Network(WIDTH), "adam", BASE, independent_decay=True, **options):
        assert group["weight_decay"] == (0 if group["role"] == "vector" else 0.5 * BASE / WIDTH)


def test_torch_takes_the_groups_and_their_state():
    model = Network(WIDTH)
    base = Network(BASE)
    optimizer = torch.optim.AdamW(param_groups(model, "adam", BASE, width=WIDTH, lr=1e-3, base=base))
    model.head(model.norm(model.tokens(torch.tensor([1, 2])))).sum().backward()
    before = model.head.weight.detach().clone()
    optimizer.step()
    # The first step of Adam is the rate times the sign, up to epsilon.
    assert (model.head.weight - before).abs().max().item() == pytest.approx(1e-3 / 4, rel=1e-3)
    optimizer.load_state_dict(optimizer.state_dict())


def test_a_rate_for_each_optimizer():
    options = {"width": WIDTH, "base": Network(BASE)}
    groups = param_groups(Network(WIDTH), "muon", BASE, lr={"muon": 0.02, "adam": 0.004}, **options)
    rates = {group["name"]: group["lr"] for group in groups}
    assert (rates["blocks.0.weight"], rates["head.weight"]) == (0.02, 0.001)
    with pytest.raises(DomainError, match="a rate for adam"):
        param_groups(Network(WIDTH), "muon", BASE, lr={"muon": 0.02}, **options)


def test_depth_counts_in_the_branches_named():
    options = {"width": WIDTH, "base": Network(BASE), "depth": 8, "base_depth": 2}
    rules = parameter_rules(Network(WIDTH), "sgd", BASE, residual=["blocks.*"], **options)
    assert rules["blocks.0.weight"].scaling.lr == 4
    assert rules["head.weight"].scaling.lr == 1 / 4
    with pytest.raises(DomainError, match="residual"):
        parameter_rules(Network(WIDTH), "sgd", BASE, **options)


def test_unknown_roles_are_errors_before_training():
    with pytest.raises(UnknownRoleError, match=r"'up.weight' of shape \(64, 8\)"):
        parameter_rules(Network(WIDTH), "adam", BASE, width=WIDTH)
    with pytest.raises(UnknownNameError, match="did you mean hidden"):
        parameter_rules(Network(WIDTH), "adam", BASE, width=WIDTH, roles={"*": "hiden"})


def test_bad_bases_and_widths():
    with pytest.raises(DomainError, match="no such parameter"):
        parameter_rules(Network(WIDTH), "adam", BASE, width=WIDTH, base=nn.Linear(2, 2))
    with pytest.raises(DomainError, match="whole"):
        parameter_rules(nn.Linear(10, 10), "adam", 3, width=64, roles={"*": "hidden"})
    with pytest.raises(DomainError, match="base_width"):
        parameter_rules(Network(WIDTH), "adam", 0, width=WIDTH, base=Network(BASE))
