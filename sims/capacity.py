"""How many runs of a width fit into the memory of a device, by estimate."""

from __future__ import annotations

import os
from functools import cache

import torch

from sims.members import Member
from sims.settings import Training
from sims.tasks import Task
from sims.train import Pack

COPIES = 6  # weights, gradients, two moments, their average, and a temporary of the update
ACTIVATIONS = 6  # of batch x width numbers: preactivation, activation, their gradients, temporaries


def most_members(training: Training, width: int, task: Task, processes: int = 1) -> int:
    """How many runs of a width fit into half of the memory, shared by so many processes; at least one."""
    return max(1, int(memory(task.device) / 2 / processes // member_bytes(training, width, task)))


@cache
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
