"""Plans of units: every free run once, nobody idle for long, no unit larger than its width's pack."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sims.ledger import effort, planned

WIDTHS = st.dictionaries(
    st.sampled_from([32, 128, 512, 2048]), st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1
)


@given(widths=WIDTHS, slots=st.integers(1, 9))
def test_every_free_run_is_planned_once_in_units_of_one_width(widths, slots):
    free = {width: [f"{width}-{run}" for run in range(runs)] for width, (runs, _) in widths.items()}
    packs = {width: pack for width, (_, pack) in widths.items()}
    efforts = {width: effort(width) for width in free}
    plan = planned(free, efforts, packs, slots)
    assert sorted(key for unit in plan for key in unit) == sorted(
        key for keys in free.values() for key in keys
    )
    widths_of = [{int(key.split("-")[0]) for key in unit} for unit in plan]
    assert all(len(some) == 1 for some in widths_of)
    order = [some.pop() for some in widths_of]
    assert order == sorted(order, reverse=slots > 1)
    total = sum(len(keys) * efforts[width] for width, keys in free.items())
    for unit, width in zip(plan, order, strict=True):
        assert 1 <= len(unit) <= packs[width]
        # A fair share of all, up to one run: runs cannot be divided.
        assert (len(unit) - 1) * efforts[width] < total / slots
    if len(free[min(free)]) >= slots:
        last = [len(unit) for unit, width in zip(plan, order, strict=True) if width == min(free)]
        assert len(last) % slots == 0 or len(last) == len(free[min(free)])
        assert max(last) - min(last) <= 1
