import gc
import json
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from builder.datasets.registry import open_dataset
from builder.diagnostics.errors import CommandLineError, DatasetError


def test_a_folder_of_no_known_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(DatasetError, match="is not a dataset of a known format") as caught:
            open_dataset(path)
        (problem,) = caught.value.problems
        assert "annotations.xml (CVAT)" in problem.allowed
        assert problem.hint


@pytest.mark.parametrize("name", ["a.json", "a.xml", "a.yaml", "a.zip", "a.txt", "a.data"])
@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"{", b"[1", b"<annotations", b"PK\3\4", b"\0" * 100]
)
def test_a_damaged_file_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError):
        open_dataset(tmp_path / name)


def test_a_missing_path_is_reported(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "data.yaml").write_text("")
    for path, images, what, hint in (
        ("other", None, "there is no such file or folder", ""),
        ("x" * 300, None, "there is no such file or folder", ""),
        ("dat.yaml", None, "there is no such file or folder", "data.yaml"),
        ("data.yml", None, "there is no such file or folder", "data.yaml"),
        ("", "image", "there is no such folder", "images"),
        ("", "other", "there is no such folder", "--images DIR"),
        ("", "data.yaml", "is not a folder", "--images DIR"),
    ):
        with pytest.raises(CommandLineError, match=what) as caught:
            open_dataset(tmp_path / path, tmp_path / images if images else None)
        (problem,) = caught.value.problems
        assert hint in problem.hint
        assert bool(problem.hint) == bool(hint)


def test_temporary_files_are_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    folder = tmp_path / "dataset"
    coco(folder, 3)
    with open_dataset(folder) as dataset:
        assert len(list(scratch.iterdir())) == 1
        assert len(dataset) == 3
        with pytest.raises(IndexError):
            dataset[3]
        with pytest.raises(IndexError):
            dataset[-1]
    assert list(scratch.iterdir()) == []
    (folder / "annotations/instances_default.json").write_text("{")
    with pytest.raises(DatasetError):
        open_dataset(folder)
    assert list(scratch.iterdir()) == []


def pictures(folder: Path, count: int) -> list[str]:
    """Small images; links to one file, since only their names matter."""
    folder.mkdir(parents=True)
    first = folder / "0000000.png"
    assert cv2.imwrite(str(first), np.zeros((48, 64, 3), np.uint8))
    for number in range(1, count):
        (folder / f"{number:07}.png").hardlink_to(first)
    return [f"{number:07}.png" for number in range(count)]


def coco(folder: Path, count: int) -> None:
    names = pictures(folder / "images", count)
    data = {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(names)],
        "annotations": [
            {"id": number, "image_id": (number * 7) % count, "category_id": 1, "bbox": [1, 2, 3, 4]}
            for number in range(4 * count)
        ],
        "categories": [{"id": 1, "name": "cat"}],
    }
    (folder / "annotations").mkdir()
    (folder / "annotations/instances_default.json").write_text(json.dumps(data))


def cvat(folder: Path, count: int) -> None:
    names = pictures(folder / "images", count)
    box = '<box label="cat" occluded="0" xtl="1" ytl="2" xbr="3" ybr="4"/>' * 4
    with (folder / "annotations.xml").open("w") as target:
        target.write("<annotations>\n")
        target.writelines(f'<image id="0" name="{name}">{box}</image>\n' for name in names)
        target.write("</annotations>\n")


def yolo(folder: Path, count: int) -> None:
    names = pictures(folder / "images", count)
    (folder / "labels").mkdir()
    for name in names:
        (folder / "labels" / name).with_suffix(".txt").write_text("0 0.5 0.5 0.1 0.1\n" * 4)
    (folder / "data.yaml").write_text("names: [cat]\nval: images\n")


@pytest.mark.slow
@pytest.mark.parametrize("write", [coco, cvat, yolo])
def test_a_large_dataset_needs_no_more_memory(
    tmp_path: Path, write: Callable[[Path, int], None]
) -> None:
    peaks = []
    for count in (100, 2_000, 20_000):  # the first one imports modules
        folder = tmp_path / str(count)
        write(folder, count)
        gc.collect()
        tracemalloc.start()
        with open_dataset(folder) as dataset:
            assert sum(len(image.annotations) for image in dataset) == 4 * count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        shutil.rmtree(folder)
    # Python's table of interned strings, which pathlib fills, is resized in steps of megabytes. The
    # annotations themselves would need 40 MB.
    assert peaks[2] < peaks[1] + 2**22
