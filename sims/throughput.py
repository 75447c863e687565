"""How many runs of a width to train together: what fits into memory, and what is measured to be fastest.

A large stack spares calls at small widths; at large ones its activations leave the caches, and a few members
at a time are faster. Which size wins is the machine's affair, so it is measured and kept with the sweep; what
a run computes does not depend on it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import torch

from hptheory.files import write_atomically
from sims.members import Member
from sims.settings import Training
from sims.store.records import Run
from sims.tasks import Task
from sims.train import Pack, steps_of

FILE = "packs.json"
CANDIDATES = (3, 9, 27)  # beside all runs of a width; three seeds, three rates of three seeds, a grid
WORTH_MEASURING = 500  # steps of a run; shorter ones are over before a measurement pays
SECONDS = 0.25  # of each measurement
COPIES = 6  # weights, gradients, two moments, their average, and a temporary of the update
ACTIVATIONS = 6  # of batch x width numbers: preactivation, activation, their gradients, temporaries


def pack_size(
    training: Training,
    width: int,
    runs: Sequence[Run],
    task: Task,
    kept: Path | None = None,
    clock: Callable[[], float] = time.process_time,
) -> int:
    """How many of ``runs`` to train together: the fastest of the sizes that fit.

    On the CPU, sizes are measured by a few steps each (a second altogether), unless runs are short; the
    choice is kept in the folder ``kept``, by width, so that a sweep that goes on has the same. Elsewhere the
    largest size that fits is the fastest.
    """
    fitting = min(len(runs), most_members(training, width, task))
    if task.device.type != "cpu" or steps_of(training, task) < WORTH_MEASURING:
        return fitting
    sizes = sorted({size for size in CANDIDATES if size < fitting} | {fitting})
    choices = _read(kept)
    if choices.get(str(width), 0) > 0:
        return min(choices[str(width)], fitting)
    if len(sizes) == 1:
        return fitting
    rates = {size: members_steps_a_second(training, width, runs[:size], task, clock) for size in sizes}
    best = max(sizes, key=lambda size: rates[size])
    if kept is not None:
        write_atomically(kept / FILE, json.dumps({**choices, str(width): best}, indent=2).encode())
    return best


def members_steps_a_second(
    training: Training,
    width: int,
    runs: Sequence[Run],
    task: Task,
    clock: Callable[[], float] = time.process_time,
) -> float:
    """The speed of a pack: runs times steps in a second, after two steps that do not count."""
    pack = Pack(training, width, [Member(run.lr, run.seed, run.hps) for run in runs], task)
    pack.advance(2)
    started, steps = clock(), 0
    while clock() - started < SECONDS and pack.steps_done < pack.curves.points[0] - 1:
        pack.advance(1)
        steps += 1
    return len(runs) * steps / max(clock() - started, 1e-9)


@cache
def most_members(training: Training, width: int, task: Task) -> int:
    """How many runs of a width fit into half of the memory that is there, by estimate; at least one."""
    return max(1, int(memory(task.device) / 2 // member_bytes(training, width, task)))


def member_bytes(training: Training, width: int, task: Task) -> int:
    """An estimate of the memory of one run in a pack: weights in all copies, a batch, its activations."""
    one = Pack(training, width, [Member(1e-3, 0)], task)
    weights = COPIES * one.parameters_a_member
    batch = training.batch_size * (one_input(task) + ACTIVATIONS * width)
    return (weights + batch) * torch.empty((), dtype=task.dtype).element_size()


def one_input(task: Task) -> int:
    """The numbers in one example's input; 1 for a task that does not say."""
    return int(getattr(task, "inputs", 1))


def memory(device: torch.device) -> float:
    """The memory of the device in bytes; of a device that does not say, 4 GB."""
    if device.type == "cpu":
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    if device.type == "cuda":
        return float(torch.cuda.get_device_properties(device).total_memory)
    return 4e9


def _read(kept: Path | None) -> dict[str, int]:
    """The choices of a sweep, by width; none where there is no file, or one that cannot be read."""
    try:
        found = json.loads((kept / FILE).read_bytes()) if kept is not None else {}
    except (OSError, ValueError):
        return {}
    whole = isinstance(found, dict) and all(isinstance(size, int) for size in found.values())
    return found if whole else {}
