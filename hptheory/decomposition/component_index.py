"""The mean component index: how deep in the spectrum an example is learned (2512.22768, Sec. 4.2.3)."""

from __future__ import annotations

from hptheory.decomposition.arrays import Array, require_finite, to_numpy, working
from hptheory.decomposition.errors import ShapeMismatchError
from hptheory.errors import DomainError


def mean_component_index(psi: Array) -> Array:
    r"""MCI_i = sum_j j |psi_ij| / sum_j |psi_ij|, in [1, n], for each sample, ``[samples]``.

    ``psi[i, j]`` is the linearised loss change of sample i in component j + 1 over the whole trajectory, all
    layers summed. Small: an "easy" example, learned by the top components; large: a "hard" one.

    Source: 2512.22768, Eq. (6); 1-based there and here.

    Shapes: ``[samples, components]``, NumPy or torch, to ``[samples]`` of the same kind, in single precision
    or more. Domain: two axes, not empty, else ``ShapeMismatchError``; finite, else ``NonFiniteError``; no
    sample all of whose components are zero, as it has no index, else ``DomainError``.

    *Laws*: unchanged when a sample's row is multiplied by a constant that is not 0; between 1 and n; the
    reversed components have n + 1 - MCI.

    >>> import numpy as np
    >>> mean_component_index(np.array([[-1.0, 0.0, 0.0], [0.0, -1.0, 1.0]])).tolist()
    [1.0, 2.5]
    """
    xp, (values,) = working(psi)
    if values.ndim != 2 or 0 in values.shape:
        shape = tuple(values.shape)
        raise ShapeMismatchError("psi", shape, "what is read", "[samples, components]", "pass such a matrix")
    require_finite(xp, "psi", values, "leave those samples out")
    size = xp.abs(values)
    largest = xp.max(size, axis=-1)
    unmoved = to_numpy(largest == 0).nonzero()[0]
    if unmoved.size:
        raise DomainError(
            "sum |psi|", 0, f"> 0 for every sample; {unmoved.size} have none, the first is {unmoved[0]}"
        )
    share = size / largest[:, None]  # neither overflows nor underflows in the sums below
    index = xp.cumulative_sum(xp.ones_like(values[0]), axis=0)
    return xp.sum(share * index, axis=-1) / xp.sum(share, axis=-1)
