import sqlite3
from pathlib import Path

import cv2
import numpy as np
import pytest

from builder.datasets.annotation import Annotation, LabeledImage, Rectangle
from builder.diagnostics.errors import OutputError
from builder.evaluation.average_precision import Detections
from builder.evaluation.evaluate import Options, evaluate, threshold_of
from builder.targets.built import describe
from tests.builder.evaluation.made import Counted, MadeDataset
from tests.grids import quick_and_slow


def test_the_threshold_is_read_from_the_generated_source(built_once: Path, tmp_path: Path) -> None:
    assert threshold_of(describe(built_once, "cpu").code_folder) == 0.25
    (tmp_path / "model_handler.py").write_text("FUNCTION = Interactor(network=None)\n")
    assert threshold_of(tmp_path) is None
    assert threshold_of(tmp_path / "absent") is None


@pytest.mark.parametrize("variant", quick_and_slow(["cpu", "gpu"], ["cpu"]))
def test_a_built_function_is_evaluated_and_its_replies_are_kept(
    variant: str, built_once: Path, tmp_path: Path
) -> None:
    """The model finds the same boxes in every image, whatever it shows."""
    images = []
    for number in range(3):
        file = tmp_path / f"{number}.png"
        cv2.imwrite(str(file), np.full((48, 64, 3), number, np.uint8))
        # All in place of one cat in the corner, which the model never finds.
        images.append(LabeledImage(file.name, file, (Annotation("cat", Rectangle(0, 0, 2, 2)),)))
    dataset = MadeDataset(images, ("cat",))
    options = Options(store=tmp_path / "store")
    counter = Counted()
    assert variant in ("cpu", "gpu")
    done = evaluate(built_once, variant, dataset, options, counter)  # type: ignore[arg-type]
    assert (done.variant, done.samples, done.failures) == (variant, 3, ())
    assert done.measure == "boxes"
    assert done.device
    assert done.result.metrics["map50"] == 0
    assert done.result.metrics["threshold"] == 0.25
    assert done.speed is not None
    assert done.speed.requests == 3
    assert counter.seen[-1] == (3, 3)
    assert len(list((tmp_path / "store").iterdir())) == 1
    again = evaluate(built_once, variant, dataset, options, Counted())  # type: ignore[arg-type]
    assert again == done


def test_a_full_disk_is_an_error_without_a_traceback(
    built_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    cv2.imwrite(str(tmp_path / "0.png"), np.zeros((48, 64, 3), np.uint8))
    box = Annotation("cat", Rectangle(0, 0, 2, 2))
    dataset = MadeDataset([LabeledImage("0.png", tmp_path / "0.png", (box,))], ("cat",))
    monkeypatch.setattr(Detections, "add", full)
    options = Options(store=tmp_path / "store")
    with pytest.raises(OutputError, match="disk is full") as caught:
        evaluate(built_once, "cpu", dataset, options, Counted())
    assert "TMPDIR" in caught.value.problems[0].hint


@pytest.mark.slow
def test_pictures_show_the_right_images_after_a_skipped_one(
    built_once: Path, tmp_path: Path
) -> None:
    images = []
    for number in range(3):
        file = tmp_path / f"{number}.png"
        cv2.imwrite(str(file), np.full((64, 64, 3), number, np.uint8))
        # The model finds a cat here in every image; in the second one it is not annotated.
        cat = Annotation("cat", Rectangle(8, 12, 24, 20))
        dog = Annotation("dog", Rectangle(44, 32, 52, 48))
        images.append(LabeledImage(file.name, file, (dog,) if number == 1 else (cat, dog)))
    images[0].file.write_text("not an image")
    options = Options(store=tmp_path / "store", pictures=True)
    done = evaluate(built_once, "cpu", MadeDataset(images), options, Counted())
    assert (done.samples, done.skipped) == (3, 1)
    (worst,), (best,) = done.worst, done.best
    assert (worst.name, worst.note) == ("1.png", "1 found, 0 missed, 1 wrong")
    assert (best.name, best.note) == ("2.png", "2 found, 0 missed, 0 wrong")
    truth, found = (
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        for jpeg in (worst.truth, worst.found)
    )
    assert truth is not None
    assert found is not None
    # The left edge of the cat's box is drawn only in the picture of the detections.
    assert truth[14:18, 6:11].max() < 60
    assert found[14:18, 6:11].max() > 150
