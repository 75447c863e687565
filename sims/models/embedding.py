"""Lookup tables with a leading member axis: tokens and learned positions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from hptheory.parameterization import LayerScaling
from sims.models.linear import ScaledParameter
from sims.seeding import generator


class StackedEmbedding(nn.Module):
    """y = weight[member, id]: each member looks up its own table; members of one seed start from the same.

    The entries start with standard deviation ``std * scaling.init_std``.

    Shapes: weight [member, entries, d]; ids [member, batch, context]; y [member, batch, context, d].

    A table is the transpose of a matrix [d, entries] that multiplies one-hot vectors: its fan-in does not
    grow with the width, and the scaling is that of an input layer.

    *Laws*: as one-hot vectors times the table.
    """

    def __init__(
        self, name: str, entries: int, width: int, std: float, scaling: LayerScaling, seeds: Sequence[int]
    ) -> None:
        super().__init__()
        self.name, self.entries, self.scaling = name, entries, scaling

        def table(seed: int) -> Tensor:
            stream = generator(seed, "weights", name, entries, width)
            return torch.randn(entries, width, generator=stream) * (std * scaling.init_std)

        by_seed = {seed: table(seed) for seed in set(seeds)}
        self.weight = nn.Parameter(torch.stack([by_seed[seed] for seed in seeds]))

    def forward(self, ids: Int[Tensor, "member batch context"]) -> Float[Tensor, "member batch context d"]:
        """The rows of every member's own table."""
        # One lookup in all tables laid end to end: a member's ids are moved to its own stretch.
        start = torch.arange(len(self.weight), device=ids.device) * self.entries
        return F.embedding(ids + start.view(-1, 1, 1), self.weight.flatten(0, 1))

    def scaled_parameters(self) -> list[ScaledParameter]:
        """The table with its scaling."""
        return [ScaledParameter(self.weight, self.scaling, "embedding")]
