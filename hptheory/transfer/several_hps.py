"""The report on a sweep over several HPs: their optimum at every width jointly, and what each of them does.

b_n is a distance in the space of all HPs, so its exponent is that of the slowest: transfer is fast if it is
fast in every HP, slow if it is slow in one (2512.22768, Def. 1 and 2). Every HP has a report of its own, on
the profile of the loss over the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.curves import curves_of, profile
from hptheory.transfer.diagnostics import FEWEST_VALUES, Look
from hptheory.transfer.exponents import Interval
from hptheory.transfer.joint_optimum import JointOptima, fit_joint
from hptheory.transfer.notes import Note, unnamed_notes
from hptheory.transfer.one_hp import NOTHING, looked_at, optima_of, report_on
from hptheory.transfer.optimum import Optima
from hptheory.transfer.report import MeasuredGaps, Report
from hptheory.transfer.surface_looks import surface_looks
from hptheory.transfer.surfaces import surfaces_of
from hptheory.transfer.table import SweepTable
from hptheory.transfer.verdict import SURE, Verdict

Floats = NDArray[np.float64]


def analyse_several(table: SweepTable) -> Report:
    """The report on a table with several HPs; `each` holds one a HP.

    An HP with fewer than 4 values cannot show where its optimum is: the best of them is taken, the optimum is
    that in the others, and a warning says so.
    """
    hps = range(len(table.hp_names))
    seen = [looked_at(curves_of(table, j)) for j in hps]
    followed = [j for j in hps if max(look.cells for look in seen[j][1]) >= FEWEST_VALUES]
    looks = [list(look) for _, look, _ in seen]
    joint, optima = _optima(table, followed, looks)
    each = tuple(report_on(table.of_hps([j]), seen[j][0], looks[j], optima.get(j)) for j in hps)
    main = [each[j] for j in followed] or list(each)
    first, names = main[0], [one.table.hp_names[0] for one in main]
    return replace(
        first,
        table=table,
        hp_limit=NOTHING,
        hp_exponent=_slowest([one.hp_exponent for one in main]),
        gaps=first.gaps if joint is None or first.gaps is None else _distances(main, first.gaps, joint),
        judgement=_together(names, [one.judgement for one in main]),
        warnings=(*_profiled(table, followed), *unnamed_notes(table), *_notes(names, main)),
        each=each,
    )


def _optima(
    table: SweepTable, followed: Sequence[int], looks: list[list[Look]]
) -> tuple[JointOptima | None, dict[int, Optima]]:
    """The optima in the HPs followed, by HP; of several of them the joint fit too, and their looks are set to
    what the surfaces show."""
    if len(followed) == 1:
        curves, seen, noise = looked_at(curves_of(table, followed[0]))
        found = optima_of(curves, seen, noise)
        return None, {} if found is None else {followed[0]: found}
    surfaces = surfaces_of(profile(table, followed)) if followed else []
    usable = []
    for k, surface in enumerate(surfaces):
        shown = surface_looks(surface, [looks[j][k] for j in followed])
        for j, look in zip(followed, shown, strict=True):
            looks[j][k] = look
        if all(look.usable for look in shown):
            usable.append(surface)
    joint = fit_joint(usable) if usable else None
    return joint, {} if joint is None else {j: joint.of(i) for i, j in enumerate(followed)}


def _profiled(table: SweepTable, followed: Sequence[int]) -> list[Note]:
    left = [name for j, name in enumerate(table.hp_names) if j not in followed]
    text = "has too few values to show where its optimum is; the best of them was taken"
    return [Note("hp_profiled", f"{name} {text}") for name in left]


def _slowest(exponents: Sequence[Interval]) -> Interval:
    """The smallest of the exponents, with the smallest ends; nothing where one of them is not identified."""
    estimates = [one.estimate for one in exponents if one.estimate is not None]
    if len(estimates) < len(exponents):
        return NOTHING
    lows = [-np.inf if one.low is None else one.low for one in exponents]
    highs = [np.inf if one.high is None else one.high for one in exponents]
    low, high = float(min(lows)), float(min(highs))
    return Interval(min(estimates), low if np.isfinite(low) else None, high if np.isfinite(high) else None)


def _together(names: Sequence[str], judgements: Sequence[Verdict]) -> Verdict:
    """`fast` if every HP is (each at the full confidence: an intersection), `slow` if one is, of so many."""
    sure = [one.probability_fast for one in judgements]
    known = [value for value in sure if value is not None]
    least = min(known) if len(known) == len(sure) else None
    told = [f"{name}: {one.reason}" for name, one in zip(names, judgements, strict=True)]
    for text, one, value in zip(told, judgements, sure, strict=True):
        if one.verdict == "slow" and value is not None and value <= (1 - SURE) / len(names):
            return Verdict("slow", value, text)
    changing = any(one.exponents_change for one in judgements)
    if all(one.verdict == "fast" for one in judgements):
        return Verdict("fast", least, " ".join(told))
    open_ = [text for text, one in zip(told, judgements, strict=True) if one.verdict != "fast"]
    return Verdict("undetermined", least, " ".join(open_), changing)


def _distances(each: Sequence[Report], first: MeasuredGaps, joint: JointOptima) -> MeasuredGaps:
    """The gaps in all HPs: b_n is a distance, c_n the loss at the largest width of the others' optima."""
    gaps = [one.gaps for one in each if one.gaps is not None]
    shift = np.stack([gap.hyperparameter for gap in gaps], axis=1)
    error = np.stack([gap.hyperparameter_error for gap in gaps], axis=1)
    distance = np.linalg.norm(shift, axis=1)
    largest = joint.fits[-1]
    places = np.stack([fit.position for fit in joint.fits])
    return replace(
        first,
        hyperparameter=distance,
        hyperparameter_error=np.linalg.norm(shift * error, axis=1) / np.where(distance > 0, distance, 1.0),
        suboptimality=np.maximum(largest.loss(places) - largest.value, 0.0),
        curvature_suboptimality=np.einsum("wi,ij,wj->w", shift, largest.hessian, shift) / 2,
    )


def _notes(names: Sequence[str], each: Sequence[Report]) -> list[Note]:
    """The warnings of all HPs: once what all of them say, the rest with the HP's name."""
    everywhere = [note for note in each[0].warnings if all(note in one.warnings for one in each)]
    own = [
        Note(note.code, f"{name}: {note.message}")
        for name, one in zip(names, each, strict=True)
        for note in one.warnings
        if note not in everywhere
    ]
    return everywhere + own
