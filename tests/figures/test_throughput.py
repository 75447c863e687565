"""The figure of throughput: the roof, its shares, and what is no number of it."""

from __future__ import annotations

import pytest

from hptheory.errors import DomainError
from hptheory.figures.throughput import throughput

TABLE = {
    "engine": ["one process", "one process", "two processes", "two processes"],
    "width": [64, 64, 64, 128],
    "pack": [9, 3, 3, 3],
    "member_steps": [1000.0, 500.0, 2000.0, 500.0],
    "flops": [1e6, 1e6, 1e6, 4e8],
    "bytes": [1e6, 1e6, 1e6, 2e6],
}


def test_shares_of_the_roof():
    """Left of the ridge (100 flops a byte) the roof is intensity x bandwidth, right of it the peak."""
    _, numbers = throughput(TABLE, peak=1e11, bandwidth=1e9)
    assert numbers["intensity"] == [1.0, 1.0, 1.0, 200.0]
    assert numbers["gflops"] == pytest.approx([1.0, 0.5, 2.0, 200.0])
    assert numbers["share"] == pytest.approx([1.0, 0.5, 2.0, 2.0])
    assert numbers["peak_gflops"] == [100.0] * 4
    assert numbers["pack"] == TABLE["pack"]


def test_a_line_a_width_and_engine():
    figure, _ = throughput(TABLE, peak=1e11, bandwidth=1e9)
    left, right = figure.axes
    drawn = [line for line in left.lines if len(line.get_xdata())]
    assert [list(line.get_xdata()) for line in drawn] == [[3, 9], [3], [3]]
    assert "solid, circles: one process\ndashed, squares: two processes" in left.get_title()
    roof = right.lines[-1].get_ydata()
    assert max(roof) == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("column", "value"), [("member_steps", 0.0), ("bytes", -1.0), ("flops", float("nan"))]
)
def test_numbers_that_are_not_positive(column, value):
    with pytest.raises(DomainError, match=column):
        throughput({**TABLE, column: [value] * 4}, peak=1e11, bandwidth=1e9)
    with pytest.raises(DomainError, match="peak"):
        throughput(TABLE, peak=0.0, bandwidth=1e9)
