"""The heap of this process."""

import ctypes
import sys
from contextlib import suppress


def release() -> None:
    """Return freed memory to the system, where the C library can (glibc's `malloc_trim`).

    A runtime that was unloaded leaves the model's size behind, which glibc keeps for later.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
