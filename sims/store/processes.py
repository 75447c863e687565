"""Is a process of this machine still there? Known at once, where a heartbeat needs patience."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

GONE = ("Z", "X")  # states of a process that has ended and was not waited for


def machine() -> str:
    """This machine, this boot of it, and this view of its processes: process numbers mean the same within it.

    Two containers with one host name, or one machine before and after a restart, are told apart (Linux;
    elsewhere the host name has to do).
    """
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def birth(pid: int) -> str | None:
    """What tells a process from a later one of the same number: its start, in clock ticks since boot.

    None where the system does not tell.

    >>> birth(os.getpid()) == birth(os.getpid())
    True
    """
    fields = _stat(pid)
    return fields[19] if fields else None


def is_running(pid: int, born: str | None) -> bool:
    """Whether the process of that number, born then, is still running on this machine.

    Where the system cannot be asked the answer is yes: then only the heartbeat tells.

    >>> is_running(os.getpid(), birth(os.getpid())), is_running(os.getpid(), "0")
    (True, False)
    """
    if Path("/proc/self/stat").exists():
        fields = _stat(pid)
        return fields is not None and fields[0] not in GONE and born in (None, fields[19])
    if os.name != "posix":  # elsewhere, signal 0 is no question
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on; the name before it may hold spaces and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
