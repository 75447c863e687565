"""The process's memory while it trains: freed blocks are kept, where the C library would return them.

glibc takes large blocks straight from the system and gives them back when they are freed, so that a training
step that makes the same large temporaries again and again has every page of them zeroed anew.
"""

from __future__ import annotations

import ctypes
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # malloc.h
NEVER = 2**31 - 1


@cache
def keep_freed_blocks() -> bool:
    """Have the allocator keep what is freed, for the rest of the process; False where it isn't glibc's.

    The process then holds as much memory as it ever needed at a time.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, NEVER))
