"""Scaling rules on a user's own module: roles by growth, name or kind, and errors before training."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from torch import nn

from hptheory.errors import DomainError, UnknownNameError
from hptheory.parameterization import network_layers, scaling_rule
from sims.errors import NotAMatrixError
from sims.models.linear import ScaledParameter
from sims.optim import SOAP, Adam, AdamRule, AdaMuon, Dion, Muon, Shampoo
from sims.optim.build_matrix import matrix_group, rule_of_config
from sims.optim.matrix import MatrixOptimizer
from sims.optim.scaling import composite_rule, rule_options
from sims.param_epsilons import EPSILONS
from sims.param_groups import (
    TiedRolesError,
    UnknownRoleError,
    UnmatchedPatternError,
    param_groups,
    parameter_rules,
    scale_initial_weights,
)
from sims.settings.optimizers import (
    AdamConfig,
    AdaMuonConfig,
    DionConfig,
    MuonConfig,
    SGDConfig,
    ShampooConfig,
    SOAPConfig,
)

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
        part = nn.ModuleDict()
        for layer in network_layers("llama", width, vocabulary=11):
            is_vector = layer.role == "vector"
            own = nn.LayerNorm(width) if is_vector else nn.Linear(layer.d_in, layer.d_out)
            part[layer.name.replace(".", "_").replace("*", "0")] = own
        return part

    rules = parameter_rules(module(WIDTH), "muon", BASE, width=WIDTH, base=module(BASE))
    for layer in network_layers("llama", WIDTH, vocabulary=11):
        role = rules[layer.name.replace(".", "_").replace("*", "0") + ".weight"].layer.role
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
        parameter_rules(nn.Linear(64, 96), "adam", 3, width=64, roles={"*": "hidden"})
    with pytest.raises(DomainError, match="base_width"):
        parameter_rules(Network(WIDTH), "adam", 0, width=WIDTH, base=Network(BASE))


@pytest.mark.parametrize("argument", ["roles", "residual"])
def test_a_pattern_that_matches_nothing_names_its_neighbours(argument):
    def rules(pattern: str) -> object:
        given = {"residual": [pattern]} if argument == "residual" else {"roles": {pattern: "hidden"}}
        return parameter_rules(Network(WIDTH), "adam", BASE, base=Network(BASE), **given)

    with pytest.raises(UnmatchedPatternError, match=rf"'block.0.weight' in {argument} .* blocks.0.weight"):
        rules("block.0.weight")
    with pytest.raises(UnmatchedPatternError, match=r"there are .*tokens.weight.*\.\.\. \(10 in all\)"):
        rules("zzz*")
    rules("blocks.*.weight")


def test_the_width_is_what_the_base_tells():
    def numbers(**given: object) -> object:
        rules = parameter_rules(Network(WIDTH), "adam", BASE, base=Network(BASE), **given)
        return {name: rule.scaling for name, rule in rules.items()}

    assert numbers() == numbers(width=WIDTH)
    with pytest.raises(DomainError, match=r"width = 128 .* must be 64 for base_width = 16; .* 4 times"):
        numbers(width=2 * WIDTH)
    at_base = parameter_rules(Network(BASE), "adam", BASE, base=Network(BASE), roles=ROLES)
    assert {rule.scaling.weight_decay for rule in at_base.values()} == {1.0, 0.0}
    with pytest.raises(DomainError, match=r"width = 64 .* must be 16"):
        parameter_rules(Network(BASE), "adam", BASE, width=WIDTH, base=Network(BASE), roles=ROLES)
    with pytest.raises(DomainError, match="base_width = 5"):
        parameter_rules(nn.Linear(3, 8), "adam", 5, base=nn.Linear(3, 6), roles={"weight": "input"})


def test_dimensions_that_grow_otherwise_leave_the_width_alone():
    """A feed-forward part of 8/3 of the width, rounded to multiples of 16: 48 and 176 for 16 and 64."""

    def blocks(width: int, inner: int) -> nn.Module:
        return nn.Sequential(nn.Linear(4, width), nn.Linear(width, inner), nn.Linear(inner, width))

    rules = parameter_rules(blocks(64, 176), "adam", 16, base=blocks(16, 48))
    assert rules["0.weight"].scaling.weight_decay == 1 / 4
    assert rules["1.weight"].scaling.lr == 1 / 4
    assert rules["2.weight"].scaling.lr == pytest.approx(48 / 176)


def test_a_width_that_no_shape_shows_needs_a_base_or_is_refused():
    with pytest.raises(DomainError, match=r"width = None .* given where there is no base"):
        parameter_rules(Network(WIDTH), "adam", BASE, roles=ROLES)
    with pytest.raises(DomainError, match=r"width = 128 .* no dimension of a parameter is a multiple"):
        parameter_rules(Network(WIDTH), "adam", BASE, width=128, roles=ROLES)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"lr": -1.0}, "lr = -1"),
        ({"lr": float("nan")}, "lr = nan"),
        ({"lr": {"adam": -1.0, "muon": 0.1}}, "lr = -1"),
        ({"lr": 0.1, "epsilon": -1e-8}, "epsilon = -1e-08"),
        ({"lr": 0.1, "weight_decay": -0.1}, "weight_decay = -0.1"),
    ],
)
def test_negative_rates_are_refused(given, words):
    with pytest.raises(DomainError, match=words):
        param_groups(Network(WIDTH), "muon", BASE, base=Network(BASE), **given)


@pytest.mark.parametrize("argument", ["lr", "weight_decay", "independent_decay", "epsilon"])
def test_a_number_for_an_optimizer_that_trains_nothing_is_refused(argument):
    value = True if argument == "independent_decay" else 0.1
    given = {"lr": 0.1, argument: {"muoon": value, "adam": value}}
    with pytest.raises(UnknownNameError, match=f"optimizer in {argument} 'muoon'; did you mean muon"):
        param_groups(Network(WIDTH), "muon", BASE, base=Network(BASE), **given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"lr": "0.1"}, "lr = '0.1' .* must be a number"),
        ({"lr": {"adam": None, "muon": 0.1}}, "lr = None .* must be a number"),
        ({"lr": 0.1, "epsilon": "1e-8"}, "epsilon = '1e-8' .* must be a number"),
        ({"lr": 0.1, "weight_decay": {"muon": "0.1"}}, "weight_decay = '0.1' .* must be a number"),
        ({"lr": 0.1, "independent_decay": "no"}, "independent_decay = 'no' .* must be True or False"),
    ],
)
def test_what_is_no_number_is_refused(unchecked_groups, given, words):
    with pytest.raises(DomainError, match=words):
        unchecked_groups(Network(WIDTH), "muon", BASE, base=Network(BASE), **given)


def test_a_rate_may_be_a_number_of_torch(unchecked_groups):
    layer = nn.Linear(8, 8, bias=False)
    (group,) = unchecked_groups(layer, "adam", 8, base=layer, lr=torch.tensor(0.5))
    assert group["lr"] == 0.5


@pytest.fixture
def unchecked_groups():
    """``param_groups`` as users have it: the tests' own checks of types would come before it."""
    return inspect.unwrap(param_groups)


