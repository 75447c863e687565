"""The state of a run directory in words: who trains what, and the best hyperparameters of a width."""

from __future__ import annotations

import os
import socket
import time

from sims.status import describe, read_status
from sims.store import Store, run_key, runs_of
from sims.store.claims import Claims
from sims.sweep import run
from tests.sims.small import setting


def test_running_runs_are_told_with_their_process_and_step(tmp_path):
    run(setting(widths=(32,)), tmp_path)
    Store(tmp_path).prepare(setting())
    keys = [run_key(setting().training, one) for one in runs_of(setting()) if one.width == 64]
    with Claims(tmp_path, beat=0.05) as claims:
        claims.take(keys[:3])
        who = f"by process {os.getpid()} on {socket.gethostname()}, which began at "
        assert f"running: width 64, 3 runs, starting, {who}" in str(read_status(tmp_path))
        claims.tell([{"keys": keys[:3], "width": 64, "step": 5, "steps": 37}])
        deadline = time.monotonic() + 30
        while "starting" in str(read_status(tmp_path)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        told = str(read_status(tmp_path)).splitlines()
    assert told[0] == "digits (smoke): 4 of 8 runs done, 3 running, 1 left"
    assert told[2] == "  width    64: 0 of 4 runs done, 4 left"
    assert told[3].startswith(f"running: width 64, 3 runs, step 5 of 37, {who}")
    assert str(read_status(tmp_path)).splitlines()[0] == "digits (smoke): 4 of 8 runs done, 4 left"


def test_a_damaged_record_is_told_and_the_rest_counted(tmp_path):
    run(setting(widths=(32,)), tmp_path)
    damaged = sorted(tmp_path.glob("runs/*.json"))[0]
    damaged.write_text("{")
    told = str(read_status(tmp_path))
    assert "3 of 4 runs done, 1 left" in told
    assert f": {damaged}\n" in told
    assert "trained by the next `hptheory sweep` with this --out" in told


def test_runs_of_another_grid_are_counted_beside(tmp_path):
    run(setting(widths=(32,)), tmp_path)
    assert "beside them" not in str(read_status(tmp_path))
    Store(tmp_path).prepare(setting(widths=(32,), lrs=(2.0**-6, 2.0**-4)))
    told = str(read_status(tmp_path))
    assert told.startswith("digits (smoke): 2 of 4 runs done, 2 left")
    assert told.endswith("beside them: 2 finished runs of another grid or another trainer version")


def test_the_best_is_searched_over_all_hyperparameters(tmp_path):
    small = {"widths": (32,), "seeds": (0, 1), "lrs": (2.0**-8, 2.0**-6)}
    table = run(setting(**small, hps=(("beta1", (0.0, 0.5, 0.9)),)), tmp_path)
    mean = table.loss.mean("seed").isel(width=0)
    best = mean.where(mean == mean.min(), drop=True)
    line = describe(table).splitlines()[1]
    assert f"best lr {float(best.lr[0]):.3g}, beta1 {float(best.beta1[0]):.3g}, mean loss " in line
    assert f"{float(mean.min()):.4f}" in line
    assert "at the edge of the grid of lr" in line  # two rates: both are edges
