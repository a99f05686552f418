import pytest

from builder.datasets.registry import open_dataset
from builder.diagnostics.errors import DatasetError
from tests.builder.datasets.conftest import WriteFiles

SIZE = (64, 128)
FILES: dict[str, str | tuple[int, int]] = {
    "query/0002_c1s1_000451_03.jpg": SIZE,
    "bounding_box_test/-1_c2s1_000451_03.jpg": SIZE,
    "bounding_box_test/0002_c12s3_000451_03.jpg": SIZE,
    "bounding_box_test/Thumbs.db": "",
    "bounding_box_train/0007_c1s1_000451_03.jpg": SIZE,
}


def test_identity_and_camera_are_attributes(write_files: WriteFiles) -> None:
    with open_dataset(write_files(FILES)) as dataset:
        assert dataset.format == "Market-1501, test"
        found = [tuple(image.annotations[0].attributes.values()) for image in dataset]
        assert dataset[2].name == "query/0002_c1s1_000451_03.jpg"
    assert found == [("-1", "2", "false"), ("0002", "12", "false"), ("0002", "1", "true")]


def test_a_name_without_identity_is_refused(write_files: WriteFiles) -> None:
    with pytest.raises(DatasetError, match="has no identity and camera in its name"):
        open_dataset(write_files({**FILES, "query/person.jpg": SIZE}))
