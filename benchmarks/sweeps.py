"""A sweep of 9 rates x 3 seeds in stacked packs against the straightforward loop.

The loop: one nn.Module, torch's fused Adam, one run after another. Interleaved repeats in one process; ratios
of medians of the time for all 27 runs to take one step. OMP_NUM_THREADS says how many threads both may use.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.harness import Row
from sims.settings import MultiIndexConfig, Training, get_setting
from sims.store import Run
from sims.tasks import Task, load_task
from sims.throughput import pack_size
from sims.train import Member, Pack

WIDTHS = (32, 128, 512, 1024, 2048)
GOALS = {32: 8.0, 128: 5.0, 512: 1.3, 1024: 1.3, 2048: 0.95}
REPEATS = 5


def plain(training: Training, width: int, task: Task) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The loop's network and optimizer; rates do not matter for the time."""
    bias = isinstance(training.task, MultiIndexConfig)
    net = nn.Sequential(
        nn.Linear(task.inputs, width, bias=bias), nn.ReLU(), nn.Linear(width, task.outputs, bias=False)
    )
    return net, torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)


def loop_step(net: nn.Module, optimizer: torch.optim.Optimizer, task: Task, step: int, size: int) -> None:
    batch = task.batch(step, (0,), size)
    outputs = net(batch.x[0])
    loss = (
        F.mse_loss(outputs[:, 0], batch.y[0])
        if batch.y.is_floating_point()
        else F.cross_entropy(outputs, batch.y[0])
    )
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def ratio(training: Training, width: int) -> tuple[float, float, int]:
    """Seconds for 27 runs' step: the loop's and the packs', and the packs' size."""
    task, theirs = load_task(training.task), load_task(training.task)
    runs = [Run(width, 1e-4 * 2**i, seed) for seed in range(3) for i in range(9)]
    # No average: the loop has none. No evaluation within the timing.
    training = replace(training, ema=None, epochs=None, steps=100_000, evaluations=1)
    size = pack_size(training, width, runs, task)
    packs = [
        Pack(training, width, [Member(run.lr, run.seed) for run in runs[first : first + size]], task)
        for first in range(0, 27, size)
    ]
    net, optimizer = plain(training, width, theirs)
    steps = max(2, 2000 // (width + 60))
    ours, loop = [], []
    for repeat in range(REPEATS + 1):
        start = time.perf_counter()
        for pack in packs:
            pack.advance(steps)
        middle = time.perf_counter()
        for step in range(27 * steps):
            loop_step(net, optimizer, theirs, step, training.batch_size)
        end = time.perf_counter()
        if repeat:
            ours.append((middle - start) / steps)
            loop.append((end - middle) / steps)
    return statistics.median(loop), statistics.median(ours), size


def rows() -> Iterator[Row]:
    """A row a setting and width."""
    for name in ("digits", "multi_index"):
        training = get_setting(name, "cpu").training
        for width in WIDTHS:
            theirs, ours, size = ratio(training, width)
            reached = theirs / ours >= GOALS[width]
            yield Row(
                f"{name}, 27 runs, width {width}, packs of {size}",
                f"{1e3 * ours:.2f} ms a step",
                f"the loop: {1e3 * theirs:.2f} ms",
                f"{theirs / ours:.2f}",
                f">= {GOALS[width]}",
                reached,
            )
