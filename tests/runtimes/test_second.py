from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.arrays import Array
from runtimes.attributes.measured import ChoiceAttribute, NumberAttribute
from runtimes.clock import Clock
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.network import Network, OpenNetwork, Outputs
from runtimes.second import OpenSecond, Second
from runtimes.step import Attribute, Decoder
from runtimes.view import View

Window = tuple[int, int, int, int]
WIDTH, HEIGHT = 100, 80
IMAGE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
CROP = Geometry(2, 2, -20, -40)
"""The map of crops at twice the size, 10 from the left and 20 from the top of the image."""


class Scripted(OpenNetwork):
    """A model with given outputs, one for each crop."""

    def __init__(self, answers: Sequence[dict[str, Array]]) -> None:
        self.windows: list[Window] = []
        self.images: list[Array] = []
        self._answers = answers

    def run_crops(self, image: Array, windows: Sequence[Window], clock: Clock) -> Iterator[Outputs]:
        self.windows += windows
        for place in range(len(windows)):
            answer = self._answers[place % len(self._answers)]
            yield Outputs(answer, View((HEIGHT, WIDTH), (64, 64), CROP))

    def run_images(self, images: Iterable[Array], clock: Clock) -> Iterator[Outputs]:
        self.images += images
        for place in range(len(self.images)):
            answer = self._answers[place % len(self._answers)]
            yield Outputs(answer, View((HEIGHT, WIDTH), (64, 64), CROP))


@dataclass(frozen=True, slots=True)
class Spots(Decoder):
    """Instances whose keypoints and scores are the model's outputs."""

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        points, scores = outputs["points"], outputs["scores"]
        kept = scores > threshold
        boxes = np.tile([0.0, 0.0, 1.0, 1.0], (len(scores), 1))
        classes = np.zeros(len(scores), np.int64)
        return Instances.of(boxes, scores, classes, keypoints=points).take(kept)


@dataclass(frozen=True, slots=True)
class ImageSpots(Spots):
    """The same, with points in pixels of the image."""

    space: ClassVar[Literal["input", "image"]] = "image"


def second(
    network: OpenNetwork,
    *steps: Decoder | Attribute,
    classes: tuple[int, ...] = (1,),
    expand: float = 1.0,
    aspect: float | None = None,
    crop: Literal["box", "oriented"] = "box",
) -> OpenSecond:
    decoders = [it for it in steps if isinstance(it, Decoder)]
    attributes = tuple(it for it in steps if isinstance(it, Attribute))
    described = Second(
        network=Network("second.onnx", "crop", ()),
        classes=classes,
        expand=expand,
        decoder=decoders[0] if decoders else None,
        attributes=attributes,
        aspect=aspect,
        crop=crop,
    )
    return OpenSecond(described, network)


def numbers(*values: float) -> Scripted:
    """A model with one number per crop."""
    return Scripted([{"out": np.array([[value]], np.float32)} for value in values])


def spots(*found: list[list[list[float]]], scores: Sequence[float] = (0.5,)) -> Scripted:
    """A model that finds instances with keypoints in each crop, with the given scores."""
    return Scripted(
        [
            {
                "points": np.array(points, np.float64) if points else np.zeros((0, 1, 3)),
                "scores": np.array(scores[: len(points)], np.float64),
            }
            for points in found
        ]
    )


def instances(*classes: int, keypoints: Array | None = None) -> Instances:
    """Instances of the given classes, each with its own box and score."""
    count = len(classes)
    left = np.arange(count) * 10.0
    boxes = np.stack([left, left, left + 8, left + 9], axis=1)
    return Instances(
        boxes,
        0.9 - 0.1 * np.arange(count),
        np.array(classes, np.int64),
        keypoints=keypoints,
        rows=np.arange(count) + 7,
    )


def assert_same(after: Instances, before: Instances) -> None:
    """Check that everything except attributes and keypoints is unchanged."""
    assert after.boxes.tolist() == before.boxes.tolist()
    assert after.scores.tolist() == before.scores.tolist()
    assert after.classes.tolist() == before.classes.tolist()
    assert after.rows is not None
    assert before.rows is not None
    assert after.rows.tolist() == before.rows.tolist()


AGE = NumberAttribute("age", "out")