# --- two optimizers beside each other ---------------------------------------------------------------------

MATRIX = {"muon": Muon, "adamuon": AdaMuon, "shampoo": Shampoo, "soap": SOAP, "dion": Dion}


def uneven(width: int) -> nn.Module:
    """Hidden matrices whose outputs grow otherwise than their inputs, so that no rate stays as it is."""
    return nn.Sequential(
        *(nn.Linear(*size, bias=False) for size in ((4, width), (width, width * width // 16), (width, 3)))
    )


def shrinkage(optimizers: list[torch.optim.Optimizer]) -> dict[str, float]:
    """By what share of itself every parameter shrinks in a step without a gradient."""
    shares = {}
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            (parameter,) = group["params"]
            nn.init.ones_(parameter)
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
        shares |= {group["name"]: 1 - group["params"][0].mean().item() for group in optimizer.param_groups}
    return shares


def decays(
    model: nn.Module,
    optimizer: str,
    matrix: type[torch.optim.Optimizer],
    adam: type[torch.optim.Optimizer],
    **given: object,
) -> dict[str, float]:
    groups = param_groups(model, optimizer, BASE, base=uneven(BASE), **given)
    own = [group for group in groups if group["optimizer"] == optimizer]
    rest = [group for group in groups if group["optimizer"] == "adam"]
    assert [group["name"] for group in own] == ["1.weight"]
    return shrinkage([matrix(own), adam(rest)])


@pytest.mark.parametrize("name", MATRIX)
def test_a_decay_a_step_scales_like_one_over_the_width_in_every_optimizer(name):
    """Measured on the optimizers themselves: a matrix optimizer decays independently, Adam times its rate."""
    given = {"lr": {name: 0.02, "adam": 0.1}, "weight_decay": {name: 0.1, "adam": 2.0}}
    for adam in (Adam, torch.optim.AdamW):
        found = decays(uneven(WIDTH), name, MATRIX[name], adam, **given)
        expected = {"0.weight": 0.2, "1.weight": 0.1, "2.weight": 0.2}
        assert found == pytest.approx(
            {layer: decay * BASE / WIDTH for layer, decay in expected.items()}, rel=1e-4
        )


def test_torchs_muon_decays_times_its_rate():
    given = {
        "lr": {"muon": 0.02, "adam": 0.1},
        "weight_decay": {"muon": 10.0},
        "independent_decay": {"muon": False},
    }
    found = decays(uneven(WIDTH), "muon", torch.optim.Muon, torch.optim.AdamW, **given)
    assert found == pytest.approx({"0.weight": 0, "1.weight": 0.2 * BASE / WIDTH, "2.weight": 0}, rel=1e-4)


# --- epsilons ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        MuonConfig(),
        DionConfig(spectral_norm=True),
        AdaMuonConfig(graft=SGDConfig()),
        ShampooConfig(),
        ShampooConfig(damping="absolute", exponents=(0.5, 0.5), block=8),
        ShampooConfig(damping="absolute", graft=AdamConfig()),
        ShampooConfig(graft=SOAPConfig()),
        SOAPConfig(block=8, spectral_norm=True),
        SOAPConfig(sides=(1, 0), graft=ShampooConfig()),
        SOAPConfig(block=8, graft=MuonConfig()),
    ],
    ids=lambda config: f"{config.name}-{config.graft.name if config.graft else config.spectral_norm}",
)
@pytest.mark.parametrize("told", [False, True])
def test_epsilons_are_the_trainers(config, told):
    model, grafted = uneven(WIDTH), config.graft
    options = {
        **rule_options(config),
        "graft": grafted.name if grafted else None,
        "spectral_norm": config.spectral_norm,
    }
    if config.name == "shampoo" and config.damping == "relative":
        del options["relative_damping"]  # as the optimizer, by default
    parts = [part for part in (config, grafted, AdamConfig()) if part is not None and part.name != "sgd"]
    epsilon = {part.name: part.epsilon for part in parts} if told else None
    groups = param_groups(model, config.name, BASE, base=uneven(BASE), lr=0.1, epsilon=epsilon, **options)
    (group,) = (group for group in groups if group["optimizer"] == config.name)
    rows, columns = model[1].weight.shape
    scaling = composite_rule(config, scaling_rule, scaling_rule)(
        columns, rows, base_d_in=BASE, base_d_out=BASE * BASE // 16
    )
    wanted = matrix_group(config, ScaledParameter(model[1].weight, scaling, "hidden"), {"weight_decay": 0.0})
    names = ("eps", "graft_eps", "graft_norm_eps")
    expected = {name: wanted[name] for name in names if name in wanted}
    assert {name: group[name] for name in names if name in group} == pytest.approx(expected, rel=1e-12)
    assert group["lr"] == pytest.approx(0.1 * scaling.lr, rel=1e-12)
    # The optimizer takes them, and its damping.
    graft = None if grafted is None else rule_of_config(grafted)
    optimizer = MatrixOptimizer(
        [group], rule_of_config(config), 0.1, graft=graft, spectral_norm=config.spectral_norm
    )
    (own,) = optimizer.param_groups
    for part, prefix in ((config, ""), (grafted, "graft_")):
        if isinstance(part, ShampooConfig):
            assert own[prefix + "damping"] == part.damping


def test_an_epsilon_is_by_default_the_optimizers_own():
    weight = [nn.Parameter(torch.zeros(4, 4))]
    for name, optimizer in {**MATRIX, "adam": Adam}.items():
        assert EPSILONS[name] == optimizer(weight).param_groups[0]["eps"]
    at_base = {"base": Network(BASE), "roles": ROLES, "lr": 0.1}
    for given, expected in (
        ({}, (1e-6, 1e-8)),
        ({"epsilon": 1e-3}, (1e-3, 1e-3)),
        ({"epsilon": {"adam": 1e-3}}, (1e-6, 1e-3)),
    ):
        found = {
            group["optimizer"]: group["eps"]
            for group in param_groups(Network(BASE), "shampoo", BASE, **at_base, **given)
        }
        assert (found["shampoo"], found["adam"]) == expected
    assert all("eps" not in group for group in param_groups(Network(BASE), "sgd", BASE, **at_base))


def test_shampoos_damping_is_told_to_its_groups():
    for relative, damping in ((True, "relative"), (False, "absolute")):
        groups = param_groups(
            uneven(WIDTH), "shampoo", BASE, base=uneven(BASE), lr=0.1, relative_damping=relative
        )
        assert [group.get("damping") for group in groups] == [None, damping, None]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("shampoo", {"block": 16}),
        ("shampoo", {"exponents": (0.5, 0.5)}),
        ("shampoo", {}),
        ("soap", {"block": 16, "sides": (1, 0)}),
        ("soap", {}),
    ],
)
def test_an_optimizer_made_of_the_groups_is_the_one_their_rate_is_for(name, options):
    """Whatever its own arguments say: the group's rate holds for the group's algorithm alone."""
    (group,) = param_groups(
        nn.Linear(WIDTH, WIDTH, bias=False),
        name,
        BASE,
        base=nn.Linear(BASE, BASE, bias=False),
        lr=0.1,
        **options,
    )
    own = MATRIX[name]([group], block=8).param_groups[0]
    told = {key: own[key] for key in ("block", "exponents", "sides") if key in own and own[key] is not None}
    size = {"base_d_in": BASE, "base_d_out": BASE}
    assert own["lr"] == 0.1 * scaling_rule(name, WIDTH, WIDTH, **size, **told).lr
    assert own["block"] == options.get("block")


