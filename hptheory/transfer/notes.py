"""The warnings of a report: what a reader must know before believing its numbers, each with a code."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hptheory.transfer.curves import Curve, curve_at
from hptheory.transfer.diagnostics import Look, find_jumps, least_jump
from hptheory.transfer.exponents import PowerLaw
from hptheory.transfer.optimum import Optima
from hptheory.transfer.table import SweepTable
from hptheory.transfer.unnamed_hps import unnamed_hps
from hptheory.transfer.verdict import MOVED, Verdict


@dataclass(frozen=True)
class Note:
    """A warning: a code for programs, a sentence for people."""

    code: str
    message: str


BEYOND_NOISE = 3.0
"""Standard errors of the lowest cell, by which an optimum below it is no noise."""
DEEP = 0.2
"""Of the cells' range. A parabola between four cells, at -3h/2 to 3h/2 from its minimum, dips by 1/8 of their
range below the lowest."""

LOOKS = {
    "grid_edge": ("edge", "the lowest loss is at the grid's edge: widen the grid"),
    "cliff": ("cliff", "the lowest loss stands beside divergence: refine the grid there"),
    "flat": ("flat", "the curve is flat within the noise: add seeds or widen the grid"),
    "no_minimum": (
        "without",
        "no polynomial through the runs has its minimum among them: widen the grid or add runs",
    ),
    "tied_minima": (
        "tied",
        "two minima are as low within the noise: the optimum may be the other one; add seeds",
    ),
    "several_minima": ("several", "the curve has several minima: the optimum may jump from one to another"),
}


def table_notes(table: SweepTable, curves: Sequence[Curve]) -> list[Note]:
    """What the rows themselves call for: rows set aside, divergence, no repeats."""
    notes = [
        Note("set_aside", f"{item.count} row(s) set aside: {item.reason} (first: {item.first})")
        for item in table.set_aside
    ]
    diverged = int(table.diverged.sum())
    if diverged:
        text = f"{diverged} of {len(table)} runs diverged; cells with a diverged run are left out of the fits"
        notes.append(Note("diverged", text))
    notes += unnamed_notes(table)
    notes += _unit_notes(table, curves)
    if unrepeated(curves):
        noise = "one run a cell: the noise is judged by what the local model leaves over"
        missing = "what a seed does to a whole curve is in no interval"
        text = f"{noise}; {missing}, so they may be far too narrow, the verdict too sure; add seeds"
        notes.append(Note("no_repeats", text))
    return notes


def unrepeated(curves: Sequence[Curve]) -> bool:
    """Whether no width has two runs of a cell."""
    return all(bool((curve.count < 2).all()) for curve in curves)


def unnamed_notes(table: SweepTable) -> list[Note]:
    """The columns that look like hyperparameters nobody named."""
    notes = []
    for name in unnamed_hps(table):
        names = [*table.hp_names, name]
        text = f"'{name}' varies between runs of one {table.scale_name} and (nearly) one {table.hp_names[0]}"
        also = f"if it is a hyperparameter, name it too (--hp {' '.join(names)}; hp={names})"
        notes.append(Note("unnamed_hp", f"{text}: {also}, or its effect counts as noise"))
    return notes


def _unit_notes(table: SweepTable, curves: Sequence[Curve]) -> list[Note]:
    """Grids that look like values in two units: a hole of a factor 100, or neighbours that do not overlap."""
    if not table.log_axes[0]:
        return []
    hp, scale, notes = table.hp_names[0], table.scale_name, []
    for curve in curves:
        steps = np.diff(curve.grid)
        if steps.size > 1 and steps.max() > max(np.log(100.0), 5 * float(np.median(steps))):
            low, high = np.exp(curve.grid[np.argmax(steps) : np.argmax(steps) + 2])
            text = f"at {scale} {curve.width:g} no {hp} lies between {low:.3g} and {high:.3g}"
            notes.append(Note("mixed_units", f"{text}: are its values in one unit?"))
    for a, b in itertools.pairwise(curves):
        if min(a.grid.size, b.grid.size) > 1 and (a.grid[-1] < b.grid[0] or b.grid[-1] < a.grid[0]):
            text = f"the grids of {hp} at {scale} {a.width:g} and {b.width:g} do not overlap"
            notes.append(Note("mixed_units", f"{text}: are they in one unit?"))
    return notes


def look_notes(looks: Sequence[Look]) -> list[Note]:
    """What the curves show before any fit, with the widths."""
    notes = []
    for code, (name, text) in LOOKS.items():
        widths = [f"{seen.width:g}" for seen in looks if getattr(seen, name)]
        if widths:
            notes.append(Note(code, f"at {', '.join(widths)} {text}"))
    return notes


def fit_notes(table: SweepTable, curves: Sequence[Curve], optima: Optima) -> list[Note]:
    """What the local models call for: too few widths, misfit, jumps."""
    size = optima.width.size
    if size < 3:
        text = f"{size} width(s) with an interior optimum; exponents need at least 3, better 5"
        return [Note("few_widths", text)]
    notes = _coarse_notes(table, curves, optima)
    if optima.inflation > 1:
        text = f"no local model fits the curves within the noise (p = {optima.misfit:.2g});"
        notes.append(
            Note("local_model_misfit", f"{text} errors were widened {np.sqrt(optima.inflation):.2g}-fold")
        )
    for a, b, move in find_jumps(optima.width, optima.position, optima.position_error, least_jump(curves)):
        axis = f"ln {table.hp_names[0]}" if table.log_axes[0] else table.hp_names[0]
        text = f"the optimum jumps by {move:+.3g} in {axis} between {table.scale_name} {a:g} and {b:g}"
        notes.append(Note("jump", text))
    return notes


def _coarse_notes(table: SweepTable, curves: Sequence[Curve], optima: Optima) -> list[Note]:
    """Optima that only the model vouches for: below every run of their width, by more than noise, and by more
    than a parabola through cells at equal distances can dip between them."""
    deep = []
    for row, width in enumerate(optima.width):
        curve = curve_at(curves, width)
        low, high = optima.window[row]
        near = (curve.x >= low) & (curve.x <= high)
        mean, lowest = curve.mean[near], int(np.argmin(curve.mean[near]))
        dip = mean[lowest] - optima.value[row]
        if dip > max(BEYOND_NOISE * curve.standard_error[near][lowest], DEEP * np.ptp(mean)):
            deep.append((width, optima.position[row]))
    if not deep:
        return []
    wide, place = deep[-1]
    best = float(np.exp(place)) if table.log_axes[0] else float(place)
    where = ", ".join(f"{width:g}" for width, _ in deep)
    text = f"at {where} the fitted optimum lies between runs, far below all of them: add runs there"
    return [Note("coarse_grid", f"{text} ({table.hp_names[0]} = {best:.3g} at {table.scale_name} {wide:g})")]


def jumps(notes: Sequence[Note]) -> bool:
    """Whether the optimum jumps, so that no law describes its path."""
    return any(note.code == "jump" for note in notes)


def law_notes(
    table: SweepTable, optima: Optima, loss_law: PowerLaw, hp_law: PowerLaw, jumped: bool
) -> list[Note]:
    """What the power laws leave out and leave open, and drift; of the HP's only where it does not jump."""
    notes = _misfit_notes(table, optima, "optimal loss", loss_law)
    if not jumped:
        notes += _misfit_notes(table, optima, f"optimal {table.hp_names[0]}", hp_law)
        notes += _path_notes(table, hp_law)
    if loss_law.exponent.estimate is None or loss_law.limit.low is None or loss_law.limit.high is None:
        text = "the limit of the loss is not bounded; gaps are against the largest width"
        notes.append(Note("loss_limit_not_identified", text))
    return notes


