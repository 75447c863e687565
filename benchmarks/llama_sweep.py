"""A sweep of 9 rates x 3 seeds of a small Llama, against the plain loop, each on all cores.

As ``benchmarks.sweeps`` has it for two-layer networks: the sweep chooses by measurement how many runs to
train together and on how many workers; the loop is ``benchmarks.plain_llama`` with torch's fused Adam, one
run after another. The text is the one that comes with Python: nothing is learned here.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.harness import Row
from benchmarks.plain_llama import PlainLlama, plain_loss, plain_step
from benchmarks.sweeps import Sweep, all_cores, seconds
from sims.engines import Engine, InProcess, Workers
from sims.placement import Site, choose
from sims.settings import Training, get_setting
from sims.settings.language import LanguageConfig
from sims.settings.transformers import LlamaConfig
from sims.store import Run
from sims.tasks import Task

CONTEXT, VOCABULARY = 64, 1024
CASES = {(64, 4): 1.5, (64, 16): 0.95, (128, 4): 0.95, (128, 16): 0.95, (256, 16): 0.95}
"""The ratio to reach by width and windows a step: 256 tokens, or 1,024."""
REPEATS = 3
SECONDS = 15.0  # of the loop, about


def training_of(windows: int) -> Training:
    """The preset's training at this batch, without an average, which the loop does not keep either."""
    training = get_setting("llama_adam", "cpu").training
    task = LanguageConfig("pydoc", vocabulary=VOCABULARY, context=CONTEXT, validation_windows=64)
    changes = {"task": task, "batch_size": windows, "steps": 10**6, "evaluations": 1, "ema": None}
    return replace(training, **changes)


def loop_steps(training: Training, width: int, task: Task, steps: int) -> None:
    """One run of the loop."""
    assert isinstance(training.model, LlamaConfig)
    net = PlainLlama(task.outputs, width, training.model, CONTEXT)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    for step in range(steps):
        batch = task.batch(step, (0,), training.batch_size)
        plain_step(net, optimizer, batch)
    with torch.no_grad():
        for batch in task.validation():
            plain_loss(net, batch).item()


def compared(width: int, windows: int, engines: list[Engine], place: Path) -> Row:
    """The chosen way against the loop."""
    training = training_of(windows)
    runs = tuple(Run(width, 1e-4 * 2**rate, seed) for seed in range(3) for rate in range(9))
    site = Site(training, "cpu", None, engines)
    task = site.task()
    chosen = choose(site, {width: runs}, place)[width]
    one_step = seconds(lambda: loop_steps(training, width, task, 10)) / 10
    steps = max(4, round(SECONDS / one_step / len(runs)))
    sweep = Sweep(replace(site, training=replace(training, steps=steps)), width, runs)
    times = [
        (
            seconds(lambda: sweep.train(chosen, place)),
            seconds(lambda: [loop_steps(training, width, task, steps) for _ in runs]),
        )
        for _ in range(REPEATS)
    ]
    ratio = statistics.median(theirs / ours for ours, theirs in times)
    ours, theirs = (
        1e3 * statistics.median(column) / steps / len(runs) for column in zip(*times, strict=True)
    )
    goal = CASES[width, windows]
    return Row(
        f"Llama {width}, {windows * CONTEXT} tokens: {chosen.engine.label}, packs of {chosen.pack}",
        f"{ours:.2f} ms a step",
        f"the loop: {theirs:.2f} ms",
        f"{ratio:.2f}",
        f">= {goal}",
        ratio >= goal,
    )


def rows() -> Iterator[Row]:
    """A row a width and batch."""
    with all_cores() as cores, Workers(cores) as workers:
        engines: list[Engine] = [InProcess(), workers]
        for width, windows in CASES:
            with tempfile.TemporaryDirectory() as place:
                yield compared(width, windows, engines, Path(place))
