import ctypes
import sys

import pytest

from runtimes import heap


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_freed_memory_is_returned_to_the_system() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    # Too small for pages of their own; the last one keeps the heap's end in place.
    blocks = [ctypes.c_void_p(libc.malloc(100_000)) for _ in range(600)]
    for block in blocks:
        ctypes.memset(block, 1, 100_000)
    for block in blocks[:-1]:
        libc.free(block)
    before = _resident()
    heap.release()
    assert _resident() < before - 30_000_000
    libc.free(blocks[-1])


def test_a_system_without_malloc_trim_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    heap.release()


def _resident() -> int:
    """The resident set size of this process in bytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
