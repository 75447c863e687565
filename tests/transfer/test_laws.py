import numpy as np
import pytest

from hptheory.errors import DomainError
from hptheory.transfer.laws import TransferLaw

GOOD = {
    "loss_limit": 2.0,
    "loss_amplitude": 5.0,
    "loss_exponent": 0.5,
    "hp_limit": -6.0,
    "hp_amplitude": -2.0,
    "hp_exponent": 1.0,
    "curvature": 0.3,
    "hp_radius": 2.0,
}


def test_laws_of_two_draws_at_three_widths():
    law = TransferLaw(**GOOD | {"hp_exponent": [1.0, 2.0]})
    assert law.draws == 2
    widths = np.array([1.0, 4.0, 16.0])
    np.testing.assert_array_equal(law.optimal_loss(widths), [[7.0, 4.5, 3.25]])  # one exact loss law
    np.testing.assert_array_equal(law.hp_gap(widths), [[-2, -0.5, -0.125], [-2, -0.125, -0.0078125]])
    np.testing.assert_array_equal(law.drift(widths, widths), np.zeros((2, 3)))
    np.testing.assert_array_equal(law.drift(4.0, 16.0), [-0.375, -0.1171875])
    assert np.all(np.diff(law.optimal_loss(widths)) < 0)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"loss_exponent": [0.5, 0.0]}, "loss_exponent = 0"),
        ({"curvature": -1.0}, "curvature = -1"),
        ({"hp_limit": np.nan}, "hp_limit = nan"),
        ({"hp_exponent": [1.0, np.inf]}, "hp_exponent = inf"),
        ({"hp_radius": 0.0}, "hp_radius = 0"),
        ({"hp_count": 0}, "hp_count = 0"),
        ({"loss_limit": []}, "loss_limit.shape"),
        ({"loss_limit": [[1.0]]}, "loss_limit.shape"),
        ({"loss_limit": [1.0, 2.0], "curvature": [1.0, 2.0, 3.0]}, "number of draws"),
    ],
)
def test_domain(bad, message):
    with pytest.raises(DomainError, match=message):
        TransferLaw(**GOOD | bad)
