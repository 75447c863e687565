"""The page of a sweep: the verdict first, in words, and every number of the report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.synthetic_sweeps import WIDTHS, sweep
from hptheory.reports import Picture, Section, sweep_page, sweep_pictures
from hptheory.reports.page import short
from hptheory.reports.sweep_report import transfer_in_words
from hptheory.transfer import Report, SweepTable, analyse
from tests.reports.test_page import HOSTILE, Reading, decoded

BLANK = [Picture(name, b"", "", name) for name in ("curves", "gaps")]


@pytest.fixture(scope="module")
def report() -> Report:
    return analyse(sweep(0.5, 1.0, noise=0.002))


def test_the_page_holds_what_the_report_says(report: Report) -> None:
    found = Reading(sweep_page(report, pictures=BLANK, what_was_run={"seeds": "0, 1, 2"}))
    assert found.external == []
    rows = found.text.splitlines()
    for row in report.optimum:
        line = "".join(map(short, (row.width, row.hp, row.hp_low, row.hp_high, row.loss, row.curvature)))
        assert any(text.startswith(line) for text in rows)
    for interval in (report.loss_exponent, report.hp_exponent, report.loss_limit, report.hp_limit):
        assert "".join(map(short, (interval.estimate, interval.low, interval.high))) in found.text
    assert report.judgement.reason in found.text
    assert all(note.message in found.text for note in report.warnings)
    assert "seeds0, 1, 2" in found.text


def test_the_verdict_comes_first(report: Report) -> None:
    before = [Section("Theory", ())]
    text = Reading(sweep_page(report, pictures=BLANK, before=before, what_was_run={"a": "b"})).text
    order = ["Transfer is fast", "Theory", "The sweep", "How fast it converges", "Warnings", "What was run"]
    # The title stands twice: in the head and on the page.
    assert sorted(order, key=text.index) == order


@pytest.mark.parametrize("verdict", ["fast", "slow", "undetermined"])
def test_every_verdict_has_its_words(report: Report, verdict: str) -> None:
    page = sweep_page(replace(report, judgement=replace(report.judgement, verdict=verdict)), pictures=BLANK)
    assert f'class="verdict {verdict}"' in page
    heading = page.partition("<strong>")[2].partition("</strong>")[0]
    assert {"fast": "is fast.", "slow": "is slow.", "undetermined": "do not determine"}[verdict] in heading


def test_the_cost_of_transfer_is_that_of_the_report(report: Report) -> None:
    assert report.gaps is not None
    (sentence,) = transfer_in_words(report)
    assert f"width {WIDTHS[0]:g} is {report.gaps.loss[0]:.2g} " in sentence
    assert sentence.endswith(f"used at width {WIDTHS[-1]:g}, loses {report.gaps.suboptimality[0]:.2g}.")
    # The truth: 0.3 (1 - 16^-0.5) = 0.225, and ((1 - 1/16)^2)/2 = 0.44; seen with an accuracy of percents.
    assert report.gaps.loss[0] == pytest.approx(0.225, rel=0.1)
    assert report.gaps.suboptimality[0] == pytest.approx(0.44, rel=0.1)


def test_pictures_are_drawn_with_their_numbers(report: Report) -> None:
    found = Reading(sweep_page(report))
    drawn = [decoded(reference) for reference in found.references]
    expected = [content for one in sweep_pictures(report) for content in (one.png, one.numbers.encode())]
    assert drawn == expected
    assert drawn[0].startswith(b"\x89PNG")
    assert drawn[1].startswith(b"kind,width,hp,loss,low,high\n")


def test_a_sweep_that_shows_nothing_has_a_page() -> None:
    table = SweepTable.from_columns({"width": [8, 8], "lr": [0.1, 0.2], "loss": [1.0, 0.5]})
    found = Reading(sweep_page(analyse(table)))
    assert "do not determine" in found.text
    assert "at the edge of the grid" in found.text


def test_hostile_names_are_shown_as_text() -> None:
    columns = {HOSTILE: [8, 8, 8], "lr": [0.1, 0.2, 0.3], "loss": [1.0, 0.5, 0.7]}
    report = analyse(SweepTable.from_columns(columns, scale=HOSTILE, source=HOSTILE))
    found = Reading(sweep_page(report, pictures=BLANK, title=HOSTILE, what_was_run={HOSTILE: HOSTILE}))
    assert "script" not in found.tags
