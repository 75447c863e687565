"""The Ray engine on one node, and on two of which one is killed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from hptheory.errors import MissingExtraError
from sims.engines import Failure
from sims.engines.cluster import RayCluster
from sims.progress import Progress
from sims.sweep import run as run_sweep
from tests.sims.engines import work
from tests.sims.engines.test_engines import run
from tests.sims.small import setting, training

ray = pytest.importorskip("ray", reason="the extra ray is not installed")


@pytest.fixture(scope="module")
def one_node() -> Iterator[RayCluster]:
    with RayCluster(cpus=2) as engine:
        yield engine


def test_units_results_failures_progress(one_node):
    """One Ray for all: starting it takes most of the time."""
    assert one_node.slots == 2
    seen: list[tuple[int, int, int]] = []
    failed = {unit: Failure(f"unit {unit} cannot be done", "RuntimeError") for unit in (3, 6)}
    expected = {unit: unit * unit for unit in range(1, 8)} | failed
    assert run(one_node, work.square_or_fail, range(1, 8), seen) == expected
    assert set(seen) <= {(unit, step, 3) for unit in range(1, 8) for step in range(3)}
    assert run(one_node, work.square, []) == {}
    with pytest.raises(TypeError, match="an error of the program"):
        run(one_node, work.broken, [1])


def test_an_open_ray_is_used_and_left_open(one_node):
    with RayCluster(unit_cpus=2.0) as engine:
        assert engine.slots == 1
        assert run(engine, work.square, [3]) == {3: 9}
    assert ray.is_initialized()
    assert RayCluster(unit_gpus=1.0).slots == 1  # no GPU here: one unit waits for a machine that has one


def test_without_ray(monkeypatch):
    monkeypatch.setattr("sims.requirements.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"--engine ray needs ray.*hptheory\[ray\]"):
        RayCluster()


def test_a_sweep_on_ray_gives_the_same_bits(one_node, tmp_path):
    """Unit after unit: importing torch in a second process would take most of the time."""
    alone = run_sweep(setting(), tmp_path / "alone")
    assert run_sweep(setting(), tmp_path / "ray", engine=RayCluster(unit_cpus=2.0)).identical(alone)


@pytest.mark.slow
def test_a_node_killed_in_the_middle_loses_nothing(tmp_path):
    """Two nodes; the second one's processes are killed while both work; its units are done by the first."""
    from ray.cluster_utils import Cluster

    if ray.is_initialized():
        ray.shutdown()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    try:
        victim = cluster.add_node(num_cpus=2)
        with RayCluster(cluster.address) as engine:
            assert engine.slots == 4
            units = [(number, str(tmp_path)) for number in range(12)]
            source = iter(units)
            results = {}
            killed = False

            def progress(unit: tuple[int, str], done: int, total: int) -> None:
                nonlocal killed
                busy = [name for name in os.listdir(tmp_path) if victim.node_id in name]
                if busy and not killed:
                    killed = True
                    cluster.remove_node(victim, allow_graceful=False)

            for one in engine.run(lambda: next(source, None), work.note_node, progress):
                assert one.unit not in results
                results[one.unit] = one.result
            assert killed
            assert [results[unit][0] for unit in units] == list(range(12))
            lost = [name for name in os.listdir(tmp_path) if victim.node_id in name]
            assert lost  # what the killed node was working on when it died
            repeated = {int(name.split("-")[0]) for name in lost}
            assert all(results[number, str(tmp_path)][1] != victim.node_id for number in repeated)
    finally:
        if ray.is_initialized():
            ray.shutdown()
        cluster.shutdown()


@pytest.mark.slow
def test_a_sweep_whose_node_is_killed_ends_with_the_same_bits(tmp_path):
    """Two nodes train a unit each; one is killed in the middle, and its unit goes on elsewhere."""
    from ray.cluster_utils import Cluster

    if ray.is_initialized():
        ray.shutdown()
    longer = setting(training=training(epochs=40))
    alone = run_sweep(longer, tmp_path / "alone")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        victim = cluster.add_node(num_cpus=1)
        killed = False

        def progress(now: Progress) -> None:
            nonlocal killed
            if not killed and len(now.training) == 2 and all(one.step > 20 for one in now.training):
                killed = True
                cluster.remove_node(victim, allow_graceful=False)

        table = run_sweep(
            longer, tmp_path / "ray", progress, engine=RayCluster(cluster.address), checkpoint_every=0.0
        )
        assert killed
        assert table.identical(alone)
    finally:
        if ray.is_initialized():
            ray.shutdown()
        cluster.shutdown()
