"""Stacked transformers equal a plain one, member by member; they are causal, and rotary ones shift."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from hptheory.errors import DomainError
from hptheory.parameterization import scaling_rule
from sims.models import scaled_parameters
from sims.models.attention import Rotation, attended, turned
from sims.models.linear import Rule
from sims.models.transformer import StackedTransformer
from sims.settings.transformers import GPT2Config, LlamaConfig
from tests.sims.models import reference

VOCABULARY, WIDTH, BASE = 11, 32, 16
SEEDS = (3, 3, 4)
LIVELY = {"layers": 2, "base_layers": 1, "heads": 4, "out_gain": 1.0, "readout_gain": 1.0}
LLAMA, GPT2 = LlamaConfig(**LIVELY), GPT2Config(**LIVELY, max_context=8)
CONFIGS = pytest.mark.parametrize("config", [LLAMA, GPT2], ids=["llama", "gpt2"])


def rule_of(optimizer: str = "adam") -> Callable[[str], Rule]:
    return lambda role: partial(scaling_rule, optimizer)


def stacked(config: LlamaConfig | GPT2Config, seeds: tuple[int, ...] = SEEDS) -> StackedTransformer:
    rules = rule_of()
    return StackedTransformer(VOCABULARY, WIDTH, base_width=BASE, config=config, rule_of=rules, seeds=seeds)


def tokens(*shape: int, seed: int = 0) -> Tensor:
    return torch.randint(VOCABULARY, shape, generator=torch.Generator().manual_seed(seed))


def plain(model: StackedTransformer, member: int) -> reference.Transformer:
    """The reference with one member's weights; every parameter is asked for by its name."""
    single = reference.Transformer(VOCABULARY, WIDTH, base_width=BASE, config=model.config)
    weights = {name: weight[member] for name, weight in model.state_dict().items()}
    single.load_state_dict(weights, strict=True)
    return single


@CONFIGS
def test_law_a_member_equals_a_plain_module_in_outputs_and_gradients(
    config: LlamaConfig | GPT2Config,
) -> None:
    model, ids = stacked(config), tokens(len(SEEDS), 2, 8)
    model, names = model.double(), dict(model.named_parameters())
    logits = model(ids)
    logits.square().sum().backward()
    for member in range(len(SEEDS)):
        single = plain(model, member).double()
        expected = single(ids[member])
        expected.square().sum().backward()
        assert torch.allclose(logits[member], expected, rtol=1e-10, atol=1e-12)
        for name, parameter in single.named_parameters():
            found = names[name].grad
            assert found is not None
            scale = parameter.grad.abs().max()
            assert torch.allclose(found[member], parameter.grad, rtol=1e-8, atol=1e-10 * float(scale)), name


@CONFIGS
def test_law_members_of_one_seed_are_equal(config: LlamaConfig | GPT2Config) -> None:
    logits = stacked(config)(tokens(1, 2, 8))
    assert torch.equal(logits[0], logits[1])
    assert not torch.equal(logits[0], logits[2])
    alone = stacked(config, seeds=(4, 4))(tokens(1, 2, 8))
    assert torch.equal(alone[0], logits[2])


@CONFIGS
def test_law_logits_do_not_depend_on_later_tokens(config: LlamaConfig | GPT2Config) -> None:
    model, ids = stacked(config), tokens(1, 2, 8)
    changed = ids.clone()
    changed[..., 5:] = (changed[..., 5:] + 1) % VOCABULARY
    before, after = model(ids), model(changed)
    assert torch.allclose(before[:, :, :5], after[:, :, :5], atol=1e-6)
    assert not torch.allclose(before[:, :, 5:], after[:, :, 5:], atol=1e-2)


def test_law_with_rotary_positions_shifting_a_text_changes_nothing() -> None:
    attention = stacked(LLAMA).blocks[0].attention
    x = torch.randn(3, 1, 6, WIDTH, generator=torch.Generator().manual_seed(0))
    scores = []
    for padded in (x, torch.cat((torch.zeros(3, 1, 4, WIDTH), x), dim=2)):
        rows, context = padded.flatten(1, 2), padded.shape[2]
        q, k = (
            turned(layer(rows), Rotation(context, 4, 8, 10_000.0)).view(3, context, 4, 8).transpose(1, 2)
            for layer in (attention.query, attention.key)
        )
        scores.append((q @ k.mT)[..., -6:, -6:])
    assert torch.allclose(*scores, atol=1e-5)


