"""Llama on a GPU, in bf16 and compiled: speed and utilisation, a sweep against single runs, the observer.

    python -m benchmarks llama_gpu
    python -m benchmarks.llama_gpu --peak 2250e12        # of a GPU that is not in PEAKS
    python -m benchmarks.llama_gpu --device cpu --small  # the same code at toy sizes

Model-FLOPs utilisation: the flops of a step as ``sims.step_cost`` counts them on the trainer's own step,
products with the weights and of attention, forward and backward, over the step's time and the peak of the
data sheet. That is the convention of Chowdhery et al., arXiv 2204.02311, App. B: 6 flops a weight and token,
tables that are looked up left out, and 12 x layers x context x width of attention, masked or not; nothing
that is computed twice counts twice. Tokens are random: the time does not depend on them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.harness import HEADER, Row, in_turns, report
from benchmarks.plain_llama import PlainLlama, plain_step
from hptheory.errors import HPTheoryError
from sims.capacity import most_members
from sims.compiled import CompiledLosses, LossesOf, member_losses
from sims.data.text.tokens import Description, TokenFiles
from sims.machine import h100
from sims.members import Member
from sims.precision import matmul_precision
from sims.settings import EMAConfig, ObserveConfig, Training, get_setting
from sims.settings.language import LanguageConfig
from sims.settings.transformers import LlamaConfig
from sims.step_cost import step_cost
from sims.tasks import Task
from sims.tasks.language import LanguageTask
from sims.throughput import CONSTANT
from sims.train import Pack

SXM, NVL = h100("bf16", 0.0).flops, 835.5e12
PEAKS = {
    "NVIDIA A100-SXM4-40GB": 312e12,
    "NVIDIA A100-SXM4-80GB": 312e12,
    "NVIDIA A100-PCIE-40GB": 312e12,
    "NVIDIA A100 80GB PCIe": 312e12,
    "NVIDIA H100 80GB HBM3": SXM,
    "NVIDIA H100 NVL": NVL,
    "NVIDIA H100 PCIe": 756.5e12,
    "NVIDIA H200": SXM,
    "NVIDIA H200 NVL": NVL,
}
"""Flop/s of products in bf16 without sparsity, by the name that the driver gives.

Source: NVIDIA's data sheets of A100, H100 and H200; those of the last two print twice as much, with sparsity.
"""
UTILISATION = {2048: 0.45}
"""The share of the peak to reach, by width."""
LOOK_EVERY = 8  # steps; the published cadence looks 932 times in 7,300
CADENCE = EMAConfig(tau_start=float(LOOK_EVERY), tau_end=float(LOOK_EVERY))


class NoGPUError(HPTheoryError):
    """There is nothing to measure on."""


@dataclass(frozen=True)
class Shape:
    """A batch, windows of so many tokens each from a vocabulary, and the depth of the network."""

    vocabulary: int
    windows: int
    context: int
    layers: int = 4

    @property
    def tokens(self) -> int:
        """Tokens a step."""
        return self.windows * self.context


@dataclass(frozen=True)
class Sizes:
    """What is measured: the published batch, widths, and sweeps with the ratio to reach, if there is one."""

    batch: Shape
    widths: tuple[int, ...]
    sweep_width: int
    members: int
    sweeps: tuple[tuple[Shape, float | None], ...]
    steps: int
    repeats: int = 5


PUBLISHED = Shape(32_000, 128, 128)
FULL = Sizes(PUBLISHED, (256, 1024, 2048), 128, 27, ((Shape(1024, 16, 128), 15.0), (PUBLISHED, None)), 10)
TOY = Shape(64, 4, 16, layers=1)
SMALL = Sizes(TOY, (32,), 16, 3, ((TOY, None),), 2, repeats=1)


def rows(device: str = "cuda", sizes: Sizes = FULL, peak: float | None = None) -> Iterator[Row]:
    """Speed and utilisation of each width, the sweeps, and the observer at the largest width.

    Domain: without a GPU, ``device="cuda"`` raises ``NoGPUError``.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise NoGPUError(
            "llama_gpu found no CUDA device and measured nothing; "
            "`python -m benchmarks.llama_gpu --device cpu --small` runs its code at toy sizes"
        )
    if peak is None and device == "cuda":
        peak = PEAKS.get(torch.cuda.get_device_name())
    for width in sizes.widths:
        yield from utilisation(width, sizes, device, peak)
    for shape, goal in sizes.sweeps:
        yield sweep(shape, goal, sizes, device)
    yield observed(max(sizes.widths), sizes, device)


def training_of(shape: Shape) -> Training:
    """The published training with Adam at this batch, in bf16, for ever."""
    training = get_setting("llama_adam", "paper").training
    task = LanguageConfig("random", vocabulary=shape.vocabulary, context=shape.context)
    model = replace(training.model, layers=shape.layers)
    endless = {"epochs": None, "steps": 10**9, "evaluations": 1, "schedule": CONSTANT}
    return replace(training, task=task, model=model, batch_size=shape.windows, precision="bf16", **endless)


def task_of(shape: Shape, device: str) -> LanguageTask:
    """Random tokens for 1,024 steps, and two batches for validation."""
    stream = np.random.default_rng(0)
    counts = [steps * shape.tokens + 1 for steps in (1024, 2)]
    train, validation = (stream.integers(shape.vocabulary, size=count).astype("<u2") for count in counts)
    description = Description("random", "", shape.vocabulary, "<u2", *counts, *counts)
    config = LanguageConfig("random", vocabulary=shape.vocabulary, context=shape.context)
    return LanguageTask(
        config, device=device, files=TokenFiles(train, validation, description, Path("nowhere"))
    )


