"""The engine of many machines: units are tasks of a Ray cluster, with their need of CPUs and GPUs.

Ray ships the unit to a free machine and the results back, and repeats the tasks of machines that are lost.
The caller keeps the run directory; a machine that sees it too (a shared filesystem) goes on from a lost one's
checkpoint, any other starts the unit again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from sims.engines.base import Engine, Failure, Finished, Result, Unit, Work, attempt
from sims.requirements import require

LOST_MACHINES = 5
"""How often the unit of a machine that was lost is given to another."""
POLL = 1.0  # seconds between looks at the progress of units


class RayCluster(Engine):
    """Works on as many units at a time as the cluster has room for; it grows and shrinks with the cluster.

    ``address`` is that of a running cluster ("auto": the one of this machine, or "host:6379"); without one,
    RAY_ADDRESS counts, and without that a Ray of ``cpus`` CPUs (default: all) is started on this machine for
    as long as the engine is open. A unit needs ``unit_cpus`` and ``unit_gpus``.

    Domain: Ray absent raises ``MissingExtraError``; a cluster that is not there, ``ConnectionError``.
    """

    is_local = False

    def __init__(
        self,
        address: str | None = None,
        *,
        cpus: int | None = None,
        unit_cpus: float = 1.0,
        unit_gpus: float = 0.0,
    ) -> None:
        require("--engine ray", "ray", extra="ray")
        self.address, self.cpus = address or os.environ.get("RAY_ADDRESS"), cpus
        self.needs = {"CPU": unit_cpus, "GPU": unit_gpus}
        self._started = False

    def __enter__(self) -> RayCluster:
        import ray

        if not ray.is_initialized():
            new = {} if self.address else {"num_cpus": self.cpus, "include_dashboard": False}
            ray.init(address=self.address, log_to_driver=False, configure_logging=False, **new)
            self._started = True
        return self

    def __exit__(self, *reason: object) -> None:
        import ray

        if self._started:
            ray.shutdown()
            self._started = False

    @property
    def slots(self) -> int:
        """How many units fit into the cluster as it is now; one, if it is still waiting for a machine."""
        import ray

        total = ray.cluster_resources()
        rooms = [total.get(kind, 0.0) / need for kind, need in self.needs.items() if need]
        return max(1, int(min(rooms, default=1.0)))

    @property
    def label(self) -> str:
        """Ray; the threads of a task are in the record of its run."""
        return "a Ray cluster"

    def run(
        self,
        take: Callable[[], Unit | None],
        work: Work[Unit, Result],
        on_progress: Callable[[Unit, int, int], bool | None],
    ) -> Iterator[Finished[Unit, Result]]:
        """See ``Engine.run``."""
        import ray

        board = _board()
        task = ray.remote(_work).options(
            num_cpus=self.needs["CPU"], num_gpus=self.needs["GPU"], max_retries=LOST_MACHINES
        )
        pending: dict[Any, tuple[int, Unit]] = {}
        number, more = 0, True
        while True:
            while more and len(pending) < self.slots:
                unit = take()
                more = unit is not None
                if unit is not None:
                    pending[task.remote(work, unit, number, board)] = number, unit
                    number += 1
            if not pending:
                ray.kill(board)
                return
            ready, _ = ray.wait(list(pending), timeout=POLL)
            _tell(board, list(pending.values()), on_progress)
            for one in ready:
                _, unit = pending.pop(one)
                yield Finished(unit, _result(one))
                more = True


def _work(work: Work[Any, Any], unit: Any, number: int, board: Any) -> Any:
    """A task: the unit's result or failure; its progress goes to the board, without waiting for it."""
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > POLL:
            last = time.monotonic()
            board.put.remote(number, done, total)

    return attempt(work, unit, report)


def _result(reference: Any) -> Any:
    """What a task gave back. An error of the program is raised; of the cluster, the failure of the unit."""
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError:
        raise
    except ray.exceptions.RayError as error:
        return Failure.of(error)


class Board:
    """Where tasks write how far they are; it runs beside the caller, so that no other machine can lose it."""

    def __init__(self) -> None:
        self.steps: dict[int, tuple[int, int]] = {}

    def put(self, number: int, done: int, total: int) -> None:
        """Note the steps that a task has done, of all its steps."""
        self.steps[number] = done, total

    def read(self) -> dict[int, tuple[int, int]]:
        """What was noted since the last look."""
        new, self.steps = self.steps, {}
        return new


def _board() -> Any:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    return ray.remote(Board).options(num_cpus=0, scheduling_strategy=here).remote()


def _tell(
    board: Any, pending: list[tuple[int, Unit]], on_progress: Callable[[Unit, int, int], bool | None]
) -> None:
    """Pass on what the board says of the units that are being worked on."""
    import ray

    units = dict(pending)
    try:
        steps = ray.get(board.read.remote(), timeout=10 * POLL)
    except ray.exceptions.RayError:  # progress is a courtesy: the results count
        return
    for number, (done, all_steps) in steps.items():
        if number in units:
            on_progress(units[number], done, all_steps)