@pytest.mark.parametrize(
    ("box", "expand", "window"),
    [
        ((10, 20, 30, 40), 1, (10, 20, 30, 40)),
        # Pixels that a box touches belong to it.
        ((10.2, 20.7, 30.1, 40.0), 1, (10, 20, 31, 40)),
        # 40 by 20 grows by 5 to each side and by 2.5 up and down.
        ((20, 20, 60, 40), 1.25, (15, 17, 65, 43)),
        ((20, 20, 60, 40), 2, (0, 10, 80, 50)),
        ((0, 0, 10, 10), 2, (0, 0, 15, 15)),
        ((90, 70, 100, 80), 2, (85, 65, 100, 80)),
        ((0, 0, 100, 80), 4, (0, 0, 100, 80)),
        # Over the borders.
        ((-5, -5, 5, 5), 1, (0, 0, 5, 5)),
        ((95, 75, 120, 90), 1, (95, 75, 100, 80)),
        ((120, -20, 140, -10), 1, (99, 0, 100, 1)),
        ((-40, 90, -30, 95), 2, (0, 79, 1, 80)),
        # Next to nothing is a pixel.
        ((50.2, 30.3, 50.2, 30.3), 1, (50, 30, 51, 31)),
        ((50, 30, 50, 30), 4, (50, 30, 51, 31)),
        ((0, 0, 0, 0), 1, (0, 0, 1, 1)),
        ((100, 80, 100, 80), 1, (99, 79, 100, 80)),
        ((99.9, 79.9, 99.95, 79.95), 1, (99, 79, 100, 80)),
    ],
)
def test_a_crop_is_the_expanded_box_clipped_to_the_image(
    box: tuple[float, ...], expand: float, window: Window
) -> None:
    network = numbers(1)
    found = Instances(np.array([box], np.float64), np.ones(1), np.ones(1, np.int64))
    second(network, AGE, expand=expand)(found, IMAGE, Clock())
    assert network.windows == [window]


@pytest.mark.parametrize(
    ("box", "expand", "aspect", "window"),
    [
        # 10 by 40 becomes 30 by 40, 40 by 10 becomes 40 by 20.
        ((45, 20, 55, 60), 1, 0.75, (35, 20, 65, 60)),
        ((30, 35, 70, 45), 1, 2, (30, 30, 70, 50)),
        # Grown first: 20 by 40 is 24 by 48, and then 36 by 48.
        ((40, 20, 60, 60), 1.2, 0.75, (32, 16, 68, 64)),
        # What has the aspect already stays.
        ((35, 20, 65, 60), 1, 0.75, (35, 20, 65, 60)),
        ((0, 20, 10, 60), 1, 0.75, (0, 20, 20, 60)),
    ],
)
def test_a_crop_is_extended_to_its_aspect_ratio(
    box: tuple[float, ...], expand: float, aspect: float, window: Window
) -> None:
    network = numbers(1)
    found = Instances(np.array([box], np.float64), np.ones(1), np.ones(1, np.int64))
    second(network, AGE, expand=expand, aspect=aspect)(found, IMAGE, Clock())
    assert network.windows == [window]


def test_an_oriented_crop_is_the_expanded_oriented_box() -> None:
    image = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    network = numbers(3, 4)
    # Level, and turned by 90 degrees: 20 by 10 pixels each, expanded to 40 by 20.
    rotated = np.array([[30, 40, 20, 10, 0], [60, 30, 20, 10, np.pi / 2]])
    boxes = np.array([[20.0, 35, 40, 45], [55, 20, 65, 40]])
    found = Instances(boxes, np.ones(2), np.ones(2, np.int64), rotated=rotated)
    result = second(network, AGE, expand=2, crop="oriented")(found, image, Clock())
    level, turned = network.images
    assert (level == image[30:50, 10:50]).all()
    assert (turned == np.rot90(image[10:50, 50:70])).all()
    assert result.attributes["age"].tolist() == ["3", "4"]


def test_outputs_may_have_another_size_for_each_crop() -> None:
    @dataclass(frozen=True, slots=True)
    class Steps(Attribute):
        attribute: str = "steps"

        def __call__(self, instances: Instances, outputs: Mapping[str, Array]) -> Instances:
            return instances.with_attribute("steps", np.array([str(outputs["out"].shape[1])]))

    network = Scripted([{"out": np.zeros((1, length, 4))} for length in (3, 12)])
    found = second(network, Steps())(instances(1, 0, 1), IMAGE, Clock())
    assert found.attributes["steps"].tolist() == ["3", "", "12"]


