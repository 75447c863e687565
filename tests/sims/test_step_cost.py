"""What a step costs, counted without numbers: by hand for two layers, and against a count of a real step."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from sims.machine import Machine
from sims.members import Member
from sims.settings import SGDConfig, get_setting
from sims.settings.transformers import LlamaConfig
from sims.step_cost import Operation, _Counter, held_bytes, step_cost
from sims.tasks import load_task
from sims.train import Pack

MULTI_INDEX = get_setting("multi_index", "smoke").training
TASK = load_task(MULTI_INDEX.task)
SLOW = Machine("slow", flops=1e9, bandwidth=1e8, call=1e-6)


@pytest.mark.parametrize("width", [8, 32, 1024])
def test_a_two_layer_network_by_hand(width):
    """Two products with the inputs (no gradient of them is needed), three with the one output."""
    by_hand = 2 * 256 * width * (2 * 64 + 3 * 1)
    assert step_cost(MULTI_INDEX, width, 1, TASK).flops == by_hand
    assert step_cost(MULTI_INDEX, width, 3, TASK).flops == 3 * by_hand


@pytest.mark.parametrize("name", ["multi_index", "llama_adam", "llama_muon"])
def test_flops_are_those_of_a_real_step(name):
    """Torch's counter on the CPU leaves attention out: two products of T x T x width a sequence and layer,
    and four backward. It counts the backward passes of norms, which take their means by a product."""
    training = replace(get_setting(name, "smoke").training, epochs=None, steps=4, evaluations=1)
    task = load_task(training.task)
    pack = Pack(training, 32, [Member(1e-3, seed) for seed in (0, 1)], task)
    with FlopCounterMode(display=False) as counter:
        pack.advance(1)
    attention = norms = 0
    if isinstance(training.model, LlamaConfig):
        sequences = 2 * training.batch_size * training.model.layers
        attention = 6 * 2 * task.positions**2 * 32 * sequences
        norms = 2 * 32 * 2 * training.batch_size * task.positions * (2 * training.model.layers + 1)
    assert step_cost(training, 32, 2, task).flops == counter.get_total_flops() + attention - norms


def test_bytes_grow_at_most_in_proportion_to_the_members():
    one, three = (step_cost(MULTI_INDEX, 64, members, TASK).bytes for members in (2, 6))
    assert one < three <= 3 * one


def test_bytes_are_at_least_those_of_the_weights_and_their_updates():
    """Adam reads and writes the weights and two moments and reads the gradient: seven passes; the average,
    three; the products read the weights and write the gradient."""
    parameters = 1024 * 66
    assert step_cost(MULTI_INDEX, 1024, 1, TASK).bytes > 4 * parameters * (7 + 3)
    without = step_cost(replace(MULTI_INDEX, ema=None, optimizer=SGDConfig()), 1024, 1, TASK).bytes
    assert without < step_cost(MULTI_INDEX, 1024, 1, TASK).bytes - 4 * parameters * (3 + 4)


def test_what_the_forward_pass_keeps():
    """The inputs, the activations, and little else."""
    weights, saved = held_bytes(MULTI_INDEX, 512, TASK)
    assert weights == 4 * 512 * 66
    assert 4 * 256 * (64 + 512) <= saved <= 4 * 256 * (64 + 3 * 512)


@pytest.mark.parametrize(
    ("name", "least"), [("llama_muon", 1), ("llama_dion", 1), ("llama_shampoo", 9), ("llama_soap", 1)]
)
def test_matrix_optimizers_are_counted_with_their_products(name, least):
    """Beside Adam's step, which has none: at the least one n x n product, or eigenvectors, of each matrix."""
    training, adam = (get_setting(one, "smoke").training for one in (name, "llama_adam"))
    task, layers = load_task(training.task), training.model.layers
    more, less = (step_cost(one, 32, 2, task) for one in (training, adam))
    assert more.flops - less.flops >= least * 2 * layers * 4 * 32**3
    assert more.steps == getattr(training.optimizer, "interval", 1)


def test_factorizations_by_hand():
    """By the formulas of Golub and Van Loan; of two matrices, as many as of one twice."""
    tall = torch.empty(2, 12, 6, device="meta")
    square = torch.empty(2, 6, 6, device="meta")
    with _Counter() as counter:
        torch.linalg.eigh(square)
        torch.linalg.qr(tall)
        torch.linalg.svd(tall, full_matrices=False)
        torch.linalg.cholesky_ex(square)
        torch.linalg.solve_triangular(square, tall, upper=True, left=False)
    flops = [operation.flops for operation in counter.operations if operation.flops]
    assert flops == [
        2 * 9 * 6**3,
        2 * (4 * 12 * 6**2 - 4 * 6**3 // 3),
        2 * (6 * 12 * 6**2 + 20 * 6**3),
        2 * 6**3 // 3,
        2 * 12 * 6**2,
    ]


def test_the_roofline_of_an_operation():
    """10^6 flop take 1 ms, 10^6 bytes 10 ms, a call 1 us; the host of a GPU does not wait for the device."""
    assert Operation("arithmetic", 10**6, 10).seconds(SLOW) == pytest.approx(1.001e-3)
    assert Operation("traffic", 10, 10**6).seconds(SLOW) == pytest.approx(10.001e-3)
    ahead = replace(SLOW, asynchronous=True)
    assert Operation("traffic", 10, 10**6).seconds(ahead) == pytest.approx(10e-3)
    assert Operation("nothing", 0, 8).seconds(ahead) == pytest.approx(1e-6)


def test_a_step_takes_no_less_than_its_arithmetic_and_its_traffic():
    cost = step_cost(MULTI_INDEX, 128, 3, TASK)
    calls = SLOW.call * len(cost.operations)
    limits = cost.flops / SLOW.flops, cost.bytes / SLOW.bandwidth
    assert max(limits) <= cost.seconds(SLOW) <= sum(limits) + calls


def test_counting_leaves_the_task_where_it_is():
    step_cost(MULTI_INDEX, 8, 1, TASK)
    assert TASK.device == torch.device("cpu")
    assert TASK.batch(0, [0], 2).x.device.type == "cpu"
