"""The two-layer network's forward and backward pass member by member against the stacked one, on one thread.

Both compute the same gradients of a pack of ``MEMBERS``; ``sims.models.member_by_member`` chooses by shape.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.harness import Row
from sims.memory import keep_freed_blocks
from sims.models.member_by_member import TwoLayerPass

MEMBERS, BATCH, INPUTS, OUTPUTS = 9, 256, 64, 1
WIDTHS = (128, 512, 1024, 2048, 4096)
SECONDS = 2.0  # of each of the two, in passes that alternate

Weights = tuple[Tensor, Tensor, Tensor]


def one_by_one(x: Tensor, weights: Weights) -> Tensor:
    """Each member's pass after the other's."""
    outputs: Tensor = TwoLayerPass.apply(x, *weights, (1.0, 1.0))
    return outputs


def stacked(x: Tensor, weights: Weights) -> Tensor:
    """One call of every operation for all members."""
    hidden, bias, readout = weights
    active = F.relu(torch.baddbmm(bias.unsqueeze(1), x, hidden.transpose(1, 2)))
    return torch.bmm(active, readout.transpose(1, 2))


def rows() -> Iterator[Row]:
    """A row a width."""
    keep_freed_blocks()  # as a training does; else the stacked pass pays for fresh pages
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for width in WIDTHS:
            yield _compared(width)
    finally:
        torch.set_num_threads(threads)


def _compared(width: int) -> Row:
    stream = torch.Generator().manual_seed(0)
    x = torch.randn(MEMBERS, BATCH, INPUTS, generator=stream)
    shapes = (MEMBERS, width, INPUTS), (MEMBERS, width), (MEMBERS, OUTPUTS, width)
    weights = tuple((torch.randn(*shape, generator=stream) / 8).requires_grad_() for shape in shapes)
    assert len(weights) == 3
    passes: dict[str, Callable[[Tensor, Weights], Tensor]] = {"ours": one_by_one, "stacked": stacked}
    times: dict[str, list[float]] = {name: [] for name in passes}
    while sum(times["ours"]) < SECONDS:
        for name, function in passes.items():
            start = time.process_time()
            torch.autograd.grad(function(x, weights).square().sum(), weights)
            times[name].append(time.process_time() - start)
    ours, theirs = (1e3 * statistics.median(times[name]) for name in ("ours", "stacked"))
    return Row(
        f"pass of {MEMBERS} members of width {width}, one by one",
        f"{ours:.2f} ms",
        f"stacked: {theirs:.2f} ms",
        f"{theirs / ours:.2f}",
    )
