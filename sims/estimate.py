"""How long a sweep takes, before it is trained: on this CPU by measurement, on a GPU by a model.

The model is the roofline of every operation of a step (``sims.step_cost``) under the limits of a machine
(``sims.machine``). Its error on this machine is measured and told; on the GPU it is not known. What is timed
here is what a sweep would do: the engine and the size of pack that ``sims.placement`` finds fastest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sims.capacity import member_bytes, memory
from sims.engines import Engine, InProcess
from sims.machine import Machine, h100, peak_bandwidth, peak_flops
from sims.placement import Site, fastest, speeds
from sims.settings import AdamConfig, MultiIndexConfig, Setting, Training
from sims.step_cost import StepCost, held_bytes, step_cost
from sims.store import Run, runs_of
from sims.tasks import Task, load_task
from sims.throughput import Trial, step_seconds
from sims.train import steps_of

FEW = 3  # runs of a pack that is modelled where none is timed
PATIENCE = 2.0  # seconds; a step that is expected to take longer is not timed
DRAWN = 1e9  # bytes of initial weights that are drawn, at most, to count the cost of a pack


@dataclass(frozen=True)
class Row:
    """One width: what its runs take, in ``member_steps``, flops, and seconds of all of them.

    ``measured`` is None where a step would take too long here; it is the time on ``engine`` in packs of
    ``pack``, and ``modelled`` the model's for the same; ``gpu`` its time for packs of ``gpu_pack`` runs
    there.
    """

    width: int
    runs: int
    member_steps: int
    flops: float
    member_bytes: int
    measured: float | None
    modelled: float
    gpu_pack: int
    gpu: float
    engine: str
    pack: int


@dataclass(frozen=True)
class Estimate:
    """A sweep's cost, width by width, on this machine and on a GPU."""

    setting: Setting
    rows: tuple[Row, ...]
    here: Machine
    gpu: Machine

    @property
    def ratios(self) -> list[float]:
        """Measured over modelled time, of the widths that were measured."""
        return [row.measured / row.modelled for row in self.rows if row.measured is not None]

    @property
    def seconds_here(self) -> float:
        """All runs on this CPU; where a width was not measured, the model's time corrected as at the widest
        that was."""
        correction = self.ratios[-1] if self.ratios else 1.0
        return math.fsum(
            correction * row.modelled if row.measured is None else row.measured for row in self.rows
        )

    @property
    def seconds_gpu(self) -> float:
        """All runs on one such GPU, by the model."""
        return math.fsum(row.gpu for row in self.rows)


def estimate(
    setting: Setting, data_dir: Path | None = None, engines: Sequence[Engine] | None = None
) -> Estimate:
    """The cost of training every run of a setting: counted, timed on this CPU for a moment, and modelled for
    an H100 in a host like this one.

    ``engines``: those of this machine that a sweep would choose from; by default this process alone.
    Evaluations, the drawing of batches and observers are not in the model.

    Domain: the data of the task are there, else an error that says where they are looked for.
    """
    site = Site(setting.training, "cpu", data_dir, engines or [InProcess()])
    task, here = site.task(), this_machine()
    gpu = h100(setting.training.precision, here.call)
    rows = [_row(site, task, [run for run in runs_of(setting) if run.width == width], here, gpu)
            for width in setting.widths]  # fmt: skip
    return Estimate(setting, tuple(rows), here, gpu)


