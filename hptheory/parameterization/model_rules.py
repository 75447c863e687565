"""The rule of every layer of a network, and its printed table: what ``hptheory rules`` shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hptheory.parameterization.layer_scaling import LayerScaling
from hptheory.parameterization.layers import Layer, network_layers
from hptheory.parameterization.rules import get_rule

MATRIX_OPTIMIZERS = ("muon", "adamuon", "shampoo", "soap", "dion")
"""Optimizers of hidden matrices; everything else is trained with Adam beside them."""


@dataclass(frozen=True)
class LayerRule:
    """A layer, its shape in the base model, and the scaling from that to this; ``scaling.optimizer`` trains
    it."""

    layer: Layer
    base: Layer
    scaling: LayerScaling

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and text, for JSON."""
        scaling = asdict(self.scaling)
        return {
            **asdict(self.layer),
            "base_d_in": self.base.d_in,
            "base_d_out": self.base.d_out,
            **{key: scaling[key] for key in scaling if not key.endswith("degree")},
        }


def optimizer_of(optimizer: str, role: str) -> str:
    """The optimizer that trains a layer of this role: Adam, where a matrix optimizer has no business.

    Source: arXiv 2512.22768, App. A.2 and A.3; arXiv 2512.05620, Sec. 4: embedding, readout and vectors are
    trained with Adam.

    >>> optimizer_of("muon", "hidden"), optimizer_of("muon", "readout"), optimizer_of("sgd", "readout")
    ('muon', 'adam', 'sgd')
    """
    return "adam" if optimizer in MATRIX_OPTIMIZERS and role != "hidden" else optimizer


def layer_rule(
    layer: Layer,
    base: Layer,
    optimizer: str,
    *,
    parameterization: str = "mup",
    depth: int = 1,
    base_depth: int = 1,
    width: int | None = None,
    base_width: int | None = None,
    **options: Any,
) -> LayerRule:
    """The rule of one layer: of its own optimizer, with depth where it is in a residual branch.

    ``options`` are those of ``scaling_rule`` for ``optimizer``; a layer that falls to Adam has none.

    Domain: that of ``scaling_rule``.
    """
    chosen = optimizer_of(optimizer, layer.role)
    # A one-hot input is of size one, whatever the number of rows: they count as if they did not grow.
    base_in = layer.d_in if layer.role == "embedding" else base.d_in
    scaling = get_rule(parameterization)(
        chosen,
        layer.d_in,
        layer.d_out,
        base_d_in=base_in,
        base_d_out=base.d_out,
        width=width,
        base_width=base_width,
        **({"depth": depth, "base_depth": base_depth} if layer.residual else {}),
        **(options if chosen == optimizer else {}),
    )
    return LayerRule(layer, base, scaling)


def model_rules(
    optimizer: str,
    network: str,
    width: int,
    *,
    base_width: int = 128,
    depth: int = 4,
    base_depth: int = 4,
    vocabulary: int | None = None,
    parameterization: str = "mup",
    **options: Any,
) -> list[LayerRule]:
    """The rule of every layer of ``mlp``, ``llama`` or ``gpt2`` at a width, as ratios to the base width.

    ``options`` are those of ``scaling_rule``. A matrix optimizer trains the hidden matrices; Adam the rest.

    Domain: that of ``network_layers`` and of ``scaling_rule``.

    *Laws*: names, shapes and rules are those of the trainer's own modules.

    >>> rules = {rule.layer.name: rule.scaling for rule in model_rules("muon", "llama", 1024)}
    >>> down, readout = rules["blocks.*.feed_forward.down.weight"], rules["readout.weight"]
    >>> (down.optimizer, down.lr), (readout.optimizer, readout.lr)
    (('muon', 1.0), ('adam', 0.125))
    """
    shape: dict[str, Any] = {"vocabulary": vocabulary}
    layers = network_layers(network, width, depth=depth, **shape)
    bases = network_layers(network, base_width, depth=base_depth, **shape)
    scales = {"depth": depth, "base_depth": base_depth, "width": width, "base_width": base_width}
    # Checked even where all layers fall to Adam.
    get_rule(parameterization)(optimizer, 1, 1, base_d_in=1, base_d_out=1, **options)
    return [
        layer_rule(layer, base, optimizer, parameterization=parameterization, **scales, **options)
        for layer, base in zip(layers, bases, strict=True)
    ]


COLUMNS = ("layer", "shape", "role", "optimizer", "lr", "epsilon", "init", "decay", "why")


def rules_text(rules: Sequence[LayerRule]) -> str:
    """The rules as a table, a row a layer, with the reasons below it, each told once.

    >>> print(rules_text(model_rules("sgd", "mlp", 256))[:64])
    layer           shape     role     optimizer  lr   epsilon  init
    """
    reasons = list(dict.fromkeys(rule.scaling.why for rule in rules))
    with_multiplier = any(rule.scaling.multiplier != 1 for rule in rules)
    names = [*COLUMNS[:-1], *(["multiplier"] if with_multiplier else []), COLUMNS[-1]]
    rows = [names]
    for rule in rules:
        layer, s = rule.layer, rule.scaling
        times = f" x{layer.count}" if layer.count > 1 else ""
        epsilon = "-" if s.optimizer == "sgd" else f"{s.epsilon:.4g}"
        row = [layer.name, f"{layer.d_out} x {layer.d_in}{times}", layer.role, s.optimizer]
        row += [f"{s.lr:.4g}", epsilon, f"{s.init_std:.4g}", f"{s.weight_decay:.4g}"]
        rows.append(
            [*row, *([f"{s.multiplier:.4g}"] if with_multiplier else []), f"[{reasons.index(s.why) + 1}]"]
        )
    sizes = [max(len(row[column]) for row in rows) for column in range(len(names))]
    lines = [
        "  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)).rstrip() for row in rows
    ]
    notes = [f"[{number}] {reason}" for number, reason in enumerate(reasons, start=1)]
    return "\n".join([*lines, "", *notes])
