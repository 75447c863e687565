"""The store of a sweep: one record a run, named by a hash of what was run, written aside and renamed.

A run directory holds ``setting.json`` (the sweep that was asked for last), ``runs/<key>.json`` (one record a
finished run), ``failed/<key>.json`` (why a run could not be trained), ``data.json`` (on which data; see
``sims.store.sources``), while a sweep goes on its claims and checkpoints (see the modules beside this one)
and, once it has ended, ``results.nc`` and ``results.csv``. What is left to do is the difference between the
keys that a setting names and the records that exist. A record holds its own digest, so that damage is
noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hptheory.files import output_folder, write_atomically
from sims.errors import CorruptRecordError, RunDirectoryError
from sims.settings import HPs, Setting, Training
from sims.settings.checks import as_tuple

if TYPE_CHECKING:
    import xarray

# Part of every key: raise it when a change of the trainer changes the numbers that a run gives.
TRAINER_VERSION = 6


@dataclass(frozen=True)
class Run:
    """A unit of work: one training run of a sweep."""

    width: int
    lr: float
    seed: int
    hps: HPs = ()


@dataclass(frozen=True)
class Record:
    """What is stored of a finished run.

    ``status`` is done or diverged; ``result`` holds the numbers (a loss that is not finite as None);
    ``provenance``, what may differ between two executions that give the same numbers: code, versions, device,
    threads, time.
    """

    run: Run
    training: dict[str, Any]
    status: str
    result: dict[str, Any]
    provenance: dict[str, Any]


@dataclass(frozen=True)
class FailedRun:
    """Why a run could not be trained when it was last tried: the error's sentence, its kind, when, where, and
    its traceback (empty where there is none: a process was killed). ``file`` is where this is stored.
    """

    run: Run
    error: str
    kind: str
    when: str
    host: str
    traceback: str = ""
    file: str = ""


def run_key(training: Training, run: Run) -> str:
    """The name of a run's record: a hash of everything that decides its numbers (32 hexadecimal digits).

    Of data it holds the name alone; that they stay the same is the affair of ``sims.store.sources``.

    *Laws*: equal arguments, equal keys, on every machine; any change of a field changes the key.

    >>> from sims.settings import get_setting
    >>> training = get_setting("digits", "smoke").training
    >>> run_key(training, Run(32, 0.5, 0)) == run_key(training, Run(32, 0.5, 1))
    False
    """
    return _digest({"trainer": TRAINER_VERSION, "training": asdict(training), "run": asdict(run)})


def load(run_dir: str | Path) -> xarray.Dataset:
    """The table of the sweep in a run directory, finished or not (see ``sims.table.assemble``).

    Domain: a directory without a sweep raises ``RunDirectoryError``; a damaged file, ``CorruptRecordError``.
    """
    from sims.table import assemble

    store = Store(run_dir)
    setting = store.setting()
    return assemble(setting, store.records(setting))


def provenance(run_dir: str | Path) -> dict[str, list[Any]]:
    """Where, on what and how the runs of a directory were trained: each field with its distinct values.

    Fields: hptheory, code (with a hash of the source), python, torch, numpy, host, device, machine, threads,
    data, dtype, precision, compiled, engine, pack_members, pack_fallbacks, started; ``seconds`` holds one
    number, the training time of all runs together. Errors as in ``load``.
    """
    store = Store(run_dir)
    told = [record.provenance for record in store.records(store.setting()).values()]
    fields = sorted({field for one in told for field in one} - {"seconds"})
    distinct = {field: sorted({one[field] for one in told if field in one}) for field in fields}
    return {**distinct, "seconds": [sum(one["seconds"] for one in told)]}


class Store:
    """The records in one run directory."""

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)

    def prepare(self, setting: Setting) -> None:
        """Make the directory if need be, and note the sweep that is asked for.

        Records of other sweeps stay: a grid that is widened later finds what it shares with the former one.
        """
        output_folder(self.directory / "runs")
        write_atomically(self.directory / "setting.json", json.dumps(asdict(setting), indent=2).encode())

    def setting(self) -> Setting:
        """The sweep that was asked for last."""
        path = self.directory / "setting.json"
        try:
            return Setting.from_dict(json.loads(path.read_bytes()))
        except OSError as error:
            raise RunDirectoryError(
                f"{self.directory} holds no sweep ({error.strerror}: {path.name}); "
                "give a directory that `hptheory sweep --out` wrote"
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptRecordError(
                f"{path} is damaged or of another version; run the sweep with this --out again: "
                "it rewrites the file and keeps every finished run"
            ) from error

    def records(self, setting: Setting) -> dict[Run, Record]:
        """The finished runs of a sweep.

        Domain: a damaged record raises ``CorruptRecordError``.
        """
        found = {}
        for run in runs_of(setting):
            path = self._path(run_key(setting.training, run))
            if path.exists():
                found[run] = _read_record(path)
        return found

    def readable(self, setting: Setting) -> tuple[dict[Run, Record], dict[Run, Path]]:
        """The finished runs of a sweep whose records can be read, and the files of those that are damaged."""
        found, damaged = {}, {}
        for run in runs_of(setting):
            path = self._path(run_key(setting.training, run))
            try:
                if path.exists():
                    found[run] = _read_record(path)
            except CorruptRecordError:
                damaged[run] = path
        return found, damaged

    def record(self, key: str) -> Record | None:
        """The record of that key, if there is one."""
        path = self._path(key)
        return _read_record(path) if path.exists() else None

    def stored_keys(self) -> set[str]:
        """The keys of all finished runs, of this sweep and of others, by their files alone."""
        with suppress(FileNotFoundError), os.scandir(self.directory / "runs") as entries:
            return {entry.name.removesuffix(".json") for entry in entries if entry.name.endswith(".json")}
        return set()

    def strangers(self, setting: Setting) -> str:
        """How many finished runs are not of this sweep, for a sentence; nothing where there are none."""
        count = len(self.stored_keys() - {run_key(setting.training, run) for run in runs_of(setting)})
        runs = "run" if count == 1 else "runs"
        return f"{count} finished {runs} of another grid or another trainer version" if count else ""

    def write(self, training: Training, run: Run, result: dict[str, Any], provenance: dict[str, Any]) -> None:
        """Store a finished run; after a crash the record is either whole or absent.

        Domain: a place that cannot be written raises ``hptheory.files.OutputError``; what is stored stays.
        """
        key = run_key(training, run)
        result = self._put_aside(training, run, result)
        body = {
            "run": asdict(run),
            "training": asdict(training),
            "status": "diverged" if result.get("diverged") else "done",
            "result": result,
            "provenance": provenance,
        }
        _write(self._path(key), body)
        self._failure(key).unlink(missing_ok=True)

    def write_failure(self, training: Training, failed: FailedRun) -> None:
        """Store why a run could not be trained, in place of what an earlier attempt left."""
        output_folder(self.directory / "failed")
        path = self._failure(run_key(training, failed.run))
        _write(path, asdict(replace(failed, file=str(path))))

    def failures(self, setting: Setting) -> dict[Run, FailedRun]:
        """The runs of a sweep that failed when they were last tried, with the reasons that can be read."""
        found = {}
        for run in runs_of(setting):
            with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                path = self._failure(run_key(setting.training, run))
                found[run] = FailedRun(**{**_read(path), "run": run, "file": str(path)})
        return found

    def trajectory(self, training: Training, record: Record) -> bytes | None:
        """What was observed along a finished run, as the bytes of a file; None if nothing was.

        Domain: a file that is gone or damaged raises ``CorruptRecordError``.
        """
        digest = record.result.get("trajectory")
        if digest is None:
            return None
        path = self._aside(run_key(training, record.run))
        content = path.read_bytes() if path.exists() else b""
        if _digest_of_bytes(content) != digest:
            raise CorruptRecordError(
                f"{path} is not what its run's record promises; delete both and run the sweep again: only "
                "this run is repeated"
            )
        return content

    def _put_aside(self, training: Training, run: Run, result: dict[str, Any]) -> dict[str, Any]:
        """The result with what was observed in a file of its own, written first, and its digest here."""
        content = result.get("trajectory")
        if content is None:
            return result
        path = self._aside(run_key(training, run))
        output_folder(path.parent)
        write_atomically(path, content)
        return {**result, "trajectory": _digest_of_bytes(content)}

    def _aside(self, key: str) -> Path:
        return self.directory / "trajectories" / f"{key}.npz"

    def _path(self, key: str) -> Path:
        return self.directory / "runs" / f"{key}.json"

    def _failure(self, key: str) -> Path:
        return self.directory / "failed" / f"{key}.json"


def runs_of(setting: Setting) -> list[Run]:
    """All runs of a sweep, by width, seed, learning rate and further hyperparameters."""
    axes = [[(name, value) for value in values] for name, values in setting.hps]
    grid = product(setting.widths, setting.seeds, setting.lrs, product(*axes))
    return [Run(width, lr, seed, hps) for width, seed, lr, hps in grid]


def _read_record(path: Path) -> Record:
    try:
        body = _read(path)
        run = {name: as_tuple(value) for name, value in body["run"].items()}
        return Record(**{**body, "run": Run(**run)})
    except OSError as error:
        raise RunDirectoryError(f"cannot read {path} ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptRecordError(
            f"the record {path} is damaged; run the sweep again: "
            "it sets the file aside and repeats only this run"
        ) from error


def _digest_of_bytes(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _read(path: Path) -> dict[str, Any]:
    """The content of a file, if it matches its digest."""
    body: dict[str, Any] = json.loads(path.read_bytes())
    digest = body.pop("digest")
    if digest != _digest(body):
        raise ValueError("its content does not match its digest")
    return body


def _write(path: Path, body: dict[str, Any]) -> None:
    write_atomically(path, json.dumps({**body, "digest": _digest(body)}, allow_nan=False).encode())


def _digest(content: dict[str, Any]) -> str:
    """A hash of JSON data that depends on the data alone, not on the order of keys."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]