def test_complex_numbers_turn_as_sines_and_cosines_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The form that a compiler is given, in float64: one rounding of 1e-16."""
    rows = torch.randn(2, 15, WIDTH, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = turned(rows, Rotation(5, 4, 8, 10_000.0))
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(turned(rows, Rotation(5, 4, 8, 10_000.0)), found, rtol=0, atol=1e-15)
    assert not torch.allclose(found[:, 1], rows[:, 1])
    assert torch.equal(found[:, ::5], rows[:, ::5])  # the first token of a text has the angle zero


def test_attention_stays_in_float32_under_autocast() -> None:
    """What autocast made of the projections is taken as it is; nothing is rounded after that."""
    shape = (2, 8, 16, 4)
    heads = [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
    rounded = [vectors.bfloat16().requires_grad_() for vectors in heads]
    exact = [vectors.detach().double().requires_grad_() for vectors in rounded]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = attended(*rounded, scale=0.5)
        assert torch.is_autocast_enabled("cpu")
    expected = attended(*exact, scale=0.5)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed.double(), expected, rtol=0, atol=1e-6)
    for vectors, there in zip(
        torch.autograd.grad(mixed.square().sum(), rounded),
        torch.autograd.grad(expected.square().sum(), exact),
        strict=True,
    ):
        assert vectors.dtype == torch.bfloat16
        torch.testing.assert_close(vectors.double(), there, rtol=2.0**-8, atol=1e-5)


@CONFIGS
def test_a_network_of_published_shape_starts_as_the_constant_function(
    config: LlamaConfig | GPT2Config,
) -> None:
    chosen = type(config)(layers=2, heads=4)
    assert stacked(chosen)(tokens(1, 2, 8)).abs().max() == 0


@CONFIGS
def test_every_parameter_has_a_role_and_a_scaling(config: LlamaConfig | GPT2Config) -> None:
    model = stacked(config)
    scaled = scaled_parameters(model)
    assert [id(one.parameter) for one in scaled] == [id(parameter) for parameter in model.parameters()]
    assert {one.role for one in scaled} == {"embedding", "hidden", "norm", "readout"}
    matrices = 2 * (7 if config is LLAMA else 6)
    assert sum(one.role == "hidden" for one in scaled) == matrices
    assert {one.parameter.ndim for one in scaled if one.role == "norm"} == {2}
    for one in scaled:  # fan-in grows in hidden layers and readout only; r = 2
        assert one.scaling.lr == (0.5 if one.role in ("hidden", "readout") else 1.0), one.role


def test_rates_of_hidden_matrices_know_the_depth() -> None:
    deep = stacked(LlamaConfig(**{**LIVELY, "layers": 4}))
    rules = partial(scaling_rule, "sgd")
    model = StackedTransformer(
        VOCABULARY, WIDTH, base_width=BASE, config=deep.config, rule_of=lambda role: rules, seeds=(0,)
    )
    rates = {one.role: one.scaling.lr for one in scaled_parameters(model)}
    assert rates["hidden"] == 4  # d_out/d_in stays, times depth
    assert rates["readout"] == 0.5  # outside the residual branches depth does not enter


@pytest.mark.parametrize("width", [30, 36])
def test_heads_must_divide_the_width_and_rotary_heads_be_even(width: int) -> None:
    with pytest.raises(DomainError, match="width"):
        LLAMA.check_width(width)
    if width == 36:
        GPT2.check_width(width)  # heads of nine will do without rotary positions


def test_a_text_longer_than_the_learned_positions_is_refused() -> None:
    with pytest.raises(DomainError, match="max_context = 8"):
        stacked(GPT2)(tokens(1, 1, 9))


def test_gradients_reach_every_parameter() -> None:
    for config in (LLAMA, GPT2):
        model = stacked(config)
        nn.functional.cross_entropy(model(tokens(3, 2, 8)).flatten(0, 2), tokens(48)).backward()
        assert all(
            parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in model.parameters()
        )
