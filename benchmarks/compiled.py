"""A training step compiled by torch.compile against the usual one, on one thread; seconds of the process.

Two-layer networks, and the small Llamas of ``benchmarks.llama_sweep``: at width 128 with 1,024 tokens a step,
as the presets ``cpu`` and ``cpu-long`` have.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

import torch

from benchmarks import llama_sweep
from benchmarks.harness import Row
from sims.compiled import CompiledLosses, member_losses
from sims.settings import Training, get_setting
from sims.settings.base import Precision
from sims.tasks import load_task
from sims.train import Member, Pack

PACKS = {32: 27, 128: 27, 512: 9, 1024: 3, 2048: 3}
"""Members by width: sizes that a sweep chooses on two cores, about."""
LLAMAS: tuple[tuple[int, int, Precision], ...] = ((64, 4, "fp32"), (128, 16, "fp32"), (128, 16, "bf16"))
"""Widths, windows of 64 tokens a step, precisions."""
LLAMA_MEMBERS = 3
SECONDS = 2.0  # of each of the two, in steps that alternate


def rows() -> Iterator[Row]:
    """A row a width of the two-layer network, then those of the Llamas."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        training = get_setting("multi_index", "cpu").training
        for width, members in PACKS.items():
            yield compared(f"multi_index {width}", training, width, members)
        yield from llama_rows()
    finally:
        torch.set_num_threads(threads)


def llama_rows() -> Iterator[Row]:
    """A row a width, batch and precision."""
    for width, windows, precision in LLAMAS:
        training = replace(llama_sweep.training_of(windows), precision=precision)
        name = f"Llama {width}, {windows * llama_sweep.CONTEXT} tokens, {precision}"
        yield compared(name, training, width, LLAMA_MEMBERS)


def compared(name: str, training: Training, width: int, members: int) -> Row:
    """The median time of a step, compiled and not."""
    training = replace(training, steps=10**9, evaluations=1)
    task = load_task(training.task)
    runs = [Member(2.0**-6, number % 3) for number in range(members)]
    compiled = CompiledLosses()
    packs = [Pack(training, width, runs, task, losses_of=losses) for losses in (compiled, member_losses)]
    for pack in packs:
        pack.advance(3)
    times: tuple[list[float], list[float]] = ([], [])
    while sum(times[0]) < SECONDS:
        for pack, its_times in zip(packs, times, strict=True):
            start = time.process_time()
            pack.advance(1)
            its_times.append(time.process_time() - start)
    ours, usual = map(statistics.median, times)
    how = "not compiled" if compiled.note else "compiled"
    return Row(
        f"{name}, {members} runs, {how}",
        f"{1e3 * ours:.2f} ms a step",
        f"as it is: {1e3 * usual:.2f} ms",
        f"{usual / ours:.2f}",
    )
