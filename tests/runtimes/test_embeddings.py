import numpy as np
import pytest

from runtimes.embeddings import Embeddings, fingerprint
from runtimes.geometry import Geometry
from runtimes.network import Outputs
from runtimes.view import View

VIEW = View((4, 6), (8, 8), Geometry(2, 2))


def outputs(size: int, value: float = 0) -> Outputs:
    """Two tensors of `size` bytes together."""
    half = np.full(size // 8, value, np.float32)
    return Outputs({"a": half, "b": half.copy()}, VIEW)


def test_a_cached_embedding_is_returned() -> None:
    memory = Embeddings(1000)
    memory.put(b"x", outputs(80, 3))
    found = memory.get(b"x")
    assert found is not None
    assert found.view == VIEW
    assert found.tensors["b"].tolist() == [3] * 10
    assert memory.get(b"y") is None


def test_a_cached_embedding_is_a_copy() -> None:
    memory, given = Embeddings(1000), outputs(80, 3)
    kept = memory.put(b"x", given)
    given.tensors["a"][:] = 9
    assert kept.tensors["a"].tolist() == [3] * 10
    assert memory.get(b"x") is kept


def test_the_least_recently_used_embedding_is_evicted_first() -> None:
    memory = Embeddings(240)
    for name in (b"1", b"2", b"3"):
        memory.put(name, outputs(80))
    memory.get(b"1")
    memory.put(b"4", outputs(160))
    assert [memory.get(name) is not None for name in (b"1", b"2", b"3", b"4")] == [
        True,
        False,
        False,
        True,
    ]
    assert (len(memory), memory.bytes) == (2, 240)


@pytest.mark.parametrize("most", [0, 100])
def test_the_newest_embedding_is_kept_even_if_it_is_too_large(most: int) -> None:
    memory = Embeddings(most)
    memory.put(b"1", outputs(80))
    memory.put(b"2", outputs(800))
    assert memory.get(b"1") is None
    assert memory.get(b"2") is not None
    assert memory.bytes == 800


def test_an_image_that_is_put_twice_is_counted_once() -> None:
    memory = Embeddings(1000)
    memory.put(b"1", outputs(80))
    memory.put(b"1", outputs(160))
    assert (len(memory), memory.bytes) == (1, 160)


def test_fingerprints_differ_by_any_character() -> None:
    texts = ["", "a", "b", "ab", "aGVsbG8=", "aGVsbG9=", "\ud800", "ä"]
    assert len({fingerprint(text) for text in texts}) == len(texts)
    assert fingerprint("ab") == fingerprint("a" + "b")
