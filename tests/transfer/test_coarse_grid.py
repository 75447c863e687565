"""The warning that an optimum lies where no run is: below all of them, by more than a parabola could dip."""

from __future__ import annotations

import numpy as np
import pytest

from hptheory.transfer import SweepTable, analyse

COARSE = (-10.0, -9.0, -8.0, -7.5, -7.0, -6.0)
DION = {
    (32, 0): (3.9067, 3.8907, 3.8295, 3.7921, 3.7849, 3.8053),
    (32, 1): (3.902, 3.8875, 3.8439, 3.8313, 3.7878, 3.8175),
    (64, 0): (3.6883, 3.6086, 3.5231, 3.4924, 3.4537, 3.5885),
    (64, 1): (3.7082, 3.6219, 3.5335, 3.4886, 3.4602, 3.5915),
    (128, 0): (3.5631, 3.4658, 3.3751, 3.3453, 3.3064, 3.4503),
}
"""A sweep of Llama under Dion of rank 16: the loss for each (width, seed) at 2^COARSE. It falls gently
up to 2^-7 and is much higher at 2^-6; the model put width 128's optimum at 2^-6.5, with a loss of 3.263."""
RUN_THERE = 3.3229


def table_of(rows: list[tuple[float, float, int, float]]) -> SweepTable:
    columns = dict(zip(("width", "lr", "seed", "loss"), map(list, zip(*rows, strict=True)), strict=True))
    return SweepTable.from_columns(columns)


def codes(table: SweepTable) -> set[str]:
    return {warning.code for warning in analyse(table).warnings}


def test_an_optimum_far_below_all_runs_is_told() -> None:
    rows = [
        (width, 2.0**x, seed, loss)
        for (width, seed), losses in DION.items()
        for x, loss in zip(COARSE, losses, strict=True)
    ]
    report = analyse(table_of(rows))
    (message,) = (warning.message for warning in report.warnings if warning.code == "coarse_grid")
    assert message.endswith("add runs there (lr = 0.011 at width 128)")
    assert report.optimum[-1].loss < 3.27  # by 0.04 below all runs, and below the one made there
    settled = analyse(table_of([*rows, (128, 2.0**-6.5, 0, RUN_THERE)]))
    assert abs(settled.optimum[-1].loss - min(DION[128, 0])) < 0.01
    assert not any("width 128" in w.message for w in settled.warnings if w.code == "coarse_grid")


@pytest.mark.parametrize("step", [0.5, 1.0])
@pytest.mark.parametrize("offset", [0.0, 0.25, 0.5])
def test_a_parabola_on_an_even_grid_is_no_reason_to_warn(step: float, offset: float) -> None:
    """Wherever its minimum lies between the cells."""
    rng = np.random.default_rng(0)
    rows = []
    for width in (32, 64, 128):
        for k in range(-3, 4):
            x = step * (k + offset)
            rows += [
                (width, 2.0 ** (x - 7), s, 3 + 20 / width + 0.1 * x**2 + 0.002 * rng.normal()) for s in (0, 1)
            ]
    assert "coarse_grid" not in codes(table_of(rows))
