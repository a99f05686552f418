from base64 import b64encode
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from builder.datasets.annotation import Annotation, LabeledImage, Rectangle, Tag
from builder.evaluation.evaluation import Result
from builder.evaluation.label_map import label_map
from builder.evaluation.measure import Sample, Task, Unanswered
from builder.evaluation.measures import reid
from builder.lint.examine import plan
from builder.run.process import FunctionProcess
from builder.targets.build import build
from runtimes.arrays import Array
from tests.builder.evaluation.made import MadeDataset, MadeFunction
from tests.grids import quick_and_slow
from tests.paths import MANIFESTS


class Embedder(MadeFunction):
    """A function whose vector of an image is its mean color; it remembers the images."""

    def __init__(self) -> None:
        super().__init__(lambda number: None, [])
        self.seen: list[Array] = []

    def examine(self, image: bytes) -> dict[str, Array]:
        pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None
        self.seen.append(pixels)
        height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
        quarters = [pixels[y : y + height, x : x + width] for y in (0, height) for x in (0, width)]
        return {"vectors": np.array([it.mean(axis=(0, 1)) for it in quarters])}


def task(*images: LabeledImage) -> Task:
    dataset = MadeDataset(images, ("person",))
    return Task([], {}, None, dataset, label_map(dataset.labels, [], (), Path("made")))


def person(identity: str, camera: str = "", query: str = "") -> Annotation:
    """A whole image with an identity."""
    given = {"identity": identity, "camera": camera, "query": query}
    return Annotation("person", Tag(), attributes={key: it for key, it in given.items() if it})


def encoded(*vectors: Any) -> list[str | None]:
    """An answer."""
    return [None if it is None else b64encode(np.float32(it).tobytes()).decode() for it in vectors]


def evaluated(*pairs: tuple[Annotation, Any]) -> Result:
    """The result of images with one annotation each, and their vectors."""
    images = [
        LabeledImage(f"{number}.png", Path(f"{number}.png"), (annotation,))
        for number, (annotation, _) in enumerate(pairs)
    ]
    measure = reid.start(task(*images))
    samples = list(measure.samples())
    assert len(samples) == len(measure) == len(images)
    for sample, (_, vector) in zip(samples, pairs, strict=True):
        measure.add(sample, None if vector is None else encoded(vector))
    return measure.result()


def at(degrees: float) -> tuple[float, float]:
    """A vector at an angle, of another length than 1."""
    return 3 * float(np.cos(np.radians(degrees))), 3 * float(np.sin(np.radians(degrees)))


def test_figures_by_hand() -> None:
    result = evaluated(
        (person("1", "a", "true"), at(0)),
        (person("1", "a", "false"), at(1)),  # the query's camera: does not count
        (person("2", "b", "false"), at(2)),
        (person("1", "b", "false"), at(3)),
        (person("-1", "b", "false"), at(4)),  # junk
        (person("0", "b", "false"), at(5)),
        (person("1", "c", "false"), at(6)),
        (person("2", "a", "true"), at(2.25)),  # nearest: 2 of camera b
        (person("3", "a", "true"), at(9)),  # without a right entry: left out
    )
    # The first query finds 2, 1, 0, 1: right at the places 2 and 4.
    first = (1 / 2 + 2 / 4) / 2
    assert result.metrics == {"rank1": 1 / 2, "rank5": 1.0, "map": pytest.approx((first + 1) / 2)}
    assert [(it.index, it.note) for it in result.worst] == [(0, "first right match at rank 2")]
    assert [it.index for it in result.best] == [7]
    assert result.notes[0].startswith("2 queries, 5 entries")


def test_a_box_without_a_vector_is_not_found_and_finds_nothing() -> None:
    result = evaluated(
        (person("1", "a"), at(0)), (person("1", "b"), None), (person("2", "b"), at(1))
    )
    # The first finds 2 only, the second is a miss, and the third has no right entry.
    assert result.metrics == {"rank1": 0, "rank5": 0, "map": 0}


def test_without_any_query_nothing_is_defined() -> None:
    assert evaluated((person("1"), at(0))).metrics == {"rank1": None, "rank5": None, "map": None}
    assert reid.start(task()).result().metrics == {"rank1": None, "rank5": None, "map": None}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("cameras", [0, 3])
