"""What a coordinate check should find: muP's exponents, whatever the optimizer, and what fails without it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hptheory.errors import DomainError, UnknownNameError
from hptheory.parameterization import OPTIMIZERS, abcd_preset, classify, coordinate_exponents

HALF = Fraction(1, 2)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_law_under_mup_no_exponent_depends_on_the_optimizer_but_that_of_scores(optimizer):
    found = coordinate_exponents("mup", optimizer)
    assert found is not None
    for kind in ("input", "hidden"):
        assert (found[kind].start, found[kind].update, found[kind].change) == (0, 0, 0)
    assert (found["readout"].start, found["readout"].update, found["readout"].change) == (-HALF, 0, 0)
    assert found["scores"].update == (-HALF if optimizer == "sgd" else 0)
    assert found["scores"].change == 0


def test_an_answer_in_proportion_to_a_root_of_the_gradient_halves_the_exponent_of_scores():
    found = coordinate_exponents("mup", "shampoo", degree=0.5)
    assert found is not None
    assert found["scores"].update == Fraction(-1, 4)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("name", ["mup", "standard", "ntk"])
@pytest.mark.parametrize("layers", [1, 2])
def test_law_start_and_change_are_those_of_the_classifier(name, optimizer, layers):
    found = coordinate_exponents(name, optimizer, hidden_layers=layers)
    dynamics = classify(abcd_preset(name, optimizer), layers)
    assert found is not None
    kinds = ("input", "hidden")[:layers]
    assert [found[kind].start for kind in kinds] == list(dynamics.preactivations)
    assert [found[kind].change for kind in kinds] == list(dynamics.first_changes)
    assert found["readout"].start == dynamics.output
    assert found["readout"].change == dynamics.first_output_change
    # A part is never larger than the whole.
    assert all(each.update <= each.change for each in found.values())


def test_the_standard_parameterization_under_adam_by_hand():
    """One rate: signs add up over n inputs, to n at a hidden matrix and at the readout; the output moves by
    sqrt(n) more, since its weights of order n^(-1/2) meet features that moved by n along them."""
    found = coordinate_exponents("standard", "adam")
    assert found is not None
    assert [found[kind].update for kind in ("input", "hidden", "readout")] == [0, 1, 1]
    assert found["readout"].change == Fraction(3, 2)


def test_nothing_is_predicted_of_muon_outside_mup():
    assert coordinate_exponents("standard", "muon") is None


def test_bad_input():
    with pytest.raises(UnknownNameError, match="mup"):
        coordinate_exponents("mpu", "adam")
    with pytest.raises(UnknownNameError, match="adam"):
        coordinate_exponents("mup", "adams")
    with pytest.raises(DomainError, match="1 or 2"):
        coordinate_exponents("mup", "adam", hidden_layers=3)
    with pytest.raises(DomainError, match="degree = nan"):
        coordinate_exponents("mup", "sgd", degree=float("nan"))
