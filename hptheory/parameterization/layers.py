"""The layers of the bundled networks as plain shapes and roles: what a scaling rule needs to know of them.

Names are those of the trainer's modules (``sims.models``), whose parameters they describe; a layer that is
repeated in every block stands once, with ``*`` for the number of the block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from hptheory.errors import DomainError, UnknownNameError

KnownRole = Literal["input", "embedding", "hidden", "readout", "vector"]
Role = KnownRole | Literal["unknown"]
ROLES: tuple[str, ...] = get_args(KnownRole)


@dataclass(frozen=True)
class Layer:
    """A parameter as a matrix [d_out, d_in], its role, and how often it stands in the network.

    Roles: ``input`` and ``embedding`` have a fixed d_in (an embedding looks up a row: a one-hot input),
    ``readout`` a fixed d_out, ``hidden`` none; ``vector`` is a bias or a gain, with d_in = 1. At the base
    width a role may be ``unknown``, where all have the same rule. ``residual`` layers are in branches that
    are multiplied by base_depth/depth.
    """

    name: str
    role: Role
    d_in: int
    d_out: int
    residual: bool = False
    count: int = 1


def mlp_layers(width: int, *, inputs: int = 64, outputs: int = 10) -> list[Layer]:
    """The two-layer network: W1 [width, inputs] with its bias, W2 [outputs, width].

    W1 is ``hidden``: though its d_in is fixed, it is the matrix that optimizers of matrices train.

    >>> [(layer.name, layer.d_out, layer.d_in) for layer in mlp_layers(256)]
    [('hidden.weight', 256, 64), ('hidden.bias', 256, 1), ('readout.weight', 10, 256)]
    """
    return [
        Layer("hidden.weight", "hidden", inputs, width),
        Layer("hidden.bias", "vector", 1, width),
        Layer("readout.weight", "readout", width, outputs),
    ]


def llama_layers(width: int, *, depth: int = 4, vocabulary: int = 32_000, expansion: int = 4) -> list[Layer]:
    """A Llama-style transformer: embedding, ``depth`` blocks with SwiGLU, a gain, readout.

    >>> [(layer.name, layer.d_out, layer.d_in) for layer in llama_layers(256) if "down" in layer.name]
    [('blocks.*.feed_forward.down.weight', 256, 1024)]
    """
    return _transformer(width, depth, vocabulary, expansion, ("gate", "up"), None)


def gpt2_layers(
    width: int, *, depth: int = 4, vocabulary: int = 50_257, expansion: int = 4, max_context: int = 1024
) -> list[Layer]:
    """A GPT-2-style transformer: as Llama's, with GeLU and learned positions.

    >>> [layer.role for layer in gpt2_layers(256)[:2]]
    ['embedding', 'embedding']
    """
    return _transformer(width, depth, vocabulary, expansion, ("up",), max_context)


def _transformer(
    width: int, depth: int, vocabulary: int, expansion: int, ups: tuple[str, ...], positions: int | None
) -> list[Layer]:
    def block(name: str, role: Role, d_in: int, d_out: int) -> Layer:
        return Layer(f"blocks.*.{name}", role, d_in, d_out, residual=True, count=depth)

    inner = expansion * width
    tables = [Layer("embedding.weight", "embedding", vocabulary, width)]
    if positions is not None:
        tables.append(Layer("positions.weight", "embedding", positions, width))
    return [
        *tables,
        block("attention_norm.gain", "vector", 1, width),
        *(
            block(f"attention.{name}.weight", "hidden", width, width)
            for name in ("query", "key", "value", "out")
        ),
        block("feed_forward_norm.gain", "vector", 1, width),
        *(block(f"feed_forward.{name}.weight", "hidden", width, inner) for name in ups),
        block("feed_forward.down.weight", "hidden", inner, width),
        Layer("norm.gain", "vector", 1, width),
        Layer("readout.weight", "readout", width, vocabulary),
    ]


NETWORKS: dict[str, Callable[..., list[Layer]]] = {
    "mlp": mlp_layers,
    "llama": llama_layers,
    "gpt2": gpt2_layers,
}


def network_layers(network: str, width: int, *, depth: int = 4, vocabulary: int | None = None) -> list[Layer]:
    """The layers of a network by name: ``mlp``, ``llama`` or ``gpt2``.

    Domain: another name raises ``UnknownNameError``; sizes are integers >= 1, else ``DomainError``; depth and
    vocabulary are those of transformers.

    *Laws*: names, shapes and rules are those of the trainer's own modules.

    >>> sum(layer.count * layer.d_in * layer.d_out for layer in network_layers("llama", 256, vocabulary=1000))
    4708608
    """
    if network not in NETWORKS:
        raise UnknownNameError("model", network, list(NETWORKS))
    for name, size in (("width", width), ("depth", depth), ("vocabulary", vocabulary)):
        if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
            raise DomainError(name, size, "an integer >= 1")
    if network == "mlp":
        return mlp_layers(width)
    return NETWORKS[network](width, depth=depth, **({} if vocabulary is None else {"vocabulary": vocabulary}))