@given(
    st.tuples(st.floats(0, WIDTH), st.floats(0, HEIGHT)),
    st.tuples(st.floats(0, WIDTH), st.floats(0, HEIGHT)),
    st.floats(1, 4),
)
def test_a_crop_contains_the_box_and_is_within_the_image(
    one: tuple[float, float], other: tuple[float, float], expand: float
) -> None:
    x1, x2 = sorted((one[0], other[0]))
    y1, y2 = sorted((one[1], other[1]))
    network = numbers(1)
    found = Instances(np.array([[x1, y1, x2, y2]]), np.ones(1), np.ones(1, np.int64))
    second(network, AGE, expand=expand)(found, IMAGE, Clock())
    ((left, top, right, bottom),) = network.windows
    assert 0 <= left < right <= WIDTH
    assert 0 <= top < bottom <= HEIGHT
    assert left <= x1
    assert top <= y1
    assert right >= x2
    assert bottom >= y2


def test_instances_of_other_classes_keep_everything_and_get_empty_text() -> None:
    network = numbers(10, 20, 30)
    before = instances(1, 0, 3, 0, 1).with_attribute("old", np.array(list("abcde")))
    after = second(network, AGE, classes=(1, 3))(before, IMAGE, Clock())
    assert network.windows == [(0, 0, 8, 9), (20, 20, 28, 29), (40, 40, 48, 49)]
    assert_same(after, before)
    assert after.attributes["age"].tolist() == ["10", "", "20", "", "30"]
    assert after.attributes["old"].tolist() == list("abcde")


def test_attributes_of_other_instances_are_kept() -> None:
    before = instances(0, 1, 0).with_attribute("age", np.array(["7", "8", "a long text"]))
    after = second(numbers(99), AGE)(before, IMAGE, Clock())
    assert after.attributes["age"].tolist() == ["7", "99", "a long text"]


def test_a_longer_text_is_not_truncated() -> None:
    step = ChoiceAttribute("kind", ("a", "a very long word"), "out")
    network = Scripted([{"out": np.array([[0, 1]], np.float32)}])
    before = instances(1, 0).with_attribute("kind", np.array(["x", "y"]))
    after = second(network, step)(before, IMAGE, Clock())
    assert after.attributes["kind"].tolist() == ["a very long word", "y"]


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1), (1, 1, 3)])
@pytest.mark.parametrize("count", [1, 2])
def test_outputs_of_any_rank_have_one_row_per_crop(shape: tuple[int, ...], count: int) -> None:
    step = ChoiceAttribute("color", ("red", "green", "blue"), "out")
    rows = [np.reshape(row, shape) for row in ([0, 0, 9], [0, 9, 0])]
    network = Scripted([{"out": row.astype(np.float32)} for row in rows])
    after = second(network, step)(instances(*[1] * count), IMAGE, Clock())
    assert after.attributes["color"].tolist() == ["blue", "green"][:count]


def test_several_attributes_come_from_the_same_crops() -> None:
    answer = {"a": np.array([[3.0]]), "b": np.array([[0.0, 1.0]])}
    network = Scripted([answer])
    steps = (NumberAttribute("number", "a"), ChoiceAttribute("word", ("no", "yes"), "b"))
    after = second(network, *steps)(instances(1), IMAGE, Clock())
    assert {name: it.tolist() for name, it in after.attributes.items()} == {
        "number": ["3"],
        "word": ["yes"],
    }
    assert len(network.windows) == 1


@pytest.mark.parametrize("classes", [(), (0,), (0, 2, 3)])
def test_without_matching_instances_the_model_does_not_run(classes: tuple[int, ...]) -> None:
    network = numbers(1)
    before = instances(*classes).with_attribute("old", np.array(["x"] * len(classes)))
    after = second(network, AGE, Spots())(before, IMAGE, Clock())
    assert network.windows == []
    assert_same(after, before)
    assert after.attributes["old"].tolist() == ["x"] * len(classes)
    # A shape that draws keypoints has none to draw, but it has them.
    assert after.keypoints is not None
    assert after.keypoints.shape == (len(classes), 0, 3)


def test_keypoints_are_mapped_from_the_crop_to_the_image() -> None:
    network = spots([[[20, 20, 0.9], [0, 8, 0.4]]], [[[2, 4, 0.8], [4, 2, 0.7]]])
    before = instances(1, 0, 1)
    after = second(network, Spots())(before, IMAGE, Clock())
    assert_same(after, before)
    assert after.keypoints is not None
    # x is (x + 20) / 2, y is (y + 40) / 2; the instance of another class has none to be seen.
    assert after.keypoints.tolist() == [
        [[20, 30, 0.9], [10, 24, 0.4]],
        [[0, 0, -1], [0, 0, -1]],
        [[11, 22, 0.8], [12, 21, 0.7]],
    ]


