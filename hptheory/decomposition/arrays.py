"""NumPy or torch in, the same kind and device out; torch is never imported here.

What the two libraries spell differently comes from ``array_api_compat``. Numbers of half precision are
computed with in single precision, also inside ``torch.autocast``, which would halve them again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_torch_array

from hptheory.decomposition.errors import NonFiniteError

Array = Any
"""A NumPy array or a torch tensor."""


def working(*arrays: Array) -> tuple[Any, tuple[Array, ...]]:
    """The namespace of the arrays, and the arrays in one floating dtype of single precision or more.

    Half precision becomes single, integers become double; gradients are cut off. Arrays of two kinds (one
    NumPy, one torch) raise ``TypeError``.

    >>> xp, (x, y) = working(np.ones(2, np.float16), np.ones(2, np.float32))
    >>> x.dtype == y.dtype == np.float32
    True
    """
    xp = array_namespace(*arrays)
    if is_torch_array(arrays[0]):
        arrays = tuple(x.detach() for x in arrays)
    dtype = xp.result_type(*arrays)
    if not xp.isdtype(dtype, "real floating"):
        dtype = xp.float64
    elif xp.finfo(dtype).bits < 32:
        dtype = xp.float32
    return xp, tuple(xp.astype(x, dtype, copy=False) for x in arrays)


@contextmanager
def full_precision(x: Array) -> Iterator[None]:
    """Inside the block, products of torch tensors keep the precision of their factors."""
    if not is_torch_array(x):
        yield
        return
    with sys.modules["torch"].autocast(x.device.type, enabled=False):
        yield


def require_finite(xp: Any, name: str, x: Array, advice: str) -> None:
    """Raise ``NonFiniteError`` where ``x`` holds NaN or infinity."""
    with np.errstate(all="ignore"):
        # A sum is finite only if every term is: this settles it in nearly all cases, without a copy.
        if bool(xp.isfinite(xp.sum(x))):
            return
    finite = xp.isfinite(x)
    if not bool(xp.all(finite)):
        bad = to_numpy(~finite)
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        raise NonFiniteError(name, int(bad.sum()), index, advice)


def is_torch(x: object) -> bool:
    """Whether x is a torch tensor."""
    return bool(is_torch_array(x))


def on_cpu(x: Array) -> bool:
    """Whether the numbers lie in the machine's own memory."""
    return not is_torch_array(x) or x.device.type == "cpu"


def to_numpy(x: Array) -> np.ndarray:
    """The numbers as a NumPy array, wherever they lie."""
    return np.asarray(x.detach().cpu().numpy() if is_torch_array(x) else x)


def contiguous(x: Array) -> Array:
    """A copy of a transposed matrix (or of a stack of them) that lies in memory row by row."""
    return x.clone(memory_format=sys.modules["torch"].contiguous_format) if is_torch_array(x) else x.copy()


def like(values: np.ndarray, model: Array) -> Array:
    """The values as an array of the kind and on the device of ``model``."""
    if is_torch_array(model):
        return sys.modules["torch"].as_tensor(values, device=model.device)
    return values
