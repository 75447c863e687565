"""CIFAR-10: 60,000 colour images of 32 x 32 pixels in ten classes, from a folder or from its public home.

A folder holds ``cifar-10-batches-bin`` in the public binary layout: records of one label byte and 3,072
pixels (three channels, row by row), 10,000 a file. Whatever the source, the bytes are checked against known
sums before use, and nothing is unpickled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from hptheory.errors import DomainError, MissingExtraError
from sims.data.places import data_folder
from sims.errors import DataError

FOLDER = "cifar-10-batches-bin"
PUBLIC_HOME = "uoft-cs/cifar10"
RECORD, RECORDS = 3073, 10_000
SHAPE = (3, 32, 32)
CLASSES = 10
# No sums are published with the data. Those of the training files are of a copy whose MD5 sums are the ones
# that others have recorded; the test file's MD5 stands beside these in two independent public projects.
TRAIN_SUMS = (
    "sha256:cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "sha256:a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "sha256:bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "sha256:014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "sha256:755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
)
TEST_SUMS = ("md5:803d5f7f4d78ea53de84dbe85f74fb6d",)


@dataclass(frozen=True)
class Images:
    """Images in bytes and their labels."""

    x: UInt8[Tensor, "image channel row column"]
    y: UInt8[Tensor, " image"]


def load_cifar10(held_out: int = 0, data_dir: Path | None = None) -> tuple[Images, Images]:
    """The training and the validation images of CIFAR-10.

    Validation is the official test set, or, with ``held_out`` > 0, the last so many training images, which
    are then no training images. (The files are shuffled as they are published.)

    The source is the folder ``data_dir``, else the one that HPTHEORY_DATA names, else the public home through
    the package ``datasets``.

    Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.

    Domain: 0 <= held_out < 50,000, else ``DomainError``; data that are absent or not what was published raise
    ``DataError``.
    """
    if not 0 <= held_out < len(TRAIN_SUMS) * RECORDS:
        raise DomainError("held_out", held_out, f"in [0, {len(TRAIN_SUMS) * RECORDS - 1}]")
    folder = data_folder(data_dir)
    read = _from_public_home if folder is None else _from_folder
    train = _images(_checked(read("train", folder), TRAIN_SUMS))
    if held_out == 0:
        return train, _images(_checked(read("test", folder), TEST_SUMS))
    kept = len(train.y) - held_out
    return Images(train.x[:kept], train.y[:kept]), Images(train.x[kept:], train.y[kept:])


def _from_folder(split: str, folder: Path | None) -> list[tuple[str, bytes]]:
    """The names and bytes of the files of a split."""
    assert folder is not None
    numbers = range(1, len(TRAIN_SUMS) + 1)
    names = [f"data_batch_{number}.bin" for number in numbers] if split == "train" else ["test_batch.bin"]
    found = []
    for path in (folder / FOLDER / name for name in names):
        try:
            found.append((str(path), path.read_bytes()))
        except OSError as error:
            advice = (
                "give a folder that holds it, or a setting that holds out training images"
                if split == "test"
                else "name the folder that holds it by --data-dir or HPTHEORY_DATA"
            )
            raise DataError(f"cannot read {path} ({error.strerror}); {advice}") from error
    return found


def _from_public_home(split: str, folder: Path | None) -> list[tuple[str, bytes]]:
    """A split through ``datasets``, brought into the binary layout, so that the same sums check it."""
    if find_spec("datasets") is None:
        raise MissingExtraError("datasets", "text", "loading CIFAR-10 from its public home")
    from datasets import load_dataset

    try:
        rows: Iterable[dict[str, Any]] = load_dataset(PUBLIC_HOME, split=split)
    except (OSError, ConnectionError) as error:
        raise DataError(
            f"CIFAR-10 cannot be had from its public home ({type(error).__name__}); name a folder that holds "
            f"{FOLDER} by --data-dir or HPTHEORY_DATA"
        ) from error
    content = b"".join(
        bytes([row["label"]]) + np.asarray(row["img"], dtype=np.uint8).transpose(2, 0, 1).tobytes()
        for row in rows
    )
    size = RECORD * RECORDS
    return [
        (f"{PUBLIC_HOME}, {split} images from {start // RECORD}", content[start : start + size])
        for start in range(0, len(content), size)
    ]


def _checked(files: list[tuple[str, bytes]], sums: tuple[str, ...]) -> bytes:
    """The records of all files, each of the known length and sum."""
    if len(files) != len(sums):
        raise DataError(f"{files[0][0] if files else FOLDER} holds {len(files)} parts instead of {len(sums)}")
    for (name, content), expected in zip(files, sums, strict=True):
        kind = expected.partition(":")[0]
        found = f"{kind}:{hashlib.new(kind, content, usedforsecurity=False).hexdigest()}"
        if len(content) != RECORD * RECORDS or found != expected:
            raise DataError(
                f"{name} is not the published file ({len(content):,} bytes, {found[: len(kind) + 13]}... "
                f"instead of {RECORD * RECORDS:,} bytes, {expected[: len(kind) + 13]}...); fetch it again"
            )
    return b"".join(content for _, content in files)


def _images(records: bytes) -> Images:
    table = torch.from_numpy(np.frombuffer(records, dtype=np.uint8).copy()).view(-1, RECORD)
    return Images(table[:, 1:].reshape(-1, *SHAPE), table[:, 0].clone())
