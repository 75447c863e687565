"""A small calibration on every kind of cell; the published one is docs/calibration.md."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.calibration import Cell, Outcome, grid, page, run_cell

RUNS = 40
CELLS = [
    Cell("parabola", False, 0.002, 1.0, 0.5, 0.5),
    Cell("parabola", True, 0.01, 0.5, 1.0, 0.25),
    Cell("lopsided", False, 0.01, 0.1, 0.5, 1.0),
    Cell("lopsided", True, 0.002, 1.0, 1.0, 0.5),
]


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return [run_cell(cell, RUNS, seed=1) for cell in CELLS]


@pytest.mark.parametrize("name", ["alpha", "beta", "limit"])
def test_intervals_cover(outcomes: list[Outcome], name: str) -> None:
    hits = np.array([getattr(outcome, name) for outcome in outcomes])
    # A cell at 0.85 has less than 27 hits of 40 with probability 3e-3; all four together, 160 runs at 0.85,
    # less than 122 with probability 2e-3. An 80 % method (a plain bootstrap) fails the sum half the time.
    assert (hits >= 27).all()
    assert hits.sum() >= 122


def test_verdicts_are_seldom_wrong_and_clear_cases_are_decided(outcomes: list[Outcome]) -> None:
    for cell, outcome in zip(CELLS, outcomes, strict=True):
        wrong = {"fast": outcome.slow, "slow": outcome.fast, "tie": 0}[cell.truth]
        # 5 % of 40 is 2; more than 7 has probability 1e-3.
        assert wrong <= 7
        # `fast` at the tie below 10 %: 4 of 40; more than 10 has probability 2e-3.
        assert cell.truth != "tie" or outcome.fast <= 10
    assert outcomes[0].undetermined <= 0.3 * RUNS


def test_a_round_is_reproducible() -> None:
    one, two = (run_cell(CELLS[2], 3, 5, part=1) for _ in range(2))
    one.seconds = two.seconds = 0.0
    assert one == two


def test_the_page_marks_what_misses_its_target() -> None:
    good = Outcome(100, 90, 90, 90, 0, 0, 0, 0, 100)
    bad = Outcome(100, 70, 90, 99, 0, 0, 100, 0, 0)
    text = page([bad] + [good] * (len(grid()) - 1), seed=3, command="make it")
    assert "| 0.700 * | 0.900 | 0.990 * |" in text
    assert f"{len(grid()) - 1} of {len(grid())}" in text
