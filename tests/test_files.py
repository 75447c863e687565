"""Writing results: whole files, no leftovers, and errors that name the place."""

from __future__ import annotations

import os
from errno import EACCES, ENOSPC
from pathlib import Path

import pytest

from hptheory.files import OutputError, output_folder, write_atomically


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("here first")
    for place in (blocked, blocked / "folder"):
        with pytest.raises(OutputError, match=f"cannot write {place} ") as raised:
            output_folder(place)
        assert raised.value.path == place
    assert blocked.read_text() == "here first"


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OutputError, match="taken"):
        write_atomically(tmp_path / "taken", b"content")
    (tmp_path / "file").touch()
    for parent in ("missing", "file"):
        with pytest.raises(OutputError, match=parent):
            write_atomically(tmp_path / parent / "report", b"content")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken"]


def test_a_second_write_replaces_the_first(tmp_path: Path) -> None:
    for content in (b"old and long", b"new"):
        write_atomically(tmp_path / "file", content)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"new"]


def test_a_full_disk_is_told_apart_from_a_wrong_place() -> None:
    advice = {code: str(OutputError("place", OSError(code, os.strerror(code)))) for code in (ENOSPC, EACCES)}
    assert advice[ENOSPC].endswith(
        "(No space left on device); make room and do the same again, or choose another place"
    )
    assert advice[EACCES] == "cannot write place (Permission denied); choose another place"
