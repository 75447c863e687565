"""Which side of a matrix is decomposed, and what belongs to the rest."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hptheory.errors import DomainError, UnknownNameError
from sims.trajectory.matrices import split_parameters

LLAMA = {
    "embedding": (1000, 64),
    "attention.query": (64, 64),
    "mlp.up": (256, 64),
    "mlp.down": (64, 256),
    "norm": (64,),
    "head": (1000, 64),
}


def test_a_transformer():
    """The width is on the input side but where a layer writes into the residual stream."""
    parts = split_parameters(LLAMA)
    assert parts.width == 64
    sides = {matrix.name: matrix.side for matrix in parts.matrices}
    assert sides == {
        "embedding": "columns",
        "attention.query": "columns",
        "mlp.up": "columns",
        "mlp.down": "rows",
        "head": "columns",
    }
    assert parts.rest == ("norm",)


def test_sides_can_be_chosen():
    parts = split_parameters(LLAMA, sides={"attention.query": "rows"})
    assert {matrix.name: matrix.side for matrix in parts.matrices}["attention.query"] == "rows"
    with pytest.raises(DomainError, match="a side of length 64"):
        split_parameters(LLAMA, sides={"mlp.up": "rows"})
    with pytest.raises(UnknownNameError):
        split_parameters(LLAMA, sides={"mlp.upp": "rows"})


def test_a_width_that_no_matrix_has():
    with pytest.raises(DomainError, match="width = 65"):
        split_parameters(LLAMA, width=65)
    with pytest.raises(DomainError, match="width"):
        split_parameters({"norm": (64,)})


@given(st.lists(st.sampled_from([(8, 8), (8, 3), (5, 8), (8,), (), (3, 5), (8, 2, 3)]), min_size=1))
def test_every_parameter_is_in_exactly_one_part(shapes):
    named = {str(index): shape for index, shape in enumerate(shapes)}
    if not any(len(shape) >= 2 and 8 in (shape[0], shape[-1] if len(shape) == 2 else 0) for shape in shapes):
        return
    parts = split_parameters(named, width=8)
    names = [matrix.name for matrix in parts.matrices] + list(parts.rest)
    assert sorted(names) == sorted(named)
    for matrix in parts.matrices:
        assert matrix.oriented(torch.zeros(2, *named[matrix.name])).shape[-1] == 8
