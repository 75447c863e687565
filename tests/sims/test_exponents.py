"""Exponents of measured sizes: exact on powers, honest about errors, and what passes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.errors import DomainError
from sims.exponents import TOLERANCE, agrees, exponent, exponents_text, long_table

SCALES = (64, 128, 256, 512)


def power(slope: float, spread: float = 0.0, seeds: int = 4) -> np.ndarray:
    tilt = slope + spread * np.linspace(-1, 1, seeds)
    return 3.0 * np.array(SCALES, dtype=float)[:, None] ** tilt


@given(slope=st.floats(-2, 2), factor=st.floats(1e-6, 1e6))
def test_exact_on_powers_and_free_of_a_factor(slope, factor):
    found = exponent("a", "change", SCALES, factor * power(slope))
    # Logarithms of sizes between 1e-11 and 1e12, over log 8: 30 units in the last place of 30.
    assert found.slope == pytest.approx(slope, abs=1e-13)
    assert found.passes == (abs(found.slope) <= TOLERANCE)


def test_the_standard_error_is_that_of_the_mean_over_seeds():
    found = exponent("a", "change", SCALES, power(0.0, spread=0.1))
    tilts = 0.1 * np.linspace(-1, 1, 4)
    assert found.standard_error == pytest.approx(np.std(tilts, ddof=1) / 2, rel=1e-10)
    assert found.passes
    assert not exponent("a", "change", SCALES, power(0.0, spread=0.5)).passes


def test_the_verdict_weighs_the_distance_against_the_scatter():
    """With four seeds the interval reaches 2.35 standard errors: 0.10 for slopes at -0.1, -0.03, 0.03, 0.1
    around their mean (standard deviation 0.086, error 0.043)."""

    def verdict(slope, spread=0.0, wanted=0.0):
        return exponent("a", "update", SCALES, power(slope, spread), wanted=wanted).verdict

    assert verdict(0.14, 0.1) == "ok"
    assert verdict(0.16, 0.1) == "unclear"
    assert verdict(0.34, 0.1) == "unclear"
    assert verdict(0.36, 0.1) == "FAILS"
    assert verdict(-0.5, wanted=-0.5) == "ok"
    assert verdict(0.0, wanted=-0.5) == "FAILS"


def test_zeros_and_infinities():
    zeros, blown = np.zeros((4, 2)), np.full((4, 2), np.inf)
    assert exponent("a", "start", SCALES, zeros).passes
    assert not exponent("a", "change", SCALES, zeros).passes
    assert not exponent("a", "start", SCALES, blown).passes
    assert exponent("a", "start", SCALES, zeros).slope is None


def test_agreement_with_what_is_expected():
    found = exponent("a", "change", SCALES, power(0.5), expected=0.5)
    assert agrees(found)
    assert agrees(exponent("a", "change", SCALES, power(0.5), expected=0.0)) is False
    assert agrees(exponent("a", "change", SCALES, power(0.5))) is None


def test_the_table_says_what_fails():
    rows = [exponent("good", "change", SCALES, power(0.0)), exponent("bad", "change", SCALES, power(1.0))]
    lines = exponents_text(rows, "heading", passed=False).splitlines()
    assert lines[0] == "heading"
    assert lines[2].endswith("ok")
    assert lines[3].endswith("FAILS")
    assert "failed: 1 of 2" in lines[-1]
    unclear = exponent("a", "change", SCALES, power(0.0, spread=0.5))
    assert "undecided: 1 of 2" in exponents_text([rows[0], unclear], "heading", passed=False)


def test_the_long_table_has_a_row_a_number():
    table = long_table("width", SCALES, {("a", "start"): power(0.0), ("a", "change"): power(1.0)})
    assert {len(column) for column in table.values()} == {2 * 4 * 4}
    assert table["size"][-1] == power(1.0)[-1, -1]


def test_too_little_to_see_a_slope_or_an_error():
    with pytest.raises(DomainError, match="three or more"):
        exponent("a", "start", (64, 128), np.ones((2, 4)))
    with pytest.raises(DomainError, match="two or more"):
        exponent("a", "start", SCALES, np.ones((4, 1)))
