"""Stacked parameters updated member by member by torch's fused kernels: one pass over memory where
elementwise operations make ten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

FEWEST_NUMBERS = 2**14
"""In a member's parameter. Below, one call for all members is faster than a call for each."""

VECTOR = 16
"""Numbers in the longest vectors of a CPU, in float32."""

Slice = tuple[tuple[Tensor, ...], list[float]]


def member_slices(
    tensors: tuple[Tensor, ...], constants: tuple[float | Tensor, ...]
) -> Iterable[Slice] | None:
    """Each member's part of ``tensors`` with its own constants; None where calls for all are to be preferred.

    The first tensor is the parameter. Constants that are plain floats throughout make one slice of the whole.
    Which way is taken is a matter of a member's shape alone, never of the number of members, so that a
    member's bits do not depend on it.
    """
    p = tensors[0]
    if not any(isinstance(value, Tensor) for value in constants):
        return slices(tensors, constants) if p.numel() >= FEWEST_NUMBERS else None
    if p.ndim < 2 or p[0].numel() < FEWEST_NUMBERS:
        return None
    return slices(tensors, constants, each=True)


def slices(
    tensors: tuple[Tensor, ...], constants: tuple[float | Tensor, ...], *, each: bool = False
) -> Iterable[Slice] | None:
    """The tensors as a whole with constants that all members share, else (or if ``each``) member by member.

    None where torch's fused kernels of the CPU do not take them, or constants that are no column of members.
    """
    p = tensors[0]
    if p.device.type != "cpu" or not p.is_floating_point() or not all(t.is_contiguous() for t in tensors):
        return None
    # A tensor of one number is shared by all, and no reason to go row by row.
    constants = tuple(
        value.item() if isinstance(value, Tensor) and value.numel() == 1 else value for value in constants
    )
    plain = [float(value) for value in constants if not isinstance(value, Tensor)]
    if len(plain) == len(constants) and not each:
        return [(tensors, plain)]
    columns = [_column(value, p) for value in constants] if p.ndim else [None]
    if any(column is None for column in columns):
        return None
    rows: Any = zip(*columns, strict=True)
    members = zip(*(tensor.unbind() for tensor in tensors), strict=True)
    return ((parts, list(values)) for parts, values in zip(members, rows, strict=True))


def without_tails(tensors: Sequence[Tensor]) -> Iterator[Sequence[Tensor]]:
    """The same numbers in pieces of whole vectors: the last, where there is a rest, copied into larger ones
    and back after use.

    The rest at the end of a tensor goes through a kernel's scalar code, which rounds otherwise, and whose
    numbers it is would depend on how many members there are.
    """
    flat = [tensor.view(-1) for tensor in tensors]
    rest = len(flat[0]) % VECTOR
    if rest == 0:
        yield flat
        return
    yield [tensor[:-rest] for tensor in flat]
    padded = [torch.cat([tensor[-rest:], tensor.new_zeros(VECTOR - rest)]) for tensor in flat]
    yield padded
    for tensor, copy in zip(flat, padded, strict=True):
        tensor[-rest:] = copy[:rest]


def _column(value: float | Tensor, p: Tensor) -> list[float] | None:
    """One number a member; None if the tensor is not one a member."""
    members = p.shape[0]
    if not isinstance(value, Tensor):
        return [float(value)] * members
    if value.numel() == 1:
        return [value.item()] * members
    is_column = value.numel() == members and value.ndim == p.ndim and value.shape[0] == members
    return value.flatten().tolist() if is_column else None
