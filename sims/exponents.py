"""Exponents of measured sizes in width or depth, with standard errors over seeds, and a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from hptheory.errors import DomainError

Quantity = Literal["start", "update", "change"]
Verdict = Literal["ok", "FAILS", "unclear"]
TOLERANCE = 0.25
"""The nearest wrong exponents of a scaling rule are 1/2 away from the right one. This is the middle."""
CONFIDENCE = 0.95  # on each side of a slope


@dataclass(frozen=True)
class Exponent:
    """The power of the scale (width or depth) in a size of a layer.

    ``quantity`` is ``start`` (the output before training), ``update`` (what the layer's own update adds to
    it) or ``change`` (all that training did to it). ``slope`` and ``standard_error`` are the mean over seeds
    and its error; None where the sizes are zero at some scale. ``wanted`` is muP's exponent, ``expected`` the
    prediction for the parameterization at hand, where there is one. ``verdict``: see ``exponent``.
    """

    layer: str
    quantity: Quantity
    slope: float | None
    standard_error: float | None
    wanted: float
    expected: float | None
    verdict: Verdict

    @property
    def passes(self) -> bool:
        """Whether the slope is known to be the wanted one."""
        return self.verdict == "ok"


def exponent(
    layer: str,
    quantity: Quantity,
    scales: Sequence[int],
    sizes: NDArray[np.float64],
    *,
    wanted: float = 0.0,
    expected: float | None = None,
) -> Exponent:
    """The exponent of ``sizes`` [scale, seed] in ``scales``: a straight line on log-log axes for each seed.

    The scatter of the seeds' slopes gives a 90 % interval (Student's t). The verdict is ``ok`` if all of it
    lies within ``TOLERANCE`` of ``wanted``, ``FAILS`` if none of it does, and else ``unclear``: more seeds or
    more scales will tell. A layer may start at zero; one that does not move fails, as does a size that is not
    finite.

    Domain: that of ``check_slopes``.

    *Laws*: exact on powers; a factor on all sizes changes nothing.

    >>> sizes = np.array([[2.0, 3.0], [1.0, 1.5], [0.5, 0.75]])
    >>> found = exponent("readout", "change", (64, 128, 256), sizes)
    >>> round(found.slope, 12), round(found.standard_error, 12), found.verdict
    (-1.0, 0.0, 'FAILS')
    """
    check_slopes(scales, sizes.shape[1])
    if not np.isfinite(sizes).all() or (sizes == 0).any():
        starts_at_zero = quantity == "start" and bool((sizes == 0).all())
        return Exponent(layer, quantity, None, None, wanted, expected, "ok" if starts_at_zero else "FAILS")
    slopes = np.polyfit(np.log(scales), np.log(sizes), 1)[0]
    slope, error = float(slopes.mean()), float(slopes.std(ddof=1) / np.sqrt(len(slopes)))
    reach, distance = float(stdtrit(len(slopes) - 1, CONFIDENCE)) * error, abs(slope - wanted)
    verdict: Verdict = "unclear"
    if distance + reach <= TOLERANCE:
        verdict = "ok"
    elif distance - reach > TOLERANCE:
        verdict = "FAILS"
    return Exponent(layer, quantity, slope, error, wanted, expected, verdict)


def check_slopes(scales: Sequence[int], seeds: int) -> None:
    """Nothing, with three different scales and two seeds or more; else ``DomainError``."""
    if len(set(scales)) < 3:
        raise DomainError("scales", tuple(scales), "three or more different ones, to see a slope")
    if seeds < 2:
        raise DomainError("seeds", seeds, "two or more, to see an error")


def agrees(found: Exponent) -> bool | None:
    """Whether the slope is the expected one, to within ``TOLERANCE``; None where nothing is expected."""
    if found.expected is None or found.slope is None:
        return None
    return abs(found.slope - found.expected) <= TOLERANCE


def exponents_text(exponents: Sequence[Exponent], heading: str, passed: bool) -> str:
    """The exponents as a table under a heading, with a verdict below."""
    rows = [("layer", "of", "slope", "s.e.", "muP", "predicted", "")]
    for found in exponents:
        slope = "0 or inf" if found.slope is None else f"{found.slope:+.2f}"
        error = "" if found.standard_error is None else f"{found.standard_error:.2f}"
        expected = "" if found.expected is None else f"{found.expected:+.2f}"
        rows.append(
            (found.layer, found.quantity, slope, error, f"{found.wanted:+.2f}", expected, found.verdict)
        )
    sizes = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([heading, *lines, _summary(exponents, passed)])


def _summary(exponents: Sequence[Exponent], passed: bool) -> str:
    """The verdict on all of them, in a sentence."""
    if passed:
        return "passed: every layer starts and moves by muP's order at every scale"
    failed, unclear = (sum(found.verdict == word for found in exponents) for word in ("FAILS", "unclear"))
    if failed:
        return f"failed: {failed} of {len(exponents)} sizes depend on the scale as they should not"
    return (
        f"undecided: {unclear} of {len(exponents)} exponents are not known well enough; give more seeds or "
        "scales further apart"
    )


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
