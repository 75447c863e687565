"""How long a sweep takes, before it is trained: on this CPU by measurement, on a GPU by a model.

The model is the roofline of every operation of a step (``sims.step_cost``) under the limits of a machine
(``sims.machine``). Its error on this machine is measured and told; on the GPU it is not known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch

from sims.capacity import member_bytes, memory
from sims.engines import InProcess
from sims.machine import Machine, h100, peak_bandwidth, peak_flops
from sims.placement import Site
from sims.settings import AdamConfig, MultiIndexConfig, Setting, Training
from sims.settings.optimizers import MatrixOptimizerConfig
from sims.step_cost import StepCost, held_bytes, step_cost
from sims.store import Run, runs_of
from sims.tasks import Task, load_task
from sims.throughput import Trial, step_seconds
from sims.train import steps_of

FEW = 3  # runs of a pack that is timed
PATIENCE = 2.0  # seconds; a step that is expected to take longer is not timed
DRAWN = 1e9  # bytes of initial weights that are drawn, at most, to count the cost of a pack


@dataclass(frozen=True)
class Row:
    """One width: what its runs take, in ``member_steps``, flops, and seconds of all of them.

    ``measured`` is None where a step would take too long here; ``modelled`` is the model's time for the same
    packs; ``gpu`` its time for packs of ``gpu_pack`` runs there.
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


def estimate(setting: Setting, data_dir: Path | None = None) -> Estimate:
    """The cost of training every run of a setting: counted, timed on this CPU for a moment, and modelled for
    an H100 in a host like this one.

    Evaluations, the drawing of batches, observers and the products of matrix optimizers are not in the model.

    Domain: the data of the task are there, else an error that says where they are looked for.
    """
    site = Site(setting.training, "cpu", data_dir, [InProcess()])
    task, here = site.task(), this_machine()
    gpu = h100(setting.training.precision, here.call)
    rows = [_row(site, task, [run for run in runs_of(setting) if run.width == width], here, gpu)
            for width in setting.widths]  # fmt: skip
    return Estimate(setting, tuple(rows), here, gpu)


def _row(site: Site, task: Task, runs: list[Run], here: Machine, gpu: Machine) -> Row:
    training, width, few = site.training, runs[0].width, runs[:FEW]
    member_steps, one = steps_of(training, task) * len(runs), member_bytes(training, width, task)
    cost = step_cost(training, width, len(few), task)
    quick = cost.seconds(here) < PATIENCE and len(few) * one < memory(task.device) / 2
    speed = site.speed(site.engines[0], width, few, 0.0) if quick else 0.0
    gpu_pack = min(len(runs), max(1, int(gpu.memory / 2 // one)))
    there = large_pack_cost(training, width, gpu_pack, task)
    return Row(
        width=width,
        runs=len(runs),
        member_steps=member_steps,
        flops=cost.flops / cost.members * member_steps,
        member_bytes=one,
        measured=member_steps / speed if speed else None,
        modelled=cost.seconds(here) / cost.members * member_steps,
        gpu_pack=gpu_pack,
        gpu=there.seconds(gpu) / there.members * member_steps,
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
    calls = len(step_cost(tiny, 2, len(runs), load_task(tiny.task)).operations)
    call = step_seconds(Trial(tiny, 2, runs), lambda *progress: None) / calls
    name = f"this CPU, {torch.get_num_threads()} thread(s)"
    return Machine(name, peak_flops(), peak_bandwidth(), call, memory(torch.device("cpu")))


def describe(found: Estimate) -> str:
    """The estimate as text: a row a width, the sums, and what they rest on."""
    lines = [
        f"{found.setting.name} ({found.setting.preset}): an estimate; nothing was trained",
        f"{'width':>7} {'runs':>5} {'member-steps':>13} {'flop':>9} {'MB a run':>9}"
        f" {'here':>10} {'H100':>10}",
    ]
    for row in found.rows:
        here = f"{duration(row.modelled)}*" if row.measured is None else duration(row.measured)
        lines.append(
            f"{row.width:>7} {row.runs:>5} {row.member_steps:>13,} {row.flops:>9.2e}"
            f" {row.member_bytes / 1e6:>9.0f} {here:>10} {duration(row.gpu):>10}"
        )
    ratios = [f"{ratio:.2f}" for ratio in found.ratios]
    matrix = isinstance(found.setting.training.optimizer, MatrixOptimizerConfig)
    lines += [
        f"together: {sum(row.flops for row in found.rows):.2e} flop,"
        f" here {duration(found.seconds_here)}, on one H100 {duration(found.seconds_gpu)}",
        f"here: {_limits(found.here)}; packs of {FEW}, timed for a moment"
        + (" (*: by the model, too slow to be timed)" if len(ratios) < len(found.rows) else ""),
        f"H100: at best, by a model that no GPU has confirmed: {_limits(found.gpu)}",
        "the model: every operation takes what its arithmetic or its traffic takes, whichever is longer, and"
        " a call of the host; without evaluations and the drawing of batches",
        f"measured over modelled time here, width by width: {', '.join(ratios) or 'nothing was measured'}",
    ]
    if matrix:
        lines.append("not in the model: the optimizer's own products; measured times have them")
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
