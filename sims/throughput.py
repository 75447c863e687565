"""The speed of packs: a few steps of one, timed where an engine would train it.

An engine with several slots times as many packs at once, so that what they share (cores, caches, the
bandwidth of the memory) is part of what is measured.
"""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path

from sims.devices import choose_device
from sims.engines import Engine, Report
from sims.members import Member
from sims.settings import Training
from sims.settings.schedules import ScheduleConfig
from sims.store import Run
from sims.train import Pack
from sims.units import task_of

CONSTANT = ScheduleConfig("constant", warmup=0.0, cooldown=0.0)
WARM_UP = 1  # steps that do not count: the first makes the optimizer's state
LEAST = 3  # steps that count


@dataclass(frozen=True)
class Trial:
    """Runs of one width to be trained together for about so many seconds, for the time that a step takes."""

    training: Training
    width: int
    runs: tuple[Run, ...]
    device: str = "cpu"
    data_dir: Path | None = None
    seconds: float = 0.25


def step_seconds(trial: Trial, report: Report) -> float:
    """The median time of a step, without evaluations and observers; the work of a trial, for an engine."""
    task = task_of(trial.training.task, choose_device(trial.device), trial.data_dir)
    # Without a warmup: that of endless runs has rates of almost nothing, at which steps of Muon were
    # several times slower.
    training = replace(
        trial.training, epochs=None, steps=10**9, evaluations=1, observe=None, schedule=CONSTANT
    )
    pack = Pack(training, trial.width, [Member(run.lr, run.seed, run.hps) for run in trial.runs], task)
    pack.advance(WARM_UP)
    times: list[float] = []
    while len(times) < LEAST or sum(times) < trial.seconds:
        started = time.perf_counter()
        pack.advance(1)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def member_steps_a_second(engine: Engine, trial: Trial) -> float:
    """The speed of an engine whose slots all train such a pack: runs times steps in a second.

    Nothing (0.0) if a pack cannot be trained: its unit will fail with the same error.
    """
    trials = iter([trial] * engine.slots)
    finished = engine.run(lambda: next(trials, None), step_seconds, lambda *progress: None)
    times = [one.result for one in finished]
    return math.fsum(len(trial.runs) / seconds for seconds in times if isinstance(seconds, float))
