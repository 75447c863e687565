"""Intervals for the top 128 of 2,048 eigenvalues against forming S and computing all of them.

On matrices as they occur in runs (``run_matrices``), single precision, one thread, repeats interleaved. Each
layer is followed over consecutive observations, as in a run: after a fallback the next attempts pause, after
a success the next one goes on from its subspace. The first observation of a layer counts as well.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import torch

from benchmarks.harness import Row
from benchmarks.run_matrices import KINDS, Kind, run_matrices
from hptheory.decomposition import alignment_spectrum
from hptheory.decomposition.interval import TopKInterval, top_k_interval

WIDTH, MAX_K, REPEATS = 2048, 128, 3
OBSERVE_AT = (20, 21, 22, 23)


def rows() -> Iterator[Row]:
    """A row an optimizer, with its fallback rate and widest interval."""
    torch.set_num_threads(1)
    for kind in KINDS:
        yield _row(kind)


def _row(kind: Kind, n: int = WIDTH) -> Row:
    previous: dict[int, TopKInterval] = {}
    ours, theirs, paths, widths = 0.0, 0.0, [], []
    for _, layer, gradient, update in run_matrices(kind, n, OBSERVE_AT):
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(REPEATS):
            start = time.process_time()
            found = top_k_interval(gradient, update, MAX_K, previous=previous.get(layer))
            middle = time.process_time()
            alignment_spectrum(gradient, update)
            times[0].append(middle - start)
            times[1].append(time.process_time() - middle)
        previous[layer] = found
        ours += statistics.median(times[0])
        theirs += statistics.median(times[1])
        paths.append(found.path)
        widths.append(found.width)
    attempts = [path for path in paths if path != "full"]
    fallbacks = attempts.count("fallback")
    goal = 1.0 if kind == "muon" else 1.5
    return Row(
        f"top {MAX_K} of {n}, {kind}: {fallbacks} of {len(attempts)} fell back, widest {max(widths):.1e}",
        f"{1e3 * ours / len(paths):.0f} ms",
        f"S + eigvalsh: {1e3 * theirs / len(paths):.0f} ms",
        f"{theirs / ours:.2f}x",
        f">= {goal:g}x",
        theirs / ours >= goal,
    )