def _misfit_notes(table: SweepTable, optima: Optima, what: str, law: PowerLaw) -> list[Note]:
    notes = []
    if law.left_out:
        narrow = ", ".join(f"{width:g}" for width in optima.width[: law.left_out])
        text = f"the {what} follows no power law from {table.scale_name} {narrow} on: left out of its law"
        notes.append(Note("narrow_widths_left_out", text))
    if law.inflation > 1:
        text = f"no power law describes the {what} within its errors, which were widened"
        notes.append(Note("law_misfit", f"{text} {np.sqrt(law.inflation):.2g}-fold"))
    return notes


def _path_notes(table: SweepTable, hp_law: PowerLaw) -> list[Note]:
    if hp_law.moves > MOVED or hp_law.exponent.estimate is None:
        text = "the optimum's movement does not determine its exponent; gaps are against the largest width"
        return [Note("hp_exponent_not_identified", text)]
    if is_drift(hp_law):
        slope, error = hp_law.log_slope
        text = f"{table.hp_names[0]}* moves like {table.scale_name}^({slope:.3f} +- {error:.3f})"
        return [Note("drift", f"{text}: a parameterization that scales it so would bring it to rest")]
    if hp_law.limit.low is None or hp_law.limit.high is None:
        text = "the limit of the optimum is open to one side; gaps are against the largest width"
        return [Note("hp_limit_not_identified", text)]
    return []


def verdict_notes(verdict: Verdict) -> list[Note]:
    """What the verdict calls for: exponents that still change."""
    if not verdict.exponents_change:
        return []
    text = "without the narrowest width the exponents do not say so: they may still change; add wider models"
    return [Note("exponents_change", text)]


def is_drift(law: PowerLaw) -> bool:
    """Whether the optimum moves like a power of n (x linear in ln n): an exponent near 0, and well known."""
    low, high = law.exponent.low, law.exponent.high
    return bool(law.moves < MOVED and low == 0.0 and high is not None and high < 0.5)
