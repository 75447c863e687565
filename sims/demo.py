"""The command ``hptheory demo``: exact theory, a sweep on real images, a verdict, in one HTML report."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

import hptheory
from hptheory.files import output_folder, write_atomically
from sims.commands import INTERRUPTED, TRAINER_PACKAGES, let_threads_sleep
from sims.display import watching
from sims.requirements import require
from sims.settings import get_setting

if TYPE_CHECKING:
    from hptheory.figures.figure_04 import Figure4Setting
    from hptheory.reports import Section
    from hptheory.transfer import Report

TITLE = "hptheory demo: does a learning rate tuned on a small network work on a large one?"
THEORY = (
    "Random-features ridge regression is solved exactly at every width. As the width grows, the best ridge "
    "settles as fast as the risk does (b_n and a_n fall like 1/n), so that using it on an infinitely wide "
    "model costs only c_n ~ 1/n^2: transfer is fast, and that is a theorem (arXiv 2512.22768, Theorem 3)."
)
FIGURE = "Figure 4 of the paper: exact risks and gaps, and simulated points with two standard errors."
SWEEP = (
    "A two-layer ReLU network under muP, trained by Adam on scikit-learn's handwritten digits, on a grid of "
    "widths, learning rates and seeds. What follows is measured, and so is the verdict above."
)


def demo(
    *,
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("hptheory-demo"),
    preset: str = "cpu",
) -> None:
    """See the whole story: exact theory, a training sweep on real images, a verdict; minutes on two cores.

    Stopped and called again, it goes on from what is stored.

    Args:
        out: The folder for the report, the figures with their numbers, and the runs.
        preset: How much: cpu (minutes), smoke (seconds; too little for a verdict).
    """
    setting = get_setting("digits", preset)
    require("`hptheory demo`", *TRAINER_PACKAGES)
    let_threads_sleep()
    from sims.status import describe
    from sims.sweep import run

    folder = output_folder(out)
    try:
        theory = theory_section(folder, preset)
        print("2/3  a sweep on handwritten digits", flush=True)
        with watching(setting) as progress:
            dataset = run(setting, folder / "digits", progress)
        print(describe(dataset))
        print("3/3  the verdict", flush=True)
        report = write_report(folder, theory)
    except KeyboardInterrupt:
        print(f"stopped; what is finished is in {folder}, and the same command goes on", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    print(f"verdict: {report.verdict}. {report.judgement.reason}")
    print(f"report: {(folder / 'report.html').resolve()}")


def theory_section(folder: Path, preset: str) -> Section:
    """Figure 4 with its explanation; drawn into the folder unless it is there from the same setting."""
    from hptheory.figures.figure_04 import Figure4Setting, figure_04
    from hptheory.reports import Picture, Section
    from hptheory.reports.page import paragraph

    setting = Figure4Setting(psi2=(1.0, 4.0), d=20, trials=4) if preset == "smoke" else Figure4Setting()
    note = folder / "figure_04.json"
    seconds = _seconds_of(note, setting)
    if seconds is not None and all((folder / f"figure_04.{suffix}").exists() for suffix in ("png", "csv")):
        print("1/3  Figure 4 of the paper: there already", flush=True)
        picture = Picture.saved("figure_04", folder, FIGURE)
    else:
        print("1/3  Figure 4 of the paper: exact theory and simulation, about 20 seconds", flush=True)
        started = time.perf_counter()
        picture = Picture.drawn("figure_04", figure_04(setting), FIGURE)
        picture.save(folder)
        seconds = time.perf_counter() - started
        write_atomically(note, json.dumps({**_stamp(setting), "seconds": seconds}, indent=2).encode())
    time_taken = f"Computed in {seconds:.0f} s on the CPU."
    return Section("The theory: where fast transfer is a theorem", (
        paragraph(THEORY), picture.html(), paragraph(time_taken, "quiet"),
    ))  # fmt: skip


def write_report(folder: Path, theory: Section) -> Report:
    """Analyse the sweep in ``folder/digits`` and write its figures and ``report.html``; the report itself."""
    from hptheory.reports import Section, sweep_page, sweep_pictures
    from hptheory.reports.page import paragraph
    from hptheory.transfer import analyse
    from sims.report import read_runs, what_was_run

    report = analyse(read_runs(folder / "digits"))
    pictures = sweep_pictures(report)
    for picture in pictures:
        picture.save(folder)
    page = sweep_page(
        report,
        title=TITLE,
        before=[theory, Section("A real network", (paragraph(SWEEP),))],
        what_was_run=what_was_run(folder / "digits"),
        pictures=pictures,
    )
    write_atomically(folder / "report.html", page.encode())
    return report


def _stamp(setting: Figure4Setting) -> dict[str, Any]:
    """What decides the figure, as JSON gives it back."""
    content: dict[str, Any] = json.loads(json.dumps({**asdict(setting), "hptheory": hptheory.__version__}))
    return content


def _seconds_of(note: Path, setting: Figure4Setting) -> float | None:
    """The time that the stored figure took; None where there is none, or it shows another setting."""
    try:
        found = json.loads(note.read_bytes())
        seconds = float(found.pop("seconds"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return seconds if found == _stamp(setting) else None
