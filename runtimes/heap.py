"""The heap of this process."""

import ctypes
import sys
from contextlib import suppress


def release() -> None:
    """Return freed memory to the system, where the C library can (glibc's `malloc_trim`).

    Runtimes free copies of the weights after loading or unloading a model, which glibc keeps for
    later: with a model of 90 MiB, ONNX Runtime's process shrank from 331 to 144 MiB.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