def _row(site: Site, task: Task, runs: list[Run], here: Machine, gpu: Machine) -> Row:
    training, width = site.training, runs[0].width
    member_steps, one = steps_of(training, task) * len(runs), member_bytes(training, width, task)
    few = step_cost(training, width, min(FEW, len(runs)), task)
    quick = few.seconds(here) < PATIENCE and few.members * one < memory(task.device) / 2
    found = {engine.label: speeds(site, engine, width, runs, 0.0) for engine in site.engines if quick}
    engine, pack = fastest(site.engines, found) or (site.engines[0], few.members)
    speed = found[engine.label][pack] if quick else 0.0
    cost = step_cost(training, width, pack, task)
    gpu_pack = min(len(runs), max(1, int(gpu.memory / 2 // one)))
    there = large_pack_cost(training, width, gpu_pack, task)
    # Processes share the cores' arithmetic and the bandwidth; their calls are made at the same time.
    shared = replace(here, call=here.call / engine.slots)
    return Row(
        width=width,
        runs=len(runs),
        member_steps=member_steps,
        flops=cost.flops / cost.members * member_steps,
        member_bytes=one,
        measured=member_steps / speed if speed else None,
        modelled=cost.seconds(shared) / cost.members * member_steps,
        gpu_pack=gpu_pack,
        gpu=there.seconds(gpu) / there.members * member_steps,
        engine=engine.label,
        pack=pack,
    )


def large_pack_cost(training: Training, width: int, members: int, task: Task) -> StepCost:
    """The cost of a step of so many runs, or of as many as can be counted: weights are drawn for it."""
    weights, _ = held_bytes(training, width, task)
    return step_cost(training, width, max(1, min(members, int(DRAWN // weights))), task)


def this_machine() -> Machine:
    """The CPU with the threads that torch has now; the time of a call is that of a step of tiny networks,
    divided by its number of calls."""
    tiny = Training(
        MultiIndexConfig(d=2, k=1, validation_size=2), AdamConfig(), base_width=1, batch_size=2, steps=1
    )
    runs = (Run(2, 1e-3, 0), Run(2, 1e-3, 1))
    calls = step_cost(tiny, 2, len(runs), load_task(tiny.task)).calls
    call = step_seconds(Trial(tiny, 2, runs), lambda *progress: None) / calls
    name = f"this CPU, {torch.get_num_threads()} thread(s)"
    return Machine(name, peak_flops(), peak_bandwidth(), call, memory(torch.device("cpu")))


def describe(found: Estimate) -> str:
    """The estimate as text: a row a width, the sums, and what they rest on."""
    lines = [
        f"{found.setting.name} ({found.setting.preset}): an estimate; nothing was trained",
        f"{'width':>7} {'runs':>5} {'member-steps':>13} {'flop':>9} {'MB a run':>9}"
        f" {'here':>10} {'H100':>10}  here on",
    ]
    for row in found.rows:
        here = f"{duration(row.modelled)}*" if row.measured is None else duration(row.measured)
        lines.append(
            f"{row.width:>7} {row.runs:>5} {row.member_steps:>13,} {row.flops:>9.2e}"
            f" {row.member_bytes / 1e6:>9.0f} {here:>10} {duration(row.gpu):>10}"
            f"  {row.engine}, packs of {row.pack}"
        )
    ratios = [f"{ratio:.2f}" for ratio in found.ratios]
    lines += [
        f"together: {sum(row.flops for row in found.rows):.2e} flop,"
        f" here {duration(found.seconds_here)}, on one H100 {duration(found.seconds_gpu)}",
        f"here: {_limits(found.here)}; timed for a moment, on what a sweep would choose"
        + (" (*: by the model, too slow to be timed)" if len(ratios) < len(found.rows) else ""),
        f"H100: at best, by a model that no GPU has confirmed: {_limits(found.gpu)}",
        "the model: every operation takes what its arithmetic or its traffic takes, whichever is longer, and"
        " a call of the host; without evaluations, observers and the drawing of batches;"
        " factorizations (eigenvectors, QR) count as if they ran like products",
        f"measured over modelled time here, width by width: {', '.join(ratios) or 'nothing was measured'}",
    ]
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them.

    >>> [duration(seconds) for seconds in (4.21, 300.0, 7200.0, 2.6e5)]
    ['4.2 s', '5.0 min', '2.0 h', '3.0 days']
    """
    for unit, size, most in (("s", 1.0, 120.0), ("min", 60.0, 120.0), ("h", 3600.0, 48.0)):
        if seconds / size < most:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds / 86400:.1f} days"


def _limits(machine: Machine) -> str:
    return (
        f"{machine.name}, {machine.flops / 1e9:,.0f} Gflop/s, {machine.bandwidth / 1e9:,.0f} GB/s,"
        f" {1e6 * machine.call:.1f} us a call"
    )
