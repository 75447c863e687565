"""CIFAR-10 from a folder and from its public home: the same bytes, checked; what is wrong, in a sentence."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hptheory.errors import DomainError, MissingExtraError
from sims.data import cifar10
from sims.data.cifar10 import load_cifar10
from sims.errors import DataError
from tests.sims.small import needs_data

RECORDS = 20


def records(part: int) -> np.ndarray:
    """Made-up records of a part: labels 0..9 in turn and pixels from a generator."""
    rng = np.random.default_rng(part)
    labels = (np.arange(RECORDS) % 10)[:, None]
    return np.concatenate([labels, rng.integers(0, 256, (RECORDS, 3072))], axis=1).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small data set in the public layout, whose sums are taken for the published ones."""
    (tmp_path / cifar10.FOLDER).mkdir()
    sums = []
    for part in range(1, 6):
        content = records(part).tobytes()
        (tmp_path / cifar10.FOLDER / f"data_batch_{part}.bin").write_bytes(content)
        sums.append(f"sha256:{hashlib.sha256(content).hexdigest()}")
    monkeypatch.setattr(cifar10, "RECORDS", RECORDS)
    monkeypatch.setattr(cifar10, "TRAIN_SUMS", tuple(sums))
    monkeypatch.setattr(cifar10, "TEST_SUMS", (f"md5:{hashlib.md5(records(6).tobytes()).hexdigest()}",))
    monkeypatch.delenv("HPTHEORY_DATA", raising=False)
    return tmp_path


def test_the_layout_is_read(folder):
    train, held_out = load_cifar10(30, folder)
    everything = np.concatenate([records(part) for part in range(1, 6)])
    assert (len(train.y), len(held_out.y)) == (70, 30)
    assert torch.cat([train.y, held_out.y]).tolist() == everything[:, 0].tolist()
    pixels = everything[70 + 3, 1:].reshape(3, 32, 32)
    assert (held_out.x[3].numpy() == pixels).all()


def test_the_folder_of_the_environment(folder, monkeypatch):
    monkeypatch.setenv("HPTHEORY_DATA", str(folder))
    assert len(load_cifar10(30)[0].y) == 70


def test_the_official_test_set(folder):
    with pytest.raises(DataError, match=r"test_batch\.bin \(No such file.*holds out training images"):
        load_cifar10(0, folder)
    path, content = folder / cifar10.FOLDER / "test_batch.bin", records(6).tobytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(
        DataError, match=r"test_batch\.bin is not the published file .*md5:.* instead of .*md5:"
    ):
        load_cifar10(0, folder)
    path.write_bytes(content)
    train, test = load_cifar10(0, folder)
    assert (len(train.y), len(test.y)) == (100, RECORDS)
    assert (test.x.flatten(1).numpy() == records(6)[:, 1:]).all()


def test_what_was_not_published_is_refused(folder):
    path = folder / cifar10.FOLDER / "data_batch_3.bin"
    content = path.read_bytes()
    for damaged in (content[:-1], content[:-1] + bytes([content[-1] ^ 1])):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"data_batch_3\.bin is not the published file.*fetch it again"):
            load_cifar10(30, folder)
    path.unlink()
    with pytest.raises(DataError, match=r"cannot read .*data_batch_3\.bin .*--data-dir or HPTHEORY_DATA"):
        load_cifar10(30, folder)


def published(part: int) -> list[dict[str, object]]:
    """The rows as the package ``datasets`` gives them: images row by row with the channels last."""
    return [
        {"label": int(row[0]), "img": row[1:].reshape(3, 32, 32).transpose(1, 2, 0)} for row in records(part)
    ]


def test_the_public_home_gives_the_same(folder, monkeypatch):
    """A stand-in for ``datasets``: no network in tests."""
    monkeypatch.setattr(cifar10, "find_spec", lambda name: object())
    rows = [row for part in range(1, 6) for row in published(part)]
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=lambda path, split: rows))
    ours, theirs = load_cifar10(30, folder), load_cifar10(30)
    assert all((a.x == b.x).all() and (a.y == b.y).all() for a, b in zip(ours, theirs, strict=True))
    rows[7], rows[8] = rows[8], rows[7]
    with pytest.raises(DataError, match="train images from 0 is not the published file"):
        load_cifar10(30)


def test_without_a_network_or_the_package(folder, monkeypatch):
    def unreachable(path: str, split: str) -> object:
        raise ConnectionError("no route")

    monkeypatch.setattr(cifar10, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=unreachable))
    with pytest.raises(DataError, match=r"cannot be had from its public home.*--data-dir or HPTHEORY_DATA"):
        load_cifar10(30)
    monkeypatch.setattr(cifar10, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="datasets"):
        load_cifar10(30)


@pytest.mark.parametrize("held_out", [-1, 100])
def test_sizes_outside_the_domain(folder, held_out):
    with pytest.raises(DomainError, match="held_out"):
        load_cifar10(held_out, folder)


@pytest.mark.data
@needs_data(cifar10.FOLDER)
def test_the_sums_are_of_the_files_that_others_have():
    """Those who recorded the test file's MD5 have these of the training files beside it."""
    theirs = (
        "5dd7e06a14cb22eb9f671a540d1b7c25",
        "5ea93a67294ea407fff1d09f752e9692",
        "942cd6a4bcdd0dd3c604fbe906cb4421",
        "ae636b3ba5c66a11e91e8cb52e771fcb",
        "53f37980c15c3d472c316c40844f3f0d",
    )
    for number, (md5, ours) in enumerate(zip(theirs, cifar10.TRAIN_SUMS, strict=True), 1):
        content = Path(os.environ["HPTHEORY_DATA"], cifar10.FOLDER, f"data_batch_{number}.bin").read_bytes()
        assert hashlib.md5(content).hexdigest() == md5
        assert ours == f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.mark.data
@needs_data(cifar10.FOLDER)
def test_the_real_files():
    """Balanced classes, and channel means as everybody finds them (125.3, 123.0, 113.9)."""
    train, held_out = load_cifar10(5000, Path(os.environ["HPTHEORY_DATA"]))
    labels = torch.cat([train.y, held_out.y])
    assert torch.bincount(labels.long()).tolist() == [5000] * 10
    sums = train.x.sum((0, 2, 3), dtype=torch.int64) + held_out.x.sum((0, 2, 3), dtype=torch.int64)
    means = (sums.double() / (50_000 * 1024)).tolist()
    assert means == pytest.approx([125.307, 122.950, 113.865], abs=2e-3)
