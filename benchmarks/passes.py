"""The written-out pass of stacked two-layer networks against autograd's, on one thread.

Both compute losses and gradients of a pack of ``MEMBERS`` of multi-index; ``sims.models.two_layer_step``
chooses by shape how many members go together.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import torch

from benchmarks.harness import Row
from sims.compiled import member_losses
from sims.gradients import ByAutograd
from sims.memory import keep_freed_blocks
from sims.models import TwoLayerMLP, build_model
from sims.models.two_layer_step import TwoLayerStep
from sims.settings import get_setting
from sims.tasks import load_task

MEMBERS, SEEDS = 27, 3
WIDTHS = (32, 128, 512, 2048)
SECONDS = 2.0  # of each of the two, in passes that alternate


def rows() -> Iterator[Row]:
    """A row a width."""
    keep_freed_blocks()  # as a training does; else autograd's pass pays for fresh pages
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for width in WIDTHS:
            yield _compared(width)
    finally:
        torch.set_num_threads(threads)


def _compared(width: int) -> Row:
    training = get_setting("multi_index", "cpu").training
    task = load_task(training.task)
    members = [member * SEEDS // MEMBERS for member in range(MEMBERS)]  # the row of a batch is the seed
    model, batch = build_model(training, width, members, task), task.batch(0, range(SEEDS), 256)
    assert isinstance(model, TwoLayerMLP)
    ways = {
        "ours": TwoLayerStep(model, task, members, batch),
        "autograd": ByAutograd(model, task, members, member_losses),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    while sum(times["ours"]) < SECONDS:
        for name, gradients in ways.items():
            start = time.process_time()
            gradients(batch)
            times[name].append(time.process_time() - start)
    ours, theirs = (1e3 * statistics.median(times[name]) for name in ("ours", "autograd"))
    return Row(
        f"losses and gradients of {MEMBERS} members of width {width}",
        f"{ours:.2f} ms",
        f"autograd: {theirs:.2f} ms",
        f"{theirs / ours:.2f}",
    )
