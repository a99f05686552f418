from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builder.datasets.annotation import Annotation, LabeledImage, Rectangle, Tag
from builder.evaluation.evaluation import Result
from builder.evaluation.label_map import label_map
from builder.evaluation.measure import Sample, Task
from builder.evaluation.measures import tags
from tests.builder.evaluation.made import MadeDataset, MadeFunction, picture

SPEC = [{"name": "cat", "type": "tag"}, {"name": "dog", "type": "tag"}]


def task(*images: LabeledImage, threshold: float | None = 0.5) -> Task:
    dataset = MadeDataset(images)
    return Task(SPEC, {}, threshold, dataset, label_map(dataset.labels, SPEC, (), Path("made")))


def image_of(*labels: str) -> LabeledImage:
    return LabeledImage("0.png", Path("0.png"), tuple(Annotation(it, Tag()) for it in labels))


def evaluated(*pairs: tuple[tuple[str, ...], dict[str, float] | None]) -> Result:
    """The result of images with these tags, and the confidences in their replies."""
    images = [image_of(*labels) for labels, _ in pairs]
    measure = tags.start(task(*images))
    for image, (_, scores) in zip(images, pairs, strict=True):
        answer = None
        if scores is not None:
            items = [{"label": it, "type": "tag", "confidence": scores[it]} for it in scores]
            answer = {"size": [80, 100], "items": items}
        measure.add(Sample(image.name, (image,)), answer)
    return measure.result()


def test_figures_by_hand() -> None:
    result = evaluated(
        (("cat",), {"cat": 0.9, "dog": 0.6}),  # one right, one wrong
        (("dog",), {"cat": 0.7, "dog": 0.4}),  # the right one is below the threshold
        (("cat", "dog"), {"dog": 0.8}),
        ((), {"cat": 0.1}),
        (("cat",), None),  # failed
    )
    metrics = result.metrics
    # Of four images with a tag, the best label is right in the first and the third.
    assert metrics["top1"] == 2 / 4
    # At 0.5: cat 0.9 and dog 0.8 are right, dog 0.6 and cat 0.7 wrong; five tags.
    assert metrics["precision"] == 2 / 4
    assert metrics["recall"] == 2 / 5
    assert metrics["f1"] == pytest.approx(2 * 0.5 * 0.4 / 0.9)
    # cat: right 0.9, wrong 0.7 and 0.1, of three. dog: right 0.8, wrong 0.6, right 0.4, of two.
    cat, dog = 1 / 3, 1 / 2 + 1 / 2 * 2 / 3
    assert metrics["map"] == pytest.approx((cat + dog) / 2)
    (table,) = result.tables
    assert table.rows["cat"][:4] == pytest.approx((3, cat, 1 / 2, 1 / 3))
    assert table.rows["dog"][:4] == pytest.approx((2, dog, 1 / 2, 1 / 2))
    # The second image has two mistakes and nothing right, the failed one a single mistake.
    assert [it.index for it in result.worst] == [1, 4, 0, 2]
    assert result.best == ()


def test_random_tags_have_the_figures_of_plain_loops() -> None:
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(60):
        labels = tuple(it for it in ("cat", "dog") if rng.random() < 0.5)
        pairs.append((labels, {it: float(rng.integers(1, 100)) / 100 for it in ("cat", "dog")}))
    result = evaluated(*pairs)
    for place, name in enumerate(("cat", "dog")):
        right = wrong = missed = 0
        for labels, scores in pairs:
            above = scores[name] >= 0.5
            right += above and name in labels
            wrong += above and name not in labels
            missed += not above and name in labels
        row = list(result.tables[0].rows.values())[place]
        precision, recall = right / (right + wrong), right / (right + missed)
        f1 = 2 * precision * recall / (precision + recall)
        assert row[2:5] == pytest.approx((precision, recall, f1))
    tagged = [(labels, scores) for labels, scores in pairs if labels]
    hits = sum(max(scores, key=lambda it: scores[it]) in labels for labels, scores in tagged)
    assert result.metrics["top1"] == hits / len(tagged)


def test_tags_fit_tags_on_both_sides() -> None:
    tagged = image_of("cat")
    boxed = LabeledImage("0.png", Path("0.png"), (Annotation("cat", Rectangle(0, 0, 1, 1)),))
    assert tags.fits(task(tagged), [tagged])
    assert not tags.fits(task(boxed), [boxed])
    spec = [{"name": "cat", "type": "rectangle"}]
    boxes = Task(spec, {}, None, MadeDataset((tagged,)), task(tagged).label_map)
    assert not tags.fits(boxes, [tagged])
    # Labels of any type may be drawn as boxes too.
    every = Task([{"name": "cat"}], {}, None, MadeDataset((tagged,)), task(tagged).label_map)
    assert tags.fits(every, [tagged])
    assert not tags.fits(every, [tagged, boxed])


def test_the_function_is_asked_for_low_confidences(tmp_path: Path) -> None:
    image = picture(tmp_path, 3, ("cat", Tag()))
    measure = tags.start(task(image))
    function = MadeFunction(
        lambda number: [{"label": "cat", "type": "tag", "confidence": 0.25}], SPEC
    )
    (sample,) = measure.samples()
    answer: Any = measure.ask(function, sample)
    assert function.thresholds == [0.001]
    assert answer["items"][0]["confidence"] == 0.25
    assert len(measure) == 1
