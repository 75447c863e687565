"""Random resized crops and mixup of whole batches on the device, from draws that the host makes.

The draws are NumPy's, by seed and step: a pure function of both, the same on every device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Boxes = Float[Tensor, "image 4"]
"""Centre (x, y) and half size (x, y) of each crop, in units where the image is [-1, 1] x [-1, 1]."""


@dataclass(frozen=True)
class Draw:
    """The random numbers of one batch: a crop for each image, and one mixing weight."""

    boxes: Float[np.ndarray, "image 4"]
    weight: float


def draw(
    rng: np.random.Generator,
    images: int,
    *,
    scale: Sequence[float] = (0.08, 1.0),
    ratio: Sequence[float] = (3 / 4, 4 / 3),
    mixup: float = 1.0,
) -> Draw:
    """Crops whose share of the area is uniform in ``scale`` and whose shape is log-uniform in ``ratio``.

    Their positions are uniform; a side that would not fit is the image's. The mixing weight is Beta(mixup,
    mixup), or 1 for mixup = 0.

    Source: random resized crops as torchvision draws them (its defaults; there, boxes have integer
    corners); mixup: Zhang et al., arXiv 1710.09412, with their weight for CIFAR-10, alpha = 1.
    """
    area = rng.uniform(scale[0], scale[1], images)
    shape = np.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1]), images))
    half = np.minimum(1.0, np.sqrt(np.stack([area * shape, area / shape], axis=1)))
    centre = rng.uniform(-1.0, 1.0, (images, 2)) * (1 - half)
    weight = float(rng.beta(mixup, mixup)) if mixup > 0 else 1.0
    return Draw(np.concatenate([centre, half], axis=1), weight)


def crop(
    x: Float[Tensor, "image channel row column"], boxes: Boxes
) -> Float[Tensor, "image channel row column"]:
    """Each image's crop, brought to the image's size by bilinear interpolation.

    A crop along the axes is separable: R_y x R_x^T with two small matrices an image, whose rows sum to 1;
    batched products of them are many times faster than a sampler of arbitrary grids. Beyond the centres of
    the outermost pixels, these are continued.

    *Laws*: the whole image as a crop is the image itself; a constant image stays constant; equal to
    ``grid_sample``.

    >>> x = torch.arange(9.0).view(1, 1, 3, 3)
    >>> bool(torch.allclose(crop(x, torch.tensor([[0.0, 0.0, 1.0, 1.0]])), x, atol=1e-5))
    True
    """
    across = _interpolation(boxes[:, 0], boxes[:, 2], x.shape[3])
    down = _interpolation(boxes[:, 1], boxes[:, 3], x.shape[2])
    narrow = torch.bmm(x.flatten(1, 2), across.transpose(1, 2)).view(x.shape)
    return torch.matmul(down.unsqueeze(1), narrow)


def _interpolation(
    centre: Float[Tensor, " image"], half: Float[Tensor, " image"], pixels: int
) -> Float[Tensor, "image pixel pixel"]:
    """Row i holds the weights of the source pixels in the crop's pixel i, along one axis."""
    index = torch.arange(pixels, dtype=centre.dtype, device=centre.device)
    unit = (2 * index + 1) / pixels - 1  # the centres of the pixels in [-1, 1]
    place = ((centre[:, None] + half[:, None] * unit + 1) * pixels - 1) / 2
    place = place.clamp(0, pixels - 1)
    return (1 - (place[:, :, None] - index).abs()).clamp_(min=0)


def mix(x: Float[Tensor, ...], weight: float) -> Float[Tensor, ...]:
    """weight * x + (1 - weight) * the batch shifted by one: mixup's partners are the neighbours.

    The batch is in random order, so that neighbours are a random pairing.

    >>> mix(torch.tensor([0.0, 4.0]), 0.75).tolist()
    [1.0, 3.0]
    """
    return torch.lerp(x.roll(1, dims=0), x, weight)
