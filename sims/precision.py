"""The precision of matrix products: fp32 as IEEE has it, tf32 on NVIDIA's tensor cores, or bf16 by autocast.

Weights, optimizer states and averages are kept in the task's type (float32) in each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

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
