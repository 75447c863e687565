"""Stacked parameters updated member by member by torch's fused kernels: one pass over memory where
elementwise operations make ten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

FEWEST_NUMBERS = 2**13
"""In a member's parameter. Below, one broadcast call for all members is faster than a call for each."""


def member_slices(
    tensors: tuple[Tensor, ...], constants: tuple[float | Tensor, ...]
) -> Iterator[tuple[list[Tensor], list[float]]] | None:
    """Each member's part of ``tensors`` with its own constants; None where a broadcast is to be preferred.

    The first tensor is the parameter. Constants that are plain floats throughout make one slice of the whole.
    Which way is taken is a matter of a member's shape alone, never of the number of members, so that a
    member's bits do not depend on it.
    """
    p = tensors[0]
    if p.device.type != "cpu" or not p.is_floating_point() or not all(t.is_contiguous() for t in tensors):
        return None
    plain = [value for value in constants if not isinstance(value, Tensor)]
    if len(plain) == len(constants):
        return iter([(list(tensors), plain)]) if p.numel() >= FEWEST_NUMBERS else None
    if p.ndim < 2 or p[0].numel() < FEWEST_NUMBERS:
        return None
    columns = [_column(value, p) for value in constants]
    if any(column is None for column in columns):
        return None
    rows: Any = zip(*columns, strict=True)
    return (([tensor[member] for tensor in tensors], list(values)) for member, values in enumerate(rows))


def _column(value: float | Tensor, p: Tensor) -> list[float] | None:
    """One number a member; None if the tensor is not one a member."""
    members = p.shape[0]
    if not isinstance(value, Tensor):
        return [float(value)] * members
    if value.numel() == 1:
        return [value.item()] * members
    is_column = value.numel() == members and value.ndim == p.ndim and value.shape[0] == members
    return value.flatten().tolist() if is_column else None