@pytest.mark.parametrize(
    ("options", "words", "needed"),
    [
        ({"graft": "adam"}, "graft_.*give graft= to", {"graft": AdamRule()}),
        ({"spectral_norm": True}, "spectral_eps.*give spectral_norm=True to", {"spectral_norm": True}),
    ],
)
def test_groups_for_a_graft_or_a_norm_are_refused_without_it(options, words, needed):
    groups = param_groups(uneven(WIDTH), "muon", BASE, base=uneven(BASE), lr=0.1, **options)
    own = [group for group in groups if group["optimizer"] == "muon"]
    with pytest.raises(DomainError, match=words):
        Muon(own)
    assert Muon(own, **needed).param_groups[0]["lr"] == own[0]["lr"]
    Adam([group for group in groups if group["optimizer"] == "adam"])


# --- at the base width, and tables ------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_loop_over_widths_may_begin_at_the_base(optimizer):
    options = {"lr": 0.1, "weight_decay": 0.5, "base": Convolutions(BASE)}
    for group in param_groups(Convolutions(BASE), optimizer, BASE, **options):
        assert (group["role"], group["lr"], group["weight_decay"]) == ("unknown", 0.1, 0.5)
    for rule in parameter_rules(Network(BASE), optimizer, BASE, base=Network(BASE)).values():
        assert (rule.scaling.lr, rule.scaling.epsilon, rule.scaling.init_std) == (1, 1, 1)
    assert parameter_rules(Tied(BASE), optimizer, BASE, base=Tied(BASE))["tokens.weight"].scaling.lr == 1