def pack_of(training: Training, width: int, members: int, task: Task, losses_of: LossesOf) -> Pack:
    """A pack that has taken a step, with which it is compiled; three seeds, as a sweep has them."""
    compiles = isinstance(losses_of, CompiledLosses)
    say(f"Llama {width}, runs together: {members}{', compiling' if compiles else ''}")
    pack = Pack(training, width, [Member(1e-4, run % 3) for run in range(members)], task, losses_of=losses_of)
    pack.advance(1)
    if isinstance(losses_of, CompiledLosses) and losses_of.note:
        say(losses_of.note)
    return pack


def utilisation(width: int, sizes: Sizes, device: str, peak: float | None) -> Iterator[Row]:
    """Tokens a second, against the step that is not compiled; flop/s, against the peak."""
    training, task = training_of(sizes.batch), task_of(sizes.batch, device)
    ours, usual = (pack_of(training, width, 1, task, way) for way in (CompiledLosses(), member_losses))
    runs = len(ours.running)  # two on a CPU, where a run alone has a twin
    fast, slow, ratio = in_turns(
        lambda: ours.advance(sizes.steps), lambda: usual.advance(sizes.steps), device, sizes.repeats
    )
    tokens = sizes.steps * sizes.batch.tokens * runs
    yield Row(
        f"Llama {width}, bf16, compiled, {sizes.batch.tokens:,} tokens a step",
        f"{tokens / fast:,.0f} tokens/s",
        f"not compiled: {tokens / slow:,.0f}",
        f"{ratio:.2f}",
    )
    flops = sizes.steps * step_cost(training, width, runs, task).flops / fast
    share, goal = flops / peak if peak else None, UTILISATION.get(width)
    yield Row(
        f"Llama {width}: model-FLOPs utilisation",
        f"{flops / 1e12:.4g} Tflop/s",
        f"peak: {peak / 1e12:.4g} Tflop/s" if peak else "peak not known, give --peak",
        "" if share is None else f"{share:.1%}",
        "" if goal is None else f">= {goal:.0%}",
        None if share is None or goal is None else share >= goal,
    )


def sweep(shape: Shape, goal: float | None, sizes: Sizes, device: str) -> Row:
    """All runs in packs as large as the memory allows, against a plain loop, compiled as well."""
    width, task = sizes.sweep_width, task_of(shape, device)
    training = replace(training_of(shape), ema=None)  # the loop has no average
    members = min(sizes.members, most_members(training, width, task))
    pack = pack_of(training, width, members, task, CompiledLosses())
    loop = PlainLoop(training, width, task, device)
    loop.advance(1)
    ours, theirs, ratio = in_turns(
        lambda: pack.advance(sizes.steps), lambda: loop.advance(sizes.steps * members), device, sizes.repeats
    )
    a_step = 1e3 / (sizes.steps * members)  # milliseconds, of one run
    return Row(
        f"{members} of {sizes.members} runs, width {width}, {shape.tokens:,} tokens of {shape.vocabulary:,}",
        f"{ours * a_step:.3f} ms a step",
        f"one by one: {theirs * a_step:.3f} ms",
        f"{ratio:.1f}x",
        "" if goal is None else f">= {goal:g}x",
        None if goal is None else ratio >= goal,
    )


class PlainLoop:
    """One run as one writes it: a plain module, compiled, fused Adam, the same precision."""

    def __init__(self, training: Training, width: int, task: LanguageTask, device: str) -> None:
        assert isinstance(training.model, LlamaConfig)
        say(f"Llama {width}, runs one by one, compiling")
        plain = PlainLlama(task.outputs, width, training.model, task.positions)
        self.net: nn.Module = torch.compile(plain.to(device), dynamic=False)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-4, fused=True)
        self.training, self.task, self.step = training, task, 0

    def advance(self, steps: int) -> None:
        """Take so many further steps."""
        with matmul_precision(self.training.precision, self.task.device):
            for _ in range(steps):
                batch = self.task.batch(self.step, (0,), self.training.batch_size)
                plain_step(self.net, self.optimizer, batch)
                self.step += 1


def observed(width: int, sizes: Sizes, device: str) -> Row:
    """A stretch of steps with one look, as `hptheory sweep --observe profiles` takes it, and without."""
    task = task_of(sizes.batch, device)
    training = replace(training_of(sizes.batch), ema=CADENCE)
    watched = replace(training, observe=ObserveConfig(2 * training.batch_size))
    losses_of = CompiledLosses()  # of one shape: compiled once for both
    without, seen = (pack_of(each, width, 1, task, losses_of) for each in (training, watched))
    base, whole, ratio = in_turns(
        lambda: without.advance(LOOK_EVERY), lambda: seen.advance(LOOK_EVERY), device, sizes.repeats
    )
    return Row(
        f"observer (profiles), Llama {width}, a look in {LOOK_EVERY} steps",
        f"{whole - base:.3f} s a look",
        f"the run without: {1e3 * base / LOOK_EVERY:.1f} ms a step",
        f"+{ratio - 1:.0%}",
    )


def say(words: str) -> None:
    """Progress, beside the table: compiling takes a while."""
    print(words, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the rows; exit code 1 if a number is not reached, 2 without a GPU."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true", help="toy sizes, without numbers to reach")
    parser.add_argument("--peak", type=float, help="flop/s of products in bf16, from the device's data sheet")
    options = parser.parse_args(arguments)
    print(HEADER)
    return report(rows(options.device, SMALL if options.small else FULL, options.peak))


if __name__ == "__main__":
    sys.exit(main())
