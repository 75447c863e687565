"""Sweeps in processes that can be killed, from a server that has torch loaded."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from sims import sweep
from sims.engines import Report
from sims.settings import Setting
from sims.units import Trained, Unit, train_unit
from tests.sims.small import ADAM, setting, training


def killed_setting() -> Setting:
    """Two widths x two seeds x three rates, four epochs with their evaluations; the largest rate diverges."""
    return setting(training=training(ADAM, epochs=4), lrs=(2.0**-8, 2.0**-6, 1e38))


def server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["sims.sweep", "sims.data.digits", "sklearn.datasets", "tests.sims.killing"]
    )
    return context


def start(directory: Path, log: Path | None = None, pack_members: int | None = None) -> BaseProcess:
    """A process that runs the sweep with as many checkpoints as it may; it logs the units that it begins."""
    process = server().Process(target=_run, args=(directory, log, pack_members))
    process.start()
    return process


def _run(directory: Path, log: Path | None, pack_members: int | None) -> None:
    def logged(unit: Unit, report: Report) -> Trained:
        if log is not None:
            with log.open("a") as lines:
                lines.write("".join(f"{key}\n" for key in unit.keys))
        return train_unit(unit, report)

    sweep.train_unit = logged
    sweep.POLL = 0.05
    sweep.run(killed_setting(), directory, checkpoint_every=0.0, pack_members=pack_members)