def test_at_the_base_depth_still_counts():
    options = {"base": Network(BASE), "depth": 8, "base_depth": 2, "residual": ["blocks.*"]}
    rules = parameter_rules(Network(BASE), "sgd", BASE, **options)
    assert (rules["blocks.0.weight"].scaling.lr, rules["head.weight"].scaling.lr) == (4, 1)


def test_at_the_base_a_matrix_optimizer_needs_roles_which_another_width_gives():
    with pytest.raises(UnknownRoleError, match=r"no dimension of it differs from the base's") as told:
        parameter_rules(Network(BASE), "muon", BASE, base=Network(BASE))
    assert "base= a copy" not in str(told.value)
    roles = {
        n: r.layer.role for n, r in parameter_rules(Network(WIDTH), "muon", BASE, base=Network(BASE)).items()
    }
    rules = parameter_rules(Network(BASE), "muon", BASE, base=Network(BASE), roles=roles)
    assert {name: rule.layer.role for name, rule in rules.items()} == roles
    assert rules["blocks.0.weight"].scaling.optimizer == "muon"
    # Adam trains convolutions, whatever their role.
    convolutions = parameter_rules(Convolutions(BASE), "muon", BASE, base=Convolutions(BASE))
    assert {rule.scaling.optimizer for rule in convolutions.values()} == {"adam"}


