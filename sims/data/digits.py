"""Handwritten digits: 1,797 images of 8 x 8 pixels in ten classes, embedded in scikit-learn (no download)."""

from __future__ import annotations

import torch

from hptheory.errors import DomainError
from sims.data.classification import Classification
from sims.requirements import require
from sims.seeding import generator

SPLIT_SEED = 0  # the split belongs to the task, not to a run: every seed sees the same validation set


def load_digits(validation_size: int = 597) -> Classification:
    """The digits, shuffled once, the last ``validation_size`` held out, in float32 on the CPU.

    Pixels are standardised with the training part's one mean and one standard deviation over all pixels.
    (One by one, pixels that are almost always empty would dominate.) So a coordinate of x is of order one,
    as muP assumes.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (UCI), the test part.

    Domain: 1 <= validation_size < 1797, else ``DomainError``; without scikit-learn, ``MissingExtraError``.

    *Laws*: training and validation part are disjoint and together all images; the training part has mean 0,
    std 1.

    >>> data = load_digits()
    >>> tuple(data.train_x.shape), tuple(data.validation_x.shape), data.classes
    ((1200, 64), (597, 64), 10)
    """
    require("the digits data set", "sklearn")
    from sklearn.datasets import load_digits as embedded

    images, labels = embedded(return_X_y=True)
    if not 1 <= validation_size < len(labels):
        raise DomainError("validation_size", validation_size, f"in [1, {len(labels) - 1}]")
    order = torch.randperm(len(labels), generator=generator(SPLIT_SEED, "digits split"))
    x = torch.from_numpy(images).to(torch.float32)[order]
    y = torch.from_numpy(labels).to(torch.int64)[order]
    train_x, validation_x = x[:-validation_size], x[-validation_size:]
    mean, std = train_x.mean(), train_x.std()
    return Classification(
        train_x=(train_x - mean) / std,
        train_y=y[:-validation_size],
        validation_x=(validation_x - mean) / std,
        validation_y=y[-validation_size:],
        classes=10,
    )
