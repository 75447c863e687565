"""Schedules: their laws at every step, and the shapes by a second route."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.errors import DomainError, UnknownNameError
from sims.schedules import SCHEDULES, schedule_factor

SHARES = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda pair: (pair[0] / 2, pair[1] / 2))


@given(name=st.sampled_from(sorted(SCHEDULES)), total=st.integers(1, 200), shares=SHARES)
def test_rises_then_falls_within_zero_and_one(name, total, shares):
    warmup, cooldown = shares
    factors = [schedule_factor(name, step, total, warmup=warmup, cooldown=cooldown) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)
    top = factors.index(max(factors))
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)


def test_the_papers_schedule():
    """WSD, 4 % warmup and 20 % cooldown, over 100 steps: drawn as three straight lines."""
    factors = [schedule_factor("wsd", step, 100, warmup=0.04, cooldown=0.2) for step in range(100)]
    expected = [0.25, 0.5, 0.75] + [1.0] * 78 + [left / 20 for left in range(19, 0, -1)]
    assert factors == pytest.approx(expected, rel=1e-12)  # quotients of small integers: rounding only


def test_linear_and_cosine_after_the_warmup():
    for step in range(10, 50):
        done = (step - 10) / 40
        assert schedule_factor("linear", step, 50, warmup=0.2) == pytest.approx(1 - done, rel=1e-12)
        cosine = math.cos(math.pi * done / 2) ** 2
        assert schedule_factor("cosine", step, 50, warmup=0.2) == pytest.approx(cosine, rel=1e-12)


def test_without_warmup_and_cooldown_the_rate_is_constant():
    for name in ("constant", "wsd"):
        assert {schedule_factor(name, step, 7) for step in range(7)} == {1.0}


@pytest.mark.parametrize(("warmup", "cooldown"), [(-0.1, 0.0), (0.0, 1.5), (0.6, 0.6), (float("nan"), 0.0)])
def test_shares_outside_the_domain(warmup, cooldown):
    with pytest.raises(DomainError, match=r"cooldown|warmup"):
        schedule_factor("wsd", 0, 10, warmup=warmup, cooldown=cooldown)


def test_steps_and_names_outside_the_domain():
    with pytest.raises(DomainError, match="step = 10"):
        schedule_factor("wsd", 10, 10)
    with pytest.raises(UnknownNameError, match="did you mean cosine"):
        schedule_factor("cosin", 0, 10)
