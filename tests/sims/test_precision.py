"""fp32, tf32 and bf16: what is rounded, what stays in float32, and what the records say."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from hptheory.errors import DomainError
from sims.gradients import gradients_of
from sims.models import build_model
from sims.optim.build import set_rates
from sims.precision import matmul_precision
from sims.schedules import schedule_factor
from sims.settings import MuonConfig
from sims.settings.optimizers import MATRIX_CONFIGS
from sims.store import load, provenance, run_key, runs_of
from sims.sweep import run
from sims.train import Member, Pack, train_pack
from tests.sims.small import ADAM, MOMENTUM, digits, images, setting, training
from tests.sims.test_train import Watching

CPU = torch.device("cpu")
SEEDS = (0, 1, 2)
BF16 = {"precision": "bf16"}
EVERY = [ADAM, MOMENTUM, *(kind() for kind in MATRIX_CONFIGS.values()), MuonConfig(kind="exact")]
U = 2.0**-8
"""Half the distance between 1 and the next bfloat16: 8 significant bits, rounded to nearest."""


def logits(model: torch.nn.Module, x: Tensor, precision: str) -> Tensor:
    with torch.no_grad(), matmul_precision(precision, CPU):
        return model(x)


def test_bf16_rounds_the_factors_of_products_and_nothing_else():
    """Against float64, by the standard bound: each of x, W1, h, W2 and of the two products' results is
    rounded once, so that an entry of W2 relu(W1 x) errs by ((1 + u)^6 - 1) |W2| |W1| |x| at most; 1 % on top
    of that for sums in float32 (64 terms: 4e-6 relative to the same product)."""
    x = images().train_x[:64].expand(3, -1, -1)
    model = build_model(training(), 32, SEEDS, digits())
    first, second = model.hidden.weight.double(), model.readout.weight.double()
    exact = torch.relu(x.double() @ first.mT) @ second.mT
    bound = 1.01 * ((1 + U) ** 6 - 1) * (x.double().abs() @ first.abs().mT @ second.abs().mT)
    error = (logits(model, x, "bf16").double() - exact).abs()
    assert (error <= bound).all()
    assert error.max() > 1e-3 * exact.abs().max()  # it is bf16
    assert (logits(model, x, "fp32").double() - exact).abs().max() < 1e-5 * exact.abs().max()


@pytest.mark.parametrize("optimizer", EVERY, ids=lambda config: config.name)
def test_bf16_trains_with_everything_that_is_kept_in_float32(optimizer):
    pack = Pack(training(optimizer, **BF16), 32, [Member(2.0**-7, seed) for seed in SEEDS], digits())
    pack.advance(5)
    assert {tensor.dtype for tensor in pack.model.parameters()} == {torch.float32}
    assert {tensor.grad.dtype for tensor in pack.model.parameters()} == {torch.float32}
    assert {tensor.dtype for tensor in pack.ema.weights.values()} == {torch.float32}
    kept = {name: value.dtype for name, value in pack.state().items() if value.is_floating_point()}
    for part in ("model.", "optimizer.", "ema."):
        assert {kind for name, kind in kept.items() if name.startswith(part)} == {torch.float32}


@pytest.mark.parametrize("optimizer", EVERY, ids=lambda config: config.name)
def test_bf16_is_for_the_passes_and_not_for_the_optimizer(optimizer):
    """A run whose passes are autocast one by one, and whose steps see no autocast."""
    config = training(optimizer, ema=None, **BF16)
    pack, other = (Pack(config, 32, [Member(2.0**-7, seed) for seed in SEEDS], digits()) for _ in range(2))
    pack.advance(3)
    for step in range(3):
        with matmul_precision("bf16", CPU):
            batch = other.task.batch(step, other.seeds, config.batch_size)
            other.gradients = other.gradients or gradients_of(other.model, other.task, other.rows, batch)
            other.gradients(batch)
        set_rates(other.optimizer, schedule_factor(config.schedule.name, step, other.steps_total))
        other.optimizer.step()
    for p, q in zip(pack.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(p, q)


def test_bf16_is_not_for_observers():
    class Precise(Watching):
        def step(self, weights: dict[str, Tensor], step: int) -> None:
            super().step(weights, step)
            assert not torch.is_autocast_enabled("cpu")

    watching = Precise()
    Pack(training(**BF16), 32, [Member(2.0**-7, 0)], digits(), observers=[watching]).advance(9)
    assert watching.steps


@pytest.mark.parametrize(("optimizer", "lr"), [(ADAM, 2.0**-7), (MOMENTUM, 2.0**-5)])
def test_bf16_differs_from_fp32_by_less_than_seeds_differ(optimizer, lr):
    """At every evaluation. Rounding is noise with mean zero in each product, of relative size 2^-9 or so,
    which averages over the products' terms; what it does to a run has to drown in what the draw of weights
    does."""
    runs = [Member(lr, seed) for seed in SEEDS]
    config = training(optimizer, epochs=4)
    exact, rounded = (
        torch.tensor([one.loss_curve for one in train_pack(chosen, 64, runs, digits())])
        for chosen in (config, replace(config, **BF16))
    )
    assert not (exact == rounded).any()
    assert ((rounded - exact).abs().max(0).values < exact.std(0)).all()
    assert (rounded[:, -1] < rounded[:, 0]).all()


def test_bf16_packs_of_one_width_differ_in_nothing_from_a_single_pack():
    config = training(epochs=1, **BF16)
    runs = [Member(2.0**-7, seed) for seed in SEEDS]
    alone = [train_pack(config, 32, [member], digits())[0] for member in runs]
    assert alone == train_pack(config, 32, runs, digits())


def test_the_processs_own_setting_is_put_back():
    before = torch.get_float32_matmul_precision()
    with matmul_precision("bf16", CPU):
        assert torch.is_autocast_enabled("cpu")
    assert not torch.is_autocast_enabled("cpu")
    assert torch.get_float32_matmul_precision() == before


def test_tf32_is_refused_where_there_is_none():
    pack = Pack(training(precision="tf32"), 32, [Member(2.0**-7, 0)], digits())
    with pytest.raises(DomainError, match=r"precision = tf32.*fp32 or bf16.*NVIDIA"):
        pack.advance(1)
    assert pack.steps_done == 0


def test_the_precision_is_part_of_the_key_and_of_the_record(tmp_path):
    plain = setting(widths=(32,), seeds=(0,), lrs=(2.0**-7,))
    (one,) = runs_of(plain)
    for name in ("fp32", "bf16"):
        chosen = replace(plain, training=replace(plain.training, precision=name))
        run(chosen, tmp_path)
        assert provenance(tmp_path)["precision"] == [name]
        assert provenance(tmp_path)["dtype"] == ["float32"]
        assert f'"precision": "{name}"' in load(tmp_path).attrs["training"]
        assert (tmp_path / "runs" / f"{run_key(chosen.training, one)}.json").exists()
    assert len(list(tmp_path.glob("runs/*.json"))) == 2
