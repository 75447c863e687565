"""The table of measured HP gaps and their bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.decomposition import select_truncation, top_loss
from hptheory.decomposition.bound_table import format_hp_gap_table, hp_gap_table
from hptheory.decomposition.bounds import Decomposed, one_step, three_steps
from hptheory.decomposition.errors import MissingProxyError, TooFewHPsError
from hptheory.decomposition.loss_curves import GridCurve
from tests.strategies import profile_pairs


@given(profile_pairs(), st.booleans())
def test_law_the_gap_is_within_its_bounds(case, with_truncation):
    phi_n, phi_max, hps = case
    if hps.size < 3:
        return
    profiles = {1: phi_n, 2: phi_max}
    given = select_truncation(profiles, hps, [0.1], 1.0, 99.0) if with_truncation else None
    (row,) = hp_gap_table(profiles, hps, given)
    assert row.holds
    assert row.bound == pytest.approx(row.invariance + row.flatness)


def test_the_row_is_the_least_of_the_single_bounds():
    rng = np.random.default_rng(4)
    x = np.linspace(-1.0, 1.0, 7)

    def profile(n):
        weights = np.arange(1, n + 1) ** -2.0
        smooth = (x[:, None] ** 2 - 1.5 + 0.2 * x[:, None] / n) * np.cumsum(weights)
        return smooth + 0.01 * rng.standard_normal((7, n))

    phi_n, phi_max = profile(6), profile(12)
    kappa = np.array([1, 2, 2, 3, 2, 2, 1])
    (row,) = hp_gap_table({6: phi_n, 12: phi_max}, x, {6: kappa})

    def curves(k):
        top = [np.zeros(7)] * 2 if np.all(k == 0) else [top_loss(phi, k) for phi in (phi_n, phi_max)]
        return Decomposed(*(GridCurve(x, v) for v in (phi_n[:, -1], phi_max[:, -1], *top)))

    candidates = [*range(1, 7), kappa]
    assert row.bound == pytest.approx(min(three_steps(curves(k)).upper for k in candidates))
    assert row.one_step == pytest.approx(min(one_step(curves(k)).upper for k in range(7)))
    assert three_steps(curves(np.array(row.kappa))).upper == pytest.approx(row.bound)
    assert one_step(curves(row.one_step_k)).upper == pytest.approx(row.one_step)
    assert row.hp_gap <= row.one_step <= row.bound


def test_a_failed_truncation_is_left_out_and_widths_are_sorted():
    x = np.linspace(-1.0, 1.0, 5)
    phi = (x**2 - 2)[:, None] * np.linspace(0.5, 1.0, 8)
    rows = hp_gap_table({8: phi, 6: phi[:, :6], 4: phi[:, :4]}, x, {4: None})
    assert [row.width for row in rows] == [4, 6]
    assert format_hp_gap_table(rows).count("\n") == 2


def test_bad_input_is_named():
    with pytest.raises(MissingProxyError):
        hp_gap_table({4: np.zeros((3, 4))}, [1.0, 2.0, 3.0])
    with pytest.raises(TooFewHPsError):
        hp_gap_table({4: np.zeros((1, 4)), 8: np.zeros((1, 8))}, [1.0])