def test_random_vectors_have_the_figures_of_plain_loops(seed: int, cameras: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        (str(rng.integers(6)), str(rng.integers(cameras)) if cameras else "", rng.normal(size=8))
        for _ in range(90)
    ]
    result = evaluated(*((person(one, camera), vector) for one, camera, vector in rows))
    first = fifth = 0
    precisions = []
    for number, (identity, camera, vector) in enumerate(rows):
        others = []
        for place, (other, where, there) in enumerate(rows):
            own = place == number or (other == identity and where == camera and camera != "")
            if not own:
                cosine = vector @ there / np.linalg.norm(vector) / np.linalg.norm(there)
                others.append((-cosine, other == identity))
        right = [is_right for _, is_right in sorted(others)]
        hits = [sum(right[: it + 1]) / (it + 1) for it in range(len(right)) if right[it]]
        first += any(right[:1])
        fifth += any(right[:5])
        precisions.append(sum(hits) / len(hits))
    assert result.metrics["rank1"] == pytest.approx(first / 90)
    assert result.metrics["rank5"] == pytest.approx(fifth / 90)
    assert result.metrics["map"] == pytest.approx(sum(precisions) / 90)


def striped(folder: Path, name: str, *colors: tuple[int, int, int]) -> Path:
    """An image of stripes of 20x60 pixels, side by side."""
    image = np.concatenate([np.full((60, 20, 3), it, np.uint8) for it in colors], axis=1)
    file = folder / name
    cv2.imwrite(str(file), image)
    return file


RED, BLUE = (0, 0, 255), (255, 0, 0)


def test_each_box_is_embedded_alone(tmp_path: Path) -> None:
    file = striped(tmp_path, "a.png", RED, BLUE)
    boxes = (
        Annotation("person", Rectangle(0, 0, 20, 60), track=1),
        Annotation("person", Rectangle(20.5, 0.5, 39.5, 59.5), track=2),
        Annotation("person", Rectangle(100, 0, 120, 60), track=3),
        Annotation("person", Rectangle(0, 0, 9, 9)),
    )
    measure = reid.start(task(LabeledImage("a.png", file, boxes)))
    (sample,) = measure.samples()
    function = Embedder()
    answer: Any = measure.ask(function, sample)
    # The third is outside of the image, the fourth has no identity.
    assert answer == encoded(RED, BLUE, None)
    assert [it.shape for it in function.seen] == [(120, 40, 3)] * 2


def test_an_image_that_cannot_be_read_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("text")
    for name in ("absent.png", "bad.png"):
        measure = reid.start(task(LabeledImage(name, tmp_path / name, (person("1"),))))
        (sample,) = measure.samples()
        with pytest.raises(Unanswered) as caught:
            measure.ask(Embedder(), sample)
        assert caught.value.skipped


def test_annotations_with_an_identity_fit() -> None:
    known = LabeledImage("a.png", Path("a.png"), (person("1"),))
    other = LabeledImage("a.png", Path("a.png"), (Annotation("person", Tag()),))
    assert reid.fits(task(known), [known])
    assert not reid.fits(task(other), [other])
    assert len(reid.start(task(other))) == 0


@pytest.mark.parametrize("variant", quick_and_slow(["cpu", "gpu"], ["cpu"]))
def test_an_example_tells_colors_apart(tmp_path: Path, variant: Any) -> None:
    images = []
    for number, color in enumerate([RED, BLUE, RED, BLUE, (0, 0, 230), (230, 0, 0)]):
        file = striped(tmp_path, f"{number}.png", color)
        own = person("red" if color[2] else "blue", str(number))
        images.append(LabeledImage(file.name, file, (own,)))
    measure = reid.start(task(*images))
    built = build(plan(MANIFESTS / "reid-demo.yaml"), tmp_path, force=False).folder
    with FunctionProcess(built, variant, allow_fallback=True) as function:
        for sample in measure.samples():
            assert isinstance(sample, Sample)
            measure.add(sample, measure.ask(function, sample))
    assert measure.result().metrics == {"rank1": 1, "rank5": 1, "map": pytest.approx(1)}
