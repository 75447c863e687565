"""Who trains which run: claims on a shared directory, so that no two processes train one run at a time.

No locks of the operating system (shared filesystems disagree on them), only two things that all of them keep:
a name is given to a file by one process alone (link, or O_EXCL), and renaming is atomic.

- ``workers/<worker>.json`` is the heartbeat of a process: who it is and what it trains, written again every
  few seconds. A worker is dead when its file has not changed for ``stale_after`` seconds, or at once when it
  is a process of this machine that no longer runs.
- ``claims/<key>.<n>`` is the n-th claim on a run. The highest n is in force: ``held`` by a worker, or
  ``free`` again. Whoever finds it free, or its worker dead, creates n + 1. Names never come back while a run
  is unfinished, so that of many who see the same dead worker exactly one takes over, however late they act.
- The claims on a run are removed once its record is stored. Hence the rule for whoever claims: having
  claimed, look whether the record has come.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hptheory.files import DRAFT, OutputError, output_folder, write_atomically
from sims.errors import ClaimsLostError
from sims.store.processes import birth, is_running, machine

BEAT = 5.0
"""Seconds between heartbeats."""
STALE_AFTER = 120.0
"""Seconds without a heartbeat after which a worker is dead; NFS may show a file as it was a minute ago."""

NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@dataclass(frozen=True)
class Worker:
    """A process that trains: where it is, since when, and what it says of its work."""

    name: str
    host: str
    pid: int
    machine: str
    born: str | None
    since: float
    doing: tuple[dict[str, Any], ...] = ()

    @classmethod
    def this(cls) -> Worker:
        """The process that asks."""
        host, pid = socket.gethostname(), os.getpid()
        name = f"{host}-{pid}-{secrets.token_hex(4)}"
        return cls(name, host, pid, machine(), birth(pid), time.time())


class Claims:
    """The claims of this process in a run directory; a context manager, inside which its heart beats.

    *Laws*: of any number of processes that claim a run at once, one gets it; nobody gets it while the owner
    lives; the claims of a dead owner are free again; what is claimed and released can be claimed again.
    """

    def __init__(self, directory: Path, *, beat: float = BEAT, stale_after: float = STALE_AFTER) -> None:
        self.directory, self.interval, self.stale_after = directory, beat, stale_after
        self.worker = Worker.this()
        self.held: dict[str, int] = {}
        self.lost = False
        self._doing: tuple[dict[str, Any], ...] = ()
        self._last_beat = time.time()
        self._writing, self._stopping = threading.Lock(), threading.Event()
        self._heart = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def __enter__(self) -> Claims:
        for folder in ("claims", "workers"):
            output_folder(self.directory / folder)
        self._beat()
        self._bury_the_dead()
        self._heart.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self._stopping.set()
        self._heart.join()
        self.release(list(self.held))
        self._file.unlink(missing_ok=True)

    def take(self, keys: Sequence[str]) -> list[str]:
        """Those of the runs that are now this process's to train; the others are being trained elsewhere.

        Domain: a directory that cannot be written raises ``hptheory.files.OutputError``.
        """
        now = self._beat()
        latest = generations(self.directory)
        taken = []
        for key in keys:
            last = latest.get(key)
            if last is not None and self._owner(key, last, now) is not None:
                continue
            if self._create(key, 0 if last is None else last + 1):
                taken.append(key)
        return taken

    def release(self, keys: Iterable[str]) -> None:
        """Let others train these runs, which are not finished."""
        for key in keys:
            # In place, so that a full disk does not hinder it.
            with suppress(OSError), self._path(key, self.held.pop(key)).open("r+b") as claim:
                claim.write(b"free")

    def finish(self, keys: Iterable[str]) -> None:
        """Remove the claims on runs whose records are stored."""
        for key in keys:
            for generation in range(self.held.pop(key) + 1):
                self._path(key, generation).unlink(missing_ok=True)

    def forget(self, stored: Iterable[str]) -> None:
        """Remove what processes killed in the last instant have left on runs whose records are stored."""
        left = generations(self.directory)
        for key in stored:
            for generation in range(left.get(key, -1) + 1):
                self._path(key, generation).unlink(missing_ok=True)

    def tell(self, doing: Sequence[dict[str, Any]]) -> None:
        """Say at the next heartbeat what this process is doing.

        Domain: a process that was held up for so long that another has taken over its runs (a closed lid, a
        stopped process) gets a ``ClaimsLostError``.
        """
        self._doing = tuple(doing)
        if self.lost:
            raise ClaimsLostError(self.directory)

    def _owner(self, key: str, generation: int, now: float) -> Worker | None:
        """The living worker that holds a claim; None where the run is free."""
        path = self._path(key, generation)
        try:
            state, _, name = path.read_text().partition(" ")
            if not state:  # being written just now, or its author died between two instructions
                return self.worker if now - path.stat().st_mtime < self.stale_after else None
        except FileNotFoundError:  # finished meanwhile
            return None
        return living(self.directory, name.strip(), now, self.stale_after) if state == "held" else None

    def _create(self, key: str, generation: int) -> bool:
        path = self._path(key, generation)
        try:
            created = create_once(path, f"held {self.worker.name}\n".encode())
        except OSError as error:
            raise OutputError(path, error) from error
        if created:
            self.held[key] = generation
        return created

    def _beat(self) -> float:
        """Write the heartbeat; the time now, by the clock of the disk that all workers share."""
        with self._writing:
            text = json.dumps(asdict(self.worker) | {"doing": self._doing})
            write_atomically(self._file, text.encode())
            return self._file.stat().st_mtime

    def _beat_on(self) -> None:
        while not self._stopping.wait(self.interval):
            gap, self._last_beat = time.time() - self._last_beat, time.time()
            if gap > self.stale_after / 2 and self._overtaken():
                self.lost = True
            try:
                self._beat()
            except OutputError:
                with suppress(OSError):  # a full disk: the time stamp is what counts
                    os.utime(self._file)

    def _overtaken(self) -> bool:
        return any(self._path(key, generation + 1).exists() for key, generation in list(self.held.items()))

    def _bury_the_dead(self) -> None:
        """Remove the heartbeats and the drafts of dead workers; a claim whose worker has no heartbeat is
        free."""
        now = self._file.stat().st_mtime
        for draft in self.directory.glob(f"*/.*{DRAFT}"):
            with suppress(FileNotFoundError):  # its author has finished it
                if now - draft.stat().st_mtime > self.stale_after:
                    draft.unlink()
        for path in (self.directory / "workers").glob("*.json"):
            if living(self.directory, path.stem, now, self.stale_after) is None:
                path.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return self.directory / "workers" / f"{self.worker.name}.json"

    def _path(self, key: str, generation: int) -> Path:
        return self.directory / "claims" / f"{key}.{generation}"


def create_once(path: Path, content: bytes) -> bool:
    """Whether the file was created here, with its content in the same instant; False if it existed.

    A link to a finished draft: whoever is killed on the way leaves no claim without an owner. Its count of
    names tells of success even where NFS lost the answer. Filesystems without links get O_EXCL.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}{DRAFT}")
    try:
        draft.write_bytes(content)
        with suppress(FileExistsError):
            os.link(draft, path)
        return draft.stat().st_nlink == 2
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            return False
        return True
    finally:
        draft.unlink(missing_ok=True)


