"""The limits of a machine, measured or from its data sheet: the roof of the roofline."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

MATRIX = 2048  # 50 MB in three of them: beyond what a core's own caches hold
COPIED = 2**28  # bytes: beyond most caches
REPEATS = 5


@dataclass(frozen=True)
class Machine:
    """The limits of a machine: flop/s of matrix products, bytes/s of memory, seconds of the host a call.

    On an asynchronous device (a GPU) the host issues one operation while the device works on another.
    ``memory`` in bytes; 0 where it is not known.
    """

    name: str
    flops: float
    bandwidth: float
    call: float
    memory: float = 0.0
    asynchronous: bool = False

    @property
    def ridge(self) -> float:
        """Flops a byte from which arithmetic, not traffic, sets the speed."""
        return self.flops / self.bandwidth


def h100(precision: str, call: float) -> Machine:
    """An NVIDIA H100 SXM by its data sheet: 67 (fp32), 495 (tf32) or 989 (bf16) Tflop/s without sparsity,
    3.35 TB/s, 80 GB; in a host that takes ``call`` seconds a call.

    Source: NVIDIA, H100 Tensor Core GPU data sheet.

    >>> round(h100("fp32", 1e-5).ridge), round(h100("bf16", 1e-5).ridge)
    (20, 295)
    """
    flops = {"fp32": 67e12, "tf32": 494.7e12, "bf16": 989.4e12}[precision]
    return Machine(f"H100 SXM ({precision})", flops, 3.35e12, call, 80e9, asynchronous=True)


def peak_flops() -> float:
    """Flop/s of a product of two float32 matrices, with the threads that torch has: the best of a few."""
    a = torch.randn(MATRIX, MATRIX, generator=torch.Generator().manual_seed(0))
    return 2 * MATRIX**3 / best_seconds(lambda: a @ a)


def peak_bandwidth() -> float:
    """Bytes/s of a copy, read and written, with the threads that torch has: the best of a few."""
    source = torch.ones(COPIED // 4)
    target = torch.empty_like(source)
    return 2 * COPIED / best_seconds(lambda: target.copy_(source))


def best_seconds(function: Callable[[], object], repeats: int = REPEATS) -> float:
    """The shortest time of a call: what other programs take is not in it."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)
