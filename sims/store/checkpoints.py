"""Checkpoints: the state of a pack in the middle of its training, as safetensors (data only, never a pickle).

A file holds the tensors and, in its header, whose state it is, the time spent so far, and a digest of
everything: safetensors itself does not notice a flipped bit.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from hptheory.files import OutputError, output_folder, replacing
from sims.errors import CheckpointError


@dataclass(frozen=True)
class Saved:
    """What a checkpoint holds: the state of the pack, and the seconds of training that went into it."""

    state: dict[str, Tensor]
    seconds: float


class Checkpoint:
    """The checkpoint of one pack, given by the keys of its runs, in a run directory.

    *Laws*: what is read is what was written, bit for bit; after a crash the file is the old one or the new
    one; a change of any bit is noticed; another pack's file is refused.
    """

    def __init__(self, directory: Path, keys: tuple[str, ...]) -> None:
        self.keys = keys
        name = hashlib.sha256(" ".join(keys).encode()).hexdigest()[:32]
        self.path = directory / "checkpoints" / f"{name}.safetensors"

    def write(self, state: Mapping[str, Tensor], seconds: float) -> None:
        """Store a state in place of the former one.

        Domain: a place that cannot be written raises ``hptheory.files.OutputError``; the former one stays.
        """
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
        header = {"runs": json.dumps(self.keys), "seconds": repr(seconds)}
        output_folder(self.path.parent)
        with replacing(self.path) as draft:
            try:
                save_file(tensors, draft, {**header, "digest": _digest(tensors, header)})
            except SafetensorError as error:
                raise OutputError(self.path, _of_the_system(error)) from error

    def read(self) -> Saved | None:
        """What was stored last; None if nothing was.

        Domain: a file that is damaged, or another pack's, raises ``CheckpointError``.
        """
        if not self.path.exists():
            return None
        header, tensors = _read(self.path)
        if header.get("runs") != json.dumps(self.keys):
            raise CheckpointError(f"the checkpoint {self.path} belongs to other runs")
        return Saved(tensors, float(header["seconds"]))

    def discard(self) -> None:
        """Remove the file, if there is one."""
        self.path.unlink(missing_ok=True)


def stored_packs(directory: Path) -> list[tuple[str, ...]]:
    """The packs that have a checkpoint, each as the keys of its runs; files that cannot be read are left
    out."""
    packs = []
    for path in sorted((directory / "checkpoints").glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt") as file:
                packs.append(tuple(json.loads((file.metadata() or {})["runs"])))
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            continue
    return packs


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            header = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        digest = header.pop("digest")
    except OSError as error:
        raise CheckpointError(f"cannot read the checkpoint {path} ({error})") from error
    except (SafetensorError, KeyError) as error:
        raise CheckpointError(f"the checkpoint {path} is damaged ({error})") from error
    if digest != _digest(tensors, header):
        raise CheckpointError(f"the checkpoint {path} is damaged (its content does not match its digest)")
    return header, tensors


def _of_the_system(error: SafetensorError) -> OSError:
    """The system's error that safetensors tells in words, e.g. "I/O error: ... (os error 28)"."""
    told = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(told[1]), os.strerror(int(told[1]))) if told else OSError(0, str(error))


def _digest(tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> str:
    """A hash of names, types, shapes, bits and header."""
    total = hashlib.sha256(json.dumps(sorted(header.items())).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