def living(directory: Path, name: str, now: float, stale_after: float = STALE_AFTER) -> Worker | None:
    """The worker of that name, if it lives: its heart beats and, on this machine, its process runs."""
    path = directory / "workers" / f"{name}.json"
    try:
        beat = path.stat().st_mtime
        fields = json.loads(path.read_bytes())
        worker = Worker(**{**fields, "doing": tuple(fields["doing"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):  # not a heartbeat: nobody's
        return None
    here = worker.machine == machine()
    if now - beat > stale_after or (here and not is_running(worker.pid, worker.born)):
        return None
    return worker


def holders(directory: Path, *, stale_after: float = STALE_AFTER) -> dict[str, Worker]:
    """The living worker of each run that is being trained, as seen from outside (``hptheory status``)."""
    found = {}
    for key, generation in generations(directory).items():
        try:
            state, _, name = (directory / "claims" / f"{key}.{generation}").read_text().partition(" ")
        except FileNotFoundError:
            continue
        worker = living(directory, name.strip(), time.time(), stale_after) if state == "held" else None
        if worker is not None:
            found[key] = worker
    return found


def generations(directory: Path) -> dict[str, int]:
    """The number of the claim in force on each run that has one."""
    latest: dict[str, int] = {}
    with suppress(FileNotFoundError), os.scandir(directory / "claims") as entries:
        for entry in entries:
            key, _, number = entry.name.rpartition(".")
            if number.isdigit():
                latest[key] = max(int(number), latest.get(key, -1))
    return latest
