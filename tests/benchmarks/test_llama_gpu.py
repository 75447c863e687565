"""The benchmark for GPUs: its code at toy sizes on the CPU, its count of flops, what it says without one."""

from __future__ import annotations

import pytest
import torch

from benchmarks import llama_gpu
from benchmarks.__main__ import main as benchmarks
from benchmarks.harness import Row
from benchmarks.llama_gpu import CADENCE, LOOK_EVERY, PUBLISHED, SMALL, Shape, task_of, training_of
from sims.step_cost import step_cost


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the compiler, which takes minutes; ``tests/sims/test_compiled.py`` is about it."""
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)


@pytest.mark.usefixtures("interpreted")
def test_every_number_is_measured_at_toy_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama_gpu, "UTILISATION", {32: 0.45})
    speed, share, sweep, observer = llama_gpu.rows("cpu", SMALL, peak=1e6)
    assert speed.value.endswith("tokens/s")
    assert share.value.endswith("Tflop/s")
    share_of_peak = 1e12 * float(share.value.split()[0]) / 1e6
    assert float(share.ratio.rstrip("%")) / 100 == pytest.approx(share_of_peak, rel=1e-3)
    assert sweep.name.startswith("3 of 3 runs, width 16")
    assert observer.name.startswith("observer (profiles), Llama 32")
    assert observer.value.endswith("s a look")
    assert [row.reached for row in (speed, share, sweep, observer)] == [None, True, None, None]


@pytest.mark.usefixtures("interpreted")
def test_without_a_known_peak_there_is_no_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama_gpu, "UTILISATION", {32: 0.45})
    _, share = llama_gpu.utilisation(32, SMALL, "cpu", None)
    assert (share.ratio, share.reached) == ("", None)
    assert "--peak" in share.peer


@pytest.mark.parametrize("shape", [Shape(64, 4, 16, layers=2), PUBLISHED])
def test_law_flops_are_six_a_weight_and_token_and_those_of_attention(shape: Shape) -> None:
    """Chowdhery et al., arXiv 2204.02311, App. B, weights counted by hand: four matrices of attention and
    three of four times the width a block, and the readout."""
    width = 64
    weights = shape.layers * (4 + 3 * 4) * width**2 + width * shape.vocabulary
    attention = 12 * shape.layers * width * shape.context
    cost = step_cost(training_of(shape), width, 1, task_of(shape, "cpu"))
    assert cost.flops == (6 * weights + attention) * shape.tokens


def test_every_stretch_of_the_observed_run_has_one_look() -> None:
    looks = [CADENCE.is_snapshot(step) for step in range(10 * LOOK_EVERY)]
    for start in range(9 * LOOK_EVERY):
        assert sum(looks[start : start + LOOK_EVERY]) == 1


def test_without_a_gpu_one_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert benchmarks(["llama_gpu"]) == llama_gpu.main([]) == 2
    assert capsys.readouterr().err.count("llama_gpu found no CUDA device and measured nothing; ") == 2


def test_a_missed_number_is_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    for reached, code in ((True, 0), (None, 0), (False, 1)):
        monkeypatch.setattr(
            llama_gpu, "rows", lambda *args, reached=reached: [Row("x", "y", reached=reached)]
        )
        assert benchmarks(["llama_gpu"]) == llama_gpu.main([]) == code
