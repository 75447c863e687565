"""Evaluate an elementwise function block by block, so that its temporaries stay in the processor's
cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# About a dozen temporaries of this many doubles fit into a 1 MB second-level cache.
_BLOCK = 8192


def blockwise(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return function(*arguments) on the broadcast arguments, evaluated in blocks.

    The function is elementwise in NumPy arrays and returns an array or a tuple of arrays. Scalars stay
    scalars, so that what is constant is computed once.

    >>> x = np.arange(20_000.0).reshape(2, 10_000)
    >>> bool(np.all(blockwise(lambda a, b: a * b, x, 2.0) == 2 * x))
    True
    """
    arrays = [np.asarray(x, dtype=float) for x in arguments]
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    if shape == ():
        return function(*arrays)
    size = int(np.prod(shape))
    flat = [a.reshape(()) if a.size == 1 else np.broadcast_to(a, shape).reshape(-1) for a in arrays]
    out: list[np.ndarray] = []
    single = False
    for start in range(0, max(size, 1), _BLOCK):
        part = slice(start, start + _BLOCK)
        result = function(*(a if a.ndim == 0 else a[part] for a in flat))
        single = not isinstance(result, tuple)
        results = (result,) if single else result
        if not out:
            out = [np.empty(size) for _ in results]
        for whole, piece in zip(out, results, strict=True):
            whole[part] = piece
    filled = tuple(whole.reshape(shape) for whole in out)
    return filled[0] if single else filled
