"""A sweep of 9 rates x 3 seeds as users run it, against the straightforward loop; each on all cores.

The sweep: units in packs, on one process or several, as its own measurement chooses; and, for comparison, on
one process alone. The loop: one nn.Module, torch's fused Adam, one run after another. Both make networks,
train them, and evaluate them once on the validation set. Interleaved repeats on an idle machine; seconds of
wall clock, medians, and the median of the ratios of a repeat.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.harness import Row
from sims.engines import Engine, InProcess, Workers
from sims.ledger import effort, planned
from sims.placement import Choice, Site, choose
from sims.settings import MultiIndexConfig, Training, get_setting
from sims.store import Run
from sims.tasks import Task
from sims.units import Unit, train_unit

SETTINGS = ("digits", "multi_index")
WIDTHS = (32, 128, 512, 1024, 2048)
GOALS = {32: 8.0, 128: 5.0, 512: 1.3, 1024: 1.3, 2048: 0.95}
REPEATS = 3
SECONDS = 4.0  # of the loop, about


@dataclass(frozen=True)
class Sweep:
    """One width of a sweep, and what trains it."""

    site: Site
    width: int
    runs: tuple[Run, ...]

    def units(self, choice: Choice, place: Path) -> list[Unit]:
        """The runs as a sweep hands them out; a folder that holds no sweep gets no checkpoints."""
        names = [str(number) for number in range(len(self.runs))]
        packs, efforts = {self.width: choice.pack}, {self.width: effort(self.width)}
        return [
            Unit(place, self.site.training, self.width, tuple(self.runs[int(name)] for name in unit))
            for unit in planned({self.width: names}, efforts, packs, choice.engine.slots)
        ]

    def train(self, choice: Choice, place: Path) -> None:
        """All runs, to the end."""
        units = iter(self.units(choice, place))
        for one in choice.engine.run(lambda: next(units, None), train_unit, lambda *progress: None):
            assert len(one.result.results) == len(one.unit.runs)


def plain(training: Training, width: int, task: Task) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The loop's network and optimizer; rates do not matter for the time."""
    bias = isinstance(training.task, MultiIndexConfig)
    net = nn.Sequential(
        nn.Linear(task.inputs, width, bias=bias), nn.ReLU(), nn.Linear(width, task.outputs, bias=False)
    )
    return net, torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)


def loss_of(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    outputs = net(x)
    return F.mse_loss(outputs[:, 0], y) if y.is_floating_point() else F.cross_entropy(outputs, y)


def loop_steps(training: Training, width: int, task: Task, steps: int) -> None:
    """One run of the loop."""
    net, optimizer = plain(training, width, task)
    for step in range(steps):
        batch = task.batch(step, (0,), training.batch_size)
        loss = loss_of(net, batch.x[0], batch.y[0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        for batch in task.validation():
            loss_of(net, batch.x[0], batch.y[0]).item()


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


@contextmanager
def all_cores() -> Iterator[int]:
    """Torch with a thread a usable core, whatever OMP_NUM_THREADS says; how many."""
    before, cores = torch.get_num_threads(), len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    try:
        yield cores
    finally:
        torch.set_num_threads(before)


def compared(name: str, width: int, engines: list[Engine], place: Path) -> Iterator[Row]:
    """The chosen way of a width against the loop, and one process against the loop."""
    # No average: the loop has none.
    training = replace(get_setting(name, "cpu").training, ema=None, epochs=None, steps=10**6, evaluations=1)
    runs = tuple(Run(width, 1e-4 * 2**rate, seed) for seed in range(3) for rate in range(9))
    site = Site(training, "cpu", None, engines)
    task = site.task()
    chosen = choose(site, {width: runs}, place)[width]
    alone = choose(replace(site, engines=engines[:1]), {width: runs}, place)[width]

    one_step = seconds(lambda: loop_steps(training, width, task, 50)) / 50
    steps = max(20, round(SECONDS / one_step / len(runs)))
    sweep = Sweep(replace(site, training=replace(training, steps=steps)), width, runs)
    times: dict[str, list[float]] = {"chosen": [], "alone": [], "loop": []}
    for _ in range(REPEATS):
        times["chosen"].append(seconds(lambda: sweep.train(chosen, place)))
        times["loop"].append(seconds(lambda: [loop_steps(training, width, task, steps) for _ in runs]))
        times["alone"].append(seconds(lambda: sweep.train(alone, place)))
    for way, choice in (("chosen", chosen), ("alone", alone)):
        ratios = [theirs / ours for theirs, ours in zip(times["loop"], times[way], strict=True)]
        ratio, goal = statistics.median(ratios), GOALS[width] if way == "chosen" else None
        a_step = {key: 1e3 * statistics.median(times[key]) / steps / len(runs) for key in (way, "loop")}
        yield Row(
            f"{name} {width}: {choice.engine.label}, packs of {choice.pack}",
            f"{a_step[way]:.3f} ms a step",
            f"the loop: {a_step['loop']:.3f} ms",
            f"{ratio:.2f}",
            "" if goal is None else f">= {goal}",
            None if goal is None else ratio >= goal,
        )


def rows() -> Iterator[Row]:
    """Two rows a setting and width: the sweep as it chooses, with the number to reach, and one process."""
    with all_cores() as cores, Workers(cores) as workers:
        engines = [InProcess(), workers]
        for name in SETTINGS:
            for width in WIDTHS:
                with tempfile.TemporaryDirectory() as place:
                    yield from compared(name, width, engines, Path(place))
