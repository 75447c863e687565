"""Adam and SGD in the trainer: what a step decays of every layer, at every width."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sims.models import build_model, scaled_parameters
from sims.optim.build import build_optimizer, set_rates
from sims.settings import AdamConfig, MuonConfig, SGDConfig, get_setting
from sims.tasks import load_task
from sims.train import Member, Pack

BASE = 32
CASES = [
    (AdamConfig(weight_decay=0.1, independent_decay=True), {}),
    (AdamConfig(weight_decay=0.1), {"embedding": 1, "hidden": 1 / 3, "readout": 1 / 3}),
    (SGDConfig(weight_decay=0.1), {"embedding": 3, "hidden": 1, "readout": 1 / 3}),
]


@pytest.fixture(scope="module")
def task():
    return load_task(get_setting("llama_adam", "smoke").training.task)


@pytest.mark.parametrize(("config", "ratios"), CASES, ids=["independent", "AdamW", "SGD"])
@pytest.mark.parametrize("width", [BASE, 3 * BASE])
def test_the_share_that_decays_a_step_is_the_rules_if_independent_and_else_as_the_rate(
    width, config, ratios, task
):
    """``ratios`` are those of muP's rates at three times the base width, by role."""
    training = replace(get_setting("llama_adam", "smoke").training, optimizer=config, base_width=BASE)
    member, factor = Member(0.01, 0), 0.5
    model = build_model(training, width, [0], task)
    optimizer = build_optimizer(training, model, [member])
    set_rates(optimizer, factor)
    groups = {id(group["params"][0]): group for group in optimizer.param_groups}
    roles = set()
    for scaled in scaled_parameters(model):
        group = groups[id(scaled.parameter)]
        share = float((group["lr"] * group["weight_decay"]).flatten()[0])
        if scaled.parameter.ndim < 3:
            assert share == 0
            continue
        if ratios:
            wanted = 0.1 * member.lr * (ratios[scaled.role] if width != BASE else 1)
        else:
            assert scaled.scaling.weight_decay == BASE / width
            wanted = 0.1 * scaled.scaling.weight_decay
        assert share == pytest.approx(factor * wanted, rel=1e-6), scaled.role  # single precision
        roles.add(scaled.role)
    assert roles == {"embedding", "hidden", "readout"}


def test_what_has_a_rate_of_zero_keeps_its_weights():
    """With ``adam_lr`` 0 the hidden matrices alone are trained, whatever the rest's decay."""
    adam = AdamConfig(weight_decay=0.1, independent_decay=True)
    training = replace(get_setting("digits", "smoke").training, optimizer=MuonConfig(adam_lr=0.0, adam=adam))
    pack = Pack(training, BASE, [Member(0.01, 0)], load_task(training.task))
    before = {name: p.detach().clone() for name, p in pack.model.named_parameters()}
    pack.advance(2)
    changed = {name for name, p in pack.model.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {"hidden.weight"}


@pytest.mark.parametrize(("adam_lr", "wanted"), [(0.01, 0.1 / 3), (0.0, 0.0)])
def test_normalised_tables_decay_by_the_rule_too(adam_lr, wanted, task):
    adam = AdamConfig(weight_decay=0.1, independent_decay=True)
    config = MuonConfig(spectral_norm=True, adam_lr=adam_lr, adam=adam)
    training = replace(get_setting("llama_adam", "smoke").training, optimizer=config, base_width=BASE)
    model = build_model(training, 3 * BASE, [0], task)
    embedding = model.get_parameter("embedding.weight")
    groups = build_optimizer(training, model, [Member(0.01, 0)]).param_groups
    (group,) = [group for group in groups if group["params"][0] is embedding]
    assert group["independent_decay"] == pytest.approx(wanted)