@pytest.mark.parametrize("given", [{"base": True}, {"width": WIDTH}], ids=["base", "alone"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "muon"])
def test_a_bag_of_embeddings_is_an_embedding(optimizer, given):
    given = given if "width" in given else {"base": nn.EmbeddingBag(50, BASE)}
    (rule,) = parameter_rules(nn.EmbeddingBag(50, WIDTH), optimizer, BASE, **given).values()
    (table,) = parameter_rules(nn.Embedding(50, WIDTH), optimizer, BASE, width=WIDTH).values()
    assert rule.layer.role == "embedding"
    assert rule.scaling == table.scaling


class Bare(nn.Module):
    """A parameter of its own, which grows in the axes named."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.ones(shape))


@pytest.mark.parametrize("lead", [(16,), (1, 16), (16, 1)])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "muon"])
def test_a_bare_table_is_no_readout_unless_it_is_said_to_be(optimizer, lead):
    bare, base = Bare(*lead, WIDTH), Bare(*lead, BASE)
    with pytest.raises(
        UnknownRoleError, match=r"its first axis does not grow: .*roles=\{'positions': ROLE\}"
    ):
        parameter_rules(bare, optimizer, BASE, base=base)
    (table,) = parameter_rules(nn.Embedding(16, WIDTH), optimizer, BASE, width=WIDTH).values()
    for given in ({"base": base}, {"width": WIDTH}):
        (rule,) = parameter_rules(bare, optimizer, BASE, roles={"positions": "embedding"}, **given).values()
        assert (rule.layer.d_in, rule.layer.d_out, rule.base.d_out) == (16, WIDTH, BASE)
        assert rule.scaling == table.scaling


def test_a_bare_readout_can_be_said_to_be_one_and_a_stack_of_matrices_is_not():
    given = {"base": Bare(3, BASE), "roles": {"positions": "readout"}}
    (rule,) = parameter_rules(Bare(3, WIDTH), "adam", BASE, **given).values()
    assert found({"positions": rule}, "positions") == ("readout", *expected("adam", WIDTH, 3, BASE, 3))
    with pytest.raises(UnknownRoleError, match="first axis"):
        parameter_rules(Bare(8, WIDTH, WIDTH), "adam", BASE, base=Bare(8, BASE, BASE))


@pytest.mark.parametrize(
    ("role", "shape", "base"),
    [
        ("readout", (WIDTH, 50), (BASE, 50)),  # used as x @ W
        ("readout", (4, WIDTH, WIDTH), (4, BASE, BASE)),
        ("hidden", (4, WIDTH, WIDTH), (4, BASE, BASE)),
        ("hidden", (50, WIDTH), (50, BASE)),
        ("input", (50, WIDTH), (50, BASE)),
        ("input", (WIDTH, WIDTH), (BASE, BASE)),
    ],
)
def test_a_role_at_odds_with_what_grows_is_refused(role, shape, base):
    given = {"base": Bare(*base), "roles": {"positions": role}}
    with pytest.raises(DomainError, match=rf"role of 'positions' = {role} .* in \[d_out, d_in, \.\.\.\] = "):
        parameter_rules(Bare(*shape), "adam", BASE, **given)


def test_where_the_module_tells_the_layout_hidden_is_anyones_choice():
    rules = parameter_rules(Network(WIDTH), "muon", BASE, base=Network(BASE), roles={"head.weight": "hidden"})
    assert rules["head.weight"].scaling.optimizer == "muon"
    with pytest.raises(DomainError, match=r"role of 'blocks.0.weight' = readout"):
        parameter_rules(
            Network(WIDTH), "adam", BASE, base=Network(BASE), roles={"blocks.0.weight": "readout"}
        )


def test_a_stack_of_matrices_is_not_said_to_be_hidden():
    with pytest.raises(UnknownRoleError, match=r"a stack of matrices; give its matrices as parameters"):
        parameter_rules(Bare(4, WIDTH, WIDTH), "adam", BASE, base=Bare(4, BASE, BASE))
    with pytest.raises(UnknownRoleError, match=r"one of input, embedding, readout, vector"):
        parameter_rules(Bare(4, WIDTH, WIDTH), "adam", BASE, width=WIDTH)


@pytest.mark.parametrize("given", [{"base": Bare(1, 1, BASE)}, {"width": WIDTH}], ids=["base", "alone"])
def test_a_vector_may_have_axes_of_size_one(given):
    roles = {"positions": "vector"}
    (rule,) = parameter_rules(Bare(1, 1, WIDTH), "sgd", BASE, roles=roles, **given).values()
    assert (rule.layer.d_in, rule.layer.d_out) == (1, WIDTH)
    assert (rule.scaling.lr, rule.scaling.weight_decay) == (4.0, 0.0)


def test_a_parametrised_weight_is_its_modules():
    def readout(width: int) -> nn.Module:
        return nn.utils.parametrizations.orthogonal(nn.Linear(width, 3, bias=False))

    (rule,) = parameter_rules(readout(WIDTH), "adam", BASE, base=readout(BASE)).values()
    assert rule.layer.role == "readout"


# --- initial scales ---------------------------------------------------------------------------------------


def test_every_parameter_gets_its_initial_scale():
    """From torch's own initial weights: gains stay, the readout is four times smaller than torch's half."""
    model, base = Network(WIDTH), Network(BASE)
    rules = parameter_rules(model, "adam", BASE, base=base)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    scale_initial_weights(model, base, rules)
    sizes = dict(base.named_parameters())
    for name, parameter in model.named_parameters():
        size, wanted = (p.detach().square().mean().sqrt() for p in (parameter, sizes[name]))
        assert size.item() == pytest.approx(wanted.item() * rules[name].scaling.init_std, rel=1e-5), name
        ratio = parameter.detach() / before[name]
        if before[name].all():  # one factor: the distribution's shape stays
            assert ratio.max().item() == pytest.approx(ratio.min().item(), rel=1e-5), name
    assert model.norm.weight.detach().unique().tolist() == [1.0]
    assert model.norm.bias.detach().unique().tolist() == [0.0]
    assert rules["head.weight"].scaling.init_std == 1 / 4
    again = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    scale_initial_weights(model, base, rules)
    for name, parameter in model.named_parameters():
        assert torch.allclose(parameter.detach(), again[name], rtol=1e-5), name


def test_a_readouts_first_outputs_fall_like_the_root_of_the_width():
    """32 features and 200 outputs a network, so that a size is known within 1 %; torch's own stay equal."""
    torch.manual_seed(0)
    sizes = {}
    for width in (64, 1024):
        model, base = nn.Linear(width, 200, bias=False), nn.Linear(64, 200, bias=False)
        rules = parameter_rules(model, "adam", 64, width=width, roles={"weight": "readout"})
        x = torch.randn(32, width)
        plain = model(x).square().mean().sqrt().item()
        scale_initial_weights(model, base, rules)
        sizes[width] = plain, model(x).square().mean().sqrt().item()
    assert sizes[1024][0] / sizes[64][0] == pytest.approx(1.0, rel=0.1)
    assert sizes[1024][1] / sizes[64][1] == pytest.approx(1 / 4, rel=0.1)


