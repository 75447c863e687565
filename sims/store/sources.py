"""Which data the runs of a directory are trained on: a setting names a corpus, and a name may come
to mean another text.

``data.json`` holds the fingerprints, by task; it is written before the first run of a task is trained. Runs
are trained and stored only on the same data, so that no table is of two.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from hptheory.files import output_folder, write_atomically
from sims.errors import CorruptRecordError, OtherDataError
from sims.settings.language import LanguageConfig
from sims.settings.tasks import TaskConfig
from sims.store.checkpoints import stored_packs
from sims.store.records import Store

UNTOLD = (
    "the runs that are in {} do not tell on which data they were trained; they are taken to be of the data "
    "that are here now"
)


def keep_data(directory: Path, task: TaskConfig, fingerprint: str | None) -> str | None:
    """Note on which data the runs of a task are trained; a sentence if it is not known of earlier runs.

    ``fingerprint`` is that of ``sims.tasks.Task``.

    Domain: data that are not those of the runs so far raise ``OtherDataError``, and nothing is written; a
    damaged note raises ``CorruptRecordError``.

    *Laws*: the data that come first stay; tasks without a fingerprint, and other tasks, are not concerned.
    """
    if fingerprint is None:
        return None
    known, name = _read(directory), json.dumps(asdict(task), sort_keys=True)
    if name in known:
        if known[name] != fingerprint:
            raise OtherDataError(_named(task), directory, known[name], fingerprint)
        return None
    untold = not known and (Store(directory).stored_keys() or stored_packs(directory))
    content = json.dumps({**known, name: fingerprint}, indent=2)
    write_atomically(_file(output_folder(directory)), content.encode())
    return UNTOLD.format(directory) if untold else None


def _file(directory: Path) -> Path:
    return directory / "data.json"


def _read(directory: Path) -> dict[str, str]:
    path = _file(directory)
    try:
        return dict(json.loads(path.read_bytes())) if path.exists() else {}
    except (OSError, ValueError, TypeError) as error:
        raise CorruptRecordError(
            f"{path}, which tells on which data the runs were trained, cannot be read; delete it if the data "
            "are still the same, else give another --out"
        ) from error


def _named(task: TaskConfig) -> str:
    return task.corpus if isinstance(task, LanguageConfig) else task.name
