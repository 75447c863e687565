"""The report on a sweep as a page: the verdict in words, the curves, the optima, the gaps, the exponents."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from hptheory.figures.gap_scaling import gap_scaling
from hptheory.figures.sweep_curves import sweep_curves
from hptheory.reports.next_runs_text import next_runs_text
from hptheory.reports.page import Picture, Section, listing, page, paragraph, short, table
from hptheory.transfer import Report
from hptheory.transfer.exponents import Interval
from hptheory.transfer.sweep_costs import next_runs_if_open

_WORDS = {
    "fast": "Transfer is fast",
    "slow": "Transfer is slow",
    "undetermined": "These runs do not determine whether transfer is fast",
}
_MEANING = {
    "fast": "What {hp} tuned on a narrow model costs a wide one vanishes faster than the advantage of width: "
    "tuning small and training large is the better use of a budget.",
    "slow": "What {hp} tuned on a narrow model costs a wide one does not vanish faster than the advantage of "
    "width: for large budgets, tuning small is no better than tuning the model itself.",
    "undetermined": "The optima below stand; at which rate they converge is open.",
}
CURVES = "Loss against {hp}, by {scale}: means over seeds with two standard errors, fitted curves, and the "
CURVES += "optimum (star) with its 90 % interval (bar)."
GAPS = "The gaps of optimal loss and optimal {hp} against {scale}; bars and bands: 90 %."


def sweep_page(
    report: Report,
    *,
    title: str = "Hyperparameter transfer",
    before: Sequence[Section] = (),
    what_was_run: Mapping[str, str] | None = None,
    pictures: Sequence[Picture] | None = None,
) -> str:
    """The report as one HTML file, the verdict first.

    ``before`` are sections between the verdict and the sweep, ``what_was_run`` the lines of the last one,
    ``pictures`` the curves and the gaps where they are drawn already (`sweep_pictures`).

    *Laws*: it holds every number of ``report.to_dict()`` that a reader needs; it refers to nothing outside
    itself.

    >>> import numpy as np
    >>> from hptheory.transfer import SweepTable, analyse
    >>> n, x = np.meshgrid([64.0, 128.0, 256.0], np.linspace(-1.0, 1.0, 7), indexing="ij")
    >>> columns = {"width": n.ravel(), "lr": np.exp(x.ravel()), "loss": (3 / n + (x - 9 / n) ** 2).ravel()}
    >>> text = sweep_page(analyse(SweepTable.from_columns(columns)))
    >>> text.index("Transfer is") < text.index("<img") < text.index("The optimum of every width")
    True
    """
    sections = [*before, *sweep_sections(report, pictures or sweep_pictures(report))]
    if what_was_run:
        rows = what_was_run.items()
        sections.append(Section("What was run", (table(["", ""], [[name, text] for name, text in rows]),)))
    return page(title, verdict_block(report), sections)


def sweep_pictures(report: Report) -> list[Picture]:
    """The curves and the gaps of a sweep, drawn."""
    pictures = []
    for one in report.each or (report,):
        hp = one.table.hp_names[0]
        names, end = {"hp": hp, "scale": report.table.scale_name}, f"_{hp}" if report.each else ""
        pictures += [
            Picture.drawn(f"sweep_curves{end}", sweep_curves(one), CURVES.format(**names)),
            Picture.drawn(f"gap_scaling{end}", gap_scaling(one), GAPS.format(**names)),
        ]
    return pictures


def verdict_block(report: Report) -> str:
    """The verdict, what it means, what transfer costs between the widths measured, and the reason."""
    verdict, hp = report.verdict, " and ".join(report.table.hp_names)
    lines = [_MEANING[verdict].format(hp=hp), *transfer_in_words(report), report.judgement.reason]
    text = "".join(paragraph(line) for line in lines)
    return f'<div class="verdict {escape(verdict)}"><strong>{_WORDS[verdict]}.</strong>{text}</div>'


def transfer_in_words(report: Report) -> list[str]:
    """A sentence on the narrowest and the widest model whose optima are known; none where there is one."""
    gaps = report.gaps
    if gaps is None or gaps.width.size < 2:
        return []
    scale, hp = report.table.scale_name, " and ".join(report.table.hp_names)
    narrow, wide = gaps.width[0], gaps.width[-1]
    behind = f"{gaps.loss[0]:.2g} (standard error {gaps.loss_error[0]:.1g})"
    sentence = f"At its best, {scale} {narrow:g} is {behind} in loss behind {scale} {wide:g}"
    if math.isfinite(gaps.suboptimality[0]):
        sentence += f"; its {hp}, used at {scale} {wide:g}, loses {gaps.suboptimality[0]:.2g}"
    return [f"{sentence}."]


def sweep_sections(report: Report, pictures: Sequence[Picture]) -> list[Section]:
    """Curves with the optima, gaps with the exponents, and the warnings."""
    notes = [f"{note.message} [{note.code}]" for note in report.warnings]
    sections = []
    for index, one in enumerate(report.each or (report,)):
        curves, gaps = (picture.html() for picture in pictures[2 * index : 2 * index + 2])
        of = f": {one.table.hp_names[0]}" if report.each else ""
        sections += [
            Section(f"The sweep{of}", (curves, _optima(one))),
            Section(f"How fast it converges{of}", (gaps, _exponents(one), _gaps(one))),
        ]
    sections.append(Section("Warnings", (listing(notes) if notes else paragraph("None."),)))
    runs = next_runs_text(next_runs_if_open(report), report.table.scale_name)
    if runs:
        sections.append(Section("What to run next", tuple(paragraph(line) for line in runs)))
    return sections


def _optima(report: Report) -> str:
    hp = report.table.hp_names[0]
    variable = f"ln {hp}" if report.table.log_axes[0] else hp
    header = [report.table.scale_name, f"{hp}*", "90 % from", "to", "loss*", "curvature", "minima", ""]
    rows = [
        [row.width, row.hp, row.hp_low, row.hp_high, row.loss, row.curvature, row.minima, _remark(row)]
        for row in report.optimum
    ]
    caption = f"The optimum of every width; curvature is the second derivative of the loss in {variable}."
    return table(header, rows, caption)


def _remark(row: object) -> str:
    if getattr(row, "at_grid_edge", False):
        return "at the edge of the grid"
    return "" if getattr(row, "used", True) else "not used in the laws"


def _exponents(report: Report) -> str:
    hp, n = report.table.hp_names[0], report.table.scale_name
    rows = [
        [f"alpha: loss* = limit + A {n}^-alpha", *_ends(report.loss_exponent), *_ends(report.loss_limit)],
        [
            f"beta: {hp}* tends to its limit like {n}^-beta",
            *_ends(report.hp_exponent),
            *_ends(report.hp_limit),
        ],
    ]
    sure = report.judgement.probability_fast
    caption = (
        f"Power laws with 90 % intervals; confidence in beta > alpha/2: {short(sure)}. A dash: the data "
    )
    return table(["", "exponent", "from", "to", "limit", "from", "to"], rows, caption + "do not say.")


def _ends(interval: Interval) -> list[float | None]:
    return [interval.estimate, interval.low, interval.high]


def _gaps(report: Report) -> str:
    gaps = report.gaps
    if gaps is None:
        return ""
    columns = (gaps.width, gaps.loss, gaps.loss_error, gaps.hyperparameter, gaps.hyperparameter_error)
    rows = zip(*(column.tolist() for column in (*columns, gaps.suboptimality)), strict=True)
    hp, wide = report.table.hp_names[0], f"{report.table.scale_name} {gaps.width[-1]:g}"
    moved = f"ln {hp}*" if report.table.log_axes[0] else f"{hp}*"
    header = [report.table.scale_name, "loss* above", "s.e.", f"{moved} above", "s.e.", "suboptimality"]
    caption = f"Gaps against {wide}; suboptimality is the loss that this width's {hp}* adds at {wide}."
    return table(header, list(rows), caption)