def test_keypoints_in_pixels_of_the_image_are_not_mapped() -> None:
    after = second(spots([[[20, 30, 0.9]]]), ImageSpots())(instances(1), IMAGE, Clock())
    assert after.keypoints is not None
    assert after.keypoints.tolist() == [[[20, 30, 0.9]]]


@pytest.mark.parametrize("best", [0, 1, 2])
def test_the_best_instance_of_a_crop_is_used(best: int) -> None:
    scores = [0.25, 0.25, 0.25]
    scores[best] = 0.5
    found: list[list[list[float]]] = [[[10, 10, 1]], [[20, 20, 1]], [[30, 30, 1]]]
    network = spots(found, scores=scores)
    after = second(network, ImageSpots())(instances(1), IMAGE, Clock())
    assert after.keypoints is not None
    assert after.keypoints[0].tolist() == found[best]


@pytest.mark.parametrize("score", [0.0, -0.5])
def test_keypoints_of_any_score_are_used(score: float) -> None:
    network = spots([[[20, 30, 0.1]]], scores=[score])
    after = second(network, ImageSpots())(instances(1), IMAGE, Clock())
    assert after.keypoints is not None
    assert after.keypoints.tolist() == [[[20, 30, 0.1]]]


def test_a_crop_without_detections_has_invisible_keypoints() -> None:
    network = spots([], [[[20, 30, 0.9]]])
    after = second(network, ImageSpots())(instances(1, 1), IMAGE, Clock())
    assert after.keypoints is not None
    assert after.keypoints.tolist() == [[[0, 0, -1]], [[20, 30, 0.9]]]


def test_without_detections_in_any_crop_there_are_no_keypoints() -> None:
    after = second(spots([]), ImageSpots())(instances(1, 0, 1), IMAGE, Clock())
    assert after.keypoints is not None
    assert after.keypoints.shape == (3, 0, 3)


KNOWN = np.array([[[1, 2, 0.9]], [[3, 4, 0.8]], [[5, 6, 0.7]]], np.float64)


def test_keypoints_of_other_instances_are_kept() -> None:
    before = instances(0, 1, 2, keypoints=KNOWN)
    after = second(spots([[[20, 30, 0.5]]]), ImageSpots())(before, IMAGE, Clock())
    assert after.keypoints is not None
    assert after.keypoints.tolist() == [[[1, 2, 0.9]], [[20, 30, 0.5]], [[5, 6, 0.7]]]


def test_keypoints_are_kept_without_matching_instances() -> None:
    before = instances(0, 2, 3, keypoints=KNOWN)
    after = second(spots([[[20, 30, 0.5]]]), ImageSpots())(before, IMAGE, Clock())
    assert after.keypoints is not None
    assert after.keypoints.tolist() == KNOWN.tolist()


def test_two_second_models_set_keypoints_of_their_own_classes() -> None:
    found = instances(0, 1, 2, 0)
    found = second(spots([[[10, 10, 0.5]]]), ImageSpots(), classes=(0,))(found, IMAGE, Clock())
    found = second(spots([[[20, 20, 0.5]]]), ImageSpots(), classes=(2,))(found, IMAGE, Clock())
    assert found.keypoints is not None
    assert found.keypoints[:, 0].tolist() == [
        [10, 10, 0.5],
        [0, 0, -1],
        [20, 20, 0.5],
        [10, 10, 0.5],
    ]


def test_keypoints_and_attributes_come_from_one_run() -> None:
    answer = {"points": np.array([[[20.0, 30, 0.5]]]), "scores": np.ones(1), "out": np.ones((1, 1))}
    network = Scripted([answer])
    after = second(network, ImageSpots(), AGE)(instances(0, 1), IMAGE, Clock())
    assert len(network.windows) == 1
    assert after.keypoints is not None
    assert after.keypoints[1].tolist() == [[20, 30, 0.5]]
    assert after.attributes["age"].tolist() == ["", "1"]


def test_a_warm_up_runs_on_the_whole_image() -> None:
    network = numbers(1)
    second(network, AGE, classes=(4, 5)).warm_up(IMAGE)
    assert network.windows == [(0, 0, WIDTH, HEIGHT)]
