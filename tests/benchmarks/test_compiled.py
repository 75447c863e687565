"""The benchmark of compilation: that Llamas are among what it compares."""

from __future__ import annotations

import pytest
import torch

from benchmarks import compiled


def test_llamas_are_compared_in_both_precisions(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a toy width, without the compiler, which takes minutes."""
    pytest.importorskip("tokenizers")
    assert {(width, windows * 64) for width, windows, _ in compiled.LLAMAS} == {(64, 256), (128, 1024)}
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    monkeypatch.setattr(compiled, "LLAMAS", ((16, 1, "fp32"), (16, 1, "bf16")))
    monkeypatch.setattr(compiled, "SECONDS", 1e-9)
    names = [row.name for row in compiled.llama_rows()]
    assert names == [f"Llama 16, 64 tokens, {kind}, 3 runs, compiled" for kind in ("fp32", "bf16")]
