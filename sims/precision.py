"""The precision of matrix products: fp32 as IEEE has it, tf32 on NVIDIA's tensor cores, or bf16 by autocast.

Weights, optimizer states and averages are kept in the task's type (float32) in each of them. Autocast is for
forward and backward passes; what optimizers and observers compute is not rounded by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor

from hptheory.errors import DomainError


@contextmanager
def matmul_precision(name: str, device: torch.device) -> Iterator[None]:
    """A context in which matrix products have this precision; the process's own setting is put back.

    Domain: tf32 exists on CUDA devices only; elsewhere ``DomainError``.
    """
    if name == "tf32" and device.type != "cuda":
        raise DomainError(
            "precision", "tf32", "fp32 or bf16 on this device", "tf32 is a mode of NVIDIA's GPUs"
        )
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if name == "tf32" else "highest")
    try:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=name == "bf16"):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def without_autocast(tensors: Iterable[Tensor]) -> Iterator[None]:
    """A context in which products on the devices of these tensors keep their type, whatever surrounds it.

    >>> a = torch.ones(2, 2)
    >>> with torch.autocast("cpu", dtype=torch.bfloat16):
    ...     rounded = a @ a
    ...     with without_autocast([a]):
    ...         kept = a @ a
    >>> rounded.dtype, kept.dtype
    (torch.bfloat16, torch.float32)
    """
    with ExitStack() as stack:
        for kind in {tensor.device.type for tensor in tensors}:
            if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield
