"""Exponents of measured sizes in width or depth, with standard errors over seeds, and a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hptheory.errors import DomainError

Quantity = Literal["start", "change"]
TOLERANCE = 0.25
"""Right exponents are 0; the nearest wrong ones of a scaling rule are 1/2 away. This is the middle."""
LARGEST_ERROR = TOLERANCE / 2  # two standard errors are then within the tolerance


@dataclass(frozen=True)
class Exponent:
    """The power of the scale (width or depth) in the size of a layer's output.

    ``quantity`` is ``start`` (the output before training) or ``change`` (what training did to it). ``slope``
    and ``standard_error`` are the mean over seeds and its error; None where the sizes are zero at some scale.
    ``expected`` is the classifier's prediction where it has one. ``passes``: see ``exponent``.
    """

    layer: str
    quantity: Quantity
    slope: float | None
    standard_error: float | None
    expected: float | None
    passes: bool


def exponent(
    layer: str,
    quantity: Quantity,
    scales: Sequence[int],
    sizes: NDArray[np.float64],
    *,
    is_output: bool = False,
    expected: float | None = None,
) -> Exponent:
    """The exponent of ``sizes`` [scale, seed] in ``scales``: a straight line on log-log axes for each seed.

    It passes if the slope is zero to within ``TOLERANCE``, and known that well: two standard errors are no
    more. The network's output
    may start smaller at larger scales (muP's does, like n^(-1/2)), but not larger; a layer may start at zero;
    a layer that does not move does not pass, nor does a size that is not finite.

    Domain: at least three scales and two seeds, else ``DomainError``.

    *Laws*: exact on powers; a factor on all sizes changes nothing.

    >>> sizes = np.array([[2.0, 3.0], [1.0, 1.5], [0.5, 0.75]])
    >>> found = exponent("readout", "change", (64, 128, 256), sizes)
    >>> round(found.slope, 12), round(found.standard_error, 12), found.passes
    (-1.0, 0.0, False)
    """
    if len(scales) < 3:
        raise DomainError("scales", tuple(scales), "three or more, to see a slope")
    if sizes.shape[1] < 2:
        raise DomainError("seeds", sizes.shape[1], "two or more, to see an error")
    if not np.isfinite(sizes).all() or (sizes == 0).any():
        starts_at_zero = quantity == "start" and bool((sizes == 0).all())
        return Exponent(layer, quantity, None, None, expected, starts_at_zero)
    slopes = np.polyfit(np.log(scales), np.log(sizes), 1)[0]
    slope, error = float(slopes.mean()), float(slopes.std(ddof=1) / np.sqrt(len(slopes)))
    may_shrink = is_output and quantity == "start"
    passes = error <= LARGEST_ERROR and slope <= TOLERANCE and (may_shrink or slope >= -TOLERANCE)
    return Exponent(layer, quantity, slope, error, expected, passes)


def agrees(found: Exponent) -> bool | None:
    """Whether the slope is the expected one, to within ``TOLERANCE``; None where nothing is expected."""
    if found.expected is None or found.slope is None:
        return None
    return abs(found.slope - found.expected) <= TOLERANCE


def exponents_text(exponents: Sequence[Exponent], heading: str, passed: bool) -> str:
    """The exponents as a table under a heading, with a verdict below."""
    rows = [("layer", "of", "slope", "s.e.", "predicted", "")]
    for found in exponents:
        slope = "0 or inf" if found.slope is None else f"{found.slope:+.2f}"
        error = "" if found.standard_error is None else f"{found.standard_error:.2f}"
        expected = "" if found.expected is None else f"{found.expected:+.2f}"
        verdict = "ok" if found.passes else "FAILS"
        rows.append((found.layer, found.quantity, slope, error, expected, verdict))
    sizes = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)).rstrip() for row in rows
    ]
    failed = sum(not found.passes for found in exponents)
    verdict = (
        "passed: every layer starts and moves by the same order at every scale"
        if passed
        else f"failed: {failed} of {len(exponents)} sizes depend on the scale, or are not known well enough"
    )
    return "\n".join([heading, *lines, verdict])


def long_table(
    axis: str, scales: Sequence[int], sizes: Mapping[tuple[str, Quantity], Any]
) -> dict[str, list[Any]]:
    """The sizes as columns: layer, quantity, width or depth, seed (its number), size."""
    rows = [
        (layer, quantity, scale, seed, float(size))
        for (layer, quantity), table in sizes.items()
        for scale, row in zip(scales, table, strict=True)
        for seed, size in enumerate(row)
    ]
    names = ("layer", "quantity", axis, "seed", "size")
    return {name: [row[column] for row in rows] for column, name in enumerate(names)}
