"""The embedded digits: split, scale, and nothing lost."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits as embedded

from hptheory.errors import DomainError, MissingExtraError
from sims.data.digits import load_digits


def test_both_parts_together_are_all_images():
    """Undo the scale, sort the rows with their labels, and compare with scikit-learn's own."""
    data, (images, labels) = load_digits(), embedded(return_X_y=True)
    x = torch.cat([data.train_x, data.validation_x]).numpy().astype(float)
    y = torch.cat([data.train_y, data.validation_y]).numpy()
    # Pixels are integers 0..16 and both ends occur, which fixes the scale: float32 rounds to well below 1/2.
    pixels = np.rint((x - x.min()) / (x.max() - x.min()) * 16)
    ours, theirs = np.column_stack([pixels, y]), np.column_stack([images, labels])
    assert (ours[np.lexsort(ours.T)] == theirs[np.lexsort(theirs.T)]).all()


def test_training_part_is_standardised():
    data = load_digits()
    # float32 sums of 76,800 numbers of order one: 1e-5 is ten times their rounding.
    assert data.train_x.mean().item() == pytest.approx(0, abs=1e-5)
    assert data.train_x.std().item() == pytest.approx(1, abs=1e-5)


def test_the_split_is_fixed_and_balanced():
    data = load_digits()
    assert (data.validation_x == load_digits().validation_x).all()
    # A random third of 180 images a class: 60 with standard deviation 6.3; five of them for ten classes.
    counts = torch.bincount(data.validation_y, minlength=10)
    assert (counts - 60).abs().max() < 32


@pytest.mark.parametrize("size", [0, 1797, -3])
def test_sizes_outside_the_domain(size):
    with pytest.raises(DomainError, match=f"validation_size = {size}"):
        load_digits(size)


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setattr("sims.requirements.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"sklearn.*pip install 'hptheory\[sims\]'"):
        load_digits()
