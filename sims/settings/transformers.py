"""The shapes of the paper's transformers, apart from width: Llama (Table 2) and GPT-2 (Table 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hptheory.errors import DomainError
from sims.settings.checks import check_count, check_not_negative, check_positive


@dataclass(frozen=True)
class TransformerConfig:
    """What the two have in common.

    Printed (arXiv 2512.22768, Tables 2 and 3): layers, heads, a feed-forward part of four times the width,
    pre-normalisation by RMSNorm. Not printed, and chosen here after arXiv 2512.05620: embeddings start with
    standard deviation 0.1, the readout and the last matrix of every residual branch at zero, so that a
    network starts as the constant function at every width and depth; no biases; embedding and readout apart.
    ``base_layers`` is the depth at which a residual branch has the factor 1 (``hptheory.parameterization.
    residual_multiplier``).
    """

    layers: int = 4
    heads: int = 8
    base_layers: int = 4
    expansion: int = 4
    embedding_std: float = 0.1
    out_gain: float = 0.0
    readout_gain: float = 0.0

    def __post_init__(self) -> None:
        for name in ("layers", "heads", "base_layers", "expansion"):
            check_count(name, getattr(self, name))
        check_positive("embedding_std", self.embedding_std)
        for name in ("out_gain", "readout_gain"):
            check_not_negative(name, getattr(self, name))

    def check_width(self, width: int) -> None:
        """Nothing, if the heads divide the width; else ``DomainError``. Call it before training starts."""
        if width % self.heads:
            raise DomainError("width", width, f"a multiple of the number of heads, {self.heads}")


@dataclass(frozen=True)
class LlamaConfig(TransformerConfig):
    """Llama: SwiGLU, rotary positions with theta 10,000."""

    rotary_theta: float = 10_000.0
    name: Literal["llama"] = "llama"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive("rotary_theta", self.rotary_theta)

    def check_width(self, width: int) -> None:
        """As above, and an even size of head, whose coordinates are turned in pairs."""
        super().check_width(width)
        if width // self.heads % 2:
            raise DomainError("width", width, f"{2 * self.heads} times an integer: rotary heads are even")


@dataclass(frozen=True)
class GPT2Config(TransformerConfig):
    """GPT-2 with RMSNorm: GeLU, learned positions for at most ``max_context`` tokens."""

    max_context: int = 1024
    name: Literal["gpt2"] = "gpt2"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count("max_context", self.max_context)

    def check_context(self, context: int) -> None:
        """Nothing, if there is a position for every token of a window; else ``DomainError``."""
        if context > self.max_context:
            raise DomainError("context", context, f"at most max_context = {self.max_context}")
