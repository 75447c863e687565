"""Writing results: whole or not at all, and a named error where the place cannot be written."""

from __future__ import annotations

import errno
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hptheory.errors import HPTheoryError

FULL = (errno.ENOSPC, errno.EDQUOT)
DRAFT = ".tmp"
"""How the names of drafts end; a killed process may leave one behind."""


class OutputError(HPTheoryError):
    """A file or a folder cannot be written; the message names it and says why."""

    def __init__(self, path: str | Path, error: OSError) -> None:
        self.path = Path(path)
        advice = "make room and do the same again, or choose" if error.errno in FULL else "choose"
        super().__init__(f"cannot write {path} ({error.strerror}); {advice} another place")


def output_folder(path: str | Path) -> Path:
    """The folder, made if missing, after a trial that files can be written in it.

    Call it before long work: an unwritable place is then an `OutputError` at once, and not at the end.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = output_folder(f"{place}/a/b")
    ...     folder.is_dir(), list(folder.iterdir())
    (True, [])
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(folder, error) from error
    return folder


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write a file so that, whatever happens, a reader finds the old content or all of the new.

    A path that cannot be written raises `OutputError`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     write_atomically(f"{place}/numbers.txt", b"1 2 3")
    ...     [(path.name, path.read_bytes()) for path in Path(place).iterdir()]
    [('numbers.txt', b'1 2 3')]
    """
    with replacing(path) as draft:
        draft.write_bytes(content)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A draft beside a file, to be written under its own name; at the end it takes the file's place.

    If anything fails, the draft is removed and the file stays as it was. A path that cannot be written raises
    `OutputError`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with replacing(f"{place}/numbers.txt") as draft:
    ...         written = draft.write_text("1 2 3")
    ...     Path(place, "numbers.txt").read_text()
    '1 2 3'
    """
    target = Path(path)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}{DRAFT}")
    try:
        yield draft
        draft.replace(target)
    except OSError as error:
        raise OutputError(target, error) from error
    finally:
        with suppress(OSError):
            draft.unlink()