def test_initial_scales_that_cannot_be_told_change_nothing():
    model, base = Network(WIDTH), Network(BASE)
    rules = parameter_rules(model, "adam", BASE, base=base)
    nn.init.zeros_(model.head.weight)
    before = model.up.weight.detach().clone()
    for bad, words in ((Network(BASE).to("meta"), "meta"), (nn.Linear(2, 2), "without"), (base, "all zeros")):
        with pytest.raises(DomainError, match=words):
            scale_initial_weights(model, bad, rules)
    assert torch.equal(model.up.weight.detach(), before)


# --- tied weights -----------------------------------------------------------------------------------------


class Tied(nn.Module):
    """A table that is the readout too; ``head_first`` decides under which name torch lists it."""

    def __init__(self, width: int, *, head_first: bool = False) -> None:
        super().__init__()
        if head_first:
            self.head, self.tokens = nn.Linear(width, 48, bias=False), nn.Embedding(48, width)
        else:
            self.tokens, self.head = nn.Embedding(48, width), nn.Linear(width, 48, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, tokens: torch.Tensor, factor: float) -> torch.Tensor:
        return factor * self.head(self.tokens(tokens))


@pytest.mark.parametrize("head_first", [False, True])
def test_an_embedding_tied_to_the_readout_cannot_have_both_rules(head_first):
    tied, base = Tied(WIDTH, head_first=head_first), Tied(BASE, head_first=head_first)
    with pytest.raises(TiedRolesError, match=r"'tokens.weight' \(embedding\)") as told:
        parameter_rules(tied, "adam", BASE, width=WIDTH, base=base)
    assert "'head.weight' (readout)" in str(told.value)
    assert "base_width/width" in str(told.value)
    with pytest.raises(TiedRolesError, match="role not known"):
        parameter_rules(tied, "adam", BASE, width=WIDTH)
    roles = {"tokens.*": "embedding", "head.*": "embedding"}
    (rule,) = parameter_rules(tied, "adam", BASE, width=WIDTH, roles=roles).values()
    expected = scaling_rule("adam", 48, WIDTH, base_d_in=48, base_d_out=BASE)
    assert (rule.layer.d_in, rule.layer.d_out) == (48, WIDTH)
    assert (rule.scaling.lr, rule.scaling.epsilon) == (expected.lr, expected.epsilon)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_with_the_factor_in_the_forward_pass_the_embeddings_rule_serves_a_tied_readout(optimizer):
    """The readout's rule, rewritten to a multiplier of base_width/width, is that of the embedding."""
    readout = scaling_rule(optimizer, WIDTH, 48, base_d_in=BASE, base_d_out=48).rescaled(BASE / WIDTH)
    table = scaling_rule(optimizer, 48, WIDTH, base_d_in=48, base_d_out=BASE)
    for name in ("lr", "epsilon", "init_std"):
        assert getattr(readout, name) == pytest.approx(getattr(table, name), rel=1e-12), name


