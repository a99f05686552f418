from collections.abc import Iterable, Mapping

import numpy as np
import pytest

from runtimes.arrays import Array, Size
from runtimes.backends.cuda import Search
from runtimes.backends.varying_input import VaryingInput, VaryingSession
from runtimes.signature import Signature, Tensor

BUCKETS = ((64, 96), (96, 64), (96, 96))


@pytest.mark.parametrize(
    ("size", "bucket"),
    [
        ((64, 96), (64, 96)),
        ((1, 1), (64, 96)),
        ((65, 64), (96, 64)),
        ((65, 65), (96, 96)),
        ((96, 96), (96, 96)),
        ((97, 10), (97, 10)),
        ((10, 97), (10, 97)),
    ],
)
def test_the_smallest_bucket_that_holds_a_size(size: Size, bucket: Size) -> None:
    assert VaryingInput(BUCKETS).smallest(size) == bucket


def test_without_buckets_sizes_stay() -> None:
    assert VaryingInput().smallest((3, 5)) == (3, 5)


class Recorded:
    """A session that records the shapes that it gets."""

    signature = Signature((Tensor("images", (1, 3, None, None), "float32"),), ())
    device, warning = "paper", ""

    def __init__(self, search: Search | None) -> None:
        self.search = search
        self.shapes: list[tuple[int, ...]] = []
        self.names: tuple[str, ...] = ()

    def read(self, names: Iterable[str]) -> None:
        self.names = tuple(names)

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        self.shapes.append(inputs["images"].shape)
        return dict(inputs)


class Opened:
    """A varying session, and the sessions behind it."""

    def __init__(self, varying: VaryingInput) -> None:
        first = Recorded(None if varying.buckets else varying.search)
        self.sessions = [first]
        self.session = VaryingSession(varying, first, self.start)
        for bucket in varying.buckets:
            self.session.warm_up(images(bucket))

    def start(self, search: Search | None) -> Recorded:
        self.sessions.append(Recorded(search))
        return self.sessions[-1]


def images(size: Size) -> dict[str, Array]:
    return {"images": np.zeros((1, 3, *size), np.float32)}


def test_each_bucket_has_a_session_that_sees_one_shape() -> None:
    opened = Opened(VaryingInput(BUCKETS))
    for bucket in (*BUCKETS, *BUCKETS):
        opened.session.run(images(bucket))
    assert [it.search for it in opened.sessions] == [None] * 3
    assert [set(it.shapes) for it in opened.sessions] == [{(1, 3, *it)} for it in BUCKETS]
    # Once to warm up, and twice for images.
    assert [len(it.shapes) for it in opened.sessions] == [3] * 3


def test_all_larger_sizes_share_a_session_with_the_other_search() -> None:
    opened = Opened(VaryingInput(BUCKETS, search="HEURISTIC"))
    for size in ((200, 10), (10, 200), (64, 96)):
        opened.session.run(images(size))
    assert [it.search for it in opened.sessions] == [None, None, None, "HEURISTIC"]
    assert opened.sessions[3].shapes == [(1, 3, 200, 10), (1, 3, 10, 200)]


def test_without_buckets_there_is_one_session() -> None:
    opened = Opened(VaryingInput(search="DEFAULT"))
    for size in ((200, 10), (10, 200)):
        opened.session.run(images(size))
    assert [it.search for it in opened.sessions] == ["DEFAULT"]


def test_every_session_fetches_the_outputs_that_are_read() -> None:
    opened = Opened(VaryingInput(BUCKETS))
    opened.session.read(["boxes"])
    opened.session.run(images((200, 200)))
    assert [it.names for it in opened.sessions] == [("boxes",)] * 4
