"""Claims: one owner a run, whoever asks and whoever dies."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from hptheory.files import OutputError
from sims.errors import ClaimsLostError
from sims.store.claims import Claims, Worker, holders

ROOT = Path(__file__).parents[3]


def script(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own that runs the code."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, stdout=subprocess.PIPE,
    )  # fmt: skip


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_of_two_that_ask_one_gets_it(tmp_path):
    with Claims(tmp_path) as one, Claims(tmp_path) as other:
        assert one.take(["a", "b"]) == ["a", "b"]
        assert other.take(["b", "c"]) == ["c"]
        assert one.take(["a", "c"]) == []
        assert {key: worker.name for key, worker in holders(tmp_path).items()} == {
            "a": one.worker.name, "b": one.worker.name, "c": other.worker.name,
        }  # fmt: skip


def test_what_is_released_can_be_claimed_again(tmp_path):
    with Claims(tmp_path) as one, Claims(tmp_path) as other:
        for _ in range(3):
            one.take(["a"])
            one.release(["a"])
            assert holders(tmp_path) == {}
            assert other.take(["a"]) == ["a"]
            other.release(["a"])
    assert list((tmp_path / "workers").iterdir()) == []


def test_a_finished_run_leaves_no_claim(tmp_path):
    with Claims(tmp_path) as one:
        for _ in range(2):
            one.take(["a", "b"])
            one.release(["a", "b"])
        one.take(["a"])
        one.finish(["a"])
    assert {path.name for path in (tmp_path / "claims").iterdir()} == {"b.0", "b.1"}


def test_leaving_releases_everything(tmp_path):
    with suppress(KeyboardInterrupt), Claims(tmp_path) as one:
        one.take(["a"])
        raise KeyboardInterrupt
    with Claims(tmp_path) as other:
        assert other.take(["a"]) == ["a"]


def test_a_killed_process_of_this_machine_is_dead_at_once(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from sims.store.claims import Claims\n"
        "with Claims(Path(sys.argv[1])) as claims:\n"
        "    print(claims.take(['a']), flush=True); time.sleep(60)"
    )
    process = script(code, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "['a']\n"
    with Claims(tmp_path) as claims:
        assert claims.take(["a"]) == []
        process.send_signal(signal.SIGKILL)
        # Not waited for yet: a zombie has a process number, and is dead all the same.
        wait_for(lambda: claims.take(["a"]) == ["a"])
        process.communicate()
        assert holders(tmp_path)["a"].name == claims.worker.name
    with Claims(tmp_path):
        assert len(list((tmp_path / "workers").iterdir())) == 1


def elsewhere(claims: Claims) -> Claims:
    """The same claims as if made on another machine, where this process number says nothing."""
    claims.worker = replace(claims.worker, machine="another", pid=2**22 + 1, born="7")
    return claims


def test_a_worker_elsewhere_is_dead_when_its_heart_has_stopped(tmp_path):
    with elsewhere(Claims(tmp_path, beat=3600.0)) as remote, Claims(tmp_path, stale_after=60.0) as claims:
        remote.take(["a"])
        assert claims.take(["a"]) == []
        heartbeat = tmp_path / "workers" / f"{remote.worker.name}.json"
        os.utime(heartbeat, (time.time() - 61, time.time() - 61))
        assert holders(tmp_path, stale_after=60.0) == {}
        assert claims.take(["a"]) == ["a"]
        assert remote.take(["a"]) == []


def test_a_heart_that_beats_keeps_the_claim(tmp_path):
    """Beats every 0.1 s against a patience of 2 s: a process would have to be held up twenty times over."""
    with elsewhere(Claims(tmp_path, beat=0.1)) as remote, Claims(tmp_path, stale_after=2.0) as claims:
        remote.take(["a"])
        time.sleep(2.5)
        assert claims.take(["a"]) == []


def test_the_clock_is_that_of_the_disk(tmp_path, monkeypatch):
    """A machine whose own clock is an hour ahead takes nobody's run."""
    with elsewhere(Claims(tmp_path)) as remote, Claims(tmp_path) as claims:
        remote.take(["a"])
        ahead = time.time() + 3600
        monkeypatch.setattr("sims.store.claims.time.time", lambda: ahead)
        assert claims.take(["a"]) == []


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"host": 3}', None])
def test_a_worker_whose_heartbeat_is_unreadable_is_dead(tmp_path, damage):
    with Claims(tmp_path, beat=3600.0) as one, Claims(tmp_path) as claims:
        one.take(["a"])
        heartbeat = tmp_path / "workers" / f"{one.worker.name}.json"
        heartbeat.unlink() if damage is None else heartbeat.write_bytes(damage)
        assert claims.take(["a"]) == ["a"]