def test_layers_shared_in_one_role_have_its_rule():
    def shared(width: int) -> nn.Module:
        layer = nn.Linear(width, width, bias=False)
        return nn.ModuleDict({"first": layer, "second": layer})

    rules = parameter_rules(shared(WIDTH), "adam", BASE, width=WIDTH, base=shared(BASE))
    assert {name: rule.layer.role for name, rule in rules.items()} == {"first.weight": "hidden"}


# --- convolutions -----------------------------------------------------------------------------------------


def test_a_kernel_of_one_dimension_is_no_stack_of_matrices():
    kernel, base = nn.Conv1d(WIDTH, WIDTH, 3, bias=False), nn.Conv1d(BASE, BASE, 3, bias=False)
    (group,) = param_groups(kernel, "muon", BASE, base=base, lr=0.1)
    with pytest.raises(NotAMatrixError, match=r"the kernel of a convolution, of shape \[64, 64, 3\]"):
        Muon([group])


class Convolutions(nn.Module):
    """Every kind: in, hidden, grouped, depthwise, up, and a readout of one pixel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        options = {"padding": 1, "bias": False}
        self.first = nn.Conv2d(3, width, 3, **options)
        self.hidden = nn.Conv2d(width, 2 * width, 3, **options)
        self.grouped = nn.Conv2d(2 * width, width, 3, groups=2, **options)
        self.depthwise = nn.Conv2d(width, width, 3, groups=width, **options)
        self.up = nn.ConvTranspose2d(width, 2 * width, 2, stride=2, bias=False)
        self.last = nn.Conv2d(2 * width, 5, 1, bias=False)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        outputs = []
        for layer in self.children():
            x = layer(x if not outputs else torch.relu(x))
            outputs.append(x)
        return outputs


FAN_INS = {  # d_out, d_in with the kernel, role
    "first": (64, 3 * 9, "input"),
    "hidden": (128, 64 * 9, "hidden"),
    "grouped": (64, 64 * 9, "hidden"),
    "depthwise": (64, 9, "input"),
    "up": (128, 64 * 4, "hidden"),
    "last": (5, 128, "readout"),
}


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "muon"])
def test_the_fan_in_of_a_convolution_includes_its_kernel(optimizer):
    rules = parameter_rules(Convolutions(WIDTH), optimizer, BASE, width=WIDTH, base=Convolutions(BASE))
    for name, (d_out, d_in, role) in FAN_INS.items():
        layer, base = rules[f"{name}.weight"].layer, rules[f"{name}.weight"].base
        assert (layer.d_out, layer.d_in, layer.role) == (d_out, d_in, role), name
        scaling = rules[f"{name}.weight"].scaling
        chosen = "sgd" if optimizer == "sgd" else "adam"  # no optimizer of matrices takes four axes
        again = scaling_rule(chosen, d_in, d_out, base_d_in=base.d_in, base_d_out=base.d_out)
        assert (scaling.optimizer, scaling.lr, scaling.init_std) == (chosen, again.lr, again.init_std), name


def convolutions_moved(width: int, seed: int) -> np.ndarray:
    """How far one step of Adam by the groups moves every layer's output, in root mean square."""
    stream = torch.Generator().manual_seed(1000 * seed + width)
    net, base = Convolutions(width), Convolutions(16)
    rules = parameter_rules(net, "adam", 16, width=width, base=base)
    for name, parameter in net.named_parameters():
        fan_in = rules[name].base.d_in
        torch.nn.init.normal_(parameter, std=rules[name].scaling.init_std / fan_in**0.5, generator=stream)
    x, y = torch.randn(1, 3, 4, 4, generator=stream), torch.randn(1, 5, 8, 8, generator=stream)
    before = net(x)
    (before[-1] - y).square().mean().backward()
    torch.optim.Adam(param_groups(net, "adam", 16, width=width, lr=1e-4, epsilon=1e-12, base=base)).step()
    changes = [after - start for after, start in zip(net(x), before, strict=True)]
    return np.array([change.square().mean().sqrt().item() for change in changes])


def test_outputs_of_convolutions_move_alike_at_every_width():
    """Wrong fan-ins or orientations would show as slopes of 1/2 or 1."""
    widths = (32, 64, 128)
    sizes = np.log(
        [np.mean([convolutions_moved(width, seed) for seed in range(4)], axis=0) for width in widths]
    )
    slopes = np.polyfit(np.log(widths), sizes, 1)[0]
    assert np.abs(slopes).max() < 0.25, dict(zip(FAN_INS, slopes, strict=True))
