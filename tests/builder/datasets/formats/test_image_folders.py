import pytest

from builder.datasets.registry import open_dataset
from builder.diagnostics.errors import DatasetError
from tests.builder.datasets.conftest import WriteFiles

SIZE = (8, 8)


@pytest.mark.parametrize("subset", ["", "val"])
def test_folders_are_labels(write_files: WriteFiles, subset: str) -> None:
    start = f"{subset}/" if subset else ""
    files = {f"{start}dog/1.jpg": SIZE, f"{start}cat/x/1.png": SIZE, f"{start}cat/2.png": SIZE}
    if subset:
        files["train/cow/1.jpg"] = SIZE
    folder = write_files({**files, "README.txt": "about"})
    with open_dataset(folder) as dataset:
        assert dataset.labels == ("cat", "dog")
        assert [(image.name, image.annotations[0].label) for image in dataset] == [
            (f"{start}cat/2.png", "cat"),
            (f"{start}cat/x/1.png", "cat"),
            (f"{start}dog/1.jpg", "dog"),
        ]


@pytest.mark.parametrize("files", [["images/1.jpg"], ["1.jpg"], ["cat/1.jpg", "notes/a.txt"]])
def test_images_without_labels_are_no_dataset(write_files: WriteFiles, files: list[str]) -> None:
    folder = write_files({name: SIZE if name.endswith("jpg") else "" for name in files})
    with pytest.raises(DatasetError, match="is not a dataset of a known format"):
        open_dataset(folder)
