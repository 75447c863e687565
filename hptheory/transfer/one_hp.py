"""The report on a sweep over one HP: from loss curves to optima, power laws, gaps, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.curves import Curve, curve_at, curves_of
from hptheory.transfer.diagnostics import Look, look
from hptheory.transfer.exponents import Interval, PowerLaw
from hptheory.transfer.noise import Noise, has_repeats, rough_variance
from hptheory.transfer.notes import (
    Note,
    fit_notes,
    jumps,
    law_notes,
    look_notes,
    table_notes,
    unrepeated,
    verdict_notes,
)
from hptheory.transfer.optimum import Optima, fit_optima, noise_near_optimum
from hptheory.transfer.report import MeasuredGaps, Report, WidthOptimum
from hptheory.transfer.seed_blocks import levelled
from hptheory.transfer.settled_laws import FEWEST_LEFT, settled_law, without_narrowest
from hptheory.transfer.table import SweepTable
from hptheory.transfer.verdict import Verdict, confirmed, judge, of_one_seed

Floats = NDArray[np.float64]
NOTHING = Interval(None, None, None)


def analyse_one(table: SweepTable) -> Report:
    """The report on a table with one HP."""
    curves, looks, noise = looked_at(curves_of(table))
    return report_on(table, curves, looks, optima_of(curves, looks, noise))


def optima_of(curves: Sequence[Curve], looks: Sequence[Look], noise: Noise | None) -> Optima | None:
    """The optima of the curves that are usable; `noise` is that of all curves."""
    used = [curve for curve, seen in zip(curves, looks, strict=True) if seen.usable]
    return fit_optima(used, noise if len(used) == len(curves) else None) if used else None


def report_on(
    table: SweepTable, curves: Sequence[Curve], looks: Sequence[Look], optima: Optima | None
) -> Report:
    """The report on one HP whose curves have been looked at, and whose optima have been found."""
    laws = None if optima is None else fit_laws(optima)
    notes = [*table_notes(table, curves), *look_notes(looks)]
    if optima is not None and laws is not None:
        notes += fit_notes(table, curves, optima)
        if optima.width.size > 2:
            notes += law_notes(table, optima, *laws, jumped=jumps(notes))
    judgement = _judgement(optima, laws, notes)
    if laws is not None and unrepeated(curves):
        judgement = of_one_seed(judgement)
    notes += verdict_notes(judgement)
    loss_law, hp_law = laws or (None, None)
    followed = None if jumps(notes) else hp_law
    return Report(
        table=table,
        curves=tuple(curves),
        optimum=_rows(table, curves, looks, optima),
        optima=optima,
        loss_law=loss_law,
        hp_law=hp_law,
        loss_limit=loss_law.limit if loss_law else NOTHING,
        hp_limit=in_unit(followed.limit, table.log_axes[0]) if followed else NOTHING,
        loss_exponent=loss_law.exponent if loss_law else NOTHING,
        hp_exponent=followed.exponent if followed else NOTHING,
        gaps=None if optima is None else measured_gaps(optima, curve_at(curves, optima.width[-1])),
        judgement=judgement,
        warnings=tuple(notes),
    )


def looked_at(curves: list[Curve]) -> tuple[list[Curve], list[Look], Noise | None]:
    """The curves with the variance of a run filled in, what each shows, and the noise where runs repeat."""
    some = [curve for curve in curves if curve.x.size]
    if not has_repeats(curves):
        return curves, [look(curve.with_variance(rough_variance(curve))) for curve in curves], None
    noise = noise_near_optimum(some)
    variance = {curve.width: v for curve, v in zip(some, noise.variance, strict=True)}
    curves = [
        levelled(curve.with_variance(variance.get(curve.width, np.nan)), noise.lift, noise.tilt)
        for curve in curves
    ]
    return curves, [look(curve) for curve in curves], noise


def fit_laws(optima: Optima) -> tuple[PowerLaw, PowerLaw]:
    """The power laws of the optimal loss and of the optimal position."""
    values, positions, _ = optima.blocks()
    return (
        settled_law(optima.width, optima.value, values, optima.df[0]),
        settled_law(optima.width, optima.position, positions, optima.df[1]),
    )


def measured_gaps(optima: Optima, largest: Curve) -> MeasuredGaps:
    """The gaps of every width used against the largest one, with the standard errors of the differences.

    The suboptimality is read off the fitted curve of the largest width, or off its cells where the optimum of
    a small width lies beyond the window of the fit; beyond its cells it is nan.
    """
    from scipy.interpolate import PchipInterpolator

    size = optima.width.size
    contrast = np.eye(size)
    contrast[:, -1] -= 1.0
    values, positions, _ = optima.blocks()
    loss_error, hp_error = (
        np.sqrt(np.maximum(np.diag(contrast @ block @ contrast.T), 0.0)) for block in (values, positions)
    )
    shift = optima.position - optima.position[-1]
    at = optima.curve(size - 1, optima.position) - optima.curve(size - 1, optima.position[-1:])
    low, high = optima.window[-1]
    fitted = (optima.position >= low) & (optima.position <= high)
    cells = PchipInterpolator(largest.x, largest.mean, extrapolate=False)(optima.position) - optima.value[-1]
    return MeasuredGaps(
        width=optima.width,
        loss=optima.value - optima.value[-1],
        loss_error=loss_error,
        hyperparameter=shift,
        hyperparameter_error=hp_error,
        suboptimality=np.maximum(np.where(fitted, at, cells), 0.0),
        curvature_suboptimality=optima.curvature[-1] / 2 * shift**2,
    )


def in_unit(interval: Interval, log: bool) -> Interval:
    """An interval in x as one in the HP's own unit."""
    ends = (interval.estimate, interval.low, interval.high)
    return Interval(
        *(None if v is None else float(np.exp(np.clip(v, -700, 700))) if log else v for v in ends)
    )


