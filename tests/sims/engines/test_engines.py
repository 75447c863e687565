"""The local engines: every unit comes back once, failures are kept apart, nothing outlives its parent."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterable
from multiprocessing import connection
from pathlib import Path
from typing import Any

import pytest

from sims.engines import Engine, Failure, InProcess, Workers, workers
from sims.engines.base import attempt
from sims.errors import ClaimsLostError
from tests.sims.engines import work

ROOT = Path(__file__).parents[3]
HEADER = 4  # bytes that a message in a pipe begins with: its length


def run(
    engine: Engine, function: Callable[..., Any], units: Iterable[Any], seen: list[Any] | None = None
) -> dict[Any, Any]:
    """The results by unit; each unit exactly once."""
    source = iter(units)
    finished: dict[Any, Any] = {}
    told = [] if seen is None else seen
    for one in engine.run(lambda: next(source, None), function, lambda *what: told.append(what)):
        assert one.unit not in finished
        finished[one.unit] = one.result
    return finished


@pytest.fixture(scope="module", params=["in process", "workers"])
def engine(request):
    with InProcess() if request.param == "in process" else Workers(2) as one:
        yield one


def test_every_unit_comes_back_once(engine):
    assert run(engine, work.square, range(1, 8)) == {unit: unit * unit for unit in range(1, 8)}
    assert run(engine, work.square, []) == {}


def test_progress_is_told_in_order(engine):
    seen: list[Any] = []
    run(engine, work.square, [1, 2, 3], seen)
    for unit in (1, 2, 3):
        assert [steps for one, *steps in seen if one == unit] == [[0, 3], [1, 3], [2, 3]]


def test_a_unit_that_fails_disturbs_no_other(engine):
    failed = {unit: Failure(f"unit {unit} cannot be done", "RuntimeError") for unit in (3, 6)}
    expected = {unit: unit * unit for unit in range(1, 8)} | failed
    assert run(engine, work.square_or_fail, range(1, 8)) == expected


def test_units_are_taken_when_there_is_room():
    for engine in (InProcess(), Workers(2)):
        taken, finished = 0, 0

        def take() -> int | None:
            nonlocal taken
            assert taken - finished < engine.slots  # noqa: B023
            taken += 1
            return taken if taken < 6 else None

        with engine:
            for _ in engine.run(take, work.square, lambda *what: None):
                finished += 1
        assert finished == 5


def test_an_error_of_the_program_is_not_hidden(capfd):
    with InProcess() as engine, pytest.raises(TypeError, match="an error of the program"):
        run(engine, work.broken, [1])
    with Workers(1) as engine:
        failure = run(engine, work.broken, [1])[1]
    assert failure.error == "the worker process ended with exit code 1; its traceback is above"
    assert "TypeError: an error of the program" in capfd.readouterr().err


def test_lost_claims_are_no_failure_of_the_unit():
    def lost(unit: int, report: Callable[[int, int], None]) -> None:
        raise ClaimsLostError("here")

    with pytest.raises(ClaimsLostError):
        attempt(lost, 1, print)


def test_a_killed_worker_fails_its_unit_alone():
    with Workers(2) as engine:
        results = run(engine, work.square_or_die, range(1, 6))
    assert results.pop(2) == Failure(
        "the worker process was killed by SIGKILL (too little memory is the usual reason)", "WorkerDied"
    )
    assert results == {1: 1, 3: 9, 4: 16, 5: 25}


@pytest.mark.parametrize("idle", [1, 2])
def test_workers_killed_while_idle_are_replaced(idle):
    """No unit is theirs: nothing fails."""
    with Workers(idle) as engine:
        before = run(engine, work.process, range(1, 2 * idle + 1))
        killed = [hand.process for hand in engine._idle]
        assert len(killed) == idle
        assert set(before.values()) <= {process.pid for process in killed}
        for process in killed:
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        assert run(engine, work.square, range(1, 4)) == {1: 1, 2: 4, 3: 9}
        assert not {process.pid for process in multiprocessing.active_children()} & set(before.values())


def held(pipe: connection.Connection) -> int:
    """How many bytes can be read from a pipe at once."""
    (count,) = struct.unpack("i", fcntl.ioctl(pipe.fileno(), termios.FIONREAD, bytes(4)))
    return int(count)


def test_a_worker_killed_while_it_sends_its_result_fails_its_unit_alone(monkeypatch):
    """Some of the result is in the pipe when it dies."""
    real, killed = connection.wait, []

    def wait(pipes: list[Any], timeout: float | None) -> list[Any]:
        ready = real(pipes, timeout)
        if not killed:
            (hand,) = (hand for hand, _ in engine._busy.values())
            wait_for(lambda: held(hand.pipe) > HEADER)
            killed.append(hand)
            os.kill(hand.process.pid, signal.SIGKILL)
            hand.process.join()
        return ready

    monkeypatch.setattr(connection, "wait", wait)
    with Workers(1) as engine:
        first, second = run(engine, work.much, [1, 2]).values()
    assert first == Failure(
        "the worker process was killed by SIGKILL (too little memory is the usual reason)", "WorkerDied"
    )
    assert len(second) == 2**24


def test_a_worker_that_dies_before_it_is_given_anything_fails_its_unit(monkeypatch):
    def hire_for_nothing(threads: int) -> Any:
        hand = hire(threads)
        hand.process.kill()
        hand.process.join()
        return hand

    hire = workers._hire
    with Workers(1) as engine:
        monkeypatch.setattr(workers, "_hire", hire_for_nothing)
        assert run(engine, work.square, [1])[1].kind == "WorkerDied"
        monkeypatch.undo()
        assert run(engine, work.square, [1]) == {1: 1}


def test_workers_have_few_threads():
    with Workers(1, threads=1) as engine:
        assert run(engine, work.threads, [1]) == {1: ("1", 1)}


def lives(pid: int) -> bool:
    """Whether the process is there and not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_leaving_ends_the_workers(tmp_path):
    trace = tmp_path / "trace"
    engine = Workers(1)
    with engine:
        units = iter([str(trace)])
        engine._give(work.leave_trace, next(units))
        wait_for(trace.exists)
    assert not lives(int(trace.read_text()))


def test_workers_that_are_asked_to_end_have_time_to_but_not_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("sims.engines.workers.GRACE", 0.5)
    listening, deaf = tmp_path / "listening", tmp_path / "deaf"
    units = iter(map(str, (listening, deaf, tmp_path / "never begun")))
    with Workers(2) as engine:
        ask = lambda *what: deaf.exists()  # noqa: E731
        assert list(engine.run(lambda: next(units, None), work.listen_or_not, ask)) == []
    assert listening.exists()
    assert not lives(int(deaf.read_text()))
    assert len(list(units)) == 1


@pytest.mark.skipif(not Path("/proc").exists(), reason="asks /proc for processes")
def test_workers_end_with_their_parent(tmp_path):
    """SIGKILL leaves the parent no time to end them: they notice by themselves."""
    code = (
        "import sys; from sims.engines import Workers; from tests.sims.engines import work\n"
        "if __name__ == '__main__':\n"
        "    units = iter(sys.argv[1:])\n"
        "    with Workers(2) as engine:\n"
        "        list(engine.run(lambda: next(units, None), work.leave_trace, print))\n"
    )
    traces = [tmp_path / "one", tmp_path / "two"]
    parent = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, traces)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    wait_for(lambda: all(trace.exists() for trace in traces))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    workers = [int(trace.read_text()) for trace in traces]
    wait_for(lambda: not any(map(lives, workers)))
