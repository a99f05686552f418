"""Discarding what libraries print to stderr."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_LOCK = RLock()


@contextmanager
def no_stderr() -> Iterator[None]:
    """Discard what the process writes to stderr inside the `with` block.

    OpenCV, libpng, libjpeg, FFmpeg, nvImageCodec, ONNX Runtime and OpenVINO print warnings there,
    past Python's `sys.stderr`. For faults that matter, they return an error or raise an exception.
    """
    # One thread at a time: two would restore each other's stderr.
    with _LOCK:
        sys.stderr.flush()
        kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nothing, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nothing)
