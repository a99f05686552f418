from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder.diagnostics.errors import BuiltError, DatasetError
from builder.evaluation.collect import collect
from builder.evaluation.evaluation import Failure, Result
from builder.evaluation.measure import Sample, Unanswered
from builder.evaluation.store import Store
from builder.run.function import Function
from tests.builder.evaluation.made import Counted, MadeDataset, MadeFunction, picture


class Listed:
    """A measure that keeps the answers."""

    def __init__(self, dataset: MadeDataset) -> None:
        self.dataset = dataset
        self.added: list[tuple[str, Any]] = []

    def __len__(self) -> int:
        return len(self.dataset)

    def samples(self) -> Iterator[Sample]:
        return (Sample(image.name, (image,)) for image in self.dataset)

    def ask(self, function: Function, sample: Sample) -> object:
        reply = function(sample.images[0].file.read_bytes())
        if reply.body == "broken":
            raise Unanswered("cannot be decoded", skipped=True)
        if reply.status != 200:
            raise Unanswered(f"status {reply.status}")
        return reply.body

    def add(self, sample: Sample, answer: Any) -> None:
        self.added.append((sample.name, answer))

    def result(self) -> Result:
        return Result({})


@pytest.fixture
def measure(tmp_path: Path) -> Listed:
    return Listed(MadeDataset([picture(tmp_path, number) for number in range(4)]))


def run(measure: Listed, function: Function, folder: Path, counter: Counted | None = None) -> Any:
    with Store(folder / "x.sqlite", "one") as store:
        return collect(function, measure, store, counter or Counted())


def test_every_sample_is_asked_once_scored_in_order_and_counted(
    measure: Listed, tmp_path: Path
) -> None:
    function, counter = MadeFunction(lambda number: number * 10, []), Counted()
    collected = run(measure, function, tmp_path, counter)
    assert function.asked == [0, 1, 2, 3]
    assert [answer for _, answer in measure.added] == [0, 10, 20, 30]
    assert counter.seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert counter.closed
    # The function says that it needs 10, 11, 12 and 13 milliseconds.
    assert collected.speed.requests == 4
    assert collected.speed.milliseconds[0] == pytest.approx(11.5)
    assert collected.speed.images_per_second == pytest.approx(1000 / 11.5)


def test_a_second_run_asks_only_for_what_is_missing(measure: Listed, tmp_path: Path) -> None:
    first = run(measure, MadeFunction(lambda number: number, []), tmp_path)
    # One more image in the middle, and one annotation changed, which no answer depends on.
    images = [*measure.dataset.images[:2], picture(tmp_path, 9), *measure.dataset.images[2:]]
    function = MadeFunction(lambda number: number, [])
    again = Listed(MadeDataset(images))
    second = run(again, function, tmp_path)
    assert function.asked == [9]
    assert [answer for _, answer in again.added] == [0, 1, 9, 2, 3]
    assert (first.speed.requests, second.speed.requests) == (4, 5)


def test_a_stopped_run_keeps_its_answers(measure: Listed, tmp_path: Path) -> None:
    def stopping(number: int) -> int:
        if number == 2:
            raise KeyboardInterrupt
        return number

    counter = Counted()
    with pytest.raises(KeyboardInterrupt):
        run(measure, MadeFunction(stopping, []), tmp_path, counter)
    assert counter.closed
    again, function = Listed(measure.dataset), MadeFunction(lambda number: number, [])
    run(again, function, tmp_path)
    assert function.asked == [2, 3]
    assert [answer for _, answer in again.added] == [0, 1, 2, 3]


def test_images_that_cannot_be_used_are_reported_and_left_out(
    measure: Listed, tmp_path: Path
) -> None:
    measure.dataset.images[1].file.unlink()
    function = MadeFunction(lambda number: "broken" if number == 2 else number, [])
    collected = run(measure, function, tmp_path)
    assert [name for name, _ in measure.added] == ["0000.png", "0003.png"]
    assert (collected.samples, list(collected.skipped), collected.failed) == (4, [1, 2], 0)
    assert [collected.place(index) for index in (0, 1)] == [0, 3]
    assert collected.failures == (
        Failure("0001.png", "cannot be read: No such file or directory", True),
        Failure("0002.png", "cannot be decoded", True),
    )


def test_images_with_a_fault_are_left_out_without_a_request(
    measure: Listed, tmp_path: Path
) -> None:
    images = list(measure.dataset.images)
    images[1] = replace(images[1], fault="is not a readable image")
    function = MadeFunction(lambda number: number, [])
    collected = run(Listed(MadeDataset(images)), function, tmp_path)
    assert function.asked == [0, 2, 3]
    assert collected.failures == (Failure("0001.png", "is not a readable image", True),)


def test_images_without_an_answer_count_as_empty_and_are_asked_again(
    measure: Listed, tmp_path: Path
) -> None:
    class Failing(MadeFunction):
        def send(self, body: object, content_type: str) -> Any:
            reply = super().send(body, content_type)
            self._status = 500 if len(self.asked) == 1 else 200
            return reply

    collected = run(measure, Failing(lambda number: number, []), tmp_path)
    assert measure.added[:3] == [("0000.png", 0), ("0001.png", None), ("0002.png", 2)]
    assert (len(collected.skipped), collected.failed) == (0, 1)
    function = MadeFunction(lambda number: number, [])
    run(Listed(measure.dataset), function, tmp_path)
    assert function.asked == [1]


def test_no_usable_image_and_no_answer_are_errors(measure: Listed, tmp_path: Path) -> None:
    with pytest.raises(BuiltError, match="answered no image") as failed:
        run(measure, MadeFunction(lambda number: number, [], status=500), tmp_path)
    assert "status 500" in failed.value.problems[0].found
    for image in measure.dataset.images:
        image.file.unlink()
    with pytest.raises(DatasetError, match="none of the 4 images"):
        run(measure, MadeFunction(lambda number: number, []), tmp_path / "other")