def test_a_claim_that_is_being_written_is_held(tmp_path):
    with Claims(tmp_path, stale_after=60.0) as claims:
        (tmp_path / "claims" / "a.0").touch()
        assert claims.take(["a"]) == []
        os.utime(tmp_path / "claims" / "a.0", (time.time() - 61, time.time() - 61))
        assert claims.take(["a"]) == ["a"]


def test_who_stood_still_is_told_that_its_runs_are_gone(tmp_path, monkeypatch):
    """The clock jumps, as when a lid is opened; meanwhile another has taken over."""
    with Claims(tmp_path, beat=0.05) as sleeper, Claims(tmp_path) as other:
        sleeper.take(["a"])
        sleeper.tell([{"step": 1}])
        real = time.time
        (tmp_path / "claims" / "a.1").write_text(f"held {other.worker.name}\n")
        monkeypatch.setattr("sims.store.claims.time.time", lambda: real() + 3600)
        wait_for(lambda: sleeper.lost)
        with pytest.raises(ClaimsLostError, match="another has taken over its runs"):
            sleeper.tell([])


def test_the_heartbeat_says_what_is_being_done(tmp_path):
    with Claims(tmp_path, beat=0.05) as claims:
        claims.take(["a"])
        claims.tell([{"width": 32, "step": 5}])
        wait_for(lambda: holders(tmp_path)["a"].doing == ({"width": 32, "step": 5},))


def test_a_full_disk_does_not_stop_the_heart(tmp_path, monkeypatch):
    def full(path: Path, content: bytes) -> None:
        raise OutputError(path, OSError(28, "No space left on device"))

    with Claims(tmp_path, beat=0.05) as claims:
        heartbeat = tmp_path / "workers" / f"{claims.worker.name}.json"
        monkeypatch.setattr("sims.store.claims.write_atomically", full)
        os.utime(heartbeat, (0, 0))
        wait_for(lambda: heartbeat.stat().st_mtime > 0)
        with pytest.raises(OutputError, match="No space left"):
            claims.take(["a"])


def test_many_threads_share_without_overlap(tmp_path):
    keys = [f"k{index}" for index in range(40)]
    taken: list[str] = []

    def ask() -> None:
        with Claims(tmp_path) as claims:
            taken.extend(claims.take(keys))
            barrier.wait()

    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(keys)


# Each process does every run that is not done, holding a file while at it; a file held by a living process is
# an overlap. Some are killed at random and started again.
CONTENDER = """
import os, random, sys, time
from pathlib import Path
from sims.store.claims import Claims
from sims.store.processes import is_running
place, keys = Path(sys.argv[1]), [f"k{i}" for i in range(int(sys.argv[2]))]
done = lambda key: (place / "done" / key).exists()
with Claims(place) as claims:
    while todo := [key for key in keys if not done(key)][:6]:  # few, so that all want the same
        for key in claims.take(random.sample(todo, len(todo))):
            if done(key):
                claims.finish([key])
                continue
            busy = place / "busy" / key
            try:
                busy.symlink_to(str(os.getpid()))  # made with its content in one instant
            except FileExistsError:
                if is_running(int(os.readlink(busy)), None):
                    (place / "overlap").touch()
            time.sleep(0.002)
            busy.unlink(missing_ok=True)
            (place / "done" / key).touch()
            claims.finish([key])
"""


def test_contending_processes_never_overlap_even_when_killed(tmp_path):
    for folder in ("busy", "done"):
        (tmp_path / folder).mkdir()
    count = 300
    processes = [script(CONTENDER, tmp_path, count) for _ in range(3)]
    for goal in (30, 100, 170):
        wait_for(lambda goal=goal: len(os.listdir(tmp_path / "done")) >= goal)
        victim = processes.pop(0)
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        processes.append(script(CONTENDER, tmp_path, count))
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert not (tmp_path / "overlap").exists()
    assert len(os.listdir(tmp_path / "done")) == count
    with Claims(tmp_path) as claims:  # killed after the run and before the end of the claim
        claims.forget(f"k{index}" for index in range(count))
        assert list((tmp_path / "claims").glob("k*")) == []


def test_without_links_a_claim_is_a_file_created_once(tmp_path, monkeypatch):
    def unsupported(source: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", unsupported)
    test_of_two_that_ask_one_gets_it(tmp_path)


def test_drafts_of_the_dead_are_removed(tmp_path):
    for folder in ("runs", "checkpoints"):
        (tmp_path / folder).mkdir()
        for name, age in ((".old.json.abcd.tmp", 3600), (".new.json.abcd.tmp", 0)):
            (tmp_path / folder / name).touch()
            os.utime(tmp_path / folder / name, (time.time() - age, time.time() - age))
    with Claims(tmp_path):
        assert {path.name for path in tmp_path.glob("*/.*.tmp")} == {".new.json.abcd.tmp"}


def test_a_worker_names_its_process():
    worker = Worker.this()
    assert (worker.pid, worker.host in worker.name) == (os.getpid(), True)
    assert worker.name != Worker.this().name
