"""A training step compiled by torch.compile against the usual one, on one thread; seconds of the process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

import torch

from benchmarks.harness import Row
from sims.compiled import CompiledLosses, member_losses
from sims.settings import get_setting
from sims.tasks import load_task
from sims.train import Member, Pack

PACKS = {32: 27, 128: 27, 512: 9, 1024: 3, 2048: 3}
"""Members by width: sizes that a sweep chooses on two cores, about."""
SECONDS = 2.0  # of each of the two, in steps that alternate


def rows() -> Iterator[Row]:
    """A row a width: the median time of a step, compiled and not."""
    training = get_setting("multi_index", "cpu").training
    training = replace(training, steps=10**9, evaluations=1)
    task = load_task(training.task)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for width, members in PACKS.items():
            runs = [Member(2.0**-6, number % 3) for number in range(members)]
            compiled = CompiledLosses()
            packs = [
                Pack(training, width, runs, task, losses_of=losses) for losses in (compiled, member_losses)
            ]
            for pack in packs:
                pack.advance(3)
            times: tuple[list[float], list[float]] = ([], [])
            while sum(times[0]) < SECONDS:
                for pack, its_times in zip(packs, times, strict=True):
                    start = time.process_time()
                    pack.advance(1)
                    its_times.append(time.process_time() - start)
            ours, usual = map(statistics.median, times)
            name = "not compiled" if compiled.note else "compiled"
            yield Row(
                f"multi_index {width}, {members} runs, {name}",
                f"{1e3 * ours:.2f} ms a step",
                f"as it is: {1e3 * usual:.2f} ms",
                f"{usual / ours:.2f}",
            )
    finally:
        torch.set_num_threads(threads)
