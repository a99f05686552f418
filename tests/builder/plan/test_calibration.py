import hashlib
from pathlib import Path

import pytest

from builder.plan.calibration import (
    CALIBRATION_IMAGES,
    LEAST,
    MOST_CALIBRATING,
    MOST_MEASURING,
    Calibration,
    not_an_image,
    read_image,
)
from tests.builder.conftest import failure, png

PATH = ("variants", "cpu", "calibration")


def folder(root: Path, count: int, suffix: str = ".jpg") -> Path:
    """A folder of files that only have the names of images."""
    made = root / "photos"
    made.mkdir()
    for number in range(count):
        (made / f"{number:04}{suffix}").write_bytes(str(number).encode())
    return root / "boxes.yaml"


def test_four_of_five_images_calibrate_and_the_others_measure(tmp_path: Path) -> None:
    found = Calibration.find("photos", folder(tmp_path, 12), PATH)
    calibrating, measuring = (
        [int(it.stem) for it in files] for files in (found.calibrating, found.measuring)
    )
    assert calibrating == [0, 1, 2, 3, 5, 6, 7, 8, 10, 11]
    assert measuring == [4, 9]
    assert [int(it.stem) for it in found.all] == list(range(12))


def test_no_image_does_both(tmp_path: Path) -> None:
    found = Calibration.find("photos", folder(tmp_path, 1000), PATH)
    assert len(found.calibrating) == MOST_CALIBRATING
    assert len(found.measuring) == len(found.all) == MOST_MEASURING
    assert not set(found.calibrating) & set(found.measuring)
    # From the whole folder, not only from its beginning.
    assert int(found.calibrating[-1].stem) > 990


def test_images_in_folders_below_are_found_and_other_files_are_not(tmp_path: Path) -> None:
    manifest = folder(tmp_path, LEAST, ".PNG")
    (tmp_path / "photos" / "more").mkdir()
    (tmp_path / "photos" / "more" / "last.jpeg").touch()
    (tmp_path / "photos" / "notes.txt").touch()
    found = Calibration.find("photos", manifest, PATH)
    assert [it.name for it in found.files[-2:]] == ["0009.PNG", "last.jpeg"]


@pytest.mark.parametrize("count", [0, LEAST - 1])
def test_too_few_images(tmp_path: Path, count: int) -> None:
    manifest = folder(tmp_path, count)
    (problem,) = failure(lambda: Calibration.find("photos", manifest, PATH)).problems
    assert (problem.rule, problem.path) == (CALIBRATION_IMAGES, PATH)
    assert problem.found == f"{count} images in photos"


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    manifest = folder(tmp_path, LEAST)
    (tmp_path / "file").touch()
    (absent,) = failure(lambda: Calibration.find("photo", manifest, PATH)).problems
    assert absent.what == f"there is no folder {tmp_path / 'photo'}"
    assert absent.hint == f"did you mean '{tmp_path / 'photos'}'?"
    (file,) = failure(lambda: Calibration.find("file", manifest, PATH)).problems
    assert file.what == "is not a folder"


def test_digests_are_those_of_the_files(tmp_path: Path) -> None:
    found = Calibration.find("photos/", folder(tmp_path, LEAST), PATH)
    digests = found.digests(found.measuring)
    assert digests == {
        f"photos/{number:04}.jpg": hashlib.sha256(str(number).encode()).hexdigest()
        for number in (4, 9)
    }


def test_a_file_that_is_no_image(tmp_path: Path) -> None:
    manifest = folder(tmp_path, 1)
    image = tmp_path / "photos" / "0000.jpg"
    (problem,) = failure(lambda: read_image(image, manifest, PATH)).problems
    assert (problem.rule, problem.path) == (CALIBRATION_IMAGES, PATH)
    assert problem.found == "photos/0000.jpg"
    (first,) = filter(None, [not_an_image(image, manifest, PATH)])
    assert (first.rule, first.found) == (CALIBRATION_IMAGES, "photos/0000.jpg")
    image.write_bytes(png())
    assert not_an_image(image, manifest, PATH) is None
    assert read_image(image, manifest, PATH) == png()


def test_a_folder_without_permission_is_not_reported_as_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.setattr("os.access", lambda *_: False)
    error = failure(lambda: Calibration.find("photos", tmp_path / "m.yaml", ("calibration",)))
    (problem,) = error.problems
    assert problem.what == "cannot be read: Permission denied"
    assert problem.hint == "correct the permissions of the folder"