def _judgement(
    optima: Optima | None,
    laws: tuple[PowerLaw, PowerLaw] | None,
    notes: Sequence[Note],
) -> Verdict:
    codes = {note.code for note in notes}
    if optima is None or laws is None:
        return Verdict("undetermined", None, "No width has an interior optimum that stands out of the noise.")
    if jumps(notes):
        text = "The optimum jumps between widths, so no power law describes its path."
        return Verdict("undetermined", None, text)
    values, positions, cross = optima.blocks()
    found = judge(*laws, cross, drifting="drift" in codes)
    if any(optima.width.size - law.left_out < FEWEST_LEFT for law in laws):
        return found
    loss_law = without_narrowest(laws[0], optima.width, optima.value, values, optima.df[0])
    hp_law = without_narrowest(laws[1], optima.width, optima.position, positions, optima.df[1])
    return confirmed(found, loss_law, hp_law, cross)


def _rows(
    table: SweepTable, curves: Sequence[Curve], looks: Sequence[Look], optima: Optima | None
) -> tuple[WidthOptimum, ...]:
    """The optimum of every width: fitted where it was, else the lowest cell, without interval."""
    log = table.log_axes[0]
    rows = []
    for curve, seen in zip(curves, looks, strict=True):
        row = optima.row(curve.width) if optima is not None else None
        if optima is not None and row is not None:
            place = in_unit(optima.interval(row), log)
            rows.append(
                WidthOptimum(
                    curve.width, place.estimate, place.low, place.high, float(optima.value[row]),
                    float(optima.curvature[row]), seen.edge, seen.minima, True,
                )
            )  # fmt: skip
            continue
        lowest = int(np.argmin(curve.mean)) if curve.x.size else None
        at = None if lowest is None or seen.flat else float(curve.x[lowest])
        hp = in_unit(Interval(at, None, None), log).estimate
        loss = None if lowest is None else float(curve.mean[lowest])
        rows.append(WidthOptimum(curve.width, hp, None, None, loss, None, seen.edge, seen.minima, False))
    return tuple(rows)
