"""The demo at its smallest: what it writes, that it goes on from what is stored, and that Ctrl-C is heard."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hptheory.errors import HPTheoryError
from sims import demo as module
from sims.demo import demo
from tests.reports.test_page import Reading

FILES = {
    "report.html", "digits", "figure_04.png", "figure_04.csv", "figure_04.json",
    "sweep_curves.png", "sweep_curves.csv", "gap_scaling.png", "gap_scaling.csv",
}  # fmt: skip


def forbidden(*args: object, **options: object) -> None:
    raise AssertionError("done again")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    demo(out=folder, preset="smoke")
    return folder


def test_the_report_tells_the_whole_story(shown: Path) -> None:
    assert set(os.listdir(shown)) == FILES
    found = Reading((shown / "report.html").read_text(encoding="utf-8"))
    assert found.external == []
    assert "script" not in found.tags
    order = ["do not determine", "The theory", "A real network", "The sweep", "Warnings", "What was run"]
    assert sorted(order, key=found.text.index) == order
    # Figure 4, the curves and the gaps, each with its numbers.
    assert len(found.references) == 6
    assert "12 of 12 done, 0 diverged" in found.text


def test_a_second_call_repeats_nothing(
    shown: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (shown / "report.html").read_bytes()
    monkeypatch.setattr("hptheory.figures.figure_04.figure_04", forbidden)
    monkeypatch.setattr("sims.sweep.train_unit", forbidden)
    demo(out=shown, preset="smoke")
    assert (shown / "report.html").read_bytes() == before
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "1/3  Figure 4 of the paper: there already"
    assert printed[-2].startswith("verdict: undetermined. ")
    assert printed[-1] == f"report: {shown / 'report.html'}"


@pytest.mark.parametrize("change", ["version", "damage", "loss"])
def test_a_figure_of_another_kind_is_drawn_again(
    shown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    for name in ("figure_04.png", "figure_04.csv", "figure_04.json"):
        (tmp_path / name).write_bytes((shown / name).read_bytes())
    if change == "version":
        monkeypatch.setattr("hptheory.__version__", "0.0.0")
    elif change == "damage":
        (tmp_path / "figure_04.json").write_text("[1, 2")
    else:
        (tmp_path / "figure_04.csv").unlink()
    monkeypatch.setattr("hptheory.figures.figure_04.figure_04", forbidden)
    with pytest.raises(AssertionError, match="done again"):
        module.theory_section(tmp_path, "smoke")


def test_ctrl_c_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hptheory.figures.figure_04.figure_04", interrupted)
    with pytest.raises(SystemExit) as stopped:
        demo(out=tmp_path, preset="smoke")
    assert stopped.value.code == 130
    assert (
        capsys.readouterr().err
        == f"stopped; what is finished is in {tmp_path}, and the same command goes on\n"
    )
    assert os.listdir(tmp_path) == []


def test_an_unknown_preset_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(HPTheoryError, match="unknown preset"):
        demo(out=tmp_path / "new", preset="gpu")
    assert not (tmp_path / "new").exists()
